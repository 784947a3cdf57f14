"""Taking away what is older than it is to be kept (`archive.keep_days`), and whose agent has
deleted its own file too.

A session goes with its subagents, and a file with all that is in it, or nothing of them goes. Of a
database that is there those sessions go that its agent deleted from it, and of its archive their
rows alone. There is no tombstone: where the agent's file comes back, the session does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

import apsw
import msgspec

from opensession.daemon.archive import DamagedArchive, DiskFull
from opensession.daemon.store import (
    connect,
    forgetting,
    forgetting_archive,
    sessions_write,
    sources,
)
from opensession.daemon.store.change import Change
from opensession.daemon.store.private import names_database
from opensession.daemon.store.sources import SourceRow
from opensession.daemon.store.writer import Writer

Reason = Literal["living", "named", "shared"]

_DAY_US = 86_400_000_000

_log = logging.getLogger(__name__)


class Group(msgspec.Struct, kw_only=True):
    """Sessions that go together: `sources` hold them and nothing else, `databases` hold others too
    and stay; `old` of them (without subagents) are past their time. `reason` says why they stay,
    None that they may go. What of a database's archive is theirs is told by their share of events.
    """

    agent: str
    sources: list[int]
    databases: list[int]
    sessions: list[int]
    old: int
    archive_bytes: int
    first_us: int
    last_us: int
    reason: Reason | None


class _Row(msgspec.Struct, frozen=True):
    id: int
    agent: str
    native_id: str
    parent: str
    primary: bool
    source: int
    updated_us: int
    absent: bool
    events: int


class _Place(msgspec.Struct, frozen=True):
    """A source. What is `gone` was deleted by its agent; a `database` is there."""

    gone: bool
    database: bool
    archive_size: int


def groups(
    db: apsw.Connection,
    keep_days: Mapping[str, float],
    now_us: int,
    is_named: Callable[[str, str], bool],
) -> list[Group]:
    """Groups with a session that was not active for `keep_days` of its agent; an agent that is not
    in it, or has 0, keeps all.
    """
    found: list[Group] = []
    for agent, days in keep_days.items():
        if days > 0:
            found += _of_agent(db, agent, now_us - int(days * _DAY_US), is_named)
    return found


def prune(
    writer: Writer,
    keep_days: Mapping[str, float],
    is_named: Callable[[str, str], bool],
) -> tuple[list[Group], list[Change]]:
    """Takes away what may go, in the writer's thread: what it was, and what that changed. What is
    left of its bytes in the index is overwritten by `Writer.erase`.

    The archive goes first: what a crash leaves is still in the index, and goes the next time.
    """
    db = writer.db
    now_us = time.time_ns() // 1000
    gone = [each for each in groups(db, keep_days, now_us, is_named) if each.reason is None]
    gone = _without_rows(writer, gone)
    if not gone:
        return [], []
    for group in gone:
        for number in group.sources:
            row = sources.load(db, number)
            if row is not None:
                forgetting_archive.remove_archive(writer.archive_dir, row, overwrite=False)
    changes: list[Change] = []
    db.execute("PRAGMA secure_delete = ON")
    try:
        with connect.Transaction(db, writer.index):
            for group in gone:
                stored = [sessions_write.load(db, number) for number in group.sessions]
                changes += forgetting.delete(db, [each for each in stored if each is not None])
                sources.restart(db, group.sources)
                db.executemany(
                    "UPDATE source SET archived_len = 0, archive_size = 0, archive_frames = 0,"
                    " generation = 1, missing_bytes = 0, state = 'gone' WHERE id = ?",
                    [(number,) for number in group.sources],
                )
            db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('erase', '1')")
    finally:
        db.execute("PRAGMA secure_delete = FAST")
    return gone, changes


def _without_rows(writer: Writer, going: Sequence[Group]) -> list[Group]:
    """Takes rows of sessions that go out of the archives of databases that stay. The groups without
    those whose database's archive could not be written anew: these go another day.
    """
    left = list(going)
    for number in sorted({each for group in going for each in group.databases}):
        theirs = [group for group in left if number in group.databases]
        row = sources.load(writer.db, number)
        if row is None or not theirs:
            continue
        try:
            _blank(writer, row, _ids(writer.db, theirs))
        except (DamagedArchive, DiskFull, OSError) as error:
            _log.warning("rows of %s stay for now: %s", row.agent, type(error).__name__)
            left = [group for group in left if group not in theirs]
    return left


def _blank(writer: Writer, row: SourceRow, ids: Collection[str]) -> None:
    made = forgetting_archive.blank_archive(writer.archive_dir, row, ids, own=True)
    if made is not None:
        with connect.Transaction(writer.db, writer.index):
            sources.record_archived(writer.db, row.id, made.archived)


def _ids(db: apsw.Connection, found: Sequence[Group]) -> set[str]:
    """The ids of sessions as their agent has them, without a number of ours."""
    stored = (sessions_write.load(db, number) for group in found for number in group.sessions)
    return {sessions_write.info_of(each).id for each in stored if each is not None}


def _of_agent(
    db: apsw.Connection, agent: str, before_us: int, is_named: Callable[[str, str], bool]
) -> list[Group]:
    rows = [
        _Row(number, name, native, parent, role == "primary", source or 0, *rest)
        for number, name, native, parent, role, source, *rest in db.execute(
            "SELECT id, agent, native_id, parent, role, source,"
            # Some agents write no times: such a session counts as active when it was last read.
            " coalesce(nullif(updated_us, 0),"
            " (SELECT read_us FROM source WHERE source.id = session.source), 0),"
            " absent <> 0, event_count FROM session WHERE agent = ? AND origin = 'local'",
            (agent,),
        )
    ]
    places = _places(db, agent)
    unknown = _Place(gone=False, database=False, archive_size=0)
    shares = _shares(rows)
    copies = list(
        db.execute(
            "SELECT c.session, c.source FROM copy c JOIN source o ON o.id = c.source"
            " WHERE o.agent = ?",
            (agent,),
        )
    )
    found: list[Group] = []
    stay = {number for number, place in places.items() if place.database}
    for members, held in _together(rows, [(int(a), int(b)) for a, b in copies], stay):
        old = _old(members, before_us)
        if not old:
            continue
        databases = {row.source for row in members if row.absent} & stay
        present = {row.source for row in members if not row.absent}
        if any(
            not places.get(number, unknown).gone
            for number in held
            if number not in databases or number in present
        ):
            reason: Reason | None = "living"
        elif any(row.updated_us >= before_us for row in members):
            reason = "shared"
        elif any(is_named(row.agent, row.native_id) for row in members):
            reason = "named"
        else:
            reason = None
        found.append(
            Group(
                agent=agent,
                sources=sorted(held - databases),
                databases=sorted(databases),
                sessions=[row.id for row in members],
                old=len(old),
                archive_bytes=sum(
                    places.get(number, unknown).archive_size for number in held - databases
                )
                + sum(
                    round(places[row.source].archive_size * shares[row.id])
                    for row in members
                    if row.source in databases
                ),
                first_us=min(row.updated_us for row in old),
                last_us=max(row.updated_us for row in old),
                reason=reason,
            )
        )
    return found


def _places(db: apsw.Connection, agent: str) -> dict[int, _Place]:
    """The sources of an agent. Below a folder that is not there (renamed, not mounted) nothing is
    known to be deleted, also where an index that was made meanwhile knows these files from the
    archive alone. Nor is it of what went with half of its folder.
    """
    query = "SELECT id, state, error, path, archive_size, root FROM source WHERE agent = ?"
    found = list(db.execute(query, (agent,)))
    roots = {str(root) for _, state, _, _, _, root in found if state == "gone"}
    there = {root for root in roots if Path(root).is_dir()}
    return {
        number: _Place(
            gone=state == "gone" and reason != sources.AWAY and root in there,
            database=state == "ok" and names_database(path),
            archive_size=size,
        )
        for number, state, reason, path, size, root in found
    }


def _shares(rows: Sequence[_Row]) -> dict[int, float]:
    """The share that each session has in the events of its source."""
    events: dict[int, int] = {}
    for row in rows:
        events[row.source] = events.get(row.source, 0) + row.events
    return {row.id: row.events / max(events[row.source], 1) for row in rows}


def _old(members: Collection[_Row], before_us: int) -> list[_Row]:
    """Sessions, subagents aside, of which nothing was active since; a lone subagent counts."""
    primary = [row for row in members if row.primary] or list(members)
    children: dict[str, int] = {}
    for row in members:
        if row.parent:
            children[row.parent] = max(children.get(row.parent, 0), row.updated_us)
    return [
        row for row in primary if max(row.updated_us, children.get(row.native_id, 0)) < before_us
    ]


def _together(
    rows: Sequence[_Row], copies: Sequence[tuple[int, int]], apart: Collection[int]
) -> list[tuple[list[_Row], set[int]]]:
    """Sessions that share a file or are of one family, with the sources that hold them. The
    sessions of sources that are `apart` share none.
    """
    above: dict[str | int, str | int] = {}

    def top(name: str | int) -> str | int:
        while (higher := above.get(name, name)) != name:
            above[name] = above.get(higher, higher)
            name = higher
        return name

    def join(one: str | int, other: str | int) -> None:
        above[top(one)] = top(other)

    by_id = {row.id: row for row in rows}
    held: dict[int, set[int]] = {row.id: {row.source} for row in rows if row.source}
    for number, source in copies:
        if number in by_id:
            held.setdefault(number, set()).add(source)
    for row in rows:
        for source in held.get(row.id, ()):
            if source not in apart:
                join(row.native_id, source)
        if row.parent:
            join(row.native_id, row.parent)
    found: dict[str | int, tuple[list[_Row], set[int]]] = {}
    for row in rows:
        members, where = found.setdefault(top(row.native_id), ([], set()))
        members.append(row)
        where |= held.get(row.id, set())
    return list(found.values())
