"""Text as a terminal shows it: what colours stand between or within is found without them.

`grep --color`, `jq` and `bat` colour names, signs and values apart, so that no name stands beside
its value. Real escapes count, and those that JSON and shells write as text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from msgspec.structs import replace

from opensession.core.privacy.detector import Detector, Found
from opensession.core.privacy.text import Text
from opensession.core.privacy.view import BEGINNINGS

# Only what moves nothing: behind other sequences something else may stand on the screen.
_COLOUR = re.compile(
    rb"(?:\x1b|\\{1,8}(?:u001[bB]|x1[bB]|033|e))\[(?:[0-9;:]{0,40}m|[0-2]?K)(?:\x1b\(B)?"
)
_ALL = re.compile(rb"(?s).*")


def colour_detector(find: Callable[[bytes], list[Found]]) -> Detector:
    """The detector of everything else in a text with colours; `find` finds it in one without.

    It looks at a text once, from its first colour on. What is found begins and ends beside the
    colours around it, so these stay.
    """

    def check(text: Text, start: int, match: re.Match[bytes]) -> list[Found]:
        parts, starts = _parts(text.data)
        found = find(b"".join(parts)) if len(parts) > 1 else []
        if not found:
            return []
        # Where each part begins in the text without colours.
        places = list(accumulate((len(part) for part in parts[:-1]), initial=0))
        return [
            replace(
                one,
                start=_place(places, starts, one.start),
                end=_place(places, starts, one.end - 1) + 1,
            )
            for one in found
        ]

    return Detector("coloured", BEGINNINGS, _ALL, check, once=True)


def _parts(data: bytes) -> tuple[list[bytes], list[int]]:
    """What stands between colours, and where it does."""
    parts: list[bytes] = []
    starts = [0]
    for match in _COLOUR.finditer(data):
        parts.append(data[starts[-1] : match.start()])
        starts.append(match.end())
    return [*parts, data[starts[-1] :]], starts


def _place(places: list[int], starts: list[int], at: int) -> int:
    """Where a byte of the text without colours stands in the text; of empty parts at one place the
    last holds it.
    """
    number = bisect_right(places, at) - 1
    return starts[number] + at - places[number]
