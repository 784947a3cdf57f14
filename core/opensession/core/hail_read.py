"""Reads HAIL, tolerantly: 1.0 lines, the one-object form, and hail/0.1.

A line that cannot be read costs that line and is reported; event types, blocks and line types this
version does not know are kept or counted. Only a file without a header is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from opensession.core.errors import OpenSessionError
from opensession.core.hail import VERSION, Event
from opensession.core.hail_json import decode, object_of, text_of, texts_of
from opensession.core.hail_lines import (
    BLOCK_FIELDS,
    DATA_FIELDS,
    AgentLine,
    Context,
    Header,
    event_line,
)
from opensession.core.ids import content_id
from opensession.core.stats import Stats, recompute
from opensession.core.timeparse import format_time, parse_time

_BOM = b"\xef\xbb\xbf"
_ZERO = "1970-01-01T00:00:00.000Z"


class Problem(msgspec.Struct, frozen=True):
    """A line that was left out, counted from 1, and why."""

    line: int
    reason: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A session as a HAIL file holds it, events in the order of the file.

    `stats` are the file's own where it has some (`recomputed` says that it has none). `unknown`
    counts what this version does not know, as `event:<type>`, `block:<type>`, `line:<type>`.
    """

    header: Header
    events: list[Event]
    stats: Stats
    recomputed: bool
    unknown: dict[str, int] = {}
    problems: list[Problem] = []


class Reading:
    """What was read of a file so far."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.unknown: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.last_us = 0

    def count(self, what: str) -> None:
        """Count something that is not known."""
        self.unknown[what] = self.unknown.get(what, 0) + 1

    def document(self, header: Header, stats: Stats | None) -> Document:
        """What was read, with stats."""
        return Document(
            header=header,
            events=self.events,
            stats=stats if stats is not None else recompute(self.events),
            recomputed=stats is None,
            unknown=self.unknown,
            problems=self.problems,
        )


def read(data: bytes) -> Document:
    """A session from the bytes of a HAIL file of any form.

    Raises OpenSessionError if the header is missing.
    """
    numbered = list(_lines(data))
    first = decode(numbered[0][1]) if numbered else None
    if not isinstance(first, dict):
        whole = decode(data.removeprefix(_BOM))
        if isinstance(whole, dict):
            first, numbered = whole, numbered[:1]
    if not isinstance(first, dict):
        raise _missing_header()
    if str(first.get("v", "")).startswith("hail/0"):
        from opensession.core.hail_legacy import read_legacy  # rarely met

        return read_legacy(first, numbered[1:], data)
    if isinstance(first.get("events"), list):
        return _read_object(first)
    if first.get("type") != "header":
        raise _missing_header()
    reading = Reading()
    stats: Stats | None = None
    for number, line in numbered[1:]:
        value = decode(line)
        if not isinstance(value, dict):
            reading.problems.append(Problem(number, "not a JSON object"))
            continue
        kind = value.get("type")
        if kind == "event":
            add_event(reading, number, value)
        elif kind == "stats":
            stats = _stats(value) or stats
        else:
            # Another header is left out as well: the first one counts.
            reading.count(f"line:{kind if isinstance(kind, str) else ''}")
    return reading.document(header_of_object(first), stats)


def read_header(data: bytes) -> Header:
    """The header alone, from the first line. Raises OpenSessionError if it is missing."""
    first = decode(data.removeprefix(_BOM).partition(b"\n")[0])
    if not isinstance(first, dict) or first.get("type") != "header":
        raise _missing_header()
    return header_of_object(first)


def _missing_header() -> OpenSessionError:
    return OpenSessionError("Missing header line: this is no HAIL file")


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers from 1."""
    for number, line in enumerate(data.removeprefix(_BOM).split(b"\n"), 1):
        if line.strip():
            yield number, line


