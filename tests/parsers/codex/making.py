"""Rollouts made by hand, as Codex of several ages wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opensession.core.hail import Event
from opensession.parsers.codex import AGENT
from tests.helpers.lines import Whole, read_bytes

ID = "01999999-0000-7000-8000-000000000001"
NAME = f"rollout-2026-02-03T04-05-06-{ID}.jsonl"
BEGIN = "2026-02-03T04:05:06.789Z"


def line(kind: str, payload: dict[str, Any], at: int = 0) -> dict[str, Any]:
    """A record, `at` milliseconds after the beginning of its minute."""
    stamp = f"2026-02-03T04:06:{at // 1000:02}.{at % 1000:03}Z"
    return {"timestamp": stamp, "type": kind, "payload": payload}


def meta(**fields: Any) -> dict[str, Any]:
    """A `session_meta`."""
    payload = {
        "id": ID,
        "timestamp": BEGIN,
        "cwd": "/home/dev/app",
        "originator": "codex_cli_rs",
        "cli_version": "0.50.0",
        "source": "cli",
        "model_provider": "openai",
        **fields,
    }
    return {"timestamp": BEGIN, "type": "session_meta", "payload": payload}


def item(kind: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """A response item."""
    return line("response_item", {"type": kind, **fields}, at)


def event(kind: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """An event."""
    return line("event_msg", {"type": kind, **fields}, at)


def completed(kind: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """An `item_completed`."""
    return event("item_completed", at, turn_id="t", item={"type": kind, **fields})


def message(role: str, *texts: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """A response item `message`."""
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": text} for text in texts]
    return item("message", at, role=role, content=content, **fields)


def shell(call_id: str, command: str, at: int = 0) -> dict[str, Any]:
    """A call of `exec_command`."""
    arguments = json.dumps({"cmd": command})
    return item("function_call", at, name="exec_command", arguments=arguments, call_id=call_id)


def output(call_id: str, text: Any, at: int = 0) -> dict[str, Any]:
    """The output of a function call."""
    return item("function_call_output", at, call_id=call_id, output=text)


def encoded(*records: dict[str, Any] | bytes) -> bytes:
    """The bytes of a rollout; bytes stand for themselves."""
    lines = [
        record if isinstance(record, bytes) else json.dumps(record).encode() for record in records
    ]
    return b"".join(each + b"\n" for each in lines)


def read(folder: Path, *records: dict[str, Any] | bytes, name: str = NAME) -> Whole:
    """What is read of a rollout of these records; one that lacks a header gets one."""
    first = records[0] if records else b""
    if isinstance(first, dict) and first.get("type") != "session_meta":
        records = (meta(), *records)
    return read_bytes(AGENT, folder, name, encoded(*records))


def shapes(events: list[Event]) -> list[tuple[str, Any]]:
    """Types with the text or the data of events: what a person would compare."""
    out: list[tuple[str, Any]] = []
    for each in events:
        texts = [block["text"] for block in each.blocks if block["type"] == "Text"]
        out.append((each.type, texts[0] if texts and not each.data else each.data))
    return out
