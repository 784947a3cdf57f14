"""A session in the order of time, page by page, with its subagents as tasks.

Of each session an index gives the events by (time, seq); these streams are merged, so a page costs
as much as a page, whatever the length of the session. A subagent is framed by a TaskStart and a
TaskEnd that stand in no source; their seq is 0.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import apsw
import msgspec

from opensession.core.fold import Numbered
from opensession.core.hail import Event
from opensession.daemon.store import body
from opensession.daemon.store.families import IDS, id_list, members
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK

PAGE_BYTES = 1 << 20
"""What a page may hold as it is stored, compressed; answers are several times as long."""

_START, _EVENT, _END = 0, 1, 2


class Member(NamedTuple):
    """A session of the family that is shown; `id` is its key, `child` 0 for the one asked for."""

    id: int
    child: int
    native_id: str
    title: str
    event_count: int


class Place(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Where an event stands: by time; at the same time the parent first, and tasks as wholes."""

    time_us: int
    child: int
    session: int
    part: int
    seq: int


def family(db: apsw.Connection, session: int) -> list[Member]:
    """A session and its subagents that have events."""
    keys = members(db, [session])[session]
    found = [
        Member(key, int(key != session), native_id, title, count)
        for key, native_id, title, count in db.execute(
            f"SELECT id, native_id, title, event_count FROM session WHERE id IN {IDS} ORDER BY id",  # noqa: S608
            (id_list(keys),),
        )
    ]
    return sorted(
        (each for each in found if each.event_count or not each.child), key=lambda m: m.child
    )


def length(shown: Sequence[Member]) -> int:
    """How many events a family shows, beginnings and ends of tasks included."""
    return sum(member.event_count + 2 * member.child for member in shown)


def page(
    db: apsw.Connection, shown: Sequence[Member], *, after: Place | None, limit: int
) -> tuple[list[Place], bool]:
    """The places after one (None: from the beginning), up to `limit` of them and as many as make a
    page; and whether there are more.
    """
    streams = [_stream(db, member, after) for member in shown]
    places = list(itertools.islice(heapq.merge(*streams), limit + 1))
    fit = fitting(db, [_key(place) for place in places[:limit]])
    return places[:fit], fit < len(places)


def last_page(db: apsw.Connection, shown: Sequence[Member], *, limit: int) -> list[Place]:
    """The last places, up to `limit` of them and as many as make a page, in the order of time."""
    streams = [_stream_back(db, member) for member in shown]
    places = list(itertools.islice(heapq.merge(*streams, reverse=True), limit))
    fit = fitting(db, [_key(place) for place in places])
    return places[:fit][::-1]


def events_at(
    db: apsw.Connection, shown: Sequence[Member], places: Sequence[Place]
) -> list[Numbered]:
    """The events that stand at places, as stored; ids and tasks of subagents as their own."""
    by_key = {member.id: member for member in shown}
    keys = [_key(place) for place in places if place.part == _EVENT]
    stored = load(db, keys)
    found = []
    for place in places:
        member = by_key[place.session]
        if place.part != _EVENT:
            found.append(Numbered(member.native_id, 0, _edge(member, place)))
            continue
        event = stored.get(_key(place))
        if event is not None:
            if member.child and event.task_id is None:
                event = msgspec.structs.replace(event, task_id=member.native_id)
            found.append(Numbered(member.native_id, place.seq, event))
    return found


def fitting(db: apsw.Connection, keys: Sequence[int]) -> int:
    """How many of the events with these keys, from the first on, make a page: at least one, and
    no more than `PAGE_BYTES` as stored. Keys of no event weigh nothing.
    """
    weights = dict(
        db.execute(
            f"SELECT id, length(body) FROM event WHERE id IN {IDS}",  # noqa: S608
            (id_list(keys),),
        )
    )
    total = 0
    for number, key in enumerate(keys):
        total += weights.get(key, 0)
        if total > PAGE_BYTES and number:
            return number
    return len(keys)


def load(db: apsw.Connection, keys: Sequence[int]) -> dict[int, Event]:
    """Events by their keys; what is not there is left out."""
    return {
        row[0]: body.decode(*row[1:])
        for row in db.execute(
            f"SELECT id, event_id, time_us, type, task, body FROM event WHERE id IN {IDS}",  # noqa: S608
            (id_list(keys),),
        )
    }


def _edge(member: Member, place: Place) -> Event:
    """The beginning or the end of a task."""
    begins = place.part == _START
    return Event(
        event_id=f"{member.native_id}:{'start' if begins else 'end'}",
        time_us=place.time_us,
        type="TaskStart" if begins else "TaskEnd",
        data={"title": member.title} if begins and member.title else {},
        task_id=member.native_id,
    )


def _stream(db: apsw.Connection, member: Member, after: Place | None) -> Iterator[Place]:
    """The places of one session after a place, in the order of time."""
    if member.child:
        first = Place(_edge_time(db, member, "ASC"), 1, member.id, _START, 0)
        if after is None or first > after:
            yield first
    from_time = -(1 << 62) if after is None else after.time_us
    for place in _events(db, member, from_time, "ASC"):
        if after is None or place > after:
            yield place
    if member.child:
        last = Place(_edge_time(db, member, "DESC"), 1, member.id, _END, 0)
        if after is None or last > after:
            yield last


def _stream_back(db: apsw.Connection, member: Member) -> Iterator[Place]:
    """The places of one session, the last one first."""
    if member.child:
        yield Place(_edge_time(db, member, "DESC"), 1, member.id, _END, 0)
    yield from _events(db, member, -(1 << 62), "DESC")
    if member.child:
        yield Place(_edge_time(db, member, "ASC"), 1, member.id, _START, 0)


def _events(db: apsw.Connection, member: Member, from_time: int, order: str) -> Iterator[Place]:
    """The events of one session by time; read only as far as they are asked for."""
    rows = db.execute(
        "SELECT time_us, id FROM event INDEXED BY event_by_time"  # noqa: S608
        f" WHERE id >> {SEQ_BITS} = ? AND time_us >= ? ORDER BY time_us {order}, id {order}",
        (member.id, from_time),
    )
    for time_us, key in rows:
        yield Place(time_us, member.child, member.id, _EVENT, key & SEQ_MASK)


def _edge_time(db: apsw.Connection, member: Member, order: str) -> int:
    time_us: int = db.execute(
        "SELECT time_us FROM event INDEXED BY event_by_time"  # noqa: S608
        f" WHERE id >> {SEQ_BITS} = ? ORDER BY time_us {order} LIMIT 1",
        (member.id,),
    ).get
    return time_us


def _key(place: Place) -> int:
    return place.session << SEQ_BITS | place.seq
