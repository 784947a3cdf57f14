"""Where a text matches, and the line of about 100 characters that shows it.

Matches stand between « and ». Finding works on a folded copy of the text that has the same length,
so that places in the one are places in the other.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from opensession.core import search_text as store_text
from opensession.daemon.store.search_match import Tokenize
from opensession.daemon.store.search_query import Words

WIDTH = 100
"""Characters of a snippet, more or less."""

_LEAD = 30
_MAX_SPANS = 64
_MAX_LOOKED_AT = 10_000
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


def word_finder(words: Iterable[Words], tokenize: Tokenize) -> Finder:
    """Finds words as the index does: whole, or their beginnings where a prefix was asked for.

    A word that stands nowhere as a whole was found as a part of an identifier, and is shown there.
    """
    patterns = [
        pattern
        for each in dict.fromkeys(words)
        if (pattern := _word_pattern(each, tokenize)) is not None
    ]
    letters = _Letters(tokenize)

    def find(text: str) -> list[Span]:
        folded = text.lower() if text.isascii() else text.translate(letters)
        found = [
            Span(start, end, which)
            for which, (pattern, prefix) in enumerate(patterns)
            for start, end in _words_in(pattern, folded, prefix)
        ]
        return sorted(found)

    return find


def substring_finder(needle: str) -> Finder:
    """Finds a text as it is, whatever its case."""
    pattern = re.compile(re.escape(fold_case(normal(needle))))

    def find(text: str) -> list[Span]:
        matches = itertools.islice(pattern.finditer(fold_case(text)), _MAX_SPANS)
        return [Span(*match.span()) for match in matches]

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


def _words_in(pattern: re.Pattern[str], text: str, prefix: bool) -> list[tuple[int, int]]:
    """Where whole words match; where none does, the parts of words that do."""
    whole: list[tuple[int, int]] = []
    parts: list[tuple[int, int]] = []
    for match in itertools.islice(pattern.finditer(text), _MAX_LOOKED_AT):
        place = match.span()
        if _is_whole(text, place, prefix):
            whole.append(place)
            if len(whole) == _MAX_SPANS:
                break
        elif len(parts) < _MAX_SPANS:
            parts.append(place)
    return whole or parts


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


class _Cases(dict[int, str]):
    """For `str.translate`: letters without case; entries are made when first asked for."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = char.casefold()
        self[code] = folded if len(folded) == 1 else char
        return self[code]


class _Letters(dict[int, str]):
    """For `str.translate`: letters as the tokenizer folds them, where one stays one."""

    def __init__(self, tokenize: Tokenize) -> None:
        super().__init__()
        self._tokenize = tokenize

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if not store_text.cjk_terms(char):
            folded = self._tokenize(char)
            if len(folded) == 1 and len(folded[0]) == 1:
                char = folded[0]
        self[code] = char
        return char


@functools.cache
def _cases() -> _Cases:
    return _Cases()
