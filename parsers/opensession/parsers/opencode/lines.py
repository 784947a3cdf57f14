"""Rows of messages and parts as lines of a log, as if each had been written when it happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from opensession.parsers.decoding import decode_any
from opensession.parsers.opencode.tools import status_of
from opensession.parsers.opencode.values import Obj, number, obj, words

_BEGUN = ("role", "agent", "mode", "modelID", "providerID", "model", "path", "summary")


class Row(NamedTuple):
    """A message or a part: `text` its data as stored, `data` what of it is an object."""

    id: str
    created: int
    text: Any
    data: Obj


def verbatim(data: str) -> Any:
    """Stored JSON as it is, to be put into a line; what is no JSON as a string."""
    raw = data.encode("utf-8", "replace")
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return data
    return msgspec.Raw(raw)


def row_of(row_id: Any, created: Any, data: Any) -> Row:
    try:
        value = decode_any(data) if isinstance(data, str) else None
    except ValueError:
        value = None
    return Row(str(row_id), created if isinstance(created, int) else 0, data, obj(value))


def message_line(message: Row, *, first: bool = False) -> Obj:
    """A message as it is; `first`: as it was when it was begun, unless a person wrote it."""
    data = message.data
    line: Obj = {"table": "message", "id": message.id}
    if not data:
        return {**line, "data": message.text if isinstance(message.text, str) else None}
    if not first or is_user(message):
        return {**line, "data": verbatim(message.text)}
    begun = {key: data[key] for key in _BEGUN if key in data}
    begun["time"] = {"created": number(obj(data.get("time")), "created")}
    return {**line, "data": begun}


def part_lines(message_id: str, part: Row, *, user: bool) -> Iterator[tuple[int, Obj]]:
    """The lines of a part, each with the time of what it tells."""
    data = part.data
    line: Obj = {"table": "part", "id": part.id, "message": message_id, "time": part.created}
    if not data:
        yield part.created, {**line, "data": part.text if isinstance(part.text, str) else None}
        return
    time = part.created
    state = obj(data.get("state"))
    if words(data, "type") == "tool":
        times = obj(state.get("time"))
        if status_of(state) in ("completed", "error"):
            begun: Obj = {"status": "running", "input": state.get("input")}
            begun["time"] = {"start": number(times, "start")}
            yield number(times, "start") or time, {**line, "data": {**data, "state": begun}}
            time = number(times, "end") or time
        else:
            time = number(times, "start") or time
    elif not user:
        time = number(obj(data.get("time")), "end") or time
    yield time, {**line, "data": verbatim(part.text)}


def is_user(message: Row) -> bool:
    return words(message.data, "role") == "user"


def is_complete(data: Obj) -> bool:
    return bool(number(obj(data.get("time")), "completed") or obj(data.get("error")))


def is_running(data: Obj) -> bool:
    return words(data, "type") == "tool" and status_of(obj(data.get("state"))) in (
        "pending",
        "running",
    )
