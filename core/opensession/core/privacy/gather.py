"""The texts of events, and those of many texts that may hold something.

Most of a session is clean: one pass over the bytes of many texts at once costs far less than a call
for each of them.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any

from opensession.core.hail import Event
from opensession.core.privacy.leaves import (
    PLAIN,
    STRUCTURAL,
    UNREADABLE,
    beside,
    flag_before,
    is_image,
    kind_of,
)
from opensession.core.privacy.names import secret_name
from opensession.core.privacy.scanner import Hits

LARGE = 10**11
"""Numbers from here on can be those of cards."""

_TOGETHER = 1 << 17
"""So many bytes of text are looked at in one pass."""

_FEW = 32
"""The names of larger objects are looked at one by one: hardly two of those have the same."""


def texts_of(event: Event) -> tuple[list[str], bool]:
    """The texts of an event, and whether a field's name alone makes its value a secret."""
    texts: list[str] = []
    named = False
    stack: list[Any] = [event.attributes, event.blocks]
    data = event.data
    if data:
        if event.type in STRUCTURAL and "path" in data:
            data = {name: value for name, value in data.items() if name != "path"}
        stack.append(data)
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is dict:
            if len(node) > _FEW or not _are_usual(tuple(node)):
                named = _unusual(node, texts, stack) or named
                continue
            for value in node.values():
                kind = type(value)
                if kind is str:
                    if value not in PLAIN:
                        texts.append(value)
                elif kind is dict or kind is list:
                    stack.append(value)
                elif kind is int and value >= LARGE:
                    texts.append(str(value))
        elif kind is list:
            for place, value in enumerate(node):
                kind = type(value)
                if kind is dict or kind is list:
                    stack.append(value)
                elif kind is str:
                    texts.append(value)
                    if place and kind_of(flag_before(node, place), value) is not None:
                        named = True
                elif kind is int and value >= LARGE:
                    texts.append(str(value))
        elif kind is str:
            texts.append(node)
    return texts, named


def _unusual(node: dict[str, Any], texts: list[str], stack: list[Any]) -> bool:
    """Gather an object whose names matter; reports whether one makes its value a secret."""
    named = False
    for key, value in node.items():
        telling, odd, unreadable = _facts(key)
        if odd:
            texts.append(key)
        if type(value) is str:
            if unreadable or value in PLAIN or (key == "url" and is_image(key, value)):
                continue
            texts.append(value)
        elif type(value) is dict or type(value) is list:
            stack.append(value)
            continue
        elif type(value) is not int:
            continue
        elif value >= LARGE:
            texts.append(str(value))
        name = beside(node) if key == "value" else key if telling else ""
        if name and kind_of(name, value) is not None:
            named = True
    return named


def is_usual(node: dict[str, Any]) -> bool:
    """Reports whether an object's names hold nothing and say nothing about its values."""
    return len(node) <= _FEW and _are_usual(tuple(node))


@functools.lru_cache(maxsize=2048)
def _are_usual(names: tuple[str, ...]) -> bool:
    return not any(name in ("value", "url") or any(_facts(name)) for name in names)


@functools.lru_cache(maxsize=8192)
def _facts(key: str) -> tuple[bool, bool, bool]:
    """Of a field's name: whether it tells of a secret, can hold something itself, is unreadable."""
    odd = not key.replace(".", "_").isidentifier()
    return secret_name(key) is not None, odd, key in UNREADABLE


def located(texts: Sequence[bytes], look: Callable[[bytes], Hits]) -> dict[int, Hits]:
    """Those of the texts in which `look` sees something, by their numbers, with where that is.

    It sees several texts at once, a line break between them; what goes over one does not count.
    """
    seen: dict[int, Hits] = {}
    for first, last in _together(texts):
        some = texts[first:last]
        hits = look(b"\n".join(some))
        if not hits:
            continue
        ends = list(accumulate([len(text) + 1 for text in some]))
        start = end = 0
        places: Hits = []
        for word, begin, stop in hits:
            if not start <= begin < end:
                number = bisect_right(ends, begin)
                start, end = ends[number - 1] if number else 0, ends[number]
                places = seen.get(first + number, [])
            if stop < end:
                if not places:
                    seen[first + number] = places
                places.append((word, begin - start, stop - start))
    return seen


def _together(texts: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """From where to where texts are looked at in one pass."""
    first = size = 0
    for last, text in enumerate(texts, 1):
        size += len(text)
        if size > _TOGETHER or last == len(texts):
            yield first, last
            first, size = last, 0