def _read_object(whole: dict[str, Any]) -> Document:
    """The one-object form: `{version, session_id, agent, context, events, stats}`."""
    reading = Reading()
    for number, value in enumerate(whole["events"], 1):
        if isinstance(value, dict):
            add_event(reading, number, value)
        else:
            reading.problems.append(Problem(number, "not an event"))
    stats = whole.get("stats")
    return reading.document(
        header_of_object(whole), _stats(stats) if isinstance(stats, dict) else None
    )


def header_of_object(value: dict[str, Any]) -> Header:
    """The header that an object holds; what is missing or of a wrong type is `unknown` or empty."""
    agent = object_of(value.get("agent"))
    context = object_of(value.get("context"))
    created = parse_time(text_of(context.get("created_at")))
    updated = parse_time(text_of(context.get("updated_at")))
    return Header(
        version=text_of(value.get("version")) or VERSION,
        session_id=text_of(value.get("session_id")),
        agent=AgentLine(
            provider=text_of(agent.get("provider")) or "unknown",
            model=text_of(agent.get("model")) or "unknown",
            tool=text_of(agent.get("tool")) or "unknown",
            tool_version=text_of(agent.get("tool_version")) or None,
        ),
        context=Context(
            title=text_of(context.get("title")) or None,
            description=text_of(context.get("description")) or None,
            tags=texts_of(context.get("tags")),
            created_at=_ZERO if created is None else format_time(created),
            updated_at=_ZERO if updated is None else format_time(updated),
            related_session_ids=texts_of(context.get("related_session_ids")),
            attributes=object_of(context.get("attributes")),
        ),
    )


def add_event(reading: Reading, number: int, value: dict[str, Any]) -> None:
    """Adds the event of line `number` to what was read, or the problem with it."""
    event_type = value.get("event_type")
    if isinstance(event_type, str):
        event_type = {"type": event_type}
    kind = text_of(object_of(event_type).get("type"))
    if not kind or not isinstance(event_type, dict):
        reading.problems.append(Problem(number, "an event without a type"))
        return
    data = event_type.get("data")
    if data is not None and not isinstance(data, dict):
        reading.problems.append(Problem(number, "an event whose data is no object"))
        return
    content = value.get("content")
    blocks = content.get("blocks") if isinstance(content, dict) else content
    known_blocks = [
        block
        for block in (blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict) and isinstance(block.get("type"), str)
    ]
    if isinstance(blocks, list) and len(known_blocks) < len(blocks):
        reading.problems.append(Problem(number, "a block without a type"))
    attributes = object_of(value.get("attributes"))
    time_us = parse_time(text_of(value.get("timestamp")))
    if time_us is None:
        time_us = reading.last_us
        attributes = {**attributes, "time.estimated": True}
    reading.last_us = time_us
    if kind not in DATA_FIELDS:
        reading.count(f"event:{kind}")
    for block in known_blocks:
        if block["type"] not in BLOCK_FIELDS:
            reading.count(f"block:{block['type']}")
    duration = value.get("duration_ms")
    event = Event(
        event_id=text_of(value.get("event_id")),
        time_us=time_us,
        type=kind,
        data=(data or {}) if DATA_FIELDS.get(kind) else (data or None),
        blocks=known_blocks,
        task_id=text_of(value.get("task_id")) or None,
        duration_ms=duration if type(duration) is int and duration >= 0 else None,
        attributes=attributes,
    )
    if not event.event_id:
        event = msgspec.structs.replace(event, event_id=_made_id(event, len(reading.events)))
    reading.events.append(event)


def _made_id(event: Event, number: int) -> str:
    made = content_id(event.type, format_time(event.time_us), event_line(event))
    return f"{made}.{number}"


def _stats(value: dict[str, Any]) -> Stats | None:
    """The stats of a line, or None where one of HAIL's required counts is missing."""
    known = {
        name: number
        for name in Stats.__struct_fields__
        if type(number := value.get(name)) is int and number >= 0
    }
    required = ("event_count", "message_count", "tool_call_count", "task_count", "duration_seconds")
    return Stats(**known) if all(name in known for name in required) else None
