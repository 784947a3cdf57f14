"""Prompts, responses and results: what becomes of the fields of a record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.parsers.gemini.making import spent, types
from tests.parsers.qwen_code.making import (
    assistant,
    call,
    read,
    record,
    result,
    telemetry,
    usage,
    user,
)


def texts(whole: Any) -> list[tuple[str, str]]:
    return [(each.type, each.blocks[0]["text"]) for each in whole.events]


def test_what_a_person_saw_is_the_prompt_and_the_rest_context(tmp_path: Path) -> None:
    reminder = "<system-reminder>Be brief.</system-reminder>"
    payload = {"displayText": "Review @a.py", "hookContext": ""}

    whole = read(
        tmp_path,
        user("u1", reminder, "Go on"),
        user("u2", "Review x = 1", systemPayload=payload),
        user("u3", "Same", systemPayload={"displayText": "Same"}),
    )

    assert texts(whole) == [
        ("UserMessage", "Go on"),
        ("SystemMessage", reminder),
        ("UserMessage", "Review @a.py"),
        ("SystemMessage", "Review x = 1"),
        ("UserMessage", "Same"),
    ]
    assert whole.info.first_prompt == "Go on"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"subtype": "notification", "provenance": "system"}, "SystemMessage"),
        ({"subtype": "cron"}, "SystemMessage"),
        ({"subtype": "goal_runtime", "provenance": "goal_runtime"}, "SystemMessage"),
        ({"externalInputKind": "notification"}, "SystemMessage"),
        ({"subtype": "mid_turn_user_message"}, "UserMessage"),
        ({"subtype": "realtime_message"}, "UserMessage"),
        ({"provenance": "real_user"}, "UserMessage"),
    ],
)
def test_only_what_a_person_said_is_a_prompt(
    tmp_path: Path, fields: dict[str, Any], expected: str
) -> None:
    assert types(read(tmp_path, user("u", "Hello", **fields))) == [expected]


def test_a_response_tells_its_tokens_on_all_its_events(tmp_path: Path) -> None:
    parts: list[dict[str, Any]] = [{"text": "Hm", "thought": True}, {"text": "Done."}]
    parts.append(call("c", "glob", pattern="*"))

    whole = read(tmp_path, assistant("a", *parts, usageMetadata=usage(100, 30, cached=60)))

    assert types(whole) == ["Thinking", "AgentMessage", "FileSearch"]
    assert [each.event_id for each in whole.events] == ["a", "a:1", "a:2"]
    assert spent(whole) == {"a": (40, 30, 60)}
    for each in whole.events:
        assert each.attributes["message_id"] == "a"
        assert each.attributes["model"] == "qwen3-coder"
        assert each.attributes["input_tokens"] == 40


def test_a_response_without_parts_still_counts(tmp_path: Path) -> None:
    whole = read(tmp_path, assistant("a", usageMetadata=usage(100, 30)))

    assert types(whole) == ["token_count"]
    assert spent(whole) == {"a": (100, 30, 0)}


def test_responses_without_ids_are_counted_each(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        assistant("", {"text": "x"}, usageMetadata=usage(100, 30)),
        assistant("", {"text": "y"}, usageMetadata=usage(100, 30)),
    )

    assert spent(whole) == {"~1": (100, 30, 0), "~2": (100, 30, 0)}


def test_thoughts_that_are_beside_the_output_are_added(tmp_path: Path) -> None:
    """Google's own API counts them beside; the total shows which it is."""
    beside = {**usage(100, 30, thoughts=7), "totalTokenCount": 137}
    within = usage(100, 30, thoughts=7)

    whole = read(
        tmp_path,
        assistant("a", {"text": "x"}, usageMetadata=beside),
        assistant("b", {"text": "y"}, usageMetadata=within),
    )

    assert spent(whole) == {"a": (100, 37, 0), "b": (100, 30, 0)}


