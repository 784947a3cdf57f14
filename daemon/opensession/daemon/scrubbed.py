"""Secrets that were scrubbed stay so: what a source still has of them is archived with a mask, and
is replaced in events also where nothing beside it tells that it is one.

No value is stored. A scrubbed one is known again by its keyed fingerprint, its length and its
signs: every stretch of such signs and that length is a candidate.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from opensession.core.hail import Event, SessionInfo
from opensession.core.privacy import Stripper
from opensession.daemon.findings import raw_values, tag, valued
from opensession.daemon.masking import Needles
from opensession.parsers.agent import Delta

LEAST = 8
"""A shorter value could be any word, so it is not looked for alone."""

MOST_PLACES = 256
"""So many places of a longer stretch are tried: half of them from its beginning."""

_SIGNS = {
    "word": rb"A-Za-z0-9",
    "name": rb"A-Za-z0-9_-",
    "wide": rb"A-Za-z0-9_./+=~@$!%*#&^?-",
}


class Scrubbed(msgspec.Struct, frozen=True, array_like=True):
    """A scrubbed secret. Without a length it is not looked for where it stands alone."""

    fingerprint: bytes
    kind: str
    length: int = 0
    signs: str = ""


def form_of(stripper: Stripper, fingerprint: bytes, values: Collection[str]) -> tuple[int, str]:
    """The length and the signs of the value of a fingerprint, or (0, "") if it has other signs."""
    for value in values:
        if len(value) < LEAST or stripper.fingerprint("token", value) != fingerprint:
            continue
        for name, signs in _SIGNS.items():
            if re.fullmatch(b"[%b]+" % signs, value.encode("utf-8", "surrogatepass")):
                return len(value), name
    return 0, ""


def alone(stripper: Stripper, raw: bytes, scrubbed: Collection[Scrubbed]) -> dict[str, Scrubbed]:
    """The scrubbed values that stand in these bytes, whatever is beside them."""
    found: dict[str, Scrubbed] = {}
    for name, signs in _SIGNS.items():
        wanted = {one.fingerprint: one for one in scrubbed if one.signs == name and one.length}
        if not wanted:
            continue
        lengths = sorted({one.length for one in wanted.values()})
        seen: set[bytes] = set()
        for match in re.finditer(b"[%b]{%d,}" % (signs, lengths[0]), raw):
            run = match[0]
            if run in seen:
                continue
            seen.add(run)
            for part in _parts(run, lengths):
                value = part.decode("ascii")
                known = wanted.get(stripper.fingerprint("token", value))
                if known is not None and known.length == len(value):
                    found[value] = known
    return found


def without_scrubbed(
    stripper: Stripper, delta: Delta, scrubbed: Collection[Scrubbed], found: Collection[str]
) -> bytes:
    """The bytes of a read with a mask over scrubbed values, wherever they stand in these bytes; the
    same object if none does. `found` are those that `alone` gave.
    """
    wanted = frozenset(one.fingerprint for one in scrubbed)
    values = dict.fromkeys(found)
    for part in delta.sessions:
        for event in part.events:
            for _, one, value in valued(stripper, event):
                if stripper.fingerprint(one.kind, value) in wanted:
                    values[value] = None
    for one, forms in raw_values(stripper, delta.raw):
        if any(stripper.fingerprint(one.kind, form) in wanted for form in forms):
            values.update(dict.fromkeys(forms))
    return Needles(values).masked(delta.raw) if values else delta.raw


def replaced(
    event: Event, counts: dict[str, int], found: Mapping[str, Scrubbed]
) -> tuple[Event, dict[str, int]]:
    """A stripped event and its counts, with the placeholders of values that `alone` gave."""
    told = dict(counts)
    clean: list[Any] = [
        _replaced(each, found, told) for each in (event.data, event.blocks, event.attributes)
    ]
    if told == counts:
        return event, counts
    data, blocks, attributes = clean
    return msgspec.structs.replace(event, data=data, blocks=blocks, attributes=attributes), told


def replaced_info(info: SessionInfo, found: Mapping[str, Scrubbed]) -> SessionInfo:
    """The same for what is known of a session."""
    told: dict[str, int] = {}
    return msgspec.structs.replace(
        info,
        title=_replaced(info.title, found, told),
        first_prompt=_replaced(info.first_prompt, found, told),
        attributes=_replaced(info.attributes, found, told),
    )


def _parts(run: bytes, lengths: Collection[int]) -> Iterator[bytes]:
    for length in lengths:
        places = range(len(run) - length + 1)
        if len(places) > MOST_PLACES:
            half = MOST_PLACES // 2
            for place in (*places[:half], *places[-half:]):
                yield run[place : place + length]
        else:
            for place in places:
                yield run[place : place + length]


def _replaced(root: Any, found: Mapping[str, Scrubbed], told: dict[str, int]) -> Any:
    if isinstance(root, str):
        for value, one in found.items():
            if value in root:
                told[one.kind] = told.get(one.kind, 0) + root.count(value)
                root = root.replace(value, f"[redacted:{one.kind}:{tag(one.fingerprint)}]")
        return root
    if isinstance(root, dict):
        return {
            _replaced(name, found, told): _replaced(inner, found, told)
            for name, inner in root.items()
        }
    if isinstance(root, list):
        return [_replaced(inner, found, told) for inner in root]
    return root
