"""The facts that `status` and `health` show, gathered from the parts of the daemon."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

from opensession import core
from opensession.core import __version__
from opensession.core.errors import OpenSessionError, Unreachable
from opensession.core.rpc.daemon import Check, Paths, Status
from opensession.core.rpc.envelope import PROTOCOL
from opensession.core.timeparse import format_time
from opensession.daemon import budget, checks, forecasts, user_data
from opensession.daemon import repository_notes as ignored
from opensession.daemon.privacy_rules import fingerprint, privacy_rules
from opensession.daemon.publish import reporting
from opensession.daemon.state import App
from opensession.daemon.store import leaks, losses, overview
from opensession.daemon.store.outdated import Outdated, outdated
from opensession.daemon.store.readers import DamagedIndex, TooSlow

CHECK_SECONDS = 3.0
"""How long `health` lets SQLite look for damage; a large index is looked through at a start that
follows a stop that was not clean.
"""

SAID_TWICE = 2
"""What is kept is told by the first `daemon start` and by the first `daemon status`."""


_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)


async def status(app: App) -> Status:
    """How the daemon is now."""
    cost = await asyncio.to_thread(budget.cost)
    paths = app.paths
    agents = await app.library.agent_status()
    indexing = app.library.indexing()
    found = checks.check_agents(agents, indexing, time.time_ns() // 1000)
    behind = [f"{check.message}: {check.hint}" for check in found if check.state == "red"]
    try:
        sums = await app.library.query(overview.overview)
        older = (await outdated_sessions(app)).waiting
    except OpenSessionError:
        sums = overview.Overview()  # the index is being replaced: the rest is told all the same
        older = 0
    retention = await forecasts.forecasts(app)
    return Status(
        running=True,
        pid=os.getpid(),
        version=__version__,
        protocol=PROTOCOL,
        uptime_seconds=round(time.monotonic() - app.started, 3),
        socket=str(app.socket),
        queue_depth=app.library.queue_depth(),
        rss_bytes=cost.rss_bytes,
        cpu_seconds=round(cost.cpu_seconds, 3),
        index_bytes=database_bytes(paths.index_db),
        archive_bytes=sums.archive_bytes,
        children=cost.children,
        pss_bytes=cost.pss_bytes,
        paths=Paths(
            index=str(paths.index_db),
            user=str(paths.user_db),
            archive=str(paths.archive_dir),
            config=str(paths.config_file),
            socket=str(app.socket),
            log=str(paths.log_file),
        ),
        agents=agents,
        indexing=indexing,
        network=reporting.network(app.publisher),
        redacted=sums.redacted,
        warned=sums.warned,
        blocked=sums.blocked,
        paused_until=_paused_until(app),
        outdated_sessions=older,
        private_sessions=app.library.guards.private_count if app.library.guards else 0,
        restart_due=app.restart_due,
        retention=retention,
        notices=[*behind, *forecasts.notices(retention), *await notices(app), *_off(app)],
    )


def _off(app: App) -> list[str]:
    if app.loaded.settings.archive.raw:
        return []
    check = checks.archiving_is_off()
    return [f"{check.message}: {check.hint}"]


async def notices(app: App) -> list[str]:
    """What a person should know now; what is said once is counted as said."""
    found = [f"the configuration is not taken up: {error}" for error in app.refused]
    if until := _paused_until(app):
        found.append(f"paused until {until}: nothing is taken in (opensession pause --off)")
    found += [*app.library.notices(), *app.notices.values()]
    found += [
        f"{check.message}: {check.hint}"
        for check in [*await check_leaks(app), *await reporting.checks(app.publisher)]
        if check.state != "ok"
    ]
    installed = installed_version()
    if installed not in ("", __version__):
        found.append(
            f"opensession {installed} is installed, and {__version__} runs:"
            " opensession daemon restart"
        )
    if app.user is not None and app.loaded.settings.archive.raw:
        said = await app.user.run(lambda db: user_data.times_said(db, "kept"))
        if said < SAID_TWICE:
            found.append(kept_line(app.paths.archive_dir))
    return found


async def outdated_sessions(app: App, rules: str = "") -> Outdated:
    """Sessions that were stripped by other rules than these (empty: those of the configuration)."""
    rules = rules or fingerprint(app.loaded.settings.privacy)
    return await app.library.query(outdated, rules)


def _paused_until(app: App) -> str:
    pauses = app.library.pauses
    if pauses is None or (now := pauses.current) is None:
        return ""
    return format_time(now.until_us)


def installed_version(package: Path = Path(core.__file__)) -> str:
    """The version on disk, which an update changes under a running daemon; empty if unknown."""
    try:
        match = _VERSION.search(package.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return match[1] if match else ""


def kept_line(archive: Path) -> str:
    """DECISIONS §4: what is kept, where, and how to turn it off, in one line."""
    return (
        f"your agents' session files are kept as they were, on this machine only, in {archive}"
        " (off: opensession config set archive.raw false)"
    )


async def check_leaks(app: App) -> list[Check]:
    """How many secrets are unresolved."""
    if app.user is None:
        return []
    unresolved, _ = await app.user.run(leaks.counts)
    return checks.check_leaks(unresolved)


async def repository_notes(app: App) -> list[str]:
    """What repositories ask for that does not count; nothing while the index is replaced."""
    try:
        places = await app.library.query(ignored.folders)
    except OpenSessionError:
        return []
    rules = privacy_rules(app.loaded.settings.privacy)
    return await asyncio.to_thread(ignored.notes, places, rules)


def check_capture(app: App) -> list[Check]:
    """Whether anything keeps sessions from being taken in, or kept one out of a rebuild."""
    red = [
        Check(name="capture", state="red", message=said, hint="opensession daemon logs")
        for said in app.library.obstacles()
    ]
    warn = [
        Check(name="rebuild", state="warn", message=said, hint="opensession daemon logs")
        for said in app.library.left_behind()
    ]
    return [*red, *warn]


async def check_index(app: App) -> list[Check]:
    """Whether the index can be read, is whole, and lacks nothing that was read once."""
    name = "index"
    found = []
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await app.library.query(overview.check)
        found.append(Check(name=name, state="ok", message="SQLite finds no damage"))
    except (TimeoutError, TooSlow):
        said = "too large to be looked through here; it is after a stop that was not clean"
        found.append(Check(name=name, state="ok", message=said))
    except DamagedIndex as error:
        found.append(Check(name=name, state="red", message=str(error), hint=error.hint))
    except Unreachable as error:
        found.append(Check(name=name, state="warn", message=str(error), hint=error.hint))
    try:
        lost = await app.library.query(losses.losses)
    except OpenSessionError:
        return found
    if lost:
        hint = "opensession restore FILE --merge    # of a backup that has it"
        said = losses.sentence(lost)
        found.append(Check(name="archive.missing", state="warn", message=said, hint=hint))
    return found


def database_bytes(path: Path) -> int:
    """Bytes of a database with its journal; 0 if there is none."""
    total = 0
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total
