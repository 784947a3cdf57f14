"""Values that were found once are looked for as such: `echo` prints them without their names."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote_from_bytes

import ahocorasick_rs
from msgspec.structs import replace

from opensession.core.privacy.detector import Found
from opensession.core.privacy.scanner import Hits
from opensession.core.privacy.values import is_placeholder

Known = dict[bytes, Found]
"""Values by their bytes, with the finding that gave them."""

_SETS = frozenset(("keys", "assignments", "urls", "headers", "own"))
_LEAST, _MOST = 8, 4096
_LONG = 16
"""Shorter values count only where they stand as words of their own."""

_WORD = re.compile(
    rb"[A-Za-z]+[0-9]{0,2}\Z|[0-9._:/-]+\Z|[A-Za-z]+(?:[-_. ][A-Za-z0-9]{1,12}){1,8}\Z"
)
_MUCH = 1 << 19
"""Bytes times values from which on one pass for all values is quicker than one for each."""


def memorable(data: bytes, one: Found) -> bool:
    """Reports whether a finding's value can be nothing but this secret: long enough, no word."""
    if one.set not in _SETS or one.confidence == "possible" or one.text is not None:
        return False
    if not _LEAST <= one.end - one.start <= _MOST:
        return False
    return is_memorable(data[one.start : one.end])


def is_memorable(value: bytes) -> bool:
    """The same of a value alone."""
    if not _LEAST <= len(value) <= _MOST or b"\n" in value or b"[redacted:" in value:
        return False
    if _WORD.match(value) or is_placeholder(value):
        return False
    return re.search(rb"[0-9]", value) is not None and re.search(rb"[A-Za-z]", value) is not None


class Finder:
    """Finds a fixed set of values in any number of texts, also as base64 and as parts of addresses
    write them.
    """

    def __init__(self, values: Mapping[bytes, Found]) -> None:
        self._values = list(values)
        self._found = list(values.values())
        self._more: dict[int, tuple[int, int]] = {}
        for value, one in values.items():
            for written, before, after in _encoded(value):
                if written not in values:
                    self._more[len(self._values)] = before, after
                    self._values.append(written)
                    self._found.append(one)
        self._beginnings: Beginnings | None = None

    def find(self, data: bytes) -> list[Found]:
        """Every place of the values; they may overlap."""
        found = []
        for number, start in self._places(data):
            end = start + len(self._values[number])
            if end - start < _LONG and _is_part(data, start, end):
                continue
            before, after = self._more.get(number, (0, 0))
            if before and data[start - before : start].isalnum():
                start -= before
            if after:
                end = _PADDED.match(data, end).end()  # type: ignore[union-attr]  # matches nothing too
            found.append(replace(self._found[number], start=start, end=end, wrap=b""))
        return found

    def places(self, data: bytes) -> Hits:
        """The same as hits."""
        return [(0, one.start, one.end) for one in self.find(data)]

    def _places(self, data: bytes) -> list[tuple[int, int]]:
        if self._beginnings is None and len(data) * len(self._values) > _MUCH:
            self._beginnings = Beginnings(self._values)
        if self._beginnings is not None:
            return self._beginnings.places(data)
        places = []
        for number, value in enumerate(self._values):
            start = data.find(value)
            while start >= 0:
                places.append((number, start))
                start = data.find(value, start + len(value))
        return places


class Beginnings:
    """Values behind one automaton of what they begin with: small, so that it is quick to build and
    to run.
    """

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values = values
        numbers: dict[bytes, list[int]] = {}
        for number, value in enumerate(values):
            numbers.setdefault(value[:_LEAST], []).append(number)
        self._numbers = list(numbers.values())
        self._automaton = ahocorasick_rs.BytesAhoCorasick(
            list(numbers), implementation=ahocorasick_rs.Implementation.DFA
        )

    def places(self, data: bytes) -> list[tuple[int, int]]:
        """Every place of each value, as its number and where it begins."""
        return [
            (number, start)
            for beginning, start, _ in self._automaton.find_matches_as_indexes(
                data, overlapping=True
            )
            for number in self._numbers[beginning]
            if data.startswith(self._values[number], start)
        ]


_PADDED = re.compile(rb"[A-Za-z0-9+/_-]?={0,2}")
_ENCODED = 12
"""Shorter values are not looked for in base64: of two places of three too little of it is fixed."""


def _encoded(value: bytes) -> Iterator[tuple[bytes, int, int]]:
    """How a value is written in addresses, and in base64 of a text that it is in: what of it is the
    same whatever is around it, and how many characters before and after hold bits of it as well.
    """
    quoted = quote_from_bytes(value, safe="").encode()
    if quoted != value:
        yield quoted, 0, 0
    if len(value) < _ENCODED:
        return
    for offset in range(3):
        written = base64.b64encode(bytes(offset) + value)
        first = (8 * offset + 5) // 6
        last = 8 * (offset + len(value)) // 6
        stable = written[first:last]
        before = int(offset > 0)
        after = int(8 * (offset + len(value)) % 6 > 0)
        yield stable, before, after
        safe = stable.translate(_SAFE)
        if safe != stable:
            yield safe, before, after


_SAFE = bytes.maketrans(b"+/", b"-_")


def _is_part(data: bytes, start: int, end: int) -> bool:
    """Reports whether a place is within a longer word; the letter of an escape is none."""
    escaped = data[max(0, start - 2) : start - 1] == b"\\"
    return (data[max(0, start - 1) : start].isalnum() and not escaped) or data[
        end : end + 1
    ].isalnum()
