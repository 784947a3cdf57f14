"""Stripping stored sessions by other rules where the bytes they were made of are gone.

It can only take more out: what earlier rules replaced is in no file any more.
"""

from __future__ import annotations

from collections.abc import Callable

import apsw
import msgspec

from opensession.daemon.batch import PreparedSession, Row
from opensession.daemon.store import body, events_write, sessions_write
from opensession.daemon.store.change import Change
from opensession.daemon.store.sessions_write import Stored
from opensession.parsers.agent import SessionDelta

Prepared = Callable[[SessionDelta], PreparedSession]
"""What makes of a delta the rows that are stored."""


class Restripped(msgspec.Struct, frozen=True):
    """A session as other rules have it: the rows that differ by seq, of so many events."""

    session: int
    event_count: int
    rows: list[tuple[int, Row]]
    prepared: PreparedSession


def lost(db: apsw.Connection, rules: str) -> list[int]:
    """Sources of sessions that were stripped by other rules than these and cannot be read again."""
    found = db.execute(
        "SELECT id FROM source WHERE archived_len = 0 AND rules <> ?"
        " AND EXISTS (SELECT 1 FROM session WHERE session.source = source.id"
        " AND (state = 'gone' OR absent)) ORDER BY mtime_ns DESC",
        (rules,),
    )
    return [int(str(source)) for (source,) in found]


def restripped(db: apsw.Connection, source: int, prepared: Prepared) -> list[Restripped]:
    """The sessions of a source that cannot be read again, stripped as they are stored; for any
    connection.
    """
    gone = db.execute("SELECT state = 'gone' FROM source WHERE id = ?", (source,)).get
    sessions = sessions_write.of_source(db, source)
    return [of_session(db, each, prepared) for each in sessions if gone or each.absent]


def of_session(db: apsw.Connection, session: Stored, prepared: Prepared) -> Restripped:
    """A session, stripped as it is stored; for any connection."""
    events = events_write.stored_events(db, session.id, session.event_count)
    info = sessions_write.info_of(session)
    done = prepared(SessionDelta(info=info, keep=0, events=events))
    rows = [
        (seq, row)
        for seq, (before, row) in enumerate(zip(events, done.rows, strict=True), start=1)
        if body.encode(before) != row.body
    ]
    done = msgspec.structs.replace(done, rows=[])
    return Restripped(session.id, session.event_count, rows, done)


def store(db: apsw.Connection, found: list[Restripped]) -> list[Change]:
    """Stores what `restripped` gave, within a transaction; what that changed."""
    changes = []
    for one in found:
        session = sessions_write.load(db, one.session)
        if session is None or session.event_count != one.event_count:
            continue  # it is there again, and read by the rules of now
        for seq, row in one.rows:
            key = events_write.key(one.session, seq)
            db.execute("UPDATE event SET body = ? WHERE id = ?", (row.body, key))
            db.execute("DELETE FROM search WHERE rowid = ?", (key,))
            if row.search:
                db.execute(
                    "INSERT INTO search (rowid, text, parts) VALUES (?, ?, ?)",
                    (key, row.search, row.parts),
                )
        if one.rows:
            events_write.unsettle(db, one.session)
        title = sessions_write.restate(db, session, one.prepared)
        if one.rows or title != session.title:
            changes.append(
                Change(
                    session=one.session,
                    native_id=session.native_id,
                    agent=session.agent,
                    short=session.short,
                    title=title,
                    first_seq=one.rows[0][0] if one.rows else 0,
                    last_seq=session.event_count if one.rows else 0,
                    rewound=bool(one.rows),
                )
            )
    return changes
