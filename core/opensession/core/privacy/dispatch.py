"""Which detectors are run at a keyword: told by a guard, and by the bytes around a name.

A name that may tell of a secret is asked for by ten patterns. What stands behind it decides which
of them can match at all: mostly one, or none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from opensession.core.privacy.detector import Detector

AT, AFTER, SEEN_AT, SEEN_AFTER, UNLIKE = range(5)
"""Where a pattern is matched: at the beginning of the keyword or at its end, in the text or in its
view, or in a way of its own.
"""

Matches = Callable[[bytes, int], re.Match[bytes] | None]


class Run(NamedTuple):
    """A detector as it is run: its pattern, where that is matched, what has to stand before."""

    matches: Matches
    how: int
    led: bytes
    detector: Detector


Runs = tuple[Run, ...]


class Group(NamedTuple):
    """The detectors of a keyword with one guard: `side` 2 if it is tried at the keyword's end."""

    guard: Matches
    side: int
    runs: Runs
    behind: tuple[Runs, ...] | None
    """The runs for each of what `sign_behind` tells; None: `runs` whatever it is."""
    cheap: bool
    """Whether the patterns themselves tell as soon as the guard."""


_ALWAYS = re.compile(b"")
_NOTHING = 512
_NAME = re.compile(rb"[A-Za-z0-9_]{0,64}+[ ]{0,20}+").match


def sign_behind(data: bytes, end: int) -> int:
    """The byte behind the name that goes on at `end`; 256 more if blanks are before it; 512 at the
    text's end.
    """
    at = _NAME(data, end).end()  # type: ignore[union-attr]  # matches nothing too
    if at >= len(data):
        return _NOTHING
    return data[at] + 256 if data[at - 1] == 0x20 else data[at]


def grouped(detectors: list[Detector]) -> tuple[Group, ...]:
    """The detectors of a keyword by their guards, and those of names by what is behind them."""
    groups: dict[tuple[re.Pattern[bytes], int, bool], list[Run]] = {}
    for detector in detectors:
        side = 2 if detector.from_end else 1
        guard = (detector.guard, side) if detector.guard is not None else (_ALWAYS, 1)
        groups.setdefault((*guard, detector.behind is not None), []).append(_run(detector))
    return tuple(
        Group(
            guard.match,
            side,
            tuple(runs),
            _by_sign(runs) if named else None,
            not named and len(runs) == 1 and runs[0].how in (AT, AFTER),
        )
        for (guard, side, named), runs in groups.items()
    )


def _run(detector: Detector) -> Run:
    if detector.back or detector.once:
        how = UNLIKE
    elif detector.view:
        how = SEEN_AFTER if detector.from_end else SEEN_AT
    else:
        how = AFTER if detector.from_end else AT
    return Run(detector.pattern.match, how, detector.led, detector)


def _by_sign(runs: list[Run]) -> tuple[Runs, ...]:
    table: list[list[Run]] = [[] for _ in range(_NOTHING + 1)]
    for run in runs:
        behind, apart = run.detector.behind or (b"", b"")
        for sign in behind:
            table[sign].append(run)
        for sign in apart:
            table[256 + sign].append(run)
    return tuple(tuple(each) for each in table)