def test_a_result_is_paired_and_timed(tmp_path: Path) -> None:
    lines = [
        assistant("a", call("c1", "run_shell_command", command="ls"), call("c2", "glob")),
        telemetry("t", "tool_call", call_id="c1", duration_ms=95, success=True),
        telemetry("t2", "tool_call", call_id="another", duration_ms=1),
        result("r2", "c2", "glob", "none"),
        result("r1", "c1", "run_shell_command", "a.py", resultDisplay=shell(exitCode=0)),
    ]

    first, second = read(tmp_path, *lines).events[2:]

    assert "result.duration_ms" not in first.attributes
    assert second.attributes["result.duration_ms"] == 95
    assert second.attributes["result.exit_code"] == 0
    assert second.attributes["result.call_seq"] == 1


def shell(**fields: Any) -> dict[str, Any]:
    return {"type": "shell_result", "version": 1, "outcome": "completed", **fields}


@pytest.mark.parametrize(
    ("response", "told", "code", "failed"),
    [
        ("Exit Code: 3\nSignal: 0", {}, 3, False),
        ("Exit Code: (none)", {}, None, False),
        ({"error": "Exit Code: 1"}, {"status": "error"}, 1, True),
        ("x", {"resultDisplay": shell(exitCode=137)}, 137, False),
        ("Exit Code: 0", {"resultDisplay": shell(exitCode=None, signal="KILL")}, None, False),
        ("x", {"status": "cancelled"}, None, True),
    ],
)
def test_how_a_command_ended(
    tmp_path: Path, response: Any, told: dict[str, Any], code: int | None, failed: bool
) -> None:
    run = assistant("a", call("c", "run_shell_command", command="ls"))

    found = read(tmp_path, run, result("r", "c", "run_shell_command", response, **told)).events[1]

    assert found.attributes.get("result.exit_code") == code
    assert found.data == {"name": "run_shell_command", "is_error": failed, "call_id": "c"}


def test_a_diff_that_was_cut_for_the_record_is_none(tmp_path: Path) -> None:
    """Then what the arguments say is reported."""
    display = {
        "fileDiff": "--- a.py\n+++ a.py\n@@ -1 +1 @@\n-Full diff omitted\n+Saved preview only",
        "fileName": "a.py",
        "originalContent": "",
        "newContent": "",
        "truncatedForSession": True,
        "fileDiffTruncated": True,
    }
    edit = assistant("a", call("c", "edit", file_path="a.py", old_string="x", new_string="y"))

    found = read(tmp_path, edit, result("r", "c", "edit", "ok", resultDisplay=display)).events[1]

    assert found.attributes["result.diff"] == "--- a.py\n+++ a.py\n@@ -1,1 +1,1 @@\n-x\n+y"


def test_several_answers_in_one_record_are_told_apart(tmp_path: Path) -> None:
    both = assistant("a", call("c1", "glob"), call("c2", "run_shell_command", command="ls"))
    parts = [
        {"functionResponse": {"id": each, "name": "x", "response": {"output": each}}}
        for each in ("c1", "c2")
    ]
    outcome = {"callId": "c2", "status": "error", "errorType": "shell_execute_error"}
    together = record("tool_result", "r", 2, message={"parts": parts}, toolCallResult=outcome)

    first, second = read(tmp_path, both, together).events[2:]

    assert [first.event_id, second.event_id] == ["r", "r:1"]
    assert [each.data["is_error"] for each in (first, second) if each.data] == [False, True]
    assert second.attributes["error_type"] == "shell_execute_error"


def test_a_result_without_an_answer_shows_what_was_displayed(tmp_path: Path) -> None:
    outcome = {"callId": "c", "status": "error", "resultDisplay": "No such tool"}
    bare = record("tool_result", "r", message={"parts": []}, toolCallResult=outcome)

    found = read(tmp_path, assistant("a", call("c", "x")), bare).events[1]

    assert found.blocks == [{"type": "Text", "text": "No such tool"}]
    assert found.attributes["result.call_seq"] == 1


def test_a_call_without_an_id_is_paired_by_its_name(tmp_path: Path) -> None:
    nameless = {"functionCall": {"name": "glob", "args": {"pattern": "*"}}}
    part = {"functionResponse": {"name": "glob", "response": {"output": "x"}}}

    whole = read(
        tmp_path, assistant("a", nameless), record("tool_result", "r", message={"parts": [part]})
    )

    assert whole.events[1].attributes["result.call_seq"] == 1
