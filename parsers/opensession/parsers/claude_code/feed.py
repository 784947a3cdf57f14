"""Lines of a Claude Code transcript as events: a pure function of the state and the lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from opensession.core.ids import fit
from opensession.core.timeparse import parse_time
from opensession.parsers.agent import Source
from opensession.parsers.claude_code import attachments, messages, others, records
from opensession.parsers.claude_code.reading import Reading, Track
from opensession.parsers.claude_code.records import Record
from opensession.parsers.claude_code.sources import Meta
from opensession.parsers.claude_code.state import (
    AGENT_NAME,
    TITLE_CHARS,
    State,
    Stream,
    dump,
    load,
)
from opensession.parsers.decoding import beginning
from opensession.parsers.jsonl import Fed, Feed, Line

_EARLY_LINES = 16
_EARLY_BYTES = 8 << 10

_SKIPPED_UNREAD = tuple(
    b'{"type":"%b"' % name
    for name in (
        b"api-request",
        b"api-request-blob",
        b"api-request-shape",
        b"attribution-snapshot",
        b"content-replacement",
        b"file-history-snapshot",
    )
)
"""How those silent records begin that are large: not worth decoding."""


def begin(source: Source) -> State:
    """The state before a source's first line."""
    path = PurePath(source.path)
    state = State(own=Stream(id=fit(AGENT_NAME, path.stem)))
    if state.own.id != path.stem:
        state.native_id = path.stem
    if path.stem.startswith("agent-"):
        state.auxiliary = True
        if path.parent.name == "subagents":
            state.parent = fit(AGENT_NAME, path.parent.parent.name)
    return state


def feed_with(meta: Meta | None) -> Feed:
    """The feed of a source that has `meta` beside it: a pure function of state and lines."""

    def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
        known = load(state) if state else begin(source)
        if meta is not None:
            known.description = beginning(meta.description, TITLE_CHARS)
            known.agent_type = meta.agent_type[:TITLE_CHARS]
            known.own.parent_call_id = meta.tool_use_id[:TITLE_CHARS]
        return _feed(known, lines)

    return feed


def _feed(known: State, lines: list[Line]) -> Fed:
    reading = Reading(known)
    for offset, data, oversized in lines:
        if oversized:
            reading.skip("oversized")
            reading.begin(Record(type="oversized"), data, offset, reading.own)
            others.read_oversized(reading)
        elif not data.startswith(_SKIPPED_UNREAD):
            _read_line(reading, data, offset)
    return Fed(
        sessions=reading.deltas(),
        state=dump(known),
        skipped=reading.skipped,
        unknown=reading.unknown,
    )


def _read_line(reading: Reading, data: bytes, offset: int) -> None:
    record = records.decode(data)
    if record is not None:
        _read(reading, record, data, offset)
        return
    reading.skip("malformed")
    for found, line in records.salvage(data):
        _read(reading, found, line, offset)


def _read(reading: Reading, record: Record, line: bytes, offset: int) -> None:
    kind = record.type
    reader = _READERS.get(kind)
    if reader is None:
        if kind in others.SILENT:
            return
        if not kind:
            reading.skip("malformed")
            return
        reader = others.read_unknown
    if reading.state.last_us is None and _is_early(reading, record, line, offset):
        return
    reading.note(record)
    if kind == "progress":
        _read_progress(reading, record, offset)
        return
    track = _side_track(reading, record) if record.is_sidechain else reading.own
    reading.begin(record, line, offset, track)
    reader(reading)


def _is_early(reading: Reading, record: Record, line: bytes, offset: int) -> bool:
    """Reports whether a record has to wait until a time is known; if not, those before it are read.

    Most of what comes before the first time is about the session, not in it.
    """
    state = reading.state
    time_us = parse_time(record.timestamp) if record.timestamp else None
    waits = time_us is None and record.type not in ("user", "assistant")
    if waits and len(state.early) < _EARLY_LINES and len(line) <= _EARLY_BYTES:
        state.early.append((offset, line))
        return True
    state.last_us = time_us or 0
    early, state.early = state.early, []
    for place, waiting in early:
        _read_line(reading, waiting, place)
    return False


def _side_track(reading: Reading, record: Record) -> Track:
    """Where a subagent's record goes: in a file of its own that is the source's own session."""
    if reading.state.auxiliary:
        return reading.own
    if record.agent_id:
        return reading.subagent(record.agent_id, None)
    return reading.sidechain(record)


def _read_progress(reading: Reading, record: Record, offset: int) -> None:
    """Progress of a tool: only a subagent's own records stay, in that subagent's session."""
    data = record.data
    if data is None or not data.agent_id or not data.message:
        return
    line = bytes(data.message)
    inner = records.decode(line)
    if inner is None or inner.type not in ("user", "assistant"):
        return
    if inner.timestamp is None:
        inner.timestamp = record.timestamp
    track = reading.subagent(data.agent_id, record.parent_tool_use_id)
    reading.begin(inner, line, offset, track)
    _READERS[inner.type](reading)


def _read_nothing(reading: Reading) -> None:
    """For progress, which is read on its own."""


_READERS: dict[str, Callable[[Reading], None]] = {
    "assistant": messages.read_assistant,
    "user": messages.read_user,
    "progress": _read_nothing,
    "agent-name": others.read_title,
    "ai-title": others.read_title,
    "attachment": attachments.read_attachment,
    "custom-title": others.read_title,
    "marble-origami-commit": others.read_collapse,
    "pr-link": others.read_pull_request,
    "queue-operation": attachments.read_queue,
    "saved_hook_context": others.read_hook_context,
    "summary": others.read_summary,
    "system": others.read_system,
    "tag": others.read_title,
}
