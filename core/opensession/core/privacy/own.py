"""Patterns from the configuration, run by RE2: no pattern takes more than linear time."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.core.config.sets import OwnPattern, compiled
from opensession.core.privacy.detector import PLACED, Found, Sweep
from opensession.core.privacy.rules import OWN
from opensession.core.privacy.text import Text

_LONGEST = 4096
"""Of what a pattern matches, more than this is taken for a mistake and left alone."""


def own_sweep(pattern: OwnPattern) -> Sweep:
    """The sweep of one pattern. Raises ValueError if that is no regular expression."""
    expression = compiled(pattern.pattern)
    group = 1 if expression.groups else 0

    def find(text: Text) -> Iterator[Found]:
        for match in expression.finditer(text.data):
            start, end = match.span(group)
            if start < 0:
                start, end = match.span()
            value = text.data[start:end]
            if 0 < len(value) <= _LONGEST and b"[redacted:" not in value:
                yield Found(start, end, pattern.name, OWN, "likely", PLACED)

    return Sweep(lambda data: expression.search(data) is not None, find)
