"""A number from 0 to 100 that says how smoothly a session went, by a scorer that has a name.

`heuristic_v1` takes off for errors and gives for recoveries; `zero_v1` is 0. Other packages add
scorers by the entry point group `opensession.scores`: a name, and a function from `Tally` to int.
Which counts is the configuration's choice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import TypeAlias

from opensession.server.tally import Tally

GROUP = "opensession.scores"
DEFAULT = "heuristic_v1"

Scorer: TypeAlias = Callable[[Tally], int]


def heuristic_v1(tally: Tally) -> int:
    """100, less 15 for any error, 5 for each failed command (at most 30) and 4 for each failed tool
    (at most 20), and 5 more for each success that followed a failure (at most 20).
    """
    lost = 15 if tally.errors or tally.failed_shells else 0
    lost += min(30, 5 * tally.failed_shells) + min(20, 4 * tally.errors)
    return max(0, min(100, 100 - lost + min(20, 5 * tally.recoveries)))


def zero_v1(_tally: Tally) -> int:
    """0."""
    return 0


_OURS: dict[str, Scorer] = {"heuristic_v1": heuristic_v1, "zero_v1": zero_v1}


def names() -> list[str]:
    """Every scorer that there is."""
    return sorted({*_OURS, *(found.name for found in entry_points(group=GROUP))})


@functools.cache
def scorer(name: str) -> Scorer:
    """The scorer of a name. Raises KeyError where there is none."""
    if name in _OURS:
        return _OURS[name]
    for found in entry_points(group=GROUP):
        if found.name == name:
            loaded: Scorer = found.load()
            return loaded
    raise KeyError(name)


def score(name: str, tally: Tally) -> int:
    """What a scorer says of a session, kept within 0 to 100; 0 where it is gone or fails."""
    try:
        return max(0, min(100, int(scorer(name)(tally))))
    except Exception:
        return 0
