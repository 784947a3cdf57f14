"""Detectors over bytes: one automaton finds all keywords, patterns run only where one was found.

Text is scanned as UTF-8, so that offsets are bytes and `\\w` in patterns is ASCII. A detector's
pattern is bounded, so that the time is linear in the text whatever it holds.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import ahocorasick_rs

from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.view import unescaped

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


_NEAR = 400
"""How far around a keyword an escape matters: values end at one."""


class Text:
    """The bytes of one scan, with what was worked out about them.

    A text that is nothing but keywords would otherwise have the same run measured at each of them.
    """

    __slots__ = ("_runs", "_view", "data", "passed")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._view: bytes | None = None
        self.passed: dict[str, int] = {}
        self._runs: dict[re.Pattern[bytes], tuple[int, int]] = {}

    @property
    def view(self) -> bytes:
        """The text without its escapes, of the same length."""
        if self._view is None:
            self._view = unescaped(self.data)
        return self._view

    def around(self, start: int, end: int) -> bytes:
        """The text as it is where no escape is near, else the view: that takes longer to make."""
        data = self.data
        if self._view is None and (
            data.find(b"\\", max(0, start - _NEAR), end + _NEAR) >= 0
            or data.find(b"\x1b", max(0, start - _NEAR), end + _NEAR) >= 0
        ):
            return self.view
        return data if self._view is None else self._view

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
    (`from_end`: from its end; `view`: in the text without its escapes), and `check` says what to
    replace, if anything: it gets the text, the offset of the keyword and the match.
    """

    name: str
    keywords: tuple[bytes, ...]
    pattern: re.Pattern[bytes]
    check: Callable[[Text, int, re.Match[bytes]], Found | list[Found] | None]
    from_end: bool = False
    back: int = 0
    """How far before its keyword the pattern begins; 0: at it."""
    spread: int = 0
    """With `back`: in how many places from there on it may begin as well."""
    once: bool = False
    """Whether keywords within a match are of it, and are not looked at again."""
    view: bool = False
    guard: re.Pattern[bytes] | None = None
    """Matches wherever `pattern` can, from the same place, and says so sooner. What stands beyond a
    line break is nothing to it: it is tried in many texts at once.
    """


class Sweep(NamedTuple):
    """What has no keyword: `probe` says quickly whether `find` could find anything.

    `places` says the same of several texts at once, a line break between them: offsets in each of
    those. Without it each text has to be probed.
    """

    probe: Callable[[bytes], bool]
    find: Callable[[Text], Iterable[Found]]
    places: Callable[[bytes], Iterable[int]] | None = None


Hits = list[tuple[int, int, int]]
"""Where keywords are: (keyword, start, end). A sweep's number is negative."""

_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\){0,4}\\[nrtbfu]\Z")
"""The end of a text whose last letter is that of an escape: nothing can begin at it."""

_DONE = re.compile(rb"\[redacted:[a-z0-9-]{1,40}(?::[A-Z2-7]{8})?\]")


class Scanner:
    """Several detectors behind one automaton; immutable once built."""

    def __init__(self, detectors: Sequence[Detector], sweeps: Sequence[Sweep] = ()) -> None:
        self._sweeps = tuple(sweeps)
        self._placed = [(-1 - n, each.places) for n, each in enumerate(sweeps) if each.places]
        self.unplaced = [(-1 - n, each.probe) for n, each in enumerate(sweeps) if not each.places]
        owners: dict[bytes, list[Detector]] = {}
        for detector in detectors:
            for keyword in detector.keywords:
                owners.setdefault(keyword, []).append(detector)
        self._owners = [_grouped(each) for each in owners.values()]
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
        """Where something may be; clean text has few of them, and that is quick."""
        found: Hits = []
        if self._automaton is not None:
            found = self._automaton.find_matches_as_indexes(data, overlapping=True)
        for number, sweep in enumerate(self._sweeps):
            if sweep.probe(data):
                found.append((-1 - number, 0, 0))
        return found

    def promising(self, data: bytes) -> Hits:
        """Where something may be in several texts at once, a line break between them.

        Only what guards let through, in order of their places; then sweeps, of which each place in
        a text tells the same. Sweeps that need a text of its own are `unplaced`.
        """
        found: Hits = []
        if self._automaton is not None:
            owners = self._owners
            for hit in self._automaton.find_matches_as_indexes(data, overlapping=True):
                for guard, side, _ in owners[hit[0]]:
                    if guard(data, hit[side]):
                        found.append(hit)
                        break
            found.sort(key=_start)
        for number, places in self._placed:
            found += [(number, place, place) for place in places(data)]
        return found

    def find(self, data: bytes, hits: Hits) -> list[Found]:
        """What was found, in order, without overlaps; nothing of it touches a placeholder."""
        found: list[Found] = []
        text = Text(data)
        for keyword, start, end in hits:
            if keyword < 0:
                found += self._sweeps[-1 - keyword].find(text)
                continue
            for guard, side, detectors in self._owners[keyword]:
                if not guard(data, end if side == 2 else start):
                    continue
                for matches, how, detector in detectors:
                    if how == _AT:
                        match = matches(data, start)
                    elif how == _AFTER:
                        match = matches(data, end)
                    else:
                        match = _unlike(detector, text, start, end)
                    if match is not None:
                        one = detector.check(text, start, match)
                        if one is not None:
                            weight = end - start
                            for each in one if isinstance(one, list) else (one,):
                                found.append(_weighed(each, weight))
        if found and b"\\" in data:
            found = [one for one in found if not _in_escape(data, one.start)]
        if found and b"[redacted:" in data:
            found = _outside(found, [match.span() for match in _DONE.finditer(data)])
        return united(found) if len(found) > 1 else found


