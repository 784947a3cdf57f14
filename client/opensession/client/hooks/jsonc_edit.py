"""Putting a value into JSON text and taking it out again: all other bytes stay as they are."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from opensession.client.hooks.jsonc import Node, gap_before, line_rest, parse, skip

Step = str | int
"""One step of a way into a document: a key of an object, or an index of a list."""

_BLOCK = re.compile(r"/\*.*?\*/", re.S)


class _Manner(NamedTuple):
    """How a document is written: `unit` of indentation, empty where all is in one line."""

    unit: str
    newline: str


def find(root: Node, way: tuple[Step, ...]) -> Node | None:
    """The value at the end of a way; None where there is none."""
    node = root
    for step in way:
        index = node.child(step) if isinstance(step, str) else step
        if index is None or index >= len(node.children):
            return None
        node = node.children[index]
    return node


def append(text: str, way: tuple[str, ...], item: Any) -> str:
    """Add an item at the end of the list that is reached by keys; what is missing is made.

    Raises NotJson, or TypeError (naming the key) where something else stands in the way.
    """
    node = root = parse(text)
    manner = _manner_of(text, root)
    for depth, key in enumerate((*way, "")):
        if depth == len(way):
            if not isinstance(node.value, list):
                raise TypeError(".".join(way))
            return _insert(text, node, manner, None, item)
        if not isinstance(node.value, dict):
            raise TypeError(".".join(way[:depth]) or "the file")
        index = node.child(key)
        if index is None:
            value: Any = [item]
            for name in reversed(way[depth + 1 :]):
                value = {name: value}
            return _insert(text, node, manner, key, value)
        node = node.children[index]
    return text


def remove(text: str, way: tuple[Step, ...], before: str | None = None) -> str:
    """Take a value out. Where its container is left empty and was so in the text `before` our
    change, it is written as it was there.
    """
    root = parse(text)
    owner = find(root, way[:-1])
    if owner is None:
        return text
    last = way[-1]
    index = owner.child(last) if isinstance(last, str) else last
    if index is None or index >= len(owner.children):
        return text
    start, node = owner.begins[index], owner.children[index]
    follows = skip(text, node.end)
    comma = text[follows : follows + 1] == ","
    end = follows + 1 if comma else node.end
    if len(owner.children) == 1:
        was = _empty_before(before, way[:-1])
        if was is not None:
            return text[: owner.start] + was + text[owner.end :]
        gap = gap_before(text, owner.start + 1, start)
        if gap == owner.start + 1 and not text[end : owner.end - 1].strip():
            end = owner.end - 1
        return text[:gap] + _rest(text, owner.start + 1, gap, start, end)
    if index == 0:
        gap = gap_before(text, owner.start + 1, start)
        return text[:gap] + _rest(text, owner.start + 1, gap, start, end)
    previous = skip(text, owner.children[index - 1].end)  # at the comma between the two
    gap = gap_before(text, previous + 1, start)
    rest = _rest(text, owner.children[index - 1].end, gap, start, end)
    if comma:
        return text[:gap] + rest
    return text[:previous] + text[previous + 1 : gap] + rest


def _rest(text: str, since: int, gap: int, start: int, end: int) -> str:
    """What follows a value that is taken out, where the blanks before it began at `gap`. Behind a
    comment up to the end of its line a line break stays, or the comment would take what follows.
    Between `since` and `gap` there are but blanks, commas and comments.
    """
    line = max(since, text.rfind("\n", 0, gap) + 1, text.rfind("\r", 0, gap) + 1)
    rest = text[end:]
    if "//" in _BLOCK.sub("", text[line:gap]) and rest.lstrip(" \t")[:1] not in ("\n", "\r", ""):
        return text[gap:start] + rest.lstrip(" \t")
    return rest


def _empty_before(before: str | None, way: tuple[Step, ...]) -> str | None:
    if before is None:
        return None
    node = find(parse(before), way)
    return before[node.start : node.end] if node and node.value in ({}, []) else None


def _insert(text: str, owner: Node, manner: _Manner, key: str | None, value: Any) -> str:
    after = owner.children[-1].end if owner.children else owner.start + 1
    comma = bool(owner.children)
    at = after
    follows = skip(text, after)
    trailing = comma and text[follows : follows + 1] == ","
    if trailing:
        comma, at = False, follows + 1
    place = line_rest(text, at)
    # In a list of one line the item joins that line, unless a comment would swallow it.
    lines = bool(manner.unit) and (
        not owner.children or not _one_line(text, owner) or "//" in text[at:place]
    )
    indent = _indent_of(text, owner, manner) if lines else ""
    written = _rendered(value, manner if lines else _Manner("", ""), indent)
    if key is not None:
        written = f"{json.dumps(key, ensure_ascii=False)}: {written}"
    blank = manner.newline + indent if lines else " " if owner.children else ""
    new = blank + written + ("," if trailing else "")
    if lines and not owner.children and not _breaks(text[place : owner.end - 1]):
        new += manner.newline + _line_indent(text, owner.start)
    return text[:after] + ("," if comma else "") + text[after:place] + new + text[place:]


def _breaks(text: str) -> bool:
    return "\n" in text or "\r" in text


def _one_line(text: str, owner: Node) -> bool:
    return not _breaks(text[owner.start : owner.children[-1].end])


def _indent_of(text: str, owner: Node, manner: _Manner) -> str:
    """How far children of a container are indented: as the last that begins a line is."""
    for begin in reversed(owner.begins):
        indent = _line_indent(text, begin)
        line = max(text.rfind("\n", 0, begin), text.rfind("\r", 0, begin)) + 1
        if not text[line:begin].strip() and line > owner.start:
            return indent
    return _line_indent(text, owner.start) + manner.unit


def _line_indent(text: str, at: int) -> str:
    line = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
    end = line
    while end < at and text[end] in " \t":
        end += 1
    return text[line:end]


def _manner_of(text: str, root: Node) -> _Manner:
    newline = "\r\n" if "\r\n" in text else "\n"
    if not root.children:
        return _Manner("  ", newline)
    if not _breaks(text[root.start : root.end]):
        return _Manner("", newline)
    indent = _line_indent(text, root.begins[0])
    return _Manner(indent or "  ", newline)


def _rendered(value: Any, manner: _Manner, indent: str) -> str:
    if not manner.unit:
        return json.dumps(value, ensure_ascii=False)
    written = json.dumps(value, ensure_ascii=False, indent=manner.unit)
    return written.replace("\n", manner.newline + indent)
