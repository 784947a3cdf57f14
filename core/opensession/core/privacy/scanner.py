"""Detectors over bytes: one automaton finds all keywords, patterns run only where one was found.

Text is scanned as UTF-8, so that offsets are bytes and `\\w` in patterns is ASCII. A detector's
pattern is bounded, so that the time is linear in the text whatever it holds.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter

import ahocorasick_rs
from msgspec.structs import replace

from opensession.core.privacy.detector import Detector, Found, Sweep
from opensession.core.privacy.dispatch import (
    AFTER,
    AT,
    SEEN_AFTER,
    UNLIKE,
    Runs,
    grouped,
    sign_behind,
)
from opensession.core.privacy.text import Text

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
        self._owners = [grouped(each) for each in owners.values()]
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
                for guard, side, _, behind, _ in owners[hit[0]]:
                    if guard(data, hit[side]) and (
                        behind is None or _any(behind[sign_behind(data, hit[2])], data, hit[1])
                    ):
                        found.append(hit)
                        break
            found.sort(key=itemgetter(1))
        for number, places in self._placed:
            found += [(number, place, place) for place in places(data)]
        return found

    def find(self, data: bytes, hits: Hits) -> list[Found]:
        """What was found, in order, without overlaps; nothing of it touches a placeholder."""
        found: list[Found] = []
        text = Text(data)
        owners = self._owners
        for keyword, start, end in hits:
            if keyword < 0:
                found += self._sweeps[-1 - keyword].find(text)
                continue
            near: bytes | None = None
            for guard, side, runs, behind, cheap in owners[keyword]:
                if not (cheap or guard(data, end if side == 2 else start)):
                    continue
                if behind is not None:
                    runs = behind[sign_behind(data, end)]
                for matches, how, led, detector in runs:
                    if led and (not start or data[start - 1] not in led):
                        continue
                    if how == AT:
                        match = matches(data, start)
                    elif how == AFTER:
                        match = matches(data, end)
                    elif how == UNLIKE:
                        match = _unlike(detector, text, start, end)
                    else:
                        if detector.near:
                            if near is None:
                                near = text.near(start, end)
                            seen = near
                        else:
                            seen = text.around(start, end)
                        match = matches(seen, end if how == SEEN_AFTER else start)
                    if match is not None:
                        one = detector.check(text, start, match)
                        if one is not None:
                            if isinstance(one, list):
                                found += [_weighed(each, end - start) for each in one]
                            else:
                                found.append(_weighed(one, end - start))
        if found and b"\\" in data:
            found = [one for one in found if not _in_escape(data, one.start)]
        if found and b"[redacted:" in data:
            found = _outside(found, [match.span() for match in _DONE.finditer(data)])
        return united(found) if len(found) > 1 else found


def _any(runs: Runs, data: bytes, start: int) -> bool:
    """Reports whether one of them can match behind a keyword that begins there."""
    return any(not run.led or (start > 0 and data[start - 1] in run.led) for run in runs)


def _weighed(one: Found, weight: int) -> Found:
    rank = one.rank + weight
    return Found(one.start, one.end, one.kind, one.set, one.confidence, rank, one.text, one.wrap)


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
        merged[-1] = replace(
            first,
            start=last.start,
            end=max(last.end, one.end),
            text=first.text if within else None,
            wrap=last.wrap or one.wrap,
        )
    return merged
