"""What a detector is, as data: keywords, a pattern, a check; and what it finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from opensession.core.privacy.rules import Confidence
from opensession.core.privacy.text import Text

PLAIN, GENERIC, PLACED, SPECIFIC = range(0, 4000, 1000)
"""How much a kind says of what was found: the highest of overlapping findings names them. Of equals
the one with the longer keyword does."""


class Found(msgspec.Struct, frozen=True, order=True, gc=False):
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
    near: bool = False
    """With `view`: whether all that it looks at is within 256 bytes before its keyword and
    1024 behind it."""
    guard: re.Pattern[bytes] | None = None
    """Matches wherever `pattern` can, from the same place, and says so sooner. What stands beyond a
    line break is nothing to it: it is tried in many texts at once.
    """
    behind: tuple[bytes, bytes] | None = None
    """Of a keyword within a name: the bytes that the pattern can go on with directly behind the
    name (letters, digits and underscores), and those behind blanks after it.
    """
    led: bytes = b""
    """With `behind`: the bytes of which one stands directly before the keyword; none: any does."""


class Sweep(NamedTuple):
    """What has no keyword: `probe` says quickly whether `find` could find anything.

    `places` says the same of several texts at once, a line break between them: offsets in each of
    those. Without it each text has to be probed.
    """

    probe: Callable[[bytes], bool]
    find: Callable[[Text], Iterable[Found]]
    places: Callable[[bytes], Iterable[int]] | None = None


def closing_quote(quote: bytes) -> bytes:
    """The quote that a text after this one's key would be in: `"` escaped as deep as it is.

    A key may end in backslashes of its own, which are no part of the escape.
    """
    depth = quote.count(b"\\")
    return b"\\" * {1: 1, 3: 3, 5: 1, 7: 7}.get(depth, 0) + quote[depth:]
