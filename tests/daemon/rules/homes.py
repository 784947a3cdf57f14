"""Claude Code transcripts made by hand, in the home of a real daemon, and what is left of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.helpers.daemon import Daemon, Home

SESSION = "0a1b2c3d-1111-4222-8333-444455556666"
OTHER = "9f8e7d6c-1111-4222-8333-444455556666"


def record(number: int, session: str, cwd: str, message: dict[str, Any], kind: str) -> str:
    """One line of a transcript."""
    stamp = f"2026-01-02T03:{number // 60 % 60:02}:{number % 60:02}.000Z"
    return (
        json.dumps(
            {
                "type": kind,
                "uuid": f"{session}-{number}",
                "parentUuid": f"{session}-{number - 1}" if number else None,
                "sessionId": session,
                "timestamp": stamp,
                "cwd": cwd,
                "version": "2.0.0",
                "message": message,
            }
        )
        + "\n"
    )


def prompt(number: int, said: str, session: str = SESSION, cwd: str = "/work/project") -> str:
    """What a person typed."""
    return record(number, session, cwd, {"role": "user", "content": said}, "user")


def call(
    number: int,
    name: str,
    given: dict[str, Any],
    session: str = SESSION,
    cwd: str = "/work/project",
) -> str:
    """A call of a tool; its id is of its number."""
    block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}
    message = {"role": "assistant", "id": f"msg_{number}", "model": "m", "content": [block]}
    return record(number, session, cwd, message, "assistant")


def result(
    number: int, of: int, said: str, session: str = SESSION, cwd: str = "/work/project"
) -> str:
    """The result of the call of number `of`."""
    block = {"type": "tool_result", "tool_use_id": f"toolu_{of}", "content": said}
    return record(number, session, cwd, {"role": "user", "content": [block]}, "user")


def transcript(home: Home, *lines: str, session: str = SESSION, append: bool = False) -> Path:
    """Writes a transcript."""
    path = home.path / ".claude/projects/-work-project" / f"{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if append else "w", encoding="utf-8") as out:
        out.write("".join(lines))
    return path


def texts(daemon: Daemon, session: str = SESSION) -> str:
    """All events of a session as JSON."""
    return json.dumps(daemon.call("sessions.events", ref=session, order="seq", limit=1000))


def sessions(daemon: Daemon) -> dict[str, Any]:
    """The sessions there are, by id."""
    found = daemon.call("sessions.list", all=True, limit=100)["sessions"]
    return {row["id"]: row for row in found}


def archived(home: Home) -> bytes:
    """The raw bytes of the whole archive."""
    files = sorted(home.paths.archive_dir.glob("??/*.zst"))
    return b"".join(
        subprocess.run(["zstd", "-dc", str(file)], capture_output=True, check=True).stdout
        for file in files
    )
