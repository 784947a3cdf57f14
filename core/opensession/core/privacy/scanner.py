"""Detectors over bytes: one automaton finds all keywords, patterns run only where one was found.

Text is scanned as UTF-8, so that offsets are bytes and `\\w` in patterns is ASCII. A detector's
pattern is bounded, so that the time is linear in the text whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ahocorasick_rs

from opensession.core.privacy.rules import Confidence

PLAIN, GENERIC, PLACED, SPECIFIC = range(0, 4000, 1000)
"""How much a kind says of what was found: the highest of overlapping findings names them. Of equals
the one with the longer keyword does."""


class Found(NamedTuple):
    """A span to replace. `text` is what stands there afterwards; None: a placeholder."""

    start: int
    end: int
    kind: str
    set: str
    confidence: Confidence
    rank: int
    text: bytes | None = None
    wrap: bytes = b""
    """What encloses the placeholder: quotes where a JSON number becomes a text."""


class Text:
    """The bytes of one scan, with what was worked out about them.

    A text that is nothing but keywords would otherwise have the same run measured at each of them.
    """

    __slots__ = ("_runs", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._runs: dict[re.Pattern[bytes], tuple[int, int]] = {}

    def run_end(self, pattern: re.Pattern[bytes], start: int) -> int:
        """Where a run of a pattern's bytes that begins at `start` ends; `start` if there is none.

        The pattern must match any part of what it matches, from that part's beginning.
        """
        begin, end = self._runs.get(pattern, (0, 0))
        if not begin <= start < end:
            match = pattern.match(self.data, start)
            begin, end = start, match.end() if match is not None else start
            self._runs[pattern] = (begin, end)
        return end


class Detector(NamedTuple):
    """One kind of private data, as data.

    `keywords` are matched exactly; at each hit `pattern` is matched from the keyword's beginning
    (`from_end`: from its end), and `check` says what to replace, if anything: it gets the text, the
    offset of the keyword and the match.
    """

    name: str
    keywords: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    check: Callable[[Text, int, re.Match[bytes]], Found | None]
    from_end: bool = False
    back: int = 0
    """How far before its keyword the pattern may begin; 0: at it."""


_AHEAD = 400
"""How far after a mark inside of a value it may end."""

Hits = list[tuple[int, int, int]]


class Scanner:
    """Several detectors behind one automaton; immutable once built."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        owners: dict[bytes, list[Detector]] = {}
        for detector in detectors:
            for keyword in detector.keywords:
                owners.setdefault(keyword, []).append(detector)
        self._owners = [tuple(each) for each in owners.values()]
        self._automaton = (
            ahocorasick_rs.BytesAhoCorasick(
                list(owners),
                implementation=ahocorasick_rs.Implementation.DFA,
                matchkind=ahocorasick_rs.MatchKind.Standard,
            )
            if owners
            else None
        )

    def hits(self, data: bytes) -> Hits:
        """Where keywords are: (keyword, start, end); clean text has none, and that is quick."""
        if self._automaton is None:
            return []
        return self._automaton.find_matches_as_indexes(data, overlapping=True)

    def find(self, data: bytes, hits: Hits) -> list[Found]:
        """What was found, in order, without overlaps."""
        found: list[Found] = []
        text = Text(data)
        for keyword, start, end in hits:
            for detector in self._owners[keyword]:
                if detector.back:
                    match = detector.pattern.search(
                        data, max(0, start - detector.back), end + _AHEAD
                    )
                else:
                    match = detector.pattern.match(data, end if detector.from_end else start)
                if match is None:
                    continue
                one = detector.check(text, start, match)
                if one is not None:
                    found.append(one._replace(rank=one.rank + end - start))
        return united(found) if len(found) > 1 else found


def united(found: list[Found]) -> list[Found]:
    """The findings in order; those that overlap are one, named by the one that says most."""
    found.sort(key=lambda one: (one.start, -one.end))
    merged = [found[0]]
    for one in found[1:]:
        last = merged[-1]
        if one.start >= last.end:
            merged.append(one)
            continue
        first, second = (last, one) if last.rank >= one.rank else (one, last)
        within = first.start <= second.start and first.end >= second.end
        merged[-1] = first._replace(
            start=last.start,
            end=max(last.end, one.end),
            text=first.text if within else None,
            wrap=last.wrap or one.wrap,
        )
    return merged
