"""What the lines of a transcript do: damage, branches, forks, subagents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.qwen_code import AGENT
from tests.helpers.lines import read_all
from tests.parsers.gemini.making import spent, types
from tests.parsers.qwen_code.making import (
    ID,
    assistant,
    call,
    encoded,
    in_pieces,
    place,
    read,
    record,
    result,
    source_at,
    system,
    telemetry,
    usage,
    user,
)


def test_what_was_left_behind_by_going_back_stays(tmp_path: Path) -> None:
    """The records are a tree; what was done on a branch that was left was done all the same."""
    lines = [
        user("u1", "One"),
        assistant("a1", {"text": "First."}, parentUuid="u1"),
        system("r", "rewind", truncatedCount=2),
        user("u2", "Two"),
    ]

    whole = read(tmp_path, *lines)

    assert types(whole) == ["UserMessage", "AgentMessage", "rewind", "UserMessage"]
    assert whole.events[2].attributes["rewind.items"] == 2


def test_a_fork_names_the_session_it_comes_from(tmp_path: Path) -> None:
    origin = {"sessionId": "0e11", "messageUuid": "u1"}

    info = read(tmp_path, user("u1", "One", forkedFrom=origin), user("u2", "Two")).info

    assert (info.id, info.related) == (ID, ["0e11"])


def test_folder_branch_and_version_follow_the_session(tmp_path: Path) -> None:
    moved = user("u2", "Two", cwd="/home/dev/app/sub", gitBranch="fix", version="0.25.0")

    info = read(tmp_path, user("u1", "One"), moved).info

    assert (info.cwd, info.last_cwd) == ("/home/dev/app", "/home/dev/app/sub")
    assert (info.git_branch, info.tool_version) == ("fix", "0.25.0")


def test_records_on_one_line_are_all_read(tmp_path: Path) -> None:
    """After a crash amid a record the next one begins on the same line."""
    torn = json.dumps(user("lost", "Lost"), separators=(",", ":")).encode()[:-20]
    two = [json.dumps(user(f"u{n}", f"{n}"), separators=(",", ":")).encode() for n in (1, 2)]

    whole = read(tmp_path, torn + two[0] + two[1], user("u3", "3"))

    assert [each.blocks[0]["text"] for each in whole.events] == ["1", "2", "3"]
    assert whole.skipped == {"malformed": 1}


@pytest.mark.parametrize("line", [b"{", b"[1]", b"null", b'{"a": ' * 5000, b"\xff\xfe"])
def test_a_bad_line_is_counted_and_loses_nothing_else(tmp_path: Path, line: bytes) -> None:
    whole = read(tmp_path, user("u1", "One"), line, user("u2", "Two"))

    assert types(whole) == ["UserMessage", "UserMessage"]
    assert whole.skipped == {"malformed": 1}


def test_what_is_not_known_is_kept_and_counted(tmp_path: Path) -> None:
    whole = read(tmp_path, record("oracle", "o"), system("s", "new_thing"))

    assert types(whole) == ["unknown:oracle", "unknown:system/new_thing"]
    assert whole.unknown == {"oracle": 1, "system/new_thing": 1}


def test_records_without_a_conversation_are_no_session(tmp_path: Path) -> None:
    whole = read(tmp_path, system("s", "attribution_snapshot"), {"uuid": "x"})

    assert whole.sessions == {}
    assert whole.skipped == {"without a type": 1}


def subagent(home: Path, meta: dict[str, Any] | None, *records: dict[str, Any]) -> Any:
    path = place(home, f"{ID}/agent-explore-call_1.jsonl", "subagents")
    path.write_bytes(encoded(*records))
    if meta is not None:
        path.with_suffix(".meta.json").write_text(json.dumps(meta))
    return read_all(AGENT.read, source_at(home, path))[0]


OWN: dict[str, Any] = {"agentId": "explore-call_1", "agentName": "explore", "isSidechain": True}


def test_a_subagent_names_its_call_itself_where_nothing_is_beside_it(tmp_path: Path) -> None:
    whole = subagent(tmp_path, None, user("u", "Look", **OWN))

    assert whole.info.id == "agent-explore-call_1"
    assert (whole.info.role, whole.info.parent) == ("auxiliary", ID)
    assert whole.info.parent_call_id == "call_1"


def test_a_subagent_of_a_subagent_belongs_to_it(tmp_path: Path) -> None:
    meta = {
        "description": "Look around",
        "parentSessionId": ID,
        "parentAgentId": "plan-call_0",
        "toolUseId": "call_1",
        "model": "qwen3-coder",
    }
    told = record("assistant", "a", message={"parts": [{"text": "Ok"}]}, **OWN)

    whole = subagent(
        tmp_path, meta, user("u", "Look", **OWN), {**told, "usageMetadata": usage(9, 3)}
    )

    assert whole.info.parent == "agent-plan-call_0"
    assert (whole.info.title, whole.info.model) == ("Look around", "qwen3-coder")
    assert whole.usage[whole.info.id][0].model == "qwen3-coder"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"description": 3}'])
def test_a_bad_note_beside_a_subagent_does_not_matter(tmp_path: Path, content: str) -> None:
    path = place(tmp_path, f"{ID}/agent-explore-call_1.jsonl", "subagents")
    path.with_suffix(".meta.json").write_text(content)

    assert subagent(tmp_path, None, user("u", "Look")).info.title == ""


def test_names_of_any_length_are_not_remembered_whole(tmp_path: Path) -> None:
    long = "x" * 1_000_000
    fields: dict[str, Any] = {"sessionId": long, "cwd": long, "gitBranch": long, "version": long}
    odd = assistant(long, call(long, "glob"), forkedFrom={"sessionId": long}, **fields)
    path = place(tmp_path)
    timed = telemetry("t", "tool_call", call_id=long, duration_ms=5)
    path.write_bytes(encoded({**odd, "model": long, "usageMetadata": usage(9, 3)}, timed))

    whole, cursor = read_all(AGENT.read, source_at(tmp_path, path))

    assert types(whole) == ["ToolCall"]
    assert len(cursor.state) < 40_000


def test_what_is_remembered_does_not_grow_with_the_session(tmp_path: Path) -> None:
    sizes = []
    for count in (500, 2000):
        records = [
            each
            for n in range(count)
            for each in (
                assistant(f"a{n}", call(f"c{n}", "glob", pattern="*"), usageMetadata=usage(9, 3)),
                result(f"r{n}", f"c{n}", "glob", "x"),
            )
        ]
        path = place(tmp_path)
        path.write_bytes(encoded(*records))
        whole, cursor = read_all(AGENT.read, source_at(tmp_path, path))
        sizes.append(len(cursor.state))
        assert len(spent(whole)) == count

    assert sizes[1] < sizes[0] * 1.1 < 16_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *["uuid", "type", "subtype", "sessionId", "timestamp", "cwd", "message", "parts", "text"],
        *["functionCall", "functionResponse", "toolCallResult", "usageMetadata", "systemPayload"],
        *["uiEvent", "event.name", "call_id", "callId", "id", "name", "args", "response"],
        *["resultDisplay", "forkedFrom", "agentId", "displayText", "phase", "rawCommand"],
    ]
)
KINDS = st.sampled_from(
    [
        "user",
        "assistant",
        "tool_result",
        "system",
        "ui_telemetry",
        "slash_command",
        "c",
        "tool_call",
    ]
)
OBJECTS = st.dictionaries(FIELDS, JSON | KINDS, max_size=5)
RECORDS = st.dictionaries(
    FIELDS, JSON | KINDS | OBJECTS | st.lists(OBJECTS, max_size=2), max_size=7
)


@given(records=st.lists(RECORDS | st.binary(max_size=40), max_size=6))
def test_no_line_crashes_a_read(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any] | bytes]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    lines = [each.replace(b"\n", b" ") if isinstance(each, bytes) else each for each in records]
    lines.insert(0, assistant("a", call("c", "run_shell_command", command="ls")))

    whole, pieces = read(folder, *lines), in_pieces(folder, *lines)

    for events in whole.sessions.values():
        assert len({each.event_id for each in events}) == len(events)
    assert (pieces.sessions, pieces.infos) == (whole.sessions, whole.infos)
    assert (pieces.skipped, pieces.unknown) == (whole.skipped, whole.unknown)