def _start(hit: tuple[int, int, int]) -> int:
    return hit[1]


_AT, _AFTER, _UNLIKE = range(3)

_Matches = Callable[[bytes, int], re.Match[bytes] | None]


_Run = tuple[_Matches, int, Detector]
_Group = tuple[_Matches, int, tuple[_Run, ...]]

_ALWAYS = re.compile(b"")


def _grouped(detectors: list[Detector]) -> tuple[_Group, ...]:
    """The detectors of a keyword by their guards: its pattern, from which end of the keyword."""
    groups: dict[tuple[re.Pattern[bytes], int], list[_Run]] = {}
    for detector in detectors:
        side = 2 if detector.from_end else 1
        guard = (detector.guard, side) if detector.guard is not None else (_ALWAYS, 1)
        groups.setdefault(guard, []).append(_dispatch(detector))
    return tuple((guard.match, side, tuple(runs)) for (guard, side), runs in groups.items())


def _dispatch(detector: Detector) -> _Run:
    """How a detector is run: nearly all hits are of the first two kinds, and nearly all in vain."""
    how = _AFTER if detector.from_end else _AT
    if detector.back or detector.view or detector.once:
        how = _UNLIKE
    return detector.pattern.match, how, detector


def _weighed(one: Found, weight: int) -> Found:
    start, end, kind, of, confidence, rank, text, wrap = one
    return Found(start, end, kind, of, confidence, rank + weight, text, wrap)


def _in_escape(data: bytes, start: int) -> bool:
    return data[start] in b"nrtbfu" and _ESCAPE.search(data, start - 8, start + 1) is not None


def _unlike(detector: Detector, text: Text, start: int, end: int) -> re.Match[bytes] | None:
    data = text.around(start, end) if detector.view else text.data
    if detector.once and start < text.passed.get(detector.name, 0):
        return None
    match: re.Match[bytes] | None = None
    if detector.back:
        for begin in range(start - detector.back, start - detector.back + detector.spread + 1):
            match = detector.pattern.match(data, begin) if begin >= 0 else None
            if match is not None and match.end() > start:
                break
            match = None
    else:
        match = detector.pattern.match(data, end if detector.from_end else start)
    if detector.once and match is not None:
        text.passed[detector.name] = match.end()
    return match


def _outside(found: list[Found], done: list[tuple[int, int]]) -> list[Found]:
    """The findings without those that touch what was replaced before."""
    starts = [start for start, _ in done]
    kept = []
    for one in found:
        place = bisect_left(starts, one.end) - 1
        if place < 0 or done[place][1] <= one.start:
            kept.append(one)
    return kept


def closing_quote(quote: bytes) -> bytes:
    """The quote that a text after this one's key would be in: `"` escaped as deep as it is.

    A key may end in backslashes of its own, which are no part of the escape.
    """
    depth = quote.count(b"\\")
    return b"\\" * {1: 1, 3: 3, 5: 1, 7: 7}.get(depth, 0) + quote[depth:]


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
