"""Sessions of the first versions, made by hand after what other readers say of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import Event
from opensession.parsers.agent import Delta, Source
from opensession.parsers.copilot import AGENT
from opensession.parsers.copilot.book import NAME
from opensession.parsers.copilot.legacy import tell
from opensession.parsers.timeline import State, Timeline
from tests.parsers.copilot.making import ID, said

START = "2025-10-01T10:00:00.000Z"


def entry(kind: str, at: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"e{at}",
        "type": kind,
        "timestamp": f"2025-10-01T10:00:{at:02}.000Z",
        **fields,
    }


def session(**fields: Any) -> dict[str, Any]:
    return {"sessionId": ID, "startTime": START, "selectedModel": "gpt-5", **fields}


def read(folder: Path, given: Any) -> Delta:
    path = folder / f"session_{ID}_1759500000.json"
    path.write_text(given if isinstance(given, str) else json.dumps(given))
    return AGENT.read(Source(NAME, str(folder), str(path)), None)


def events(folder: Path, **fields: Any) -> list[Event]:
    (told,) = read(folder, session(**fields)).sessions
    assert told.secondary
    assert (told.info.id, told.info.model) == (ID, "gpt-5")
    return told.events


def test_the_timeline_is_told_with_its_times(tmp_path: Path) -> None:
    command = {"command": "false"}
    listed = [
        entry("user", 1, text="do it", expandedText="<x>do it</x>"),
        entry("copilot", 2, text="I will."),
        entry("tool_call_requested", 3, callId="c", name="bash", arguments=command),
        entry(
            "tool_call_completed",
            4,
            callId="c",
            name="bash",
            arguments=command,
            result={"type": "success", "log": "<exited with exit code 1>"},
        ),
        entry("info", 5, text="Saved"),
        entry("novelty", 6, text="?"),
    ]

    told = events(tmp_path, timeline=listed, chatMessages=[{"role": "user", "content": "x"}])

    assert [event.type for event in told] == [
        "UserMessage",
        "AgentMessage",
        "ShellCommand",
        "ToolResult",
        "SystemMessage",
        "Custom",
    ]
    assert told[3].attributes["result.exit_code"] == 1
    assert told[1].time_us - told[0].time_us == 1_000_000
    assert "time.estimated" not in told[0].attributes


def test_a_call_that_was_only_kept_as_completed_is_a_call_and_a_result(tmp_path: Path) -> None:
    done = entry(
        "tool_call_completed",
        4,
        callId="c",
        name="str_replace_editor",
        arguments={"command": "view", "path": "/x"},
        result={"type": "failure", "log": "no such file"},
    )

    told = events(tmp_path, timeline=[done])

    assert [event.type for event in told] == ["FileRead", "ToolResult"]
    assert told[1].data == {"name": "str_replace_editor", "is_error": True, "call_id": "c"}
    assert len({event.event_id for event in told}) == 2


def test_without_a_timeline_the_history_is_told_with_estimated_times(tmp_path: Path) -> None:
    messages = [
        {"role": "system", "content": "You are"},
        {"role": "user", "content": "<current_datetime>now</current_datetime>\n\nhello"},
        {
            "role": "assistant",
            "content": "hi",
            "tool_calls": [
                {"id": "c", "function": {"name": "bash", "arguments": '{"command":"pwd"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "/home/dev"},
    ]

    told = events(tmp_path, chatMessages=messages, timeline=[])

    assert [event.type for event in told] == [
        "UserMessage",
        "AgentMessage",
        "ShellCommand",
        "ToolResult",
    ]
    assert said(told[0]) == "hello"
    assert told[3].attributes["result.call_seq"] == 3
    assert all(event.attributes["time.estimated"] for event in told)
    assert all(event.time_us == 1_759_312_800_000_000 for event in told)


def test_a_change_is_read_anew(tmp_path: Path) -> None:
    first = read(tmp_path, session(timeline=[entry("user", 1, text="one")]))
    path = tmp_path / f"session_{ID}_1759500000.json"
    path.write_text(
        json.dumps(session(timeline=[entry("user", n, text=f"number {n}") for n in (1, 2)]))
    )

    second = AGENT.read(Source(NAME, str(tmp_path), str(path)), first.cursor)

    (told,) = second.sessions
    assert [said(event) for event in told.events] == ["number 1", "number 2"]
    assert (told.keep, second.restarted) == (0, True)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("id", "type", "timestamp", "text", "callId", "name", "arguments", "result", "role"),
        *("content", "tool_calls", "tool_call_id", "function", "imageAttachments"),
    ]
)
KINDS = st.sampled_from(
    ["user", "copilot", "tool_call_requested", "tool_call_completed", "tool", "assistant", "x"]
)
ENTRIES = st.lists(st.dictionaries(FIELDS, JSON | KINDS), max_size=4)


@given(st.fixed_dictionaries({"timeline": ENTRIES | JSON, "chatMessages": ENTRIES | JSON}))
def test_no_session_is_too_strange_to_tell(given: dict[str, Any]) -> None:
    tell(Timeline(NAME, State(id=ID)), given)
