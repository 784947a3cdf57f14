"""What forgetting sessions would take away, and the agents' own files of them.

A file is a session's own where its name bears the session's: what several share is never removed,
and a database is never touched.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence

import apsw
import msgspec

from opensession.core.errors import OpenSessionError, UsageError
from opensession.core.rpc.keeping import ForgettableParams, ForgettableSession
from opensession.core.rpc.sessions import ResolveParams, SessionRow, SessionsListParams
from opensession.core.timeparse import parse_time
from opensession.daemon import new_files
from opensession.daemon.store import forgetting, sources
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.private import TELLING, is_database
from opensession.daemon.store.resolve import resolve
from opensession.daemon.store.session_rows import session_rows
from opensession.daemon.store.sessions import list_sessions
from opensession.daemon.store.sources import SourceRow
from opensession.parsers.agent import Agent

PAGE = 1000

Key = tuple[str, str]


class Weight(msgspec.Struct, frozen=True):
    """What is stored of sessions: their rows, newest first, the keys of them and their subagents,
    and the sources that hold them, each with the ids that it holds of these. `bytes` are those of
    archive files that are removed, and of a database's their share by events; `beside` counts
    other sessions that such a file holds, and `crowded` are their sources.
    """

    rows: list[SessionRow]
    keys: set[Key]
    events: int
    bytes: int
    held: list[tuple[SourceRow, set[str]]]
    beside: int = 0
    crowded: frozenset[int] = frozenset()


class Own(msgspec.Struct, frozen=True):
    """A file of an agent that holds these sessions alone, below the root it was found in."""

    root: str
    path: str
    bytes: int


def weigh(db: apsw.Connection, params: ForgettableParams, ctx: QueryContext) -> Weight:
    """What would be forgotten. Raises UsageError where nothing is asked for, NotFound."""
    if not (params.refs or params.project or params.before):
        raise UsageError("which sessions?", "opensession forget --help")
    if params.refs and (params.project or params.before):
        raise UsageError("sessions are given by name or by a filter", "opensession forget --help")
    rows = _named(db, params, ctx) if params.refs else _filtered(db, params, ctx)
    keys: set[Key] = set()
    events = 0
    held: dict[int, set[str]] = {}
    for row in rows:
        if (row.tool, row.id) in keys:
            continue
        family = forgetting.family(db, row.tool, row.id)
        names = {each.native_id for each in family}
        events += sum(each.event_count for each in family if (row.tool, each.native_id) not in keys)
        keys |= {(row.tool, name) for name in names}
        for number in forgetting.sources_of(db, family):
            held.setdefault(number, set()).update(names)
    found = [(source, held[number]) for number in held if (source := sources.load(db, number))]
    whole = [source for source, _ in found if not is_database(source)]
    others = {source.id: _others(db, source, keys) for source in whole}
    return Weight(
        rows=rows,
        keys=keys,
        events=events,
        bytes=sum(
            _share(db, source, keys) if is_database(source) else source.archive_size
            for source, _ in found
        ),
        held=found,
        beside=sum(others.values()),
        crowded=frozenset(number for number, count in others.items() if count),
    )


def shown(row: SessionRow) -> ForgettableSession:
    """A session as a person is asked about it."""
    return ForgettableSession(
        ref=f"{row.tool}:{row.id}",
        id=row.id,
        short=row.short,
        tool=row.tool,
        title=row.title,
        updated_at=row.updated_at,
        children=row.children,
        running=row.running,
        source_gone=row.source_gone,
    )


def own_files(weight: Weight, agents: Mapping[str, Agent]) -> tuple[list[Own], list[SourceRow]]:
    """The files that hold these sessions alone, and the sources that hold others as well."""
    found: dict[str, Own] = {}
    shared: list[SourceRow] = []
    for row, names in weight.held:
        agent = agents.get(row.agent)
        if agent is None:
            continue
        other = row.id in weight.crowded or not _bears(row.path, names)
        if agent.storage(row.source) == "rows" or other:
            shared.append(row)
            continue
        for path in agent.files(row.source):
            if _bears(path, names) and (size := _size(path)) is not None:
                found[path] = Own(row.root, path, size)
    return list(found.values()), shared


def remove(files: Collection[Own]) -> tuple[list[str], list[str]]:
    """Removes files of agents: which were, and which could not be."""
    removed: list[str] = []
    left: list[str] = []
    for file in files:
        try:
            relative = new_files.relative_to(file.root, file.path)
            new_files.remove(file.root, relative)
        except FileNotFoundError:
            continue
        except (OSError, OpenSessionError):
            left.append(file.path)
        else:
            removed.append(file.path)
    return removed, left


def _others(db: apsw.Connection, source: SourceRow, keys: Collection[Key]) -> int:
    """How many sessions a source holds that are none of these."""
    rows = db.execute("SELECT agent, native_id FROM session WHERE source = ?", (source.id,))
    return sum((str(agent), str(name)) not in keys for agent, name in rows)


def _share(db: apsw.Connection, source: SourceRow, keys: Collection[Key]) -> int:
    """About how many bytes of a database's archive are of these sessions."""
    total = theirs = 0
    query = "SELECT agent, native_id, event_count FROM session WHERE source = ?"
    for agent, name, count in db.execute(query, (source.id,)):
        total += int(str(count))
        theirs += int(str(count)) if (str(agent), str(name)) in keys else 0
    return round(source.archive_size * theirs / total) if total else 0


def _named(db: apsw.Connection, params: ForgettableParams, ctx: QueryContext) -> list[SessionRow]:
    keys: dict[Key, None] = {}
    for ref in params.refs:
        found = resolve(db, ResolveParams(ref=ref, scope=params.scope, all=params.all), ctx)
        if found.seq is not None:
            raise UsageError("a session is forgotten, not one event of it", "opensession forget -h")
        keys.update(dict.fromkeys(zip(found.tools, found.ids, strict=True)))
    numbers = [
        number
        for key in keys
        for (number,) in db.execute("SELECT id FROM session WHERE agent = ? AND native_id = ?", key)
    ]
    rows = session_rows(db, numbers, ctx)
    return sorted(rows, key=lambda row: row.updated_at, reverse=True)


def _filtered(
    db: apsw.Connection, params: ForgettableParams, ctx: QueryContext
) -> list[SessionRow]:
    found = [row for page in _pages(db, params, ctx) for row in page]
    if not params.before:
        return found
    return [row for row in found if parse_time(row.updated_at)]  # of no time nobody can say


def _pages(
    db: apsw.Connection, params: ForgettableParams, ctx: QueryContext
) -> Iterator[Sequence[SessionRow]]:
    asked = SessionsListParams(
        scope=params.scope,
        all=not params.project,
        project=params.project,
        before=params.before,
        limit=PAGE,
    )
    while True:
        page = list_sessions(db, asked, ctx)
        yield page.sessions
        if not page.next:
            return
        asked = msgspec.structs.replace(asked, cursor=page.next)


def _bears(path: str, names: Collection[str]) -> bool:
    return any(len(name) >= TELLING and name in path for name in names)


def _size(path: str) -> int | None:
    """The size of a regular file; None for anything else, and for nothing."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
