"""Folders as Cline, Roo and Kilo write them, made by hand, and reading them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opensession.core.hail import Event
from opensession.parsers.agent import Cursor, Delta, SessionDelta, Source
from opensession.parsers.cline import AGENT as CLINE
from opensession.parsers.cline.folders import task_path
from opensession.parsers.cline.tasks import read_task

START = 1_750_000_000_000


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def session(home: Path, session_id: str, messages: list[Any], **manifest: Any) -> Source:
    """A session of the SDK, in a data folder."""
    folder = home / "sessions" / session_id
    if manifest:
        write(folder / f"{session_id}.json", {"session_id": session_id, **manifest})
    head = {"version": 1, "agent": "lead", "sessionId": session_id}
    path = write(folder / f"{session_id}.messages.json", {**head, "messages": messages})
    return Source("cline", str(home / "sessions"), str(path))


def task(
    folder: Path,
    rows: list[dict[str, Any]] | None = None,
    history: list[Any] | dict[str, Any] | None = None,
    **beside: Any,
) -> Source:
    """A task's folder; `beside` are its other files, without `.json`."""
    if rows is not None:
        write(folder / "ui_messages.json", rows)
    if history is not None:
        write(folder / "api_conversation_history.json", history)
    for name, value in beside.items():
        write(folder / f"{name}.json", value)
    return Source("roo-code", str(folder.parent), task_path(str(folder)))


def read(source: Source, cursor: Cursor | None = None, agent: str = "roo-code") -> Delta:
    """Reads a source: a session of the SDK, or a task."""
    if source.path.endswith(".messages.json"):
        return CLINE.read(source, cursor)
    return read_task(agent, source, cursor)


def only(source: Source) -> SessionDelta:
    (found,) = read(source).sessions
    return found


def told(source: Source) -> list[Event]:
    return only(source).events


def of(events: list[Event], *types: str) -> list[Event]:
    return [event for event in events if event.type in types]


def words(event: Event) -> str:
    """The text of an event."""
    return "\n".join(str(block.get("text", block.get("code", ""))) for block in event.blocks)


def kinds(events: list[Event]) -> list[str]:
    """The types of events, of custom ones with their kind."""
    return [
        f"Custom:{(event.data or {}).get('kind')}" if event.type == "Custom" else event.type
        for event in events
    ]


def user(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": [_part(part) for part in parts], **more}


def assistant(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": [_part(part) for part in parts], **more}


def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(call_id: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


def say(offset: int, kind: str, text: Any = "", **more: Any) -> dict[str, Any]:
    return _row(offset, "say", kind, text, more)


def ask(offset: int, kind: str, text: Any = "", **more: Any) -> dict[str, Any]:
    return _row(offset, "ask", kind, text, more)


def _row(offset: int, side: str, kind: str, text: Any, more: dict[str, Any]) -> dict[str, Any]:
    said = text if isinstance(text, str) else json.dumps(text)
    return {"ts": START + offset, "type": side, side: kind, "text": said, **more}


def _part(part: Any) -> Any:
    return {"type": "text", "text": part} if isinstance(part, str) else part
