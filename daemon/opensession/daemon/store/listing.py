"""Events that fit filters alone, newest first: `role:user since:today`, `file:src/app.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import apsw

from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK, Narrowing

MAX_COUNTED = 10_000


class Listed(NamedTuple):
    """Keys of a page; how many there are (at least so many if `truncated`)."""

    keys: Sequence[tuple[int, float]]
    total: int
    sessions: int
    truncated: bool


NOTHING = Listed([], 0, 0, False)


def newest(
    db: apsw.Connection, narrowing: Narrowing, without: str, offset: int, limit: int
) -> Listed:
    """A page of the events that fit, newest sessions first, each from its end; `without` is what
    FTS5 is to leave out.
    """
    event = narrowing.event("e")
    excluded = " AND e.id NOT IN (SELECT rowid FROM search WHERE search MATCH ?)" if without else ""
    touched = narrowing.touched
    if touched is not None:
        excluded += (
            " AND EXISTS (SELECT 1 FROM file_touch t WHERE"  # noqa: S608
            f" t.session = e.id >> {SEQ_BITS} AND t.seq = (e.id & {SEQ_MASK}) AND {touched.sql})"
        )
    values = (*event.values, *((without,) if without else ()), *(touched.values if touched else ()))
    sessions = [
        row[0]
        for row in db.execute(
            f"SELECT s.id FROM session s WHERE {narrowing.sessions.sql}"  # noqa: S608
            " ORDER BY s.updated_us DESC, s.id DESC",
            narrowing.sessions.values,
        )
    ]
    found: list[int] = []
    for session in sessions:
        found += [
            row[0]
            for row in db.execute(
                f"SELECT e.id FROM event e WHERE e.id BETWEEN ? AND ? AND {event.sql}{excluded}"  # noqa: S608
                " ORDER BY e.id DESC",
                (session << SEQ_BITS, session << SEQ_BITS | SEQ_MASK, *values),
            )
        ]
        if len(found) > max(MAX_COUNTED, offset + limit):
            break
    return Listed(
        [(key, 0.0) for key in found[offset : offset + limit]],
        len(found),
        len({key >> SEQ_BITS for key in found}),
        len(found) > max(MAX_COUNTED, offset + limit),
    )
