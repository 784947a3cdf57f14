"""Text in columns of a terminal: wide characters take two, combining ones none."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COLOR = re.compile(r"\x1b\[[0-9;]*m")


def width(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def cut(text: str, columns: int) -> str:
    """The text if it fits, else its beginning and `…`, together at most `columns` wide."""
    if columns <= 0:
        return ""
    if width(text) <= columns:
        return text
    used = 1
    for position, character in enumerate(text):
        used += _cells(character)
        if used > columns:
            return text[:position].rstrip() + "…"
    return text


def cut_left(text: str, columns: int) -> str:
    """As `cut`, but the end is kept: what matters of a path stands there."""
    if columns <= 0:
        return ""
    if width(text) <= columns:
        return text
    used = 1
    for position in range(len(text) - 1, -1, -1):
        used += _cells(text[position])
        if used > columns:
            return "…" + text[position + 1 :]
    return text


def pad(text: str, columns: int) -> str:
    """The text with blanks behind it up to a width."""
    return text + " " * (columns - width(text))


def pad_left(text: str, columns: int) -> str:
    """The text with blanks before it up to a width."""
    return " " * (columns - width(text)) + text


def packed(facts: Iterable[str], columns: int) -> list[str]:
    """Facts with ` · ` between them, in as many lines as it takes; a fact is never broken.

    Our own colours take no columns.
    """
    rows: list[str] = []
    used = 0
    for fact in facts:
        own = width(_COLOR.sub("", fact))
        if rows and used + 3 + own <= columns:
            rows[-1] += f" · {fact}"
            used += 3 + own
        else:
            rows.append(fact)
            used = own
    return rows


def _cells(character: str) -> int:
    if character.isascii():
        return 1
    import unicodedata

    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
