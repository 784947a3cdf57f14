"""Which matches come first: bm25, titles before texts, and of equals the more recent.

Scores are computed for some hundreds of matches at a time. A query that matches more is answered
from the newest sessions on: among so many, age tells more than the count of a word. The order is
the same for every page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw
import msgspec

from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK, Narrowing
from opensession.daemon.store.scope import EVERYTHING

TOGETHER = 500
"""Matches that are ranked against each other."""

_PARTS_WEIGHT = 0.4
_TITLE_WEIGHT = 2.0


class Ranked(NamedTuple):
    """Keys of a page with their scores, best first; how many matches, in how many sessions."""

    keys: Sequence[tuple[int, float]]
    total: int
    sessions: int


def ranked(
    db: apsw.Connection, expression: str, narrowing: Narrowing, offset: int, limit: int
) -> Ranked:
    """A page of what FTS5 matches."""
    rows = narrowing.rows("search.rowid")
    counts = dict(
        db.execute(
            f"SELECT rowid >> {SEQ_BITS}, count(*) FROM search"  # noqa: S608
            f" WHERE search MATCH ? AND {rows.sql} GROUP BY 1",
            (expression, *rows.values),
        )
    )
    recency = _recency(db, counts)
    found: list[tuple[int, float]] = []
    before = 0
    for group in _groups(counts, recency):
        held = sum(counts[session] for session in group)
        if before + held > offset and before < offset + limit:
            ordered = _ordered(_scores(db, expression, narrowing, group), recency)
            found += ordered[max(0, offset - before) : offset + limit - before]
        before += held
    return Ranked(found, before, len(counts))


def _groups(counts: dict[int, int], recency: dict[int, int]) -> list[list[int]]:
    """Sessions with matches, newest first, so that each group holds about `TOGETHER` matches."""
    groups: list[list[int]] = [[]]
    held = 0
    for session in sorted(counts, key=lambda each: (recency[each], each), reverse=True):
        if held >= TOGETHER:
            groups.append([])
            held = 0
        groups[-1].append(session)
        held += counts[session]
    return groups


def _scores(
    db: apsw.Connection, expression: str, narrowing: Narrowing, sessions: list[int]
) -> list[tuple[int, float]]:
    """The matches in some sessions with their scores."""
    # The sessions were chosen by the condition on sessions already.
    rows = msgspec.structs.replace(narrowing, sessions=EVERYTHING).rows("search.rowid")
    return list(
        db.execute(
            f"SELECT rowid, -bm25(search, 1.0, {_PARTS_WEIGHT}) FROM search"  # noqa: S608
            f" WHERE search MATCH ? AND {rows.sql} AND (rowid >> {SEQ_BITS}) IN {IDS}",
            (expression, *rows.values, id_list(sessions)),
        )
    )


def _ordered(
    scores: Iterable[tuple[int, float]], recency: dict[int, int]
) -> list[tuple[int, float]]:
    """Best first; scores that differ by less than a thousandth are equal."""
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
