"""The one list of checks, as `health` and `doctor` go through it; mending that needs no daemon."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw

from opensession.core.errors import OpenSessionError
from opensession.core.paths import Paths
from opensession.core.rpc.daemon import Check
from opensession.core.rpc.doctor import Diagnosis, DoctorParams, Finding, Fix
from opensession.daemon import (
    checks,
    doctor_checks,
    earlier_config,
    facts,
    forecasts,
    storage,
    verifying,
)
from opensession.daemon.publish import reporting
from opensession.daemon.state import App
from opensession.daemon.store import overview, pruning
from opensession.parsers.registry import INSTALLED

log = logging.getLogger(__name__)

LEFT_SECONDS = 3600.0
"""What is younger may be in use."""


async def health_checks(app: App) -> list[Check]:
    """Every check that is cheap enough to be made at any time. One that cannot be made is red."""
    found: list[Check] = []
    for name, look in _PARTS:
        try:
            found += await look(app)
        except Exception as error:
            log.warning("%s could not be looked at", name, exc_info=error)
            said = f"could not be looked at ({type(error).__name__})"
            found.append(
                Check(name=name, state="red", message=said, hint="opensession daemon logs")
            )
    return found


async def _config(app: App) -> list[Check]:
    found = checks.check_config(app.paths.config_file, app.loaded.warnings, app.refused)
    return [*found, *checks.check_restart(app.restart_due)]


async def _disk(app: App) -> list[Check]:
    return await asyncio.to_thread(_look_at_disk, app)


async def _capture(app: App) -> list[Check]:
    return facts.check_capture(app)


async def _retention(app: App) -> list[Check]:
    soon = await forecasts.forecasts(app)
    return forecasts.checks(soon, archiving=app.loaded.settings.archive.raw)


async def _publishing(app: App) -> list[Check]:
    return await reporting.checks(app.publisher)


async def _places(app: App) -> list[Check]:
    return [
        *checks.check_custom(await asyncio.to_thread(app.library.unrecognised)),
        *checks.check_repositories(await facts.repository_notes(app)),
        *checks.check_installed(INSTALLED.problems),
    ]


async def _agents(app: App) -> list[Check]:
    return checks.check_agents(
        await app.library.agent_status(look=True),
        app.library.indexing(),
        time.time_ns() // 1000,
    )


_PARTS: tuple[tuple[str, Callable[[App], Awaitable[list[Check]]]], ...] = (
    ("config", _config),
    ("disk", _disk),
    ("capture", _capture),
    ("index", facts.check_index),
    ("leaks", facts.check_leaks),
    ("retention", _retention),
    ("publishing", _publishing),
    ("watchers", _places),
    ("agents", _agents),
)


async def diagnose(app: App, params: DoctorParams) -> Diagnosis:
    """Those, and what else can be looked at; nothing is changed by it."""
    found = [_finding(check) for check in await health_checks(app)]
    roots = await asyncio.to_thread(_roots, app)
    deep = params.archive == "all"
    around = await asyncio.to_thread(_look_around, app.paths, roots, deep)
    if any(each.fix == "modes" for each in around):  # it names the same files, and more
        open_ones = await asyncio.to_thread(doctor_checks.open_to_others, app.paths)
        named = {str(path) for path, _ in open_ones}
        found = [
            each
            for each in found
            if each.name != "modes" or each.message.partition(" has mode ")[0] not in named
        ]
    found += around
    found += await asyncio.to_thread(earlier_config.check, app.paths, app.loaded)
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
    except (OpenSessionError, apsw.Error):
        return []  # said by the check of the index
    off = [] if app.loaded.settings.archive.raw else [_finding(checks.archiving_is_off())]
    past = sum(group.old for group in groups if group.reason is None)
    return [*off, *(_finding(check) for check in storage.check_storage(app, size, past))]


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
        *checks.check_modes(app.paths, app.socket if app.instance else app.socket / "daemon.sock"),
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
