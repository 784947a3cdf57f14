"""Secrets below the name of a column: CSV, tables of consoles and of Markdown, SQL's `INSERT`.

Words stand below such names as well (`token,count`), so a value has to look like a secret itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from opensession.core.privacy.detector import PLACED, Detector, Found
from opensession.core.privacy.names import GUARD, KEYWORDS, secret_name
from opensession.core.privacy.short_names import is_password
from opensession.core.privacy.text import Text
from opensession.core.privacy.values import is_random

_WIDEST = 600
"""A line with the names of columns is no longer."""
_LONGEST = 8192
"""What is longer is no row of a table."""

_BAR = rb"(?:\||\xe2(?:\x94[\x82\x83]|\x95\x91))"
"""What stands between the cells of a drawn table."""
_THIN, _THICK = "│".encode(), "┃".encode()
_MARK = re.compile(rb"[,;\t]|" + _BAR)

# From the end of the keyword to the end of the line: names of columns and nothing else.
_HEAD_REST = re.compile(
    rb"[A-Za-z0-9_]{0,64}+\"?(?>(?:(?:[,;\t]\"?|[ ]{0,40}"
    + _BAR
    + rb")[A-Za-z0-9_. -]{0,64}+\"?){0,40})[ ]{0,40}\r?\n"
)
_NAME = re.compile(rb"\"?[A-Za-z0-9_.-]{1,64}\"?\Z")
_DRAWN_NAME = re.compile(rb"[ ]*[A-Za-z0-9_. -]{0,64}\Z")
_RULER = re.compile(rb"(?:[-+|:= ]|\xe2[\x94\x95][\x80-\xbf]){2,}\r?\Z")
_NUMBERED = re.compile(rb"[ +-]{0,8}[0-9]{1,6}(?:\t|\xe2\x86\x92)")
_EMPTY = re.compile(rb"[ \t]*\Z")

_INSERT = re.compile(
    rb"[^\s()]{1,128}\s{0,8}\((?P<columns>[^()]{1,2048})\)\s{0,40}(?i:values)\s{0,40}"
)
_ITEM = re.compile(
    rb"\s{0,40}(?:[NnEe]?'(?P<single>(?>(?:[^'\\\r\n]|''|\\.){0,4096}))'|[^\s,'()][^,'()\r\n]{0,256}+"
    rb"(?:\((?>(?:[^()\r\n]{1,128}|\([^()\r\n]{0,128}\)){0,8})\))?)\s{0,40}(?P<end>[,)])"
)
_NEXT_ROW = re.compile(rb"\s{0,40}(?:,\s{0,40})?\(")


def column_detectors() -> list[Detector]:
    """The detectors of values below names."""
    return [
        Detector(
            "column",
            KEYWORDS,
            _HEAD_REST,
            _below,
            from_end=True,
            view=True,
            guard=GUARD,
            behind=(b'",;\t|\r\n\\\x1b\xe2', b" |\r\n\\\x1b\xe2"),
        ),
        Detector(
            "insert",
            (b"INSERT INTO ", b"insert into "),
            _INSERT,
            _inserted,
            from_end=True,
            view=True,
        ),
    ]


def _below(text: Text, start: int, match: re.Match[bytes]) -> list[Found] | None:
    data = match.string
    if start < text.passed.get("column", 0):
        return None  # a row of a table that was read
    mark, names = _head(data, start, match.end())
    kinds = [secret_name(name.decode("ascii")) for name in names]
    wanted = [(place, kind.kind) for place, kind in enumerate(kinds) if kind is not None]
    if not wanted:
        return None
    found: list[Found] = []
    at = match.end()
    while (row := _row(data, at, mark)) is not None:
        at, cells = row
        if not cells:
            continue  # a ruler
        if len(cells) != len(names):
            break
        for place, kind in wanted:
            span = _stripped(data, *cells[place])
            if _is_secret(data[span[0] : span[1]], kind):
                found.append(Found(*span, kind, "assignments", "likely", PLACED))
    text.passed["column"] = at
    return found


def _head(data: bytes, start: int, end: int) -> tuple[bytes, list[bytes]]:
    """What stands between cells, and the names of a line of names; none if it is no such line.

    The line may begin behind a quote, as the content of a file in JSON does.
    """
    low = max(0, start - _WIDEST)
    begin = data.rfind(b"\n", low, start) + 1
    if begin == 0 and low > 0:
        return b"", []
    quote = max(data.rfind(b'"', begin, start), data.rfind(b"'", begin, start)) + 1
    for first in (begin, quote):
        number = _NUMBERED.match(data, first, start)
        line = data[number.end() if number else first : end].rstrip(b" \r\n")
        sign = _MARK.search(line)
        if sign is None:
            return b"", []
        mark = sign[0]
        names = line.removeprefix(b"+").split(mark)
        if mark in b",;\t":
            if all(map(_NAME.match, names)):  # in code a list of names has blanks before it
                return mark, [name.strip(b'"') for name in names]
        elif all(map(_DRAWN_NAME.match, names)):
            return _THIN if mark == _THICK else mark, [name.strip(b" ") for name in names]
    return b"", []


def _row(data: bytes, at: int, mark: bytes) -> tuple[int, list[tuple[int, int]]] | None:
    """The cells of a line and where the next begins; None where no line of a table is."""
    end = data.find(b"\n", at, at + _LONGEST)
    if end < 0:
        end = len(data)
        if end - at > _LONGEST:
            return None
    if at >= end or _EMPTY.match(data, at, end):
        return None
    number = _NUMBERED.match(data, at, end)
    begin = number.end() if number else at
    if _RULER.match(data, begin, end):
        return end + 1, []
    return end + 1, list(_cells(data, begin, end, mark))


def _cells(data: bytes, begin: int, end: int, mark: bytes) -> Iterator[tuple[int, int]]:
    """Where the cells of a line are; a separator within quotes separates nothing."""
    at = begin
    while True:
        closing = data.find(b'"', at + 1, end) if data[at : at + 1] == b'"' else -1
        stop = data.find(mark, max(at, closing), end)
        yield at, end if stop < 0 else stop
        if stop < 0:
            return
        at = stop + len(mark)


def _stripped(data: bytes, begin: int, end: int) -> tuple[int, int]:
    """A cell without the blanks, quotes and signs around its value."""
    value = data[begin:end]
    begin += len(value) - len(value.lstrip(b" \t\"'`"))
    return begin, begin + len(value.strip(b" \t\r\"'`\\"))


def _is_secret(value: bytes, kind: str) -> bool:
    """Reports whether a value below a name is one: a password, or random."""
    if b" " in value or not is_password(value, True):
        return False
    if kind == "password":
        return len(value) >= 6
    return is_random(value) or (len(value) >= 16 and _MIXED.match(value) is not None)


_MIXED = re.compile(rb"[0-9a-fA-F]{32,}\Z|(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])[^\s]+\Z")


def _inserted(text: Text, start: int, match: re.Match[bytes]) -> list[Found] | None:
    if start < text.passed.get("insert", 0):
        return None
    names = [name.strip(b" \t\r\n`\"'[]\\") for name in match["columns"].split(b",")]
    known = [secret_name(name.decode("ascii", "replace")) for name in names]
    if not any(known):
        return None
    data = text.view
    found: list[Found] = []
    at = match.end()
    while (opening := _NEXT_ROW.match(data, at)) is not None:
        at = opening.end()
        for name in known:
            item = _ITEM.match(data, at)
            if item is None:
                break
            at = item.end()
            if name is not None and item["single"] is not None:
                begin, end = item.span("single")
                # The view has the escape of the closing quote before it, as a blank.
                end = begin + len(data[begin:end].rstrip(b" "))
                if _is_secret(data[begin:end], name.kind):
                    found.append(Found(begin, end, name.kind, "assignments", "likely", PLACED))
            if item["end"] == b")":
                break
        if data[at - 1 : at] != b")":
            break
    text.passed["insert"] = at
    return found
