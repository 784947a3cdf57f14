"""Sessions by last activity, page by page.

A family is as recent as its most recent member: while a subagent works, its parent is silent and
still at the top of the list. Members that are later than their root are few (they are at work, or
were broken off), so pages are read by the roots' own times and corrected by those few.
"""

from __future__ import annotations

import apsw
import msgspec

from opensession.daemon.store.families import IDS, id_list, roots_of
from opensession.daemon.store.scope import Condition, all_of

_FIRST = -(1 << 62)


class Place(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A session in the order of activity."""

    at: int
    id: int


class Span(msgspec.Struct, frozen=True):
    """From (in) and to (out), microseconds UTC; None: open."""

    since: int | None = None
    before: int | None = None

    def holds(self, at: int) -> bool:
        """Reports whether a time lies within."""
        return (self.since is None or at >= self.since) and (
            self.before is None or at < self.before
        )


ANY_TIME = Span()


def page(
    db: apsw.Connection,
    where: Condition,
    *,
    span: Span = ANY_TIME,
    after: Place | None = None,
    limit: int,
    roots: bool,
) -> list[Place]:
    """The first `limit` sessions `s` after a place that fit a condition, latest first.

    With `roots` the sessions are roots and the times those of their families, else every session
    stands for itself.
    """
    own_after = after
    found: list[Place] = []
    while True:
        chunk = _by_own_time(db, where, span, own_after, limit + 1)
        full = len(chunk) > limit
        floor = chunk[-1].at if full else (_FIRST if span.since is None else span.since)
        late = _late(db, where, floor) if roots else {}
        known = {place.id for place in found}
        places = {place.id: place for place in chunk}
        places |= {each: Place(at, each) for each, (_, at) in late.items()}
        found += [
            place
            for place in places.values()
            if place.id not in known and span.holds(place.at) and (after is None or place < after)
        ]
        if not full or len(found) >= limit:
            return sorted(found, reverse=True)[:limit]
        own_after = chunk[-1]


def count(db: apsw.Connection, where: Condition, span: Span, *, roots: bool) -> int:
    """How many sessions fit a condition, and were last active within a span."""
    inside = all_of([where, _own_time(span)])
    number: int = db.execute(
        f"SELECT count(*) FROM session s WHERE {inside.sql}",  # noqa: S608
        inside.values,
    ).get
    if not roots or span == ANY_TIME:
        return number
    edges = [edge for edge in (span.since, span.before) if edge is not None]
    for own, at in _late(db, where, min(edges)).values():
        number += span.holds(at) - span.holds(own)
    return number


def _by_own_time(
    db: apsw.Connection, where: Condition, span: Span, after: Place | None, limit: int
) -> list[Place]:
    conditions = [where, _own_time(span)]
    if after is not None:
        conditions.append(Condition("(s.updated_us, s.id) < (?, ?)", (after.at, after.id)))
    narrowed = all_of(conditions)
    rows = db.execute(
        f"SELECT s.updated_us, s.id FROM session s WHERE {narrowed.sql}"  # noqa: S608
        " ORDER BY s.updated_us DESC, s.id DESC LIMIT ?",
        (*narrowed.values, limit),
    )
    return [Place(at, each) for at, each in rows]


def _own_time(span: Span) -> Condition:
    conditions = []
    if span.since is not None:
        conditions.append(Condition("s.updated_us >= ?", (span.since,)))
    if span.before is not None:
        conditions.append(Condition("s.updated_us < ?", (span.before,)))
    return all_of(conditions)


def _late(db: apsw.Connection, where: Condition, floor: int) -> dict[int, tuple[int, int]]:
    """Roots that fit a condition and have members that were active at `floor` or later, and later
    than themselves: their own time and the latest.
    """
    seeds = Condition("s.role = 'auxiliary' AND s.parent <> '' AND s.updated_us >= ?", (floor,))
    latest = roots_of(db, seeds)
    if not latest:
        return {}
    rows = db.execute(
        f"SELECT s.id, s.updated_us FROM session s WHERE s.id IN {IDS} AND {where.sql}",  # noqa: S608
        (id_list(latest), *where.values),
    )
    return {each: (own, latest[each]) for each, own in rows if latest[each] > own}
