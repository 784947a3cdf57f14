"""The lines of a session for those who download it, made while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec

from opensession.core.fold import Fold
from opensession.core.hail import Event
from opensession.core.hail_lines import event_line, stats_line
from opensession.core.stats import Stats, changed_lines, recompute
from opensession.server.events import decode_event
from opensession.server.storage.interface import Body, Place

_PIECE = 1 << 20
_COUNTED = frozenset(
    (
        "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
        "input_tokens_total", "output_tokens_total", "message_id", "cost_microdollars",
        "result.exit_code",
    )
)  # fmt: skip
_COUNTED_DATA = frozenset(("path", "is_error", "summary"))


async def verbatim(body: Body) -> AsyncIterator[bytes]:
    """Header and events as they were received."""
    yield body.header + b"\n"
    for start in range(0, body.size, _PIECE):
        yield await asyncio.to_thread(body.read, start, min(body.size, start + _PIECE))


async def folded(body: Body) -> AsyncIterator[bytes]:
    """HAIL: header, events by time and seq with what came later folded in, stats."""
    yield body.header + b"\n"
    places = await asyncio.to_thread(body.places)
    fold, stats = await asyncio.to_thread(_counted, body, places)
    places.sort(key=lambda place: (place.time_us, place.seq))
    for some in _pieces(places):
        yield await asyncio.to_thread(_lines, body, fold, some)
    yield stats_line(stats) + b"\n"


def _counted(body: Body, places: Sequence[Place]) -> tuple[Fold, Stats]:
    """What is to be folded, and the stats. Of the events only what these need is held."""
    fold = Fold()
    slim: list[Event] = []
    added = removed = 0
    for place, event in _events(body, places):
        fold.add(place.seq, event)
        plus, minus = changed_lines(event)
        added, removed = added + plus, removed + minus
        slim.append(
            msgspec.structs.replace(
                event,
                blocks=[],
                data={k: v for k, v in (event.data or {}).items() if k in _COUNTED_DATA},
                attributes={k: v for k, v in event.attributes.items() if k in _COUNTED},
            )
        )
    stats = recompute(slim)
    return fold, msgspec.structs.replace(stats, lines_added=added, lines_removed=removed)


def _lines(body: Body, fold: Fold, places: Sequence[Place]) -> bytes:
    return b"".join(
        event_line(fold.event(place.seq, event)) + b"\n" for place, event in _events(body, places)
    )


def _events(body: Body, places: Sequence[Place]) -> Iterator[tuple[Place, Event]]:
    """The events at places; what lies side by side is read at once."""
    for some in _pieces(places):
        start = min(place.start for place in some)
        end = max(place.end for place in some)
        near = end - start <= 2 * _PIECE
        data = body.read(start, end) if near else b""
        for place in some:
            if near:
                line = data[place.start - start : place.end - start - 1]
            else:
                line = body.read(place.start, place.end - 1)
            yield place, decode_event(line)


def _pieces(places: Sequence[Place]) -> Iterator[list[Place]]:
    """Places in lots of about a piece's size."""
    some: list[Place] = []
    size = 0
    for place in places:
        some.append(place)
        size += place.end - place.start
        if size >= _PIECE:
            yield some
            some, size = [], 0
    if some:
        yield some
