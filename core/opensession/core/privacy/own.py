"""Patterns from the configuration, run by RE2: no pattern takes more than linear time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opensession.core.privacy.rules import MODES, OWN, OwnPattern
from opensession.core.privacy.scanner import PLACED, Found, Sweep, Text

_LONGEST = 4096
"""Of what a pattern matches, more than this is taken for a mistake and left alone."""


def own_sweep(pattern: OwnPattern) -> Sweep:
    """The sweep of one pattern. Raises ValueError if that is no regular expression."""
    compiled = _compiled(pattern.pattern)
    group = 1 if compiled.groups else 0

    def find(text: Text) -> Iterator[Found]:
        for match in compiled.finditer(text.data):
            start, end = match.span(group)
            if start < 0:
                start, end = match.span()
            value = text.data[start:end]
            if 0 < len(value) <= _LONGEST and b"[redacted:" not in value:
                yield Found(start, end, pattern.name, OWN, "likely", PLACED)

    return Sweep(lambda data: compiled.search(data) is not None, find)


def problem_of(pattern: OwnPattern) -> str:
    """What is wrong with a pattern, in words that follow its name; empty if nothing is."""
    if pattern.mode not in MODES:
        return f"has the mode {pattern.mode!r}; modes are {', '.join(MODES)}"
    try:
        compiled = _compiled(pattern.pattern)
    except ValueError as error:
        return f"is no regular expression: {error}"
    if compiled.search(b"") is not None:
        return "matches the empty text"
    test = pattern.test.encode("utf-8", "surrogatepass")
    if compiled.search(test) is None:
        return "does not match its test line"
    shown = f"[redacted:{pattern.name}:ABCDEFGH] [redacted:{pattern.name}]".encode()
    if any(b"[redacted:" not in each[0] and len(each[0]) > 3 for each in compiled.finditer(shown)):
        return "matches the placeholders as well"
    return ""


def _compiled(pattern: str) -> Any:
    import re2  # type: ignore[import-untyped]  # only where there are own patterns

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode("utf-8", "surrogatepass"), options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        raise ValueError(
            said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        ) from None
