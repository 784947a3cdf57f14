"""Sessions of Gemini CLI made by hand, in both of its forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opensession.core.hail import Event
from opensession.parsers.agent import Source
from opensession.parsers.gemini import AGENT
from opensession.parsers.gemini.folders import project_hash
from tests.helpers.lines import Whole, read_all

ID = "7d1f3c52-0000-4000-8000-000000000001"
FOLDER = "/home/dev/app"
NAME = f"session-2026-02-03T04-05-{ID[:8]}.jsonl"


def stamp(at: int = 0) -> str:
    """A time, `at` milliseconds after the beginning."""
    return f"2026-02-03T04:{5 + at // 60_000:02}:{at // 1000 % 60:02}.{at % 1000:03}Z"


def header(**fields: Any) -> dict[str, Any]:
    """The first record."""
    return {
        "sessionId": ID,
        "projectHash": project_hash(FOLDER),
        "startTime": stamp(),
        "lastUpdated": stamp(),
        "kind": "main",
        **fields,
    }


def user(message_id: str, content: Any, at: int = 1, **fields: Any) -> dict[str, Any]:
    """A message of type user."""
    made = [{"text": content}] if isinstance(content, str) else content
    return {"id": message_id, "timestamp": stamp(at), "type": "user", "content": made, **fields}


def gemini(message_id: str, content: Any = "", at: int = 2, **fields: Any) -> dict[str, Any]:
    """A response."""
    return {
        "id": message_id,
        "timestamp": stamp(at),
        "type": "gemini",
        "content": content,
        "thoughts": [],
        "model": "gemini-2.5-pro",
        **fields,
    }


def tokens(prompt: int, output: int, cached: int = 0, thoughts: int = 0) -> dict[str, int]:
    """The tokens of a response, as Google counts them."""
    return {
        "input": prompt,
        "output": output,
        "cached": cached,
        "thoughts": thoughts,
        "tool": 0,
        "total": prompt + output + thoughts,
    }


def answer(call_id: str, name: str, output: Any) -> dict[str, Any]:
    """A part with what a call gave."""
    response = output if isinstance(output, dict) else {"output": output}
    return {"functionResponse": {"id": call_id, "name": name, "response": response}}


def call(
    call_id: str, name: str, args: dict[str, Any], output: Any = None, **fields: Any
) -> dict[str, Any]:
    """A call, with its answer if it has ended."""
    made: dict[str, Any] = {"id": call_id, "name": name, "args": args, "timestamp": stamp(3)}
    if output is not None:
        made["result"] = [answer(call_id, name, output)]
        made["status"] = "success"
    return {**made, **fields}


def encoded(*records: dict[str, Any] | bytes) -> bytes:
    """The bytes of a file of lines; bytes stand for themselves."""
    lines = [
        record if isinstance(record, bytes) else json.dumps(record).encode() for record in records
    ]
    return b"".join(each + b"\n" for each in lines)


def place(home: Path, name: str = NAME, project: str = "app") -> Path:
    """Where a session's file is in a home; its folder is made."""
    path = home / ".gemini" / "tmp" / project / "chats" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def source_at(home: Path, path: Path) -> Source:
    """The source of a session's file."""
    return Source("gemini", str(home / ".gemini" / "tmp"), str(path))


def read(home: Path, *records: dict[str, Any] | bytes, name: str = NAME) -> Whole:
    """What is read of lines."""
    path = place(home, name)
    path.write_bytes(encoded(*records))
    return read_all(AGENT.read, source_at(home, path))[0]


def in_pieces(home: Path, *records: dict[str, Any] | bytes) -> Whole:
    """What is read of lines when they are read one by one."""
    path = place(home, "session-pieces.jsonl")
    path.write_bytes(b"")
    whole, cursor = Whole(), None
    for record in records:
        with path.open("ab") as file:
            file.write(encoded(record))
        whole, cursor = read_all(AGENT.read, source_at(home, path), cursor, whole)
    return whole


def types(whole: Whole) -> list[str]:
    """The types of all events; of Custom ones their kinds."""
    return [kind_of(each) for each in whole.events]


def kind_of(event: Event) -> str:
    """An event's type, or its kind."""
    return str(event.data["kind"]) if event.type == "Custom" and event.data else event.type


def spent(whole: Whole) -> dict[str, tuple[int, int, int]]:
    """The tokens of each response, by the last record of it."""
    (usage,) = whole.usage.values()
    return {each.message_id: (each.input, each.output, each.cache_read) for each in usage}
