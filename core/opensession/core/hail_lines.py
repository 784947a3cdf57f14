"""HAIL 1.0 as lines: a header, the events, the stats; one JSON object per line.

    {"type":"header","version":"hail-1.0.0","session_id":…,"agent":{…},"context":{…}}
    {"type":"event","event_id":…,"timestamp":…,"event_type":{"type":"ToolCall","data":{…}},…}
    {"type":"stats","event_count":…,…}

Writing is strict: keys in the order HAIL declares them, no spaces, UTF-8 as it is, attributes
sorted, optional fields left out. Reading is `hail_read`'s.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from opensession.core.hail import VERSION, Attributes, Block, Event, SessionInfo
from opensession.core.privacy.redaction import beginning, untag
from opensession.core.stats import Stats, recompute
from opensession.core.timeparse import format_time

DATA_FIELDS: dict[str, tuple[str, ...]] = {
    "UserMessage": (), "AgentMessage": (), "SystemMessage": (), "Thinking": (),
    "ToolCall": ("name",), "ToolResult": ("name", "is_error", "call_id"),
    "FileRead": ("path",), "CodeSearch": ("query",), "FileSearch": ("pattern",),
    "FileEdit": ("path", "diff"), "FileCreate": ("path",), "FileDelete": ("path",),
    "ShellCommand": ("command", "exit_code"),
    "ImageGenerate": ("prompt",), "VideoGenerate": ("prompt",), "AudioGenerate": ("prompt",),
    "WebSearch": ("query",), "WebFetch": ("url",),
    "TaskStart": ("title",), "TaskEnd": ("summary",), "Custom": ("kind",),
}  # fmt: skip
"""Every type of event with the fields of its data, in the order they are written."""

BLOCK_FIELDS: dict[str, tuple[str, ...]] = {
    "Text": ("type", "text"), "Code": ("type", "code", "language", "start_line"),
    "Image": ("type", "url", "alt", "mime"), "Video": ("type", "url", "mime"),
    "Audio": ("type", "url", "mime"), "File": ("type", "path", "content"),
    "Json": ("type", "data"), "Reference": ("type", "uri", "media_type"),
}  # fmt: skip
"""Every type of block with its fields, in the order they are written."""


class AgentLine(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who wrote a session. `provider` is `unknown` and `model` too where nothing tells."""

    provider: str
    model: str
    tool: str
    tool_version: str | None = None


class Context(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a session is about; times are RFC 3339."""

    title: str | None = None
    description: str | None = None
    tags: list[str]
    created_at: str
    updated_at: str
    related_session_ids: list[str] = []
    attributes: Attributes = {}


class Header(
    msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="header"
):
    """The first line."""

    version: str
    session_id: str
    agent: AgentLine
    context: Context


class _EventType(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    data: dict[str, Any] | None = None


class _Content(msgspec.Struct, frozen=True):
    blocks: list[Block]


class _EventLine(
    msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="type", tag="event"
):
    event_id: str
    timestamp: str
    event_type: _EventType
    task_id: str | None = None
    content: _Content
    duration_ms: int | None = None
    attributes: Attributes = {}


def header_of(
    info: SessionInfo,
    *,
    created_us: int,
    updated_us: int,
    description: str = "",
    tags: Sequence[str] = (),
    more: Attributes | None = None,
) -> Header:
    """The header of a session as its parser knows it; `more` are further context attributes."""
    attributes: Attributes = dict(info.attributes)
    attributes["session_role"] = info.role
    known = {
        "cwd": info.cwd,
        "git_branch": info.git_branch,
        "git_commit": info.git_commit,
        "git_remote": info.git_remote,
        "parent_session_id": info.parent,
        "parent_call_id": info.parent_call_id,
    }
    attributes.update({name: value for name, value in known.items() if value})
    attributes.update(more or {})
    related = [info.parent, *info.related] if info.parent else list(info.related)
    return Header(
        version=VERSION,
        session_id=info.id,
        agent=AgentLine(
            provider=info.provider or "unknown",
            model=info.model or "unknown",
            tool=info.agent,
            tool_version=info.tool_version or None,
        ),
        context=Context(
            title=info.title or beginning(info.first_prompt, 80) or None,
            description=description or None,
            tags=list(tags) or [info.agent],
            created_at=format_time(created_us),
            updated_at=format_time(updated_us),
            related_session_ids=list(dict.fromkeys(related)),
            attributes=dict(sorted(attributes.items())),
        ),
    )


def write(header: Header, events: Iterable[Event], stats: Stats | None = None) -> Iterator[bytes]:
    """A session's lines, each with its line feed. Without `stats` they are computed, for which the
    events are held until the end.
    """
    yield header_line(header) + b"\n"
    seen: list[Event] = []
    for event in events:
        if stats is None:
            seen.append(event)
        yield event_line(event) + b"\n"
    yield stats_line(stats if stats is not None else recompute(seen)) + b"\n"


def header_line(header: Header) -> bytes:
    """The header, without a line feed."""
    return _encode(header)


def event_line(event: Event) -> bytes:
    """An event, without a line feed."""
    return _encode(
        _EventLine(
            event_id=event.event_id,
            timestamp=format_time(event.time_us),
            event_type=_EventType(event.type, _data(event)),
            task_id=event.task_id,
            content=_Content([_ordered(block) for block in event.blocks]),
            duration_ms=event.duration_ms,
            attributes=dict(sorted(event.attributes.items())),
        )
    )


def stats_line(stats: Stats) -> bytes:
    """The stats, without a line feed; HAIL's own fields are always written."""
    ours = ("total_cache_read_tokens", "total_cache_write_tokens", "cost_microdollars")
    fields: dict[str, Any] = {"type": "stats"}
    for name in stats.__struct_fields__:
        value = getattr(stats, name)
        if name not in ours or value:
            fields[name] = value
    return _encode(fields)


def canonical(event: Event) -> bytes:
    """The bytes that identify an event everywhere (DECISIONS §2): the stored event as a line,
    without the tags of placeholders, before folding.
    """
    line = event_line(event)
    if b"[redacted:" not in line:
        return line
    # The tags stand in JSON text as they stand in text: nothing of them is ever escaped.
    return untag(line.decode()).encode()


def chain_start(hub_session_key: str, generation: int) -> bytes:
    """The chain before its first event."""
    return hashlib.sha256(f"{hub_session_key}{generation}".encode()).digest()


def chain(previous: bytes, line: bytes) -> bytes:
    """The chain after a canonical event: sha256 over the chain before it and the event."""
    return hashlib.sha256(previous + line).digest()


def _data(event: Event) -> dict[str, Any] | None:
    fields = DATA_FIELDS.get(event.type)
    data = event.data
    if fields is None or not fields:
        return data or None  # a type we do not know keeps its data as it came
    if data is None:
        data = {}
    known = {name: data[name] for name in fields if data.get(name) is not None}
    if event.type == "ToolResult":
        known = {"name": data.get("name", ""), "is_error": data.get("is_error") is True, **known}
    rest = {name: value for name, value in data.items() if name not in fields}
    return {**known, **rest}


def _ordered(block: Block) -> Block:
    fields = BLOCK_FIELDS.get(block.get("type", ""))
    if fields is None:
        return block
    present = [name for name in fields if block.get(name) is not None]
    if list(block) == present:
        return block
    ordered = {name: block[name] for name in present}
    return {**ordered, **{name: block[name] for name in block if name not in fields}}


def _encode(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A lone surrogate, as half of a cut emoji is, has no UTF-8: it becomes a question mark.
        plain = msgspec.to_builtins(value)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")
