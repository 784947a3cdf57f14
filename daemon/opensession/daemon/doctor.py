"""The one list of checks, as `health` and `doctor` go through it; mending that needs no daemon."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from opensession.core.errors import OpenSessionError
from opensession.core.paths import Paths
from opensession.core.rpc.daemon import Check
from opensession.core.rpc.doctor import Diagnosis, DoctorParams, Finding, Fix
from opensession.daemon import checks, doctor_checks, facts, forecasts, storage, verifying
from opensession.daemon.publish import reporting
from opensession.daemon.state import App
from opensession.daemon.store import overview, pruning
from opensession.parsers.registry import INSTALLED

LEFT_SECONDS = 3600.0
"""What is younger may be in use."""


async def health_checks(app: App) -> list[Check]:
    """Every check that is cheap enough to be made at any time."""
    return [
        *checks.check_config(app.paths.config_file, app.loaded.warnings, app.refused),
        *checks.check_restart(app.restart_due),
        *await asyncio.to_thread(_look_at_disk, app),
        *facts.check_capture(app),
        *await facts.check_index(app),
        *await facts.check_leaks(app),
        *forecasts.checks(
            await forecasts.forecasts(app), archiving=app.loaded.settings.archive.raw
        ),
        *await reporting.checks(app.publisher),
        *checks.check_custom(await asyncio.to_thread(app.library.unrecognised)),
        *checks.check_repositories(await facts.repository_notes(app)),
        *checks.check_installed(INSTALLED.problems),
        *checks.check_agents(
            await app.library.agent_status(look=True),
            app.library.indexing(),
            time.time_ns() // 1000,
        ),
    ]


async def diagnose(app: App, params: DoctorParams) -> Diagnosis:
    """Those, and what else can be looked at; nothing is changed by it."""
    found = [_finding(check) for check in await health_checks(app)]
    roots = await asyncio.to_thread(_roots, app)
    deep = params.archive == "all"
    found += await asyncio.to_thread(_look_around, app.paths, roots, deep)
    found += await _storage(app)
    if params.archive != "none":
        found += await _archive(app, only=not deep)
    return Diagnosis(all(each.state != "red" for each in found), found)


def _look_around(paths: Paths, roots: list[str], deep: bool) -> list[Finding]:
    return [
        *doctor_checks.check_sqlite(),
        *doctor_checks.check_databases(paths, deep=deep),
        *doctor_checks.check_place(paths),
        *doctor_checks.check_home(paths),
        *doctor_checks.check_inotify(roots),
        *doctor_checks.check_open(paths),
        *doctor_checks.check_foreign(paths),
    ]


def mend_modes(app: App) -> list[str]:
    """Narrows what of ours is open to others; the paths of what was changed."""
    changed = []
    for path, mode in doctor_checks.open_to_others(app.paths):
        path.chmod(mode & 0o700)
        changed.append(str(path))
    return changed


def remove_left_over(app: App) -> list[str]:
    """Removes what a crash left, as far as no process is at it; what was removed."""
    removed = []
    for path in doctor_checks.sort_out(app.paths)[2]:
        if time.time() - path.lstat().st_mtime > LEFT_SECONDS:
            path.unlink()
            removed.append(str(path))
    return removed


async def _storage(app: App) -> list[Finding]:
    try:
        size = (await app.library.query(overview.overview)).archive_bytes
        keep = await storage.keep_days(app)
        now_us = time.time_ns() // 1000
        groups = await app.library.query(pruning.groups, keep, now_us, storage.is_named(app))
    except OpenSessionError:
        return []
    past = sum(group.old for group in groups if group.reason is None)
    return [_finding(check) for check in storage.check_storage(app, size, past)]


async def _archive(app: App, *, only: bool) -> list[Finding]:
    archive_dir = app.paths.archive_dir
    try:
        found = await verifying.verify(app.library, archive_dir, _nobody, only=only)
    except OpenSessionError as error:
        said = f"the archive was not looked through: {error}"
        return [Finding(name="archive.integrity", state="warn", message=said, hint=error.hint)]
    return doctor_checks.check_archive(found)


def _nobody(done: int, total: int, detail: str) -> None:
    """Nobody is told how far it is."""


def _look_at_disk(app: App) -> list[Check]:
    return [
        *checks.check_disk(checks.disk_of(_existing(app.paths.data_dir))),
        *checks.check_modes(app.paths, app.socket),
    ]


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _roots(app: App) -> list[str]:
    watched = [a for a in app.library.agents if app.loaded.settings.watchers.enabled(a.name)]
    return [root.path for roots in app.library.roots_of(watched) for root in roots]


def _finding(check: Check) -> Finding:
    fix: Fix = ""
    if check.state != "ok":
        if check.name == "modes":
            fix = "modes"
        elif check.name == "restart":
            fix = "restart"
        elif check.name == "index" and check.state == "red":
            fix = "rebuild"
        elif check.hint == "opensession index --wait":
            fix = "read"
    return Finding(
        name=check.name, state=check.state, message=check.message, hint=check.hint, fix=fix
    )
