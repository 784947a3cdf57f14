"""JSON as people keep it in settings (comments, trailing commas), and where each part stands.

Positions are into the text, so that a change leaves every other byte as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_DEPTH = 60
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_BLANK = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.S)


class Node(NamedTuple):
    """A value at `start`..`end`. `children` are those of an object (`keys` beside them) or a list;
    `begins` are where the children begin: at the key in an object.
    """

    start: int
    end: int
    value: Any
    keys: list[str]
    children: list[Node]
    begins: list[int]

    def child(self, key: str) -> int | None:
        """The index of a key's value; of several the last counts, as for those who read it."""
        found = [index for index, name in enumerate(self.keys) if name == key]
        return found[-1] if found else None


class NotJson(ValueError):
    """The text is not JSON, not even with comments; the message says where."""


def parse(text: str) -> Node:
    """The whole text. Raises NotJson."""
    start = skip(text, 1 if text.startswith("\ufeff") else 0)
    root = _value(text, start, 0)
    if skip(text, root.end) != len(text):
        raise _wrong(text, root.end)
    return root


def skip(text: str, at: int) -> int:
    """Where blanks and comments that begin at `at` end."""
    while True:
        at = _blank_end(text, at)
        comment = _COMMENT.match(text, at)
        if comment is None:
            return at
        at = comment.end()


def line_rest(text: str, at: int) -> int:
    """The end of the last comment that follows on the same line; `at` if there is none."""
    last = at
    while True:
        blank = at
        while blank < len(text) and text[blank] in " \t":
            blank += 1
        comment = _COMMENT.match(text, blank)
        if comment is None:
            return last
        last = at = comment.end()


def gap_before(text: str, begin: int, at: int) -> int:
    """Where the blanks directly before `at` begin; `begin` is the end of a token before it."""
    gap = begin
    while begin < at:
        gap = begin
        begin = _blank_end(text, begin)
        comment = _COMMENT.match(text, begin)
        if comment is None:
            break
        begin = gap = comment.end()
    return gap


def _blank_end(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int, depth: int) -> Node:
    if depth > _DEPTH:
        raise NotJson("too many levels")
    first = text[at : at + 1]
    if first in ("{", "["):
        return _container(text, at, depth)
    found = _STRING.match(text, at) or _SCALAR.match(text, at)
    if found is None:
        raise _wrong(text, at)
    return Node(at, found.end(), json.loads(found[0]), [], [], [])


def _container(text: str, start: int, depth: int) -> Node:
    is_object = text[start] == "{"
    closing = "}" if is_object else "]"
    keys: list[str] = []
    children: list[Node] = []
    begins: list[int] = []
    at = skip(text, start + 1)
    while text[at : at + 1] != closing:
        begins.append(at)
        if is_object:
            key = _STRING.match(text, at)
            if key is None:
                raise _wrong(text, at)
            keys.append(json.loads(key[0]))
            at = skip(text, key.end())
            if text[at : at + 1] != ":":
                raise _wrong(text, at)
            at = skip(text, at + 1)
        child = _value(text, at, depth + 1)
        children.append(child)
        at = skip(text, child.end)
        if text[at : at + 1] == ",":
            at = skip(text, at + 1)
        elif text[at : at + 1] != closing:
            raise _wrong(text, at)
    value: Any = [child.value for child in children]
    if is_object:
        value = dict(zip(keys, value, strict=True))
    return Node(start, at + 1, value, keys, children, begins)


def _wrong(text: str, at: int) -> NotJson:
    return NotJson(f"line {text.count(chr(10), 0, at) + 1} is not JSON")
