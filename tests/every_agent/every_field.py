"""HAIL files with secrets in every field that may hold text, of every type of event and block."""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

from opensession.core.hail_lines import BLOCK_FIELDS, DATA_FIELDS
from opensession.core.privacy.kinds import KINDS
from tests.helpers.canary_samples import Sample, samples

EACH = 8
"""So many secrets are put into one text."""

PARTS = 8 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 16
"""A kind with a form of its own stands in one of so many places."""

FILE_EVENTS = ("FileRead", "FileEdit", "FileCreate", "FileDelete")
"""Their `path` stays in the index (DECISIONS §5), and is stripped on the way out."""

_NO_TEXT = frozenset(("type", "start_line", "exit_code", "is_error"))

Place = tuple[str, Callable[[Any], dict[str, Any]]]
"""A name, and the event that holds a text there."""


def _event(type_: str, data: Any = None, blocks: Any = (), **more: Any) -> dict[str, Any]:
    kind = {"type": type_, "data": data} if data is not None else {"type": type_}
    return {"event_type": kind, "content": {"blocks": list(blocks)}, **more}


def _in_data(type_: str, field: str) -> Callable[[Any], dict[str, Any]]:
    others = {name: "x" for name in DATA_FIELDS[type_] if name not in (*_NO_TEXT, field)}
    return lambda text: _event(type_, {**others, field: text})


def _in_block(type_: str, block: str, field: str) -> Callable[[Any], dict[str, Any]]:
    others = {name: "x" for name in BLOCK_FIELDS.get(block, ()) if name not in _NO_TEXT}
    return lambda text: _event(type_, None, [{"type": block, **others, field: text}])


def _in_attributes(wrap: Callable[[Any], Any], type_: str) -> Callable[[Any], dict[str, Any]]:
    return lambda text: _event(type_, attributes=wrap(text))


def places() -> Iterator[Place]:
    """Every field but those whose content stays in the index."""
    for type_, fields in DATA_FIELDS.items():
        for field in fields:
            structural = type_ in FILE_EVENTS and field == "path"
            if field not in _NO_TEXT and not structural:
                yield f"{type_}.{field}", _in_data(type_, field)
        yield f"{type_} text", _in_block(type_, "Text", "text")
        yield f"{type_} attribute", _in_attributes(lambda text: {"note": text}, type_)
    for block, fields in BLOCK_FIELDS.items():
        for field in fields:
            if field not in _NO_TEXT:
                yield f"{block}.{field}", _in_block("ToolResult", block, field)
    yield "Json nested", _in_block("ToolCall", "Json", "data")
    yield "Json list", lambda text: _event("ToolCall", None, [_json({"a": [[text], {"b": text}]})])
    yield "Json name", lambda text: _event("ToolCall", None, [_json({text: 1})])
    yield "Json in text", lambda text: _event("ToolCall", None, [_json(json.dumps({"a": text}))])
    yield "unknown block", _in_block("AgentMessage", "Hologram", "words")
    yield "unknown type", lambda text: _event("FutureThing", {"deep": [{"a": text}], text: ""})
    for name, wrap in _ATTRIBUTES.items():
        yield f"attribute {name}", _in_attributes(wrap, "ToolResult")


def _json(data: Any) -> dict[str, Any]:
    return {"type": "Json", "data": data}


_ATTRIBUTES: dict[str, Callable[[Any], Any]] = {
    "diff": lambda text: {"result.diff": text, "semantic.call_id": "c"},
    "nested": lambda text: {"a": {"b": [text]}},
    "name": lambda text: {text: 1},
    "model": lambda text: {"model": text, "message_id": text},
}


class Files:
    """HAIL files by their names; `planted` are the values that must be nowhere but in the archive,
    `structural` those that may be in the index and must not leave.
    """

    def __init__(self, seed: int, user: str) -> None:
        chance = random.Random(seed)
        found = list(places())
        by_place = [_chunks(chance, user, number) for number in range(len(found))]
        heads = {name: iter(_one_line(chance, user)) for name in (*_HEADER, *_STRUCTURAL)}
        self.planted: set[str] = set()
        self.structural: set[str] = set()
        self.names = [name for name, _ in found]
        self.files: dict[str, str] = {}
        for number in range(max(map(len, by_place))):
            events = [
                make(self._text(chunks[number]))
                for (_, make), chunks in zip(found, by_place, strict=True)
                if number < len(chunks)
            ]
            head = {name: self._head(name, next(heads[name])) for name in heads}
            paths = [_event(type_, {"path": head["path"]}) for type_ in FILE_EVENTS]
            lines = [_header(number, head), *map(_line, itertools.count(1), [*events, *paths])]
            broken = self._text(by_place[0][number])
            lines.append('{"type":"event","event_id":"x","content":"' + broken + "\n")
            self.files[f"made-{number:03}.hail.jsonl"] = "\n".join(lines)

    def _text(self, chunk: list[Sample]) -> str:
        self.planted.update(part for one in chunk for part in one.secrets)
        return "\n".join(["before", *(one.text for one in chunk), "after"])

    def _head(self, name: str, one: Sample) -> str:
        (self.structural if name in _STRUCTURAL else self.planted).update(one.secrets)
        return one.text


def _chunks(chance: random.Random, user: str, turn: int) -> list[list[Sample]]:
    """The secrets of one place: of those with a form of their own a part, another in each place."""
    keys = frozenset(kind.name for kind in KINDS)
    found = []
    for number, one in enumerate(samples(chance, user)):
        if one.kind not in keys or number % PARTS == turn % PARTS:
            found.append(one)
    return [found[start : start + EACH] for start in range(0, len(found), EACH)]


_HEADER = ("title", "description", "tag", "attribute", "prompt", "tool")
_STRUCTURAL = ("path", "cwd", "last_cwd", "git_branch")


def _one_line(chance: random.Random, user: str) -> list[Sample]:
    """Secrets that fit into a title, in any order."""
    found = [one for one in samples(chance, user) if "\n" not in one.text and len(one.text) < 70]
    chance.shuffle(found)
    return found


def _header(number: int, head: dict[str, str]) -> str:
    stamp = "2026-01-02T03:00:00.000Z"
    return json.dumps(
        {
            "type": "header",
            "version": "hail-1.0.0",
            "session_id": f"made-{number:03}-0a1b2c3d",
            "agent": {"provider": "p", "model": "m", "tool": head["tool"], "tool_version": "1"},
            "context": {
                "title": head["title"],
                "description": head["description"],
                "tags": [head["tag"]],
                "created_at": stamp,
                "updated_at": stamp,
                "attributes": {
                    "note": head["attribute"],
                    "cwd": f"/work/{head['cwd']}",
                    "git_branch": head["git_branch"],
                },
            },
        }
    )


def _line(number: int, event: dict[str, Any]) -> str:
    stamp = f"2026-01-02T03:{number // 60 % 60:02}:{number % 60:02}.000Z"
    return json.dumps({"type": "event", "event_id": f"e{number}", "timestamp": stamp, **event})
