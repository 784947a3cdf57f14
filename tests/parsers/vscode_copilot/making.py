"""Chat sessions made by hand, after VS Code's own source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opensession.core.hail import Event
from opensession.parsers.agent import Source
from opensession.parsers.vscode_copilot import AGENT
from tests.helpers.lines import Whole, read_all

ID = "11111111-2222-4333-8444-555555555555"
BEGIN = 1_786_006_635_121

Json = dict[str, Any]


def request(number: int = 0, *parts: Json, **fields: Any) -> Json:
    """A request with the parts of its response."""
    return {
        "requestId": f"request_{number}",
        "timestamp": BEGIN + number * 60_000,
        "message": {"text": f"Question {number}", "parts": []},
        "variableData": {"variables": []},
        "response": list(parts),
        "responseId": f"response_{number}",
        "modelId": "copilot/gpt-5",
        "modelState": {"value": 1, "completedAt": BEGIN + number * 60_000 + 9_000},
        **fields,
    }


def markdown(value: str) -> Json:
    return {"value": value, "supportThemeIcons": False}


def invocation(call_id: str, tool_id: str, **fields: Any) -> Json:
    """A part that shows a call, done unless told otherwise."""
    return {
        "kind": "toolInvocationSerialized",
        "toolCallId": call_id,
        "toolId": tool_id,
        "invocationMessage": {"value": f"Running {tool_id}"},
        "isConfirmed": {"type": 1},
        "isComplete": True,
        **fields,
    }


def terminal(command: str, **fields: Any) -> Json:
    return {"kind": "terminal", "language": "sh", "commandLine": {"original": command}, **fields}


def asked(call_id: str, name: str, **arguments: Any) -> Json:
    """What the model asked for."""
    return {"id": call_id, "name": name, "arguments": json.dumps(arguments)}


def result(*calls: Json, **fields: Any) -> Json:
    """A result whose metadata hold calls, and `told` by call id."""
    told = {key: {"content": [{"value": value}]} for key, value in fields.pop("told", {}).items()}
    metadata = {"toolCallRounds": [{"toolCalls": list(calls)}], "toolCallResults": told}
    return {"metadata": {**metadata, **fields.pop("metadata", {})}, **fields}


def state(*requests: Json, **fields: Any) -> Json:
    """A whole session."""
    return {
        "version": 3,
        "creationDate": BEGIN,
        "sessionId": ID,
        "responderUsername": "GitHub Copilot",
        "requests": list(requests),
        **fields,
    }


def whole(value: Json) -> Json:
    return {"kind": 0, "v": value}


def put(path: list[Any], value: Any) -> Json:
    return {"kind": 1, "k": path, "v": value}


def push(path: list[Any], *items: Any, at: int | None = None) -> Json:
    return {"kind": 2, "k": path, "v": list(items), **({} if at is None else {"i": at})}


def lines(*entries: Json | bytes) -> bytes:
    made = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in entries]
    return b"".join(each + b"\n" for each in made)


def source_in(folder: Path, name: str = f"{ID}.jsonl", workspace: Json | None = None) -> Source:
    """The source of a session in a workspace's folder below `folder`."""
    root = folder / "workspaceStorage"
    place = root / "0123" / "chatSessions"
    place.mkdir(parents=True, exist_ok=True)
    given = {"folder": "file:///home/dev/demo"} if workspace is None else workspace
    (place.parent / "workspace.json").write_text(json.dumps(given))
    return Source(AGENT.name, str(root), str(place / name))


def read_log(folder: Path, *entries: Json | bytes) -> Whole:
    source = source_in(folder)
    Path(source.path).write_bytes(lines(*entries))
    return read_all(AGENT.read, source)[0]


def read(folder: Path, *requests: Json, **fields: Any) -> Whole:
    """What is read of a file that is one object."""
    source = source_in(folder, f"{ID}.json")
    Path(source.path).write_text(json.dumps(state(*requests, **fields)))
    return read_all(AGENT.read, source)[0]


def events_of(folder: Path, *parts: Json, **fields: Any) -> list[Event]:
    """The events of the response of one request."""
    return read(folder, request(0, *parts, **fields)).sessions[ID][1:]


def said(event: Event) -> str:
    return "\n".join(block["text"] for block in event.blocks if block["type"] == "Text")
