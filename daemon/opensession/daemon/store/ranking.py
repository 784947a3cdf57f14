"""Which matches come first: bm25, titles before texts, and of equals the more recent.

Scores are computed for some hundreds of matches at a time. A query that matches more is answered
from the newest sessions on: among so many, age tells more than the count of a word. The order is
the same for every page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import apsw

from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK, Narrowing
from opensession.daemon.store.scope import EVERYTHING

TOGETHER = 500
"""About how many matches are ranked against each other."""

MAX_COUNTED = 20_000
"""Matches up to which they are counted; beyond, there are at least so many. With filters on events,
which are looked up one by one, a tenth of it.
"""

_PARTS_WEIGHT = 0.4
_TITLE_WEIGHT = 2.0


class Ranked(NamedTuple):
    """Keys of a page with their scores, best first; how many matches, in how many sessions (at
    least so many, if `truncated`).
    """

    keys: Sequence[tuple[int, float]]
    total: int
    sessions: int
    truncated: bool


def ranked(
    db: apsw.Connection, expression: str, narrowing: Narrowing, offset: int, limit: int
) -> Ranked:
    """A page of what FTS5 matches."""
    rows = narrowing.rows("search.rowid")
    by_event = narrowing.of_events("search.rowid") is not EVERYTHING
    most = MAX_COUNTED // 10 if by_event else MAX_COUNTED
    total, sessions = db.execute(
        "SELECT count(*), count(DISTINCT session) FROM"  # noqa: S608
        f" (SELECT rowid >> {SEQ_BITS} AS session FROM search"
        f" WHERE search MATCH ? AND {rows.sql} LIMIT {most + 1})",
        (expression, *rows.values),
    ).get
    truncated = total > most
    found: list[tuple[int, float]] = []
    before = 0
    for group in _groups(db, narrowing, total):
        if before >= (offset + limit if truncated else min(total, offset + limit)):
            break
        scored = _scored(db, expression, narrowing, group)
        found += scored[max(0, offset - before) : max(0, offset + limit - before)]
        before += len(scored)
    return Ranked(found, min(total, most), sessions, truncated)


def _groups(db: apsw.Connection, narrowing: Narrowing, total: int) -> Iterator[list[int] | None]:
    """Sessions, newest first, in groups that hold about `TOGETHER` matches each; None: all."""
    if total <= TOGETHER:
        if total:
            yield None
        return
    where = narrowing.sessions
    number: int = db.execute(
        f"SELECT count(*) FROM session s WHERE {where.sql}",  # noqa: S608
        where.values,
    ).get
    size = max(1, number * TOGETHER // total)
    for start in range(0, number, size):
        yield [
            row[0]
            for row in db.execute(
                f"SELECT s.id FROM session s WHERE {where.sql}"  # noqa: S608
                " ORDER BY s.updated_us DESC, s.id DESC LIMIT ? OFFSET ?",
                (*where.values, size, start),
            )
        ]


def _scored(
    db: apsw.Connection, expression: str, narrowing: Narrowing, sessions: list[int] | None
) -> list[tuple[int, float]]:
    """The matches in some sessions (None: in all) with their scores, best first. Scores that
    differ by less than a thousandth are equal.
    """
    if sessions is None:
        rows = narrowing.rows("search.rowid")
        among, values = rows.sql, rows.values
    else:
        # Chosen by the condition on sessions already; the range spares FTS5 the way to them.
        event = narrowing.of_events("search.rowid")
        among = f"{event.sql} AND rowid BETWEEN ? AND ? AND (rowid >> {SEQ_BITS}) IN {IDS}"
        reach = (min(sessions) << SEQ_BITS, max(sessions) << SEQ_BITS | SEQ_MASK)
        values = (*event.values, *reach, id_list(sessions))
    scores = list(
        db.execute(
            f"SELECT rowid, -bm25(search, 1.0, {_PARTS_WEIGHT}) FROM search"  # noqa: S608
            f" WHERE search MATCH ? AND {among}",
            (expression, *values),
        )
    )
    recency = _recency(db, {key >> SEQ_BITS for key, _ in scores})
    ordered = sorted(
        (
            (
                round(score if key & SEQ_MASK else score * _TITLE_WEIGHT, 3),
                recency[key >> SEQ_BITS],
                key,
            )
            for key, score in scores
        ),
        reverse=True,
    )
    return [(key, score) for score, _, key in ordered]


def _recency(db: apsw.Connection, sessions: Iterable[int]) -> dict[int, int]:
    return dict(
        db.execute(
            f"SELECT id, updated_us FROM session WHERE id IN {IDS}",  # noqa: S608
            (id_list(sessions),),
        )
    )
