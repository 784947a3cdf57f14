"""Writing events with all that hangs on them: search entries, file touches.

A session's events are seq 1 to n without a gap; `append` adds at the end, `rewind` takes away from
the end, `unchanged` says how far new events only repeat what is stored. Nothing else ever touches
these rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import apsw

from opensession.core.hail import Event
from opensession.daemon.batch import Row, Touch
from opensession.daemon.store import body

KINDS = {"read": 0, "edit": 1, "create": 2, "delete": 3}
"""The `kind` column of `file_touch`."""

SEQ_BITS = 24
MAX_SEQ = (1 << SEQ_BITS) - 1
"""The most events one session can have."""


def key(session: int, seq: int) -> int:
    """The key of an event, and of its search entry."""
    return session << SEQ_BITS | seq


def append(
    db: apsw.Connection, session: int, first_seq: int, rows: Sequence[Row], touches: list[Touch]
) -> None:
    """Stores `rows` as seq `first_seq` and on. `touches` outside of these are left out.

    Raises ValueError for a session of more than `MAX_SEQ` events.
    """
    if first_seq + len(rows) - 1 > MAX_SEQ:
        raise ValueError("a session of more events than can be numbered")
    ids = _unique_ids(db, session, first_seq, rows)
    base = key(session, first_seq)
    db.executemany(
        "INSERT INTO event (id, event_id, time_us, type, flags, task, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                base + index,
                event_id,
                row.time_us,
                body.type_code(row.type),
                row.flags,
                row.task_id,
                row.body,
            )
            for index, (row, event_id) in enumerate(zip(rows, ids, strict=True))
        ],
    )
    db.executemany(
        "INSERT INTO search (rowid, text, parts) VALUES (?, ?, ?)",
        [(base + index, row.search, row.parts) for index, row in enumerate(rows) if row.search],
    )
    _touch(db, session, first_seq, rows, touches)


def unchanged(
    db: apsw.Connection, session: int, first_seq: int, rows: Sequence[Row], touches: list[Touch]
) -> int:
    """How many of `rows`, as seq `first_seq` and on, only repeat the stored ones.

    The file touches of these are brought up to date.
    """
    stored = db.execute(
        "SELECT event_id, time_us, type, flags, task, body FROM event"
        " WHERE id BETWEEN ? AND ? ORDER BY id",
        (key(session, first_seq), key(session, first_seq + len(rows) - 1)),
    )
    count = 0
    for (event_id, time_us, type_code, flags, task, content), row in zip(
        stored, rows, strict=False
    ):
        if (time_us, type_code, flags, task) != (
            row.time_us,
            body.type_code(row.type),
            row.flags,
            row.task_id,
        ):
            break
        if event_id != row.event_id and event_id != _unique_id(
            db, session, first_seq + count, row.event_id
        ):
            break
        if not body.same(content, row.body):
            break
        count += 1
    stored.close()
    if count:
        _retouch(db, session, first_seq, rows[:count], touches)
    return count


def rewind(db: apsw.Connection, session: int, keep: int) -> None:
    """Takes away the events after seq `keep`, with their search entries and file touches."""
    span = (key(session, keep + 1), key(session, MAX_SEQ))
    db.execute("DELETE FROM event WHERE id BETWEEN ? AND ?", span)
    db.execute("DELETE FROM search WHERE rowid BETWEEN ? AND ?", span)
    db.execute("DELETE FROM file_touch WHERE session = ? AND seq > ?", (session, keep))
    unsettle(db, session)


def unsettle(db: apsw.Connection, session: int) -> None:
    """Notes that events of a session were changed or taken away, not only added."""
    now = time.time_ns() // 1000
    # Never the same twice, whatever the clock does.
    db.execute(
        "UPDATE session SET settled_us = max(?, settled_us + 1) WHERE id = ?", (now, session)
    )


def stored_events(db: apsw.Connection, session: int, last_seq: int) -> list[Event]:
    """The stored events up to `last_seq`, in order."""
    return [
        body.decode(*row)
        for row in db.execute(
            "SELECT event_id, time_us, type, task, body FROM event"
            " WHERE id BETWEEN ? AND ? ORDER BY id",
            (key(session, 1), key(session, last_seq)),
        )
    ]


def _unique_ids(
    db: apsw.Connection, session: int, first_seq: int, rows: Sequence[Row]
) -> list[str]:
    """The ids of rows: the n-th of equal ones in a session is `<id>.<n>` (DECISIONS §2)."""
    ids: list[str] = []
    taken: set[str] = set()
    for row in rows:
        event_id = row.event_id
        number = 1
        while event_id in taken or (
            first_seq > 1 and _exists_before(db, session, first_seq, event_id)
        ):
            number += 1
            event_id = f"{row.event_id}.{number}"
        taken.add(event_id)
        ids.append(event_id)
    return ids


def _unique_id(db: apsw.Connection, session: int, seq: int, event_id: str) -> str:
    """The id that an event with `event_id` has at `seq`."""
    found = event_id
    number = 1
    while _exists_before(db, session, seq, found):
        number += 1
        found = f"{event_id}.{number}"
    return found


def _exists_before(db: apsw.Connection, session: int, seq: int, event_id: str) -> bool:
    found = db.execute(
        "SELECT 1 FROM event WHERE id >> 24 = ?1 AND substr(event_id, -8) = substr(?2, -8)"
        " AND event_id = ?2 AND id < ?3 LIMIT 1",
        (session, event_id, key(session, seq)),
    ).get
    return found is not None


def _touch(
    db: apsw.Connection, session: int, first_seq: int, rows: Sequence[Row], touches: list[Touch]
) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO file_touch (session, seq, path, kind, time_us)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (session, touch.seq, touch.path, KINDS[touch.kind], rows[touch.seq - first_seq].time_us)
            for touch in touches
            if first_seq <= touch.seq < first_seq + len(rows)
        ],
    )


def _retouch(
    db: apsw.Connection, session: int, first_seq: int, rows: Sequence[Row], touches: list[Touch]
) -> None:
    last = first_seq + len(rows) - 1
    wanted = {
        (touch.seq, touch.path, KINDS[touch.kind])
        for touch in touches
        if first_seq <= touch.seq <= last
    }
    stored = set(
        db.execute(
            "SELECT seq, path, kind FROM file_touch WHERE session = ? AND seq BETWEEN ? AND ?",
            (session, first_seq, last),
        )
    )
    if wanted != stored:
        db.execute(
            "DELETE FROM file_touch WHERE session = ? AND seq BETWEEN ? AND ?",
            (session, first_seq, last),
        )
        _touch(db, session, first_seq, rows, touches)
