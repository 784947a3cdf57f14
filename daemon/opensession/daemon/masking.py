"""Overwriting a value in bytes, wherever it stands, without a change of length.

A value is looked for as it reads and as JSON writes it, JSON within JSON included. What is left
stays JSON: an escape is never cut in two, and a bare number stays one.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

LEAST_BYTES = 4
"""A shorter value could be any text."""

_LEVELS = 3
_MASK = b"*"
_DIGIT = b"1"
_BEFORE = b":,[ \t\r\n"
_AFTER = b",}] \t\r\n"


class Span(NamedTuple):
    """Bytes `start..end` of a text, which `mask` takes the place of, byte for byte."""

    start: int
    end: int
    mask: bytes


class Needles:
    """The forms of a value. Raises ValueError for one that is too short."""

    def __init__(self, values: Iterable[str]) -> None:
        forms: dict[bytes, None] = {}
        for value in values:
            if len(value.encode("utf-8", "surrogatepass")) < LEAST_BYTES:
                raise ValueError("too short to be told from other text")
            forms.update(dict.fromkeys(_forms(value)))
        ordered = sorted(forms, key=len, reverse=True)
        self.longest = len(ordered[0]) if ordered else 0
        self.forms = [form.decode("utf-8", "surrogatepass") for form in ordered]
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None

    def spans(self, data: bytes) -> list[Span]:
        """Where the value stands, in order."""
        if self._pattern is None:
            return []
        return [
            Span(match.start(), match.end(), _mask(data, match.start(), match.end()))
            for match in self._pattern.finditer(data)
            if not _cuts_an_escape(data, match.start())
        ]

    def spans_of(self, pieces: Iterable[bytes]) -> list[Span]:
        """Where it stands in a text that comes in pieces."""
        keep = self.longest + 16
        found: list[Span] = []
        held, at, decided = b"", 0, 0
        for piece, last in _with_last(pieces):
            held += piece
            sure = at + len(held) - (0 if last else keep)
            for span in self.spans(held):
                start, end = at + span.start, at + span.end
                if start >= sure:
                    break
                if start >= decided:
                    found.append(Span(start, end, span.mask))
                    decided = end
            decided = max(decided, sure)
            drop = max(0, sure - at - keep)
            held, at = held[drop:], at + drop
        return found

    def masked(self, data: bytes) -> bytes:
        """The text with the value overwritten; the same object where it does not stand."""
        return overlaid(data, 0, self.spans(data))


def overlaid(data: bytes, offset: int, spans: Sequence[Span]) -> bytes:
    """The bytes, which stand at `offset`, with the masks of spans laid over them."""
    end = offset + len(data)
    touched = [span for span in spans if span.end > offset and span.start < end]
    if not touched:
        return data
    changed = bytearray(data)
    for span in touched:
        low, high = max(span.start, offset), min(span.end, end)
        changed[low - offset : high - offset] = span.mask * (high - low)
    return bytes(changed)


def _forms(value: str) -> Iterator[bytes]:
    level = {value}
    for _ in range(_LEVELS + 1):
        yield from (form.encode("utf-8", "surrogatepass") for form in level)
        escaped: set[str] = set()
        for form in level:
            for plain in (True, False):
                written = json.dumps(form, ensure_ascii=plain)[1:-1]
                escaped |= {written, written.replace("/", "\\/")}
        level = escaped


def _mask(data: bytes, start: int, end: int) -> bytes:
    """A star, but a digit where the value is a bare number of JSON."""
    if not data[start:end].isdigit():
        return _MASK
    before, after = data[max(0, start - 1) : start], data[end : end + 1]
    return _DIGIT if before and after and before in _BEFORE and after in _AFTER else _MASK


def _cuts_an_escape(data: bytes, start: int) -> bool:
    """Reports whether what begins at `start` belongs to the backslash before it."""
    count = 0
    while start - count > 0 and data[start - count - 1] == 0x5C:
        count += 1
    return count % 2 == 1


def _with_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for piece, following in itertools.pairwise(itertools.chain(pieces, (None,))):
        if piece is not None:
            yield piece, following is None
