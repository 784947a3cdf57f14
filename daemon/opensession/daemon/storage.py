"""What is kept of each agent and what it takes on the disk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import apsw

from opensession.core.errors import OpenSessionError, Unreachable
from opensession.core.paths import Paths
from opensession.core.rpc.daemon import Check
from opensession.core.rpc.storage import (
    AgentStorage,
    PrunedAgent,
    PruneParams,
    PruneResult,
    StorageResult,
)
from opensession.core.timeparse import format_time
from opensession.daemon import audit, checks, forecasts, retention
from opensession.daemon.facts import database_bytes
from opensession.daemon.retention import Retention
from opensession.daemon.root_watch import resolved
from opensession.daemon.state import App
from opensession.daemon.store import forgetting, holdings, losses, pruning
from opensession.daemon.store.holdings import Holding
from opensession.daemon.store.pruning import Group

GROWN_DAYS = 30

_KEY = "archive.keep_days"


async def storage(app: App) -> StorageResult:
    """What is kept now. Raises Unreachable while there is no index."""
    now_us = time.time_ns() // 1000
    held = await app.library.query(holdings.holdings, now_us, GROWN_DAYS)
    shares: dict[str, float] | None
    try:
        shares = await app.library.query(holdings.shares)
    except Unreachable:
        raise
    except OpenSessionError:
        shares = None  # too large to be counted in time
    keep = await keep_days(app)
    index = database_bytes(app.paths.index_db)
    past = await app.library.query(pruning.groups, keep, now_us, is_named(app))
    soon = await forecasts.forecasts(app)
    lost = losses.sentence(await app.library.query(losses.losses))
    return StorageResult(
        agents=sorted(
            (
                _row(agent, own, None if shares is None else shares.get(agent, 0.0), index, keep)
                for agent, own in held.items()
                if own.archive_files or own.own_files or own.sessions
            ),
            key=lambda row: (-row.archive_bytes, -row.own_bytes, row.tool),
        ),
        archive_bytes=await asyncio.to_thread(_below, [app.paths.archive_dir]),
        index_bytes=index,
        user_bytes=database_bytes(app.paths.user_db),
        other_bytes=await asyncio.to_thread(_others, app.paths),
        free_bytes=checks.disk_of(app.paths.data_dir).free,
        max_size=app.loaded.settings.archive.max_size,
        grown_days=GROWN_DAYS,
        archiving=app.loaded.settings.archive.raw,
        past_keep=sum(group.old for group in past if group.reason is None),
        retention=soon,
        notices=[*([f"{lost}: opensession doctor"] if lost else []), *forecasts.notices(soon)],
    )


async def keep_days(app: App, chosen: float | None = None) -> dict[str, float]:
    """How long the sessions of each agent are kept here, 0 for ever: `chosen`, else as configured,
    else as the user set the agent itself, where that is shorter than its default (DECISIONS §4).
    """
    if chosen is not None:
        return {agent.name: chosen for agent in app.library.agents}
    configured = app.loaded.settings.archive.keep_days
    said = app.loaded.origins.get(_KEY, "default") != "default"
    found: dict[str, float] = {}
    for agent in app.library.agents:
        found[agent.name] = configured
        if said or agent.retention_days is None:
            continue
        folders = await app.library.query(retention.folders, agent.name)
        groups = await asyncio.to_thread(app.library.roots_of, [agent])
        roots = [root for group in groups for each in group for root in resolved([each])]
        each_root = [
            await asyncio.to_thread(retention.of_root, agent, root, folders) for root in roots
        ]
        limited = [one for one in each_root if one.days is not None]
        if limited:
            shortest: Retention = min(limited, key=lambda one: one.days or 0.0)
            found[agent.name] = retention.keep_days(shortest, configured, chosen=False)
    return found


async def prune(app: App, params: PruneParams) -> PruneResult:
    """Takes away what is older than it is to be kept, or tells what that would be."""
    keep = await keep_days(app, params.keep_days)
    now_us = time.time_ns() // 1000
    found = await app.library.query(pruning.groups, keep, now_us, is_named(app))
    if params.really:
        names = await app.library.query(_names, [g for g in found if g.reason is None])
        gone, changes = await app.library.write(
            lambda writer: pruning.prune(writer, keep, is_named(app))
        )
        app.library.tell(changes)
        if app.library.guards is not None:
            for agent, native_id in names:
                await asyncio.to_thread(app.library.guards.forget_leaks, agent, native_id)
        for agent in {agent for agent, _ in names}:
            ids = {native_id for each, native_id in names if each == agent}
            await asyncio.to_thread(forgetting.delete_aside, app.paths.index_db, agent, ids)
        found = [*gone, *(group for group in found if group.reason is not None)]
        if gone:
            await app.library.write(lambda writer: writer.erase())
            sessions, size = sum(one.old for one in gone), sum(one.archive_bytes for one in gone)
            audit.record(app.paths, "archive.prune", "destroy", sessions=sessions, bytes=size)
    return PruneResult(_by_agent(found, keep), params.really)


def is_named(app: App) -> Callable[[str, str], bool]:
    """Whether people called a session something: such sessions are never taken away by age."""
    guards = app.library.guards
    if guards is None:
        return lambda agent, native_id: False
    names = guards.names.names
    return lambda agent, native_id: names.of(agent, native_id).said


def check_storage(app: App, archive_bytes: int, past_keep: int) -> list[Check]:
    """Whether the archive is larger than wished, and what is older than it is to be kept."""
    found = []
    cap = app.loaded.settings.archive.max_size
    if cap and archive_bytes > cap:
        found.append(
            Check(
                name="storage.size",
                state="warn",
                message=f"the archive takes {_size(archive_bytes)},"
                f" more than archive.max_size says ({_size(cap)})",
                hint="opensession storage",
            )
        )
    if past_keep:
        said = "1 session is" if past_keep == 1 else f"{past_keep} sessions are"
        found.append(
            Check(
                name="storage.keep_days",
                state="warn",
                message=f"{said} older than archive.keep_days, and gone at the agent:"
                " taken away within a day",
                hint="opensession storage prune",
            )
        )
    return found


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _row(
    agent: str, own: Holding, share: float | None, index: int, keep: dict[str, float]
) -> AgentStorage:
    return AgentStorage(
        tool=agent,
        index_bytes=None if share is None else round(share * index),
        keep_days=keep.get(agent, 0.0),
        **{name: getattr(own, name) for name in Holding.__struct_fields__},
    )


def _by_agent(found: Iterable[Group], keep: dict[str, float]) -> list[PrunedAgent]:
    by_agent: dict[str, list[Group]] = {}
    for group in found:
        by_agent.setdefault(group.agent, []).append(group)
    rows = []
    for agent, groups in sorted(by_agent.items()):
        going = [group for group in groups if group.reason is None]
        kept: dict[pruning.Reason, int] = {}
        for group in groups:
            if group.reason is not None:
                kept[group.reason] = kept.get(group.reason, 0) + group.old
        rows.append(
            PrunedAgent(
                tool=agent,
                keep_days=keep.get(agent, 0.0),
                sessions=sum(group.old for group in going),
                archive_bytes=sum(group.archive_bytes for group in going),
                oldest=format_time(min(g.first_us for g in going)) if going else None,
                newest=format_time(max(g.last_us for g in going)) if going else None,
                kept=kept,
            )
        )
    return rows


def _names(db: apsw.Connection, found: Iterable[Group]) -> list[tuple[str, str]]:
    """Agent and id of every session in these groups."""
    return [
        (group.agent, str(native_id))
        for group in found
        for number in group.sessions
        for (native_id,) in db.execute("SELECT native_id FROM session WHERE id = ?", (number,))
    ]


def _others(paths: Paths) -> int:
    """Bytes of ours beside archive and databases: logs, what was put aside, work under way."""
    databases = {
        f"{path}{suffix}"
        for path in (paths.index_db, paths.user_db)
        for suffix in ("", "-wal", "-shm")
    }
    beside = [
        path
        for path in _listed(paths.data_dir)
        if str(path) not in databases and path != paths.archive_dir
    ]
    return _below([*beside, paths.state_dir])


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _below(places: Iterable[Path]) -> int:
    """Bytes of all files at and below some places; links are not followed."""
    total = 0
    waiting = list(places)
    while waiting:
        place = waiting.pop()
        try:
            if place.is_dir() and not place.is_symlink():
                waiting += _listed(place)
            else:
                total += place.lstat().st_size
        except OSError:
            continue
    return total
