"""Imports hail/0.1, a form that only documents showed:

{"v":"hail/0.1","tool":"claude-code","model":"opus-4","ts":"2025-01-01T00:00:00Z"}
{"role":"human","content":"Fix the auth bug"}
{"role":"agent","content":"I'll read it","tool_calls":[{"name":"read_file","input":{…}}]}
{"type":"file_edit","path":"src/auth.rs","diff":"…"}
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from opensession.core.hail import VERSION, Attributes, Block, Event, json_block, text
from opensession.core.hail_json import decode, object_of, text_of, texts_of
from opensession.core.hail_lines import AgentLine, Context, Header
from opensession.core.hail_read import Document, Problem, Reading
from opensession.core.ids import fit
from opensession.core.timeparse import format_time, parse_time

_PROVIDERS = {"claude-code": "anthropic", "codex": "openai", "gemini": "google"}
_NAMES = ("name", "tool", "tool_name")
_INPUTS = ("input", "arguments", "args", "params")


def read_legacy(first: dict[str, Any], lines: Iterable[tuple[int, bytes]], data: bytes) -> Document:
    """A session from a hail/0.1 file. Records without a time take the one before them."""
    reading = Reading()
    reading.last_us = parse_time(text_of(first.get("ts"))) or 0
    created_us = reading.last_us
    for number, line in lines:
        value = decode(line)
        if isinstance(value, dict):
            _record(reading, number, value)
        else:
            reading.problems.append(Problem(number, "not a JSON object"))
    tool = text_of(first.get("tool")) or "unknown"
    native = text_of(first.get("session_id")) or text_of(first.get("id"))
    header = Header(
        version=VERSION,
        session_id=fit("hail", native or hashlib.sha256(data).hexdigest()[:32]),
        agent=AgentLine(
            provider=text_of(first.get("provider")) or _PROVIDERS.get(tool, "unknown"),
            model=text_of(first.get("model")) or "unknown",
            tool=tool,
            tool_version=text_of(first.get("tool_version")) or None,
        ),
        context=Context(
            title=text_of(first.get("title")) or None,
            tags=texts_of(first.get("tags")) or [tool],
            created_at=format_time(created_us),
            updated_at=format_time(max([created_us, *(e.time_us for e in reading.events)])),
            attributes={"source.schema_version": "hail/0.1"},
        ),
    )
    return reading.document(header, None)


def _record(reading: Reading, number: int, value: dict[str, Any]) -> None:
    kind = text_of(value.get("role")) or text_of(value.get("type"))
    attributes: Attributes = {"source.raw_type": kind} if kind else {}
    time_us = parse_time(text_of(value.get("ts")) or text_of(value.get("timestamp")))
    if time_us is None:
        time_us = reading.last_us
        attributes["time.estimated"] = True
    reading.last_us = time_us

    def add(event_type: str, part: str, data: dict[str, Any] | None, blocks: list[Block]) -> None:
        reading.events.append(
            Event(
                event_id=f"line-{number}{part}",
                time_us=time_us,
                type=event_type,
                data=data,
                blocks=blocks,
                attributes=attributes,
            )
        )

    content = _blocks(value.get("content", value.get("text", value.get("message"))))
    if kind in ("human", "user"):
        add("UserMessage", "", None, content)
    elif kind in ("agent", "assistant"):
        if content:
            add("AgentMessage", "", None, content)
        calls = value.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else [], 1):
            add("ToolCall", f":{place}", *_call(call))
    elif kind in ("tool_call", "tool"):
        add("ToolCall", "", *_call(value))
    elif kind == "file_edit":
        diff = text_of(value.get("diff"))
        path = {"path": text_of(value.get("path"))}
        add("FileEdit", "", {**path, "diff": diff} if diff else path, content)
    elif kind == "error":
        name = next((text_of(value.get(key)) for key in _NAMES if value.get(key)), "error")
        add("ToolResult", "", {"name": name, "is_error": True}, content)
    else:
        reading.count(f"line:{kind}")
        add("Custom", "", {"kind": f"unknown:{kind}"}, [json_block(value)])


def _call(value: Any) -> tuple[dict[str, Any], list[Block]]:
    if isinstance(value, str):
        return {"name": value}, []
    call = object_of(value)
    name = next((text_of(call.get(key)) for key in _NAMES if call.get(key)), "unknown")
    given = next((call[key] for key in _INPUTS if key in call), None)
    return {"name": name}, [] if given is None else [json_block(given)]


def _blocks(content: Any) -> list[Block]:
    if isinstance(content, str):
        return [text(content)] if content else []
    if isinstance(content, list):
        return [block for item in content for block in _blocks(item)]
    if isinstance(content, dict) and isinstance(content.get("text"), str):
        return [text(content["text"])]
    return [] if content is None else [json_block(content)]
