"""Small transcripts as Claude Code and Codex write them, of nobody's work."""

from __future__ import annotations

import json
from typing import Any

FOLDER = "/work/shop"


def claude_line(session: str, number: int, text: str, role: str = "user") -> bytes:
    """One record of a Claude Code transcript: a message, one event."""
    content: Any = text if role == "user" else [{"type": "text", "text": text}]
    message: dict[str, Any] = {"role": role, "content": content}
    if role == "assistant":
        message |= {
            "id": f"msg_{session}_{number}",
            "model": "claude-opus-4-5",
            "usage": {"input_tokens": 3, "output_tokens": 5},
        }
    record = {
        "type": role,
        "uuid": f"{session}-{number}",
        "parentUuid": f"{session}-{number - 1}" if number > 1 else None,
        "sessionId": session,
        "timestamp": f"2026-01-02T03:{number // 60 % 60:02}:{number % 60:02}.000Z",
        "cwd": FOLDER,
        "gitBranch": "main",
        "version": "2.0.0",
        "message": message,
    }
    return json.dumps(record).encode() + b"\n"


def claude(session: str, *texts: str) -> bytes:
    """A transcript in which a person and the agent take turns."""
    roles = ("user", "assistant")
    return b"".join(
        claude_line(session, number, text, roles[(number - 1) % 2])
        for number, text in enumerate(texts, start=1)
    )


def codex(session: str, *texts: str) -> bytes:
    """A rollout in which the agent speaks."""
    time = "2026-01-02T03:04:05.000Z"
    header = {
        "timestamp": time,
        "type": "session_meta",
        "payload": {
            "id": session,
            "timestamp": time,
            "cwd": FOLDER,
            "originator": "codex_cli_rs",
            "cli_version": "0.169.0",
        },
    }
    records = [header]
    for text in texts:
        content = [{"type": "output_text", "text": text}]
        payload = {"type": "message", "role": "assistant", "content": content}
        records.append({"timestamp": time, "type": "response_item", "payload": payload})
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
