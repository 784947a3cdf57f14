"""Transcripts of Qwen Code made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opensession.parsers.agent import Source
from opensession.parsers.qwen_code import AGENT
from tests.helpers.lines import Whole, read_all

ID = "7d1f3c52-0000-4000-8000-000000000001"


def record(kind: str, uuid: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """A record, `at` milliseconds after the beginning."""
    return {
        "uuid": uuid,
        "parentUuid": None,
        "sessionId": ID,
        "timestamp": f"2026-02-03T04:05:{at // 1000:02}.{at % 1000:03}Z",
        "type": kind,
        "cwd": "/home/dev/app",
        "version": "0.24.4",
        "gitBranch": "main",
        **fields,
    }


def user(uuid: str, *texts: str, at: int = 0, **fields: Any) -> dict[str, Any]:
    """A record of type user."""
    message = {"role": "user", "parts": [{"text": each} for each in texts]}
    return record("user", uuid, at, message=message, **fields)


def assistant(uuid: str, *parts: dict[str, Any], at: int = 1, **fields: Any) -> dict[str, Any]:
    """A response."""
    message = {"role": "model", "parts": list(parts)}
    return record("assistant", uuid, at, model="qwen3-coder", message=message, **fields)


def call(call_id: str, name: str, **args: Any) -> dict[str, Any]:
    """A part that calls a tool."""
    return {"functionCall": {"id": call_id, "name": name, "args": args}}


def usage(prompt: int, output: int, cached: int = 0, thoughts: int = 0) -> dict[str, int]:
    """The counts of a response, as an API of another maker gives them: thoughts are in `output`."""
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": output,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": prompt + output,
        "cachedContentTokenCount": cached,
    }


def result(
    uuid: str, call_id: str, name: str, response: Any, at: int = 2, **told: Any
) -> dict[str, Any]:
    """A record of what a call gave."""
    value = response if isinstance(response, dict) else {"output": response}
    part = {"functionResponse": {"id": call_id, "name": name, "response": value}}
    outcome = {"callId": call_id, "status": "success", **told}
    message = {"role": "user", "parts": [part]}
    return record("tool_result", uuid, at, message=message, toolCallResult=outcome)


def system(uuid: str, subtype: str, at: int = 3, **payload: Any) -> dict[str, Any]:
    """A record of type system."""
    return record("system", uuid, at, subtype=subtype, systemPayload=payload)


def telemetry(uuid: str, name: str, **fields: Any) -> dict[str, Any]:
    """A measurement."""
    return system(uuid, "ui_telemetry", uiEvent={"event.name": f"qwen-code.{name}", **fields})


def encoded(*records: dict[str, Any] | bytes) -> bytes:
    """The bytes of a transcript; bytes stand for themselves."""
    lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in records]
    return b"".join(each + b"\n" for each in lines)


def place(home: Path, name: str = f"{ID}.jsonl", folder: str = "chats") -> Path:
    """Where a transcript is in a home; its folder is made."""
    path = home / ".qwen" / "projects" / "-home-dev-app" / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def source_at(home: Path, path: Path) -> Source:
    """The source of a transcript."""
    return Source("qwen-code", str(home / ".qwen" / "projects"), str(path))


def read(home: Path, *records: dict[str, Any] | bytes) -> Whole:
    """What is read of a transcript."""
    path = place(home)
    path.write_bytes(encoded(*records))
    return read_all(AGENT.read, source_at(home, path))[0]


def in_pieces(home: Path, *records: dict[str, Any] | bytes) -> Whole:
    """What is read of a transcript when it is read record by record."""
    path = place(home)
    path.write_bytes(b"")
    whole, cursor = Whole(), None
    for each in records:
        with path.open("ab") as file:
            file.write(encoded(each))
        whole, cursor = read_all(AGENT.read, source_at(home, path), cursor, whole)
    return whole
