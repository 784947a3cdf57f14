"""From the lines of a rollout to events: which record goes where."""

from __future__ import annotations

import re
from collections.abc import Callable

from opensession.core.hail import text
from opensession.core.timeparse import parse_time
from opensession.parsers.agent import SessionDelta, Source
from opensession.parsers.codex import calls, events, headers, messages, results, tokens
from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Payload, Record, decode
from opensession.parsers.codex.state import dump, id_of_path, info_of, load
from opensession.parsers.jsonl import Fed, Line

NAME = "codex"

_FILE_TIME = re.compile(r"rollout-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-[^/]*\Z")
_OUTER = re.compile(rb'"(timestamp|type|call_id)"\s*:\s*"([^"\\]{1,128})"')


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `jsonl.read_lines` for rollout files."""
    now = load(state)
    before = now.count
    reading = Reading(now)
    if not state:
        now.time_us = _time_of_path(source.path)
    for line in lines:
        if line.oversized:
            _name_session(reading, source, None)
            _oversized(reading, line.data)
            continue
        try:
            record = decode(line.data)
        except ValueError:
            reading.skip("malformed")
            continue
        if not now.id:
            _name_session(reading, source, record)
        _record(reading, line.data, record)
    sessions = []
    if now.id:
        sessions.append(
            SessionDelta(
                info=info_of(now, NAME), keep=before, events=reading.events, usage=reading.usage
            )
        )
    return Fed(sessions=sessions, state=dump(now), skipped=reading.skipped, unknown=reading.unknown)


def _name_session(reading: Reading, source: Source, record: Record | None) -> None:
    """Decides the session's id by the first record: the header's, else the file name's."""
    if reading.state.id:
        return
    named = None
    if record is not None and record.payload is not None:
        header = record.type == "session_meta" or (record.type == "" and not record.payload.type)
        named = record.payload.id if header else None
    reading.state.id = named or id_of_path(source.path)
    reading.state.lineage = reading.state.id


def _record(reading: Reading, line: bytes, record: Record) -> None:
    kind, payload = record.type, record.payload
    if kind is None or payload is None:
        reading.skip("without a type")
        return
    if kind in ("response_item", ""):
        if kind == "" and not payload.type:
            _untyped(reading, line, record.timestamp, payload)
            return
        inner = payload.type or ""
        reading.at(line, record.timestamp, f"response_item/{inner}" if kind else inner)
        handler = _ITEMS.get(inner)
        if handler is not None:
            handler(reading, payload)
        elif inner not in _ITEMS_WITHOUT_EVENT:
            reading.emit_unknown(reading.raw_type)
    elif kind == "event_msg":
        reading.at(line, record.timestamp, f"event_msg/{payload.type or ''}")
        if not events.on_event(reading, payload):
            reading.emit_unknown(reading.raw_type)
    else:
        reading.at(line, record.timestamp, kind)
        handler = _RECORDS.get(kind)
        if handler is not None:
            handler(reading, payload)
        elif kind not in _RECORDS_WITHOUT_EVENT:
            reading.emit_unknown(kind)


def _untyped(reading: Reading, line: bytes, timestamp: str | None, payload: Payload) -> None:
    """A line of the flat dialect that is no item: its header, or a mark of no interest."""
    reading.at(line, timestamp, "header")
    if payload.id and reading.state.metas == 0:
        headers.on_session_meta(reading, payload)
    elif not payload.record_type:
        reading.skip("without a type")


def _oversized(reading: Reading, data: bytes) -> None:
    """A line too long to be decoded: its head and end, as the output of its call if it is one."""
    reading.skip("oversized")
    timestamp, kinds, call_id = None, [], ""
    for key, value in _OUTER.findall(data):
        if key == b"timestamp":
            timestamp = timestamp or value.decode("utf-8", "replace")
        elif key == b"type":
            kinds.append(value.decode("utf-8", "replace"))
        else:
            call_id = call_id or value.decode("utf-8", "replace")
    reading.at(data, timestamp, "/".join(kinds[:2]))
    words = data.decode("utf-8", "replace")
    if call_id in reading.state.open and any(kind.endswith("_output") for kind in kinds[:2]):
        results.on_output(reading, Payload(call_id=call_id, output=words))
    else:
        reading.emit("Custom", None, data={"kind": "oversized"}, blocks=[text(words)])


def _time_of_path(path: str) -> int:
    found = _FILE_TIME.search(path)
    if found is None:
        return 0
    return parse_time(f"{found[1]}T{found[2]}:{found[3]}:{found[4]}Z") or 0


_ITEMS: dict[str, Callable[[Reading, Payload], None]] = {
    "message": messages.on_message,
    "agent_message": messages.on_agent_message,
    "reasoning": messages.on_reasoning,
    "function_call": calls.on_function_call,
    "custom_tool_call": calls.on_custom_call,
    "local_shell_call": calls.on_local_shell,
    "web_search_call": calls.on_web_search,
    "image_generation_call": calls.on_image_generation,
    "tool_search_call": calls.on_tool_search,
    "function_call_output": results.on_output,
    "custom_tool_call_output": results.on_output,
    "local_shell_call_output": results.on_output,
    "tool_search_output": results.on_tool_search_output,
}
_ITEMS_WITHOUT_EVENT = frozenset(
    (
        "additional_tools",
        "compaction",
        "compaction_summary",
        "compaction_trigger",
        "context_compaction",
        "ghost_snapshot",
    )
)
_RECORDS: dict[str, Callable[[Reading, Payload], None]] = {
    "session_meta": headers.on_session_meta,
    "turn_context": headers.on_turn_context,
    "compacted": events.on_compacted,
    "token_usage_record": tokens.on_usage_record,
    "inter_agent_communication": messages.on_agent_message,
}
_RECORDS_WITHOUT_EVENT = frozenset(("world_state", "inter_agent_communication_metadata"))
