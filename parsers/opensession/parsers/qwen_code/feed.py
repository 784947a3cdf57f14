"""Lines of a Qwen Code transcript as events: a pure function of the state and the lines.

Records form a tree (`parentUuid`): going back to an earlier prompt begins a branch. Events are in
the order of the records, and those of a branch that was left stay, since what they did was done; a
record `rewind` tells of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

from opensession.core.hail import text
from opensession.parsers.actions import Given, string
from opensession.parsers.agent import Source
from opensession.parsers.decoding import decode_any, storable
from opensession.parsers.jsonl import Fed, Feed, Line
from opensession.parsers.qwen_code.messages import (
    read_assistant,
    read_tool_result,
    read_user,
    sanitized,
)
from opensession.parsers.qwen_code.sources import NAME, Meta, is_subagent
from opensession.parsers.qwen_code.system import read_system, relate
from opensession.parsers.timeline import State, Timeline, dump, load
from opensession.parsers.times import parse_stamp

_NAME_CHARACTERS = 4096
_SALVAGED = 64
_BEGINNING = '{"uuid":"'
_AUTH_PROVIDERS = {"qwen-oauth": "qwen", "gemini": "google", "vertex-ai": "google"}


def feed_with(meta: Meta | None) -> Feed:
    """The feed of a transcript that has `meta` beside it."""

    def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
        known = load(state)
        if meta is not None and not known.model:
            known.model = meta.model[:_NAME_CHARACTERS]
        line = Timeline(NAME, known)
        for each in lines:
            if each.oversized:
                _name(known, source, "")
                line.skip("oversized")
                line.at(None, "oversized", each.data)
                words = [text(each.data.decode("utf-8", "replace"))]
                line.emit("Custom", None, data={"kind": "oversized"}, blocks=words)
            else:
                _read_line(line, source, each.data)
        if meta is not None:
            _describe(known, meta)
        return Fed(
            sessions=[line.delta()] if known.count else [],
            state=dump(known),
            skipped=line.skipped,
            unknown=line.unknown_counts,
        )

    return feed


def _read_line(line: Timeline, source: Source, data: bytes) -> None:
    try:
        record = decode_any(data)
    except ValueError:
        line.skip("malformed")
        for found in _salvaged(data):
            _read(line, source, found, data)
        return
    if isinstance(record, dict):
        _read(line, source, record, data)
    else:
        line.skip("malformed")


def _salvaged(data: bytes) -> Iterator[Given]:
    """The records in a line that holds more than one, as after one that was cut off."""
    words = data.decode("utf-8", "replace")
    decoder = json.JSONDecoder(strict=False)
    position = words.find(_BEGINNING)
    for _ in range(_SALVAGED):
        if position < 0:
            return
        try:
            value, end = decoder.raw_decode(words, position)
            value = storable(value)
        except (ValueError, RecursionError):
            value, end = None, position + 1
        if isinstance(value, dict):
            yield value
        position = words.find(_BEGINNING, end)


def _read(line: Timeline, source: Source, record: Given, data: bytes) -> None:
    kind = string(record, "type")
    if not kind:
        line.skip("without a type")
        return
    _note(line.state, source, record)
    subtype = string(record, "subtype")
    raw_type = f"{kind}/{subtype}" if subtype else kind
    line.at(parse_stamp(string(record, "timestamp")), raw_type, data)
    reader = _READERS.get(kind)
    if reader is not None:
        reader(line, record)
    else:
        line.unknown(kind, record, string(record, "uuid"))
    forked = record.get("forkedFrom")
    if isinstance(forked, dict):
        relate(line, string(forked, "sessionId"))


def _name(state: State, source: Source, session_id: str) -> None:
    """Names the session by its first record; the records of a subagent name its parent."""
    if state.id:
        return
    path = PurePath(source.path)
    if is_subagent(source):
        state.id, state.auxiliary = path.stem, True
        state.parent = session_id or path.parent.name
    else:
        state.id = session_id or path.stem


def _note(state: State, source: Source, record: Given) -> None:
    """What a record says of the session as a whole."""
    _name(state, source, string(record, "sessionId")[:_NAME_CHARACTERS])
    if state.auxiliary and not state.parent_call_id:
        name, agent = string(record, "agentName"), string(record, "agentId")
        if name and agent.startswith(f"{name}-"):
            state.parent_call_id = agent[len(name) + 1 :][:_NAME_CHARACTERS]
    cwd = string(record, "cwd")[:_NAME_CHARACTERS]
    state.cwd = state.cwd or cwd
    state.last_cwd = cwd or state.last_cwd
    state.branch = string(record, "gitBranch")[:_NAME_CHARACTERS] or state.branch
    state.tool_version = string(record, "version")[:_NAME_CHARACTERS] or state.tool_version
    if not state.provider and "systemPayload" in record:
        state.provider = _AUTH_PROVIDERS.get(_auth_type(record["systemPayload"]), "")


def _auth_type(payload: Any) -> str:
    """How Qwen Code is signed in, which may tell whose model it is; `openai` only says the API."""
    event = payload.get("uiEvent") if isinstance(payload, dict) else None
    return string(event, "auth_type") if isinstance(event, dict) else ""


def _describe(state: State, meta: Meta) -> None:
    """What stands beside a subagent's transcript."""
    state.title = meta.description[:_NAME_CHARACTERS]
    state.parent_call_id = meta.tool_use_id[:_NAME_CHARACTERS] or state.parent_call_id
    if meta.parent_agent_id:
        state.parent = f"agent-{sanitized(meta.parent_agent_id[:_NAME_CHARACTERS])}"
    elif meta.parent_session_id:
        state.parent = meta.parent_session_id[:_NAME_CHARACTERS]


_READERS: dict[str, Callable[[Timeline, Given], None]] = {
    "assistant": read_assistant,
    "system": read_system,
    "tool_result": read_tool_result,
    "user": read_user,
}
