"""Secrets that were cut: of a message that came in pieces they are in two blocks, or two events."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from opensession.core.hail import Event
from opensession.core.privacy.detector import Found
from opensession.core.privacy.engine import Counts, Engine
from opensession.core.privacy.scanner import Hits

_TYPES = frozenset(("UserMessage", "AgentMessage", "SystemMessage", "Thinking", "ToolResult"))
_BEFORE, _AFTER = 4096, 256
"""How far from a cut the keyword of a value may be that it goes through."""

_NEAR = 4
"""How far after a cut a value may begin whose name ended before it."""


class Piece(NamedTuple):
    """One text of a message: the event's and the block's number, the field, its text."""

    event: int
    block: int
    field: str
    text: str


def mended(events: Sequence[Event], engine: Engine) -> tuple[list[Event], dict[int, Counts]]:
    """The events with what was cut replaced in the first of its pieces, and counts by event."""
    clean = list(events)
    counts: dict[int, Counts] = {}
    for group in _groups(events):
        texts = _mended(group, engine, counts)
        for piece, data in texts:
            event = clean[piece.event]
            blocks: list[Any] = list(event.blocks)
            text = data.decode("utf-8", "surrogatepass")
            blocks[piece.block] = {**blocks[piece.block], piece.field: text}
            clean[piece.event] = msgspec.structs.replace(event, blocks=blocks)
    return clean, counts


def cuts_of(events: Sequence[Event], engine: Engine) -> dict[tuple[int, str], list[Found]]:
    """What `mended` takes out: by the event's number and the text's place in it, in order."""
    told: dict[tuple[int, str], list[Found]] = {}
    for group in _groups(events):
        blocks = [events[piece.event].blocks[piece.block][piece.field] for piece in group]
        texts = [block.encode("utf-8", "surrogatepass") for block in blocks]
        cuts = [0]
        for text in texts:
            cuts.append(cuts[-1] + len(text))
        data = b"".join(texts)
        hits = _hits(data, cuts[1:-1], engine)
        for one in engine.find(data, hits) if hits else []:
            if not engine.replaces(one) or not _is_cut(one, cuts):
                continue
            first = bisect_right(cuts, one.start) - 1
            for number in range(first, bisect_right(cuts, one.end - 1)):
                begin = max(0, one.start - cuts[number])
                end = min(one.end, cuts[number + 1]) - cuts[number]
                if begin < end:
                    piece = group[number]
                    place = f"blocks[{piece.block}].{piece.field}"
                    part = msgspec.structs.replace(one, start=begin, end=end, wrap=b"")
                    told.setdefault((piece.event, place), []).append(part)
    return told


def _groups(events: Sequence[Event]) -> list[list[Piece]]:
    """The texts of each message that has more than one."""
    groups: list[list[Piece]] = []
    first = 0
    last: tuple[str, str] | None = None
    for number, event in enumerate(events):
        key = _message(event)
        if key is None or key != last or not key[1]:
            if number > first:
                _add_group(events, first, number, groups)
            first = number if key is not None else number + 1
        last = key
    _add_group(events, first, len(events), groups)
    return groups


def _add_group(events: Sequence[Event], first: int, end: int, groups: list[list[Piece]]) -> None:
    if end - first == 1 and len(events[first].blocks) < 2:
        return
    group = [piece for number in range(first, end) for piece in _pieces(number, events[number])]
    if len(group) > 1:
        groups.append(group)


def _message(event: Event) -> tuple[str, str] | None:
    if event.type not in _TYPES:
        return None
    attributes = event.attributes
    own = attributes.get("message_id") or attributes.get("semantic.call_id") or ""
    return event.type, own if isinstance(own, str) else ""


def _pieces(number: int, event: Event) -> list[Piece]:
    found = []
    for place, block in enumerate(event.blocks):
        field = "code" if block.get("type") == "Code" else "text"
        text = block.get(field)
        if isinstance(text, str) and text:
            found.append(Piece(number, place, field, text))
    return found


def _mended(
    group: list[Piece], engine: Engine, counts: dict[int, Counts]
) -> list[tuple[Piece, bytes]]:
    texts = [piece.text.encode("utf-8", "surrogatepass") for piece in group]
    cuts = [0, *accumulate(map(len, texts))]
    data = b"".join(texts)
    hits = _hits(data, cuts[1:-1], engine)
    if not hits:
        return []
    changed: set[int] = set()
    for one in reversed(engine.find(data, hits)):
        if not engine.replaces(one) or not _is_cut(one, cuts):
            continue
        first = bisect_right(cuts, one.start) - 1
        last = bisect_right(cuts, one.end - 1) - 1
        shown = engine.shown(data[one.start : one.end], msgspec.structs.replace(one, wrap=b""))
        for place in range(first, last + 1):
            begin = max(0, one.start - cuts[place])
            end = min(one.end, cuts[place + 1]) - cuts[place]
            lost = texts[place][begin:end]
            kept = b"\n" * lost.count(b"\n")
            put = shown.split(b"\n")[0] + kept if place == first else kept
            texts[place] = texts[place][:begin] + put + texts[place][end:]
            changed.add(place)
        event = counts.setdefault(group[first].event, {})
        event[one.kind] = event.get(one.kind, 0) + 1
    return [(group[place], texts[place]) for place in sorted(changed)]


def _hits(data: bytes, cuts: list[int], engine: Engine) -> Hits:
    """Where something may be that a cut goes through: only what is near to one is looked at."""
    hits: Hits = []
    done = 0
    for cut in cuts:
        begin, end = max(done, cut - _BEFORE), min(len(data), cut + _AFTER)
        if begin < end:
            near = engine.hits(data[begin:end])
            hits += [(word, begin + start, begin + stop) for word, start, stop in near]
            done = max(done, end - _AFTER)
    return sorted(set(hits), key=lambda hit: hit[1])


def _is_cut(one: Found, cuts: list[int]) -> bool:
    """Reports whether a cut goes through a value, or stands between it and its name."""
    if (one.confidence == "possible" and one.set != "keys") or one.text is not None:
        return False
    cut = cuts[bisect_right(cuts, one.end - 1) - 1]
    return one.start < cut or (cut > 0 and one.start - cut <= _NEAR)
