"""Taking a JSON file apart into a head and the items of one list, without decoding either.

    {"id": "x", "messages": [{…}, {…}]}   by ("messages",)   →   {"id": "x"}   {…}   {…}

Text that is not quite JSON (a lone surrogate, NaN, bad UTF-8) comes apart all the same. So does the
beginning of a file that its agent is just writing: what is whole of it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import msgspec

from opensession.parsers.decoding import decode_any

Items: TypeAlias = tuple[str, ...] | None
"""The keys that lead to the list; `()`: the file is the list; None: the file is one value."""

MOST_ITEMS = 200_000
"""No conversation has more; pointing at all of them would take more memory than a read may use."""

MOST_MARKS = 4 << 20
"""Commas, or brackets that open, beyond which a file is not taken apart at all."""

_BOM = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)', re.DOTALL)
_NESTED = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*("?)|[\[{]+|[\]}]+', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,:{}\[\]"]+')
_SPACE = re.compile(rb"[\s\0]*")
_LIST = ord("[")
_QUOTE = ord('"')


class Split(NamedTuple):
    """What a file holds: all but the list as `head`, and the list's items by their index.

    `torn` says that it does not end where its outermost value does: it is being written, or was
    never finished. `malformed` counts what is whole and yet no JSON; it is not among the items.
    With `too_many` items none is given.
    """

    head: bytes | None
    items: list[tuple[int, msgspec.Raw | memoryview]]
    torn: bool = False
    malformed: int = 0
    too_many: bool = False


def split(data: bytes, items: Items) -> Split:
    """Takes the text of a file apart. Where it is of another shape than `items` says, all of it is
    the head. What is blank holds nothing and is torn.
    """
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
    if not data.strip(b" \t\r\n\0"):
        return Split(None, [], torn=True)
    try:
        if items is None:
            msgspec.json.decode(data, type=msgspec.Raw)
            return Split(data, [])
        try:
            head, found = _strict(data, items)
        except msgspec.ValidationError:
            return Split(data, [])
        if len(found) > MOST_ITEMS:
            return Split(None, [], too_many=True)
        return Split(head, list(enumerate(found)))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _tolerant(data, items)


def is_within_reach(data: bytes) -> bool:
    """Whether taking a file apart takes bounded time and memory, whatever it holds."""
    if len(data) <= MOST_MARKS:
        return True
    opening = data.count(b"[") + data.count(b"{")
    return data.count(b",") <= MOST_MARKS and opening <= MOST_MARKS


def _strict(
    data: bytes | msgspec.Raw, items: tuple[str, ...]
) -> tuple[bytes | None, list[msgspec.Raw]]:
    """Head and items of what msgspec takes for JSON; raises ValidationError for another shape."""
    if not items:
        return None, msgspec.json.decode(data, type=list[msgspec.Raw])
    members = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    key = items[0]
    try:
        head, found = _strict(members[key], items[1:])
    except (KeyError, msgspec.ValidationError):
        return msgspec.json.encode(members), []
    if head is None:
        del members[key]
    else:
        members[key] = msgspec.Raw(head)
    return msgspec.json.encode(members), found


def _tolerant(data: bytes, items: Items) -> Split:
    """The same by brackets and quotes alone; each part that is found is then tried by itself."""
    start = _spaces(data, 0)
    end = _end(data, start)
    torn = end is None or _spaces(data, end) < len(data)
    if items is None or data[start : start + 1] != (b"{" if items else b"["):
        if torn:
            return Split(None, [], torn=True)
        whole = _is_json(data)
        return Split(data if whole else None, [], malformed=0 if whole else 1)
    members, found, broken = _apart(data, start, items)
    if len(found) > MOST_ITEMS:
        return Split(None, [], too_many=True)
    view = memoryview(data)
    kept: list[tuple[int, msgspec.Raw | memoryview]] = []
    kept += [(n, view[a:b]) for n, (a, b) in enumerate(found) if _is_json(data[a:b])]
    malformed = len(found) - len(kept)
    if members is None:
        return Split(None, kept, torn or broken, malformed)
    intact, lost = _intact(members)
    return Split(msgspec.json.encode(intact), kept, torn or broken, malformed + lost)


_Members: TypeAlias = "dict[str, bytes | _Members]"


def _apart(
    data: bytes, start: int, items: tuple[str, ...]
) -> tuple[_Members | None, list[tuple[int, int]], bool]:
    """The whole members of the object at `start` without the list, where the list's items are, and
    whether it broke off; of an array (`items` is empty) None and its items.
    """
    members: _Members = {}
    found: list[tuple[int, int]] = []
    broken = False
    for key, begin, end in _elements(data, start):
        if not items:
            if end is not None:
                found.append((begin, end))
        elif key == items[0] and data[begin : begin + 1] == (b"{" if items[1:] else b"["):
            inner, found, broken = _apart(data, begin, items[1:])
            members.pop(key, None)
            if inner is not None:
                members[key] = inner
        elif end is not None:
            members[key] = data[begin:end]
        broken = broken or end is None
    return members if items else None, found, broken


def _elements(data: bytes, start: int) -> Iterator[tuple[str, int, int | None]]:
    """The key (of an array: ""), the beginning and the end of each value in the array or object at
    `start`. Where it breaks off the last one has no end.
    """
    is_list = data[start] == _LIST
    closing = b"]" if is_list else b"}"
    position = _spaces(data, start + 1)
    while data[position : position + 1] != closing:
        key = ""
        if not is_list:
            key_end = _end(data, position)
            colon = len(data) if key_end is None else _spaces(data, key_end)
            if data[position : position + 1] != b'"' or data[colon : colon + 1] != b":":
                yield "", position, None
                return
            key = _text(data[position:key_end])
            position = _spaces(data, colon + 1)
        end = _end(data, position)
        yield key, position, end
        if end is None:
            return
        position = _spaces(data, end)
        if data[position : position + 1] == b",":
            position = _spaces(data, position + 1)
        elif data[position : position + 1] != closing:
            yield "", position, None
            return


def _end(data: bytes, position: int) -> int | None:
    """Where the value that begins at `position` ends; None if it does not."""
    first = data[position : position + 1]
    if first == b'"':
        string = _STRING.match(data, position)
        return string.end() if string is not None and string[1] else None
    if first not in (b"{", b"["):
        scalar = _SCALAR.match(data, position)
        return scalar.end() if scalar is not None and scalar.end() < len(data) else None
    depth = 0
    for match in _NESTED.finditer(data, position):
        kind = data[match.start()]
        if kind == _QUOTE:
            if not match[1]:
                return None
        elif kind in b"[{":
            depth += match.end() - match.start()
        elif match.end() - match.start() >= depth:
            return match.start() + depth
        else:
            depth -= match.end() - match.start()
    return None


def _spaces(data: bytes, position: int) -> int:
    match = _SPACE.match(data, position)
    return match.end() if match is not None else position


def _text(quoted: bytes) -> str:
    try:
        return str(decode_any(quoted))
    except ValueError:
        return quoted.decode("utf-8", "replace")


def _is_json(text: bytes) -> bool:
    try:
        decode_any(text)
    except ValueError:
        return False
    return True


def _intact(members: _Members) -> tuple[dict[str, object], int]:
    """The members that are JSON, as msgspec writes them, and how many are not."""
    intact: dict[str, object] = {}
    lost = 0
    for key, value in members.items():
        if isinstance(value, dict):
            intact[key], inner = _intact(value)
            lost += inner
            continue
        try:
            intact[key] = decode_any(value)
        except ValueError:
            lost += 1
    return intact, lost
