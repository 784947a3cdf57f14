"""Where a text matches, and the line of about 100 characters that shows it.

Matches stand between « and ». Finding works on a folded copy of the text that has the same length,
so that places in the one are places in the other.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from opensession.daemon.store import text as store_text
from opensession.daemon.store.search_match import Tokenize
from opensession.daemon.store.search_query import Words

WIDTH = 100
"""Characters of a snippet, more or less."""

_LEAD = 30
_MAX_SPANS = 64
_SPACE = re.compile(r"\s+")
_BETWEEN = r"[\W_]+"
_CUT = "…"


class Span(NamedTuple):
    """A match, `text[start:end]`; `which` numbers what was looked for."""

    start: int
    end: int
    which: int = 0


Finder: TypeAlias = Callable[[str], Sequence[Span]]
"""Finds the matches in a text (in normal form C), in order, some dozens at most."""


def normal(text: str) -> str:
    """`text` in normal form C, in which it is searched and shown."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold_case(text: str) -> str:
    """`text` with upper and lower case made alike; the length stays."""
    return text.lower() if text.isascii() else text.translate(_cases())


def fold(text: str) -> str:
    """`text` as the index sees its letters, without case and diacritics; the length stays."""
    return text.lower() if text.isascii() else text.translate(_letters())


def word_finder(words: Iterable[Words], tokenize: Tokenize) -> Finder:
    """Finds words as the index does: whole, or their beginnings where a prefix was asked for.

    A word that stands nowhere as a whole was found as a part of an identifier, and is shown there.
    """
    patterns = [
        pattern
        for each in dict.fromkeys(words)
        if (pattern := _word_pattern(each, tokenize)) is not None
    ]

    def find(text: str) -> list[Span]:
        folded = fold(text)
        found: list[Span] = []
        for which, (pattern, prefix) in enumerate(patterns):
            places = [match.span() for match in _some(pattern, folded)]
            whole = [place for place in places if _is_whole(folded, place, prefix)]
            found += [Span(start, end, which) for start, end in whole or places]
        return sorted(found)

    return find


def substring_finder(needle: str) -> Finder:
    """Finds a text as it is, whatever its case."""
    pattern = re.compile(re.escape(fold_case(normal(needle))))

    def find(text: str) -> list[Span]:
        return [Span(*match.span()) for match in _some(pattern, fold_case(text))]

    return find


def snippet(text: str, spans: Sequence[Span], width: int = WIDTH) -> str:
    """One line of `text` around the matches: the window that shows the most different ones.

    `text` is in normal form C. Without matches, its beginning.
    """
    first, last = _window(spans, width)
    start = max(0, first - _LEAD) if last > width else 0
    if start:
        space = text.find(" ", start, first)
        start = space + 1 if space >= 0 else start
    end = min(len(text), max(start + width, last))
    # A match that begins within the window is shown to its end, unless it is very long.
    end = max(end, *(min(s.end, end + _LEAD) for s in spans if s.start < end), end)
    pieces: list[str] = [_CUT] if start else []
    place = start
    for span in _merged(spans, start, end):
        pieces += (text[place : span.start], "«", text[span.start : span.end], "»")
        place = span.end
    pieces.append(text[place:end])
    if end < len(text):
        pieces.append(_CUT)
    return _SPACE.sub(" ", "".join(pieces)).strip()


def _window(spans: Sequence[Span], width: int) -> tuple[int, int]:
    """Start of the first and end of the last match to show; a very long match is cut."""
    best = (0, 0, 0)
    room = width - _LEAD
    for index, span in enumerate(spans):
        limit = max(span.start + room, min(span.end, span.start + 2 * width))
        seen: set[int] = set()
        last = span.start
        for other in spans[index:]:
            if other.start >= limit:
                break
            if other.end <= limit or other is span:
                seen.add(other.which)
                last = max(last, min(other.end, limit))
        if len(seen) > best[0]:
            best = (len(seen), span.start, last)
    return best[1], best[2]


def _merged(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """The spans within `start..end`, overlapping ones as one."""
    found: list[Span] = []
    for span in spans:
        if span.start < start or span.start >= end:
            continue
        stop = min(span.end, end)
        if found and span.start < found[-1].end:
            found[-1] = found[-1]._replace(end=max(found[-1].end, stop))
        elif stop > span.start:
            found.append(Span(span.start, stop))
    return found


def _word_pattern(words: Words, tokenize: Tokenize) -> tuple[re.Pattern[str], bool] | None:
    tokens = tokenize(normal(words.text))
    if not tokens:
        return None
    pattern = _BETWEEN.join(re.escape(token) for token in tokens)
    parts = "" if words.quoted else store_text.identifier_parts(words.text)
    if parts and len(tokens) == 1:
        joined = r"[\W_]*".join(re.escape(part) for part in parts.split())
        pattern = f"{pattern}|{joined}"
    return re.compile(pattern), words.prefix


def _is_whole(text: str, place: tuple[int, int], prefix: bool) -> bool:
    """Reports whether a match begins (and, unless a prefix will do, ends) where a word does."""
    start, end = place
    before = text[start - 1 : start]
    after = text[end : end + 1]
    return not (_joins(before, text[start]) or (not prefix and _joins(text[end - 1], after)))


def _joins(left: str, right: str) -> bool:
    """Reports whether two neighbours belong to one word; scripts without spaces have none."""
    if not (left.isalnum() and right.isalnum()):
        return False
    return not (store_text.cjk_terms(left) or store_text.cjk_terms(right))


def _some(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for match in pattern.finditer(text):
        found.append(match)
        if len(found) == _MAX_SPANS:
            break
    return found


class _Letters(dict[int, str]):
    """A table for `str.translate` that makes its entries when they are first asked for."""

    def __init__(self, strip_marks: bool) -> None:
        super().__init__()
        self._strip_marks = strip_marks

    def __missing__(self, code: int) -> str:
        char = chr(code)
        base = unicodedata.normalize("NFD", char)[0] if self._strip_marks else char
        if store_text.cjk_terms(char):
            base = char
        folded = base.casefold()
        self[code] = folded if len(folded) == 1 else base
        return self[code]


@functools.cache
def _cases() -> _Letters:
    return _Letters(strip_marks=False)


@functools.cache
def _letters() -> _Letters:
    return _Letters(strip_marks=True)
