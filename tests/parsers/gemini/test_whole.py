"""The older form: one JSON object, written whole each time. Made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opensession.parsers.agent import Cursor
from opensession.parsers.gemini import AGENT
from tests.helpers.lines import Whole, read_all
from tests.parsers.gemini.making import (
    ID,
    call,
    gemini,
    header,
    place,
    read,
    source_at,
    spent,
    tokens,
    types,
    user,
)

MESSAGES = [
    user("u", "Fix it"),
    gemini(
        "g",
        "Look.",
        thoughts=[{"subject": "Plan", "description": "Read."}],
        tokens=tokens(100, 10, cached=60, thoughts=5),
        toolCalls=[call("c", "read_file", {"file_path": "a.py"}, "x = 1")],
    ),
    {**user("e", ""), "type": "error", "content": "[API Error]"},
    gemini("h", "Done."),
]


def write(home: Path, messages: list[dict[str, Any]], **fields: Any) -> Path:
    path = place(home, "session-2025-10-18T14-57-7d1f3c52.json")
    path.write_text(json.dumps({**header(**fields), "messages": messages}, indent=2))
    return path


def read_on(home: Path, path: Path, cursor: Cursor | None = None) -> tuple[Whole, Cursor]:
    return read_all(AGENT.read, source_at(home, path), cursor)


def test_all_of_a_session_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, MESSAGES, summary="The fix")

    whole, _ = read_on(tmp_path, path)

    assert types(whole) == [
        *["UserMessage", "Thinking", "AgentMessage", "FileRead", "ToolResult"],
        *["SystemMessage", "AgentMessage"],
    ]
    assert whole.info.id == ID
    assert whole.info.title == "The fix"
    assert spent(whole) == {"g": (40, 15, 60)}
    assert whole.raw == path.read_bytes()
    assert AGENT.storage(source_at(tmp_path, path)) == "whole"
    assert AGENT.recognises("", path.read_bytes()[:1000]) > 0.5


def test_a_session_that_moved_to_lines_gives_the_same_events(tmp_path: Path) -> None:
    """A resume copies the messages of a `.json` into a `.jsonl`: one content begins the other."""
    whole, _ = read_on(tmp_path, write(tmp_path, MESSAGES))

    lines = read(tmp_path, header(), *MESSAGES, user("v", "More"))

    assert lines.events[:-1] == whole.events
    assert lines.info.id == whole.info.id


def test_a_change_gives_all_anew_and_no_change_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, MESSAGES[:2])
    _, cursor = read_on(tmp_path, path)
    same = AGENT.read(source_at(tmp_path, path), cursor)
    write(tmp_path, MESSAGES)

    delta = AGENT.read(source_at(tmp_path, path), cursor)

    assert (same.sessions, same.restarted) == ([], False)
    assert delta.restarted
    assert (delta.sessions[0].keep, len(delta.sessions[0].events)) == (0, 7)


def test_messages_of_no_use_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path, [MESSAGES[0], 7, {"id": "x"}, MESSAGES[3]])  # type: ignore[list-item]

    whole, _ = read_on(tmp_path, path)

    assert types(whole) == ["UserMessage", "AgentMessage"]
    assert whole.skipped == {"malformed": 1, "without a type": 1}


@pytest.mark.parametrize("content", ["", "[]", "7", '{"messages": {}}', "{", '{"sessionId": 3}'])
def test_a_file_that_is_no_session_gives_none(tmp_path: Path, content: str) -> None:
    path = place(tmp_path, "session-2025-10-18T14-57-7d1f3c52.json")
    path.write_text(content)

    whole, _ = read_on(tmp_path, path)

    assert whole.sessions == {}
