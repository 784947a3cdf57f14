"""What stripping takes out of the events of a session, told by place: nothing is changed here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from opensession.core.hail import Event
from opensession.core.privacy.detector import GENERIC, Found
from opensession.core.privacy.engine import Engine
from opensession.core.privacy.known import Finder, Known, is_memorable, memorable
from opensession.core.privacy.leaves import PLAIN, kind_of, leaves
from opensession.core.privacy.pieces import cuts_of
from opensession.core.privacy.rules import Finding
from opensession.core.privacy.scanner import united

_PASSES = 4
_ROOTS = ("data", "blocks", "attributes")


class Leaf(NamedTuple):
    """One text of an event: the event's number, its place in it, its bytes, what is in it."""

    event: int
    place: str
    data: bytes
    found: list[Found]


def find_events(engine: Engine, events: Sequence[Event]) -> list[list[tuple[str, Finding]]]:
    """What is in the events of one session, by event, with the place of each text.

    As `strip_events` does it: also what was found in another of them, and what was cut into pieces.
    """
    cut = cuts_of(events, engine)
    known: Known = {}
    read: list[Leaf] = []
    for number, event in enumerate(events):
        for root in _ROOTS:
            for place, name, value in leaves(getattr(event, root), root):
                data = str(value).encode("utf-8", "surrogatepass")
                beyond = cut.get((number, place), [])
                found = _of_leaf(engine, name, value, data, known)
                apart = [one for one in found if not _touches(one, beyond)]
                read.append(
                    Leaf(number, place, data, united([*apart, *beyond]) if beyond else apart)
                )
    finder = Finder(known) if known else None
    told: list[list[tuple[str, Finding]]] = [[] for _ in events]
    for leaf in read:
        found = leaf.found
        if finder is not None:
            again = [one for one in finder.find(leaf.data) if not _touches(one, found)]
            found = sorted([*found, *united(again)]) if again else found
        told[leaf.event] += [(leaf.place, one) for one in in_characters(engine, leaf.data, found)]
    return told


def located(engine: Engine, data: bytes, known: Known) -> list[Found]:
    """What stripping takes out of a text, and what is only reported, where it stands in the text.

    A later look finds what was hidden by what was taken out before.
    """
    everything: list[Found] = []
    now = data
    parts = [(0, 0, len(data))]
    for number in range(_PASSES):
        hits = engine.hits(now)
        found = engine.find(now, hits) if hits else []
        if number == 0:
            everything += [one for one in found if not engine.replaces(one)]
        found = [one for one in found if engine.replaces(one)]
        if not found:
            break
        values = {now[one.start : one.end]: one for one in found if memorable(now, one)}
        if values:
            found = united([*found, *Finder(values).find(now)])
            known.update(values)
        everything += [_mapped(one, parts) for one in found]
        parts = _left(parts, found, engine, now)
        now = engine.replaced(now, found, {})
    return united(everything) if len(everything) > 1 else everything


def in_characters(engine: Engine, data: bytes, found: list[Found]) -> list[Finding]:
    """Findings as they are told, with offsets in characters."""
    findings = []
    place = at = 0
    for one in found:
        start = at + len(data[place : one.start].decode("utf-8", "surrogatepass"))
        at = start + len(data[one.start : one.end].decode("utf-8", "surrogatepass"))
        place = one.end
        mode = engine.mode(one.set, one.kind)
        findings.append(Finding(one.set, one.kind, one.confidence, start, at, mode))
    return findings


def _of_leaf(engine: Engine, name: str, value: object, data: bytes, known: Known) -> list[Found]:
    mode = engine.mode("assignments", "")
    kind = kind_of(name, value) if mode != "off" else None
    if kind is not None:
        for one in engine.find(data, engine.hits(data)):
            if one.start == 0 and one.end == len(data) and one.rank > GENERIC and one.text is None:
                kind = one.kind
        whole = Found(0, len(data), kind, "assignments", "likely", GENERIC)
        if mode in ("redact", "block"):
            if is_memorable(data):
                known[data] = whole
            return [whole]
    inside: list[Found] = []
    if isinstance(value, str):
        inside = located(engine, data, known) if value not in PLAIN else []
    elif isinstance(value, int) and value >= 10**11:
        inside = located(engine, data, known)
    if kind is not None and not any(one.set == "keys" for one in inside):
        return [whole]
    return inside


def _touches(one: Found, others: Sequence[Found]) -> bool:
    return any(one.start < other.end and other.start < one.end for other in others)


Parts = list[tuple[int, int, int]]
"""What is left of a text: (where it stands now, where it stood, how long it is)."""


def _mapped(one: Found, parts: Parts) -> Found:
    """A finding where it stands in the text as it was."""
    if len(parts) == 1:
        return one
    starts = [part[0] for part in parts]
    here, was, size = parts[max(0, bisect_right(starts, one.start) - 1)]
    start = was + min(one.start - here, size)
    number = max(0, bisect_right(starts, one.end - 1) - 1)
    here, was, size = parts[number]
    if one.end - 1 < here + size:
        end = was + one.end - here
    else:
        end = parts[number + 1][1] if number + 1 < len(parts) else was + size
    return replace(one, start=start, end=max(start + 1, end))


def _left(parts: Parts, found: list[Found], engine: Engine, data: bytes) -> Parts:
    """The parts that are left of `data` once these findings are replaced."""
    left: Parts = []
    shift = done = 0
    spans = [(one.start, one.end, engine.shown(data[one.start : one.end], one)) for one in found]
    for start, end, shown in [*spans, (len(data), len(data), b"")]:
        for here, was, size in parts:
            low, high = max(here, done), min(here + size, start)
            if low < high:
                left.append((low + shift, was + low - here, high - low))
        shift += len(shown) - (end - start)
        done = end
    return left or [(0, 0, 0)]
