"""Sessions made by hand, after the schema of Copilot's events and what the real program wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opensession.core.hail import Event
from opensession.parsers.agent import Source
from opensession.parsers.copilot import AGENT
from tests.helpers.lines import Whole, read_all

ID = "11111111-aaaa-4bbb-8ccc-000000000001"
SUB = "22222222-aaaa-4bbb-8ccc-000000000002"

Record = dict[str, Any]


def record(kind: str, at: int = 0, agent: str = "", **data: Any) -> Record:
    """A record, `at` milliseconds after the beginning of its minute, with an id made of both."""
    made: Record = {"type": kind, "data": data}
    if agent:
        made["agentId"] = agent
    made["id"] = f"{kind}-{at}"
    made["timestamp"] = f"2026-02-03T04:05:{at // 1000:02}.{at % 1000:03}Z"
    made["parentId"] = None
    return made


def start(**data: Any) -> Record:
    """A `session.start`."""
    context = {"cwd": "/home/dev/app", "branch": "main", "headCommit": "abc"}
    given = {"sessionId": ID, "copilotVersion": "1.0.102", "context": context, **data}
    return record("session.start", **given)


def user(said: str, at: int = 0, agent: str = "", **data: Any) -> Record:
    """A `user.message`."""
    return record("user.message", at, agent, content=said, **data)


def answer(said: str = "", at: int = 0, agent: str = "", **data: Any) -> Record:
    """An `assistant.message`."""
    given = {"messageId": f"m{at}", "apiCallId": f"api{at}", "model": "gpt-5", "content": said}
    return record("assistant.message", at, agent, **{**given, **data})


def call(call_id: str, name: str, arguments: Any, at: int = 0, agent: str = "") -> Record:
    """An `assistant.message` with one request for a tool."""
    request = {"toolCallId": call_id, "name": name, "arguments": arguments, "type": "function"}
    return answer("", at, agent, toolRequests=[request])


def begin(call_id: str, name: str, arguments: Any, at: int = 0) -> Record:
    """A `tool.execution_start`."""
    return record(
        "tool.execution_start", at, toolCallId=call_id, toolName=name, arguments=arguments
    )


def done(call_id: str, said: str = "", at: int = 0, agent: str = "", **data: Any) -> Record:
    """A `tool.execution_complete`."""
    result = {"content": said, **data.pop("result", {})}
    given = {"toolCallId": call_id, "success": True, "result": result, **data}
    return record("tool.execution_complete", at, agent, **given)


def spent(api: str, at: int = 0, agent: str = "", **usage: Any) -> Record:
    """A `session.usage_record`."""
    given = {"model": "gpt-5", "apiCallId": api, "inputTokens": 100, "outputTokens": 10, **usage}
    return record("session.usage_record", at, agent, usage=given)


def encoded(*records: Record | bytes) -> bytes:
    """The bytes of a file; bytes stand for themselves."""
    lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in records]
    return b"".join(line + b"\n" for line in lines)


def source_in(folder: Path, session: str = ID) -> Source:
    """The source of a session below a root."""
    place = folder / session
    place.mkdir(exist_ok=True)
    return Source("copilot", str(folder), str(place / "events.jsonl"))


def read(folder: Path, *records: Record | bytes, session: str = ID) -> Whole:
    """What is read of a session with these records."""
    source = source_in(folder, session)
    Path(source.path).write_bytes(encoded(*records))
    return read_all(AGENT.read, source)[0]


def events_of(folder: Path, *records: Record | bytes) -> list[Event]:
    """The events of the session itself, after a `session.start`."""
    return read(folder, start(), *records).sessions[ID]


def said(event: Event) -> str:
    """The text of an event's blocks."""
    return "\n".join(block["text"] for block in event.blocks if block["type"] == "Text")
