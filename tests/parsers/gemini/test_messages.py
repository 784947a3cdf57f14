"""Prompts and context, responses and calls: what becomes of the fields of a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opensession.core.hail import Event
from tests.parsers.gemini.making import (
    answer,
    call,
    gemini,
    header,
    read,
    spent,
    tokens,
    types,
    user,
)


def events(folder: Path, *messages: dict[str, Any]) -> list[Event]:
    return read(folder, header(), *messages).events


def called(folder: Path, name: str, args: dict[str, Any], **fields: Any) -> list[Event]:
    """The call and its result."""
    return events(folder, gemini("g", toolCalls=[call("c", name, args, **fields)]))


def texts(found: list[Event]) -> list[str]:
    return [each.blocks[0]["text"] for each in found]


def test_context_that_the_agent_adds_is_no_prompt(tmp_path: Path) -> None:
    files = [
        {"text": "What does @a.py do?"},
        {"text": "\n--- Content from referenced files ---"},
        {"text": "\nContent from @a.py:\n"},
        {"text": "x = 1"},
        {"text": "\n--- End of content ---"},
    ]
    hooked = "Say hello<hook_context>be brief</hook_context>"

    whole = read(tmp_path, header(), user("u", files), user("v", hooked))

    assert types(whole) == ["UserMessage", "SystemMessage", "UserMessage", "SystemMessage"]
    assert texts(whole.events)[0] == "What does @a.py do?"
    assert "x = 1" in texts(whole.events)[1]
    assert texts(whole.events)[2:] == ["Say hello", "<hook_context>be brief</hook_context>"]
    assert whole.info.first_prompt == "What does @a.py do?"


def test_what_was_shown_to_the_person_is_the_prompt(tmp_path: Path) -> None:
    expanded = user("u", "Expanded text", displayContent="/review")

    found = events(tmp_path, expanded)

    assert [(each.type, each.blocks[0]["text"]) for each in found] == [
        ("UserMessage", "/review"),
        ("SystemMessage", "Expanded text"),
    ]


def test_a_vendors_long_context_is_not_told(tmp_path: Path) -> None:
    long = user("u", "<session_context>" + "x" * 20_000 + "</session_context>")

    assert types(read(tmp_path, header(), long, user("v", "Go"))) == ["UserMessage"]


def test_the_folder_is_that_of_the_project_hash(tmp_path: Path) -> None:
    context = (
        "<session_context>\n- **Workspace Directories:**\n  - /home/dev/other\n  - /home/dev/app\n"
        "- **Directory Structure:**\n</session_context>"
    )

    assert read(tmp_path, header(), user("u", context)).info.cwd == "/home/dev/app"


def test_attached_media_are_told_by_their_size(tmp_path: Path) -> None:
    parts = [{"text": "See"}, {"inlineData": {"mimeType": "image/png", "data": "QUJDRA=="}}]

    (found,) = events(tmp_path, user("u", parts))

    assert found.blocks[1] == {
        "type": "Image",
        "url": "data:image/png;bytes=4,",
        "mime": "image/png",
    }


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("info", "Request cancelled.", "interrupted"),
        ("info", "User cancelled the request.", "interrupted"),
        ("info", "Update available", "SystemMessage"),
        ("warning", "Slow", "SystemMessage"),
        ("error", "[API Error: quota]", "SystemMessage"),
    ],
)
def test_notices_are_told_by_their_level(
    tmp_path: Path, kind: str, words: str, expected: str
) -> None:
    notice = {**user("n", ""), "type": kind, "content": words}

    whole = read(tmp_path, header(), notice)

    assert types(whole) == [expected]
    if expected == "SystemMessage":
        assert whole.events[0].attributes["system.level"] == kind
        assert whole.events[0].attributes.get("error", False) is (kind == "error")


def test_an_empty_notice_is_nothing(tmp_path: Path) -> None:
    """A compression is noted as `info` without words."""
    notice = {**user("n", ""), "type": "info", "content": ""}

    assert types(read(tmp_path, header(), user("u", "Go"), notice)) == ["UserMessage"]


def test_thoughts_have_their_own_times(tmp_path: Path) -> None:
    thoughts = [
        {"subject": "Plan", "description": "First this.", "timestamp": "2026-02-03T04:05:01.500Z"},
        {"subject": "Only a subject"},
    ]

    found = events(tmp_path, gemini("g", "Done.", at=3000, thoughts=thoughts))

    assert texts(found) == ["**Plan**\nFirst this.", "Only a subject", "Done."]
    assert [each.time_us // 1000 % 60_000 for each in found] == [1500, 3000, 3000]


def test_a_response_may_be_an_image_only(tmp_path: Path) -> None:
    parts = [{"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]

    (found,) = events(tmp_path, gemini("g", parts))

    assert found.type == "AgentMessage"
    assert [each["type"] for each in found.blocks] == ["Image"]


def test_thoughts_in_parts_are_thoughts(tmp_path: Path) -> None:
    parts = [{"text": "Hm", "thought": True}, {"text": "Done."}]

    found = events(tmp_path, gemini("g", parts))

    assert [each.type for each in found] == ["Thinking", "AgentMessage"]
    assert texts(found) == ["Hm", "Done."]


def test_tokens_of_a_response_are_on_its_events_and_counted_once(tmp_path: Path) -> None:
    counted = {**tokens(1000, 50, cached=900, thoughts=20), "tool": 7, "total": 1077}
    response = gemini("g", "Done.", tokens=counted, toolCalls=[call("c", "glob", {}, "x")])

    whole = read(tmp_path, header(), user("u", "Go"), response)

    assert spent(whole) == {"g": (107, 70, 900)}
    for each in whole.events[1:3]:
        assert each.attributes["message_id"] == "g"
        assert each.attributes["input_tokens"] == 107
        assert each.attributes["output_tokens"] == 70
        assert each.attributes["cache_read_tokens"] == 900
    assert "input_tokens" not in whole.events[3].attributes


def test_a_response_of_calls_only_loses_no_tokens(tmp_path: Path) -> None:
    first = gemini("g", tokens=tokens(100, 10))
    again = {**first, "toolCalls": [call("c", "glob", {"pattern": "*"}, "x")]}

    whole = read(tmp_path, header(), user("u", "Go"), first, again)

    assert spent(whole) == {"g": (100, 10, 0)}
    assert whole.events[1].attributes["input_tokens"] == 100


@pytest.mark.parametrize(
    ("name", "args", "event_type", "data", "kind"),
    [
        ("read_file", {"absolute_path": "/a"}, "FileRead", {"path": "/a"}, "file_read"),
        ("write_file", {"file_path": "/a"}, "FileCreate", {"path": "/a"}, "file_write"),
        ("search_file_content", {"pattern": "x"}, "CodeSearch", {"query": "x"}, "search"),
        ("grep_search", {"pattern": "x"}, "CodeSearch", {"query": "x"}, "search"),
        ("list_directory", {"dir_path": "/d"}, "FileSearch", {"pattern": "/d"}, "search"),
        ("google_web_search", {"query": "q"}, "WebSearch", {"query": "q"}, "web"),
        ("web_fetch", {"prompt": "sum up https://x.io/a."}, "WebFetch", None, "web"),
        ("web_fetch", {"prompt": "nothing"}, "ToolCall", {"name": "web_fetch"}, "web"),
        ("invoke_agent", {"prompt": "p"}, "ToolCall", {"name": "invoke_agent"}, "task"),
        ("ask_user", {"questions": []}, "ToolCall", {"name": "ask_user"}, "interactive"),
        ("mcp__a__b", {"x": 1}, "ToolCall", {"name": "mcp__a__b"}, "other"),
        ("read_file", {"path": 3}, "ToolCall", {"name": "read_file"}, "file_read"),
    ],
)
def test_tools_are_told_by_what_they_do(
    tmp_path: Path,
    name: str,
    args: dict[str, Any],
    event_type: str,
    data: dict[str, Any] | None,
    kind: str,
) -> None:
    (found,) = called(tmp_path, name, args)

    assert found.type == event_type
    assert found.data == (data or {"url": "https://x.io/a"})
    assert found.attributes["semantic.tool_kind"] == kind
    assert found.attributes["tool_use_name"] == name
    assert found.attributes["semantic.call_id"] == "c"


def test_a_new_file_is_a_diff_from_nothing(tmp_path: Path) -> None:
    display = {
        "fileDiff": "Index: a.py\n===\n--- a.py\tOriginal\n+++ a.py\tWritten\n@@ -0,0 +1 @@\n+x\n",
        "fileName": "a.py",
        "isNewFile": True,
    }
    args = {"file_path": "/home/dev/app/a.py", "content": "x\n"}

    found = called(tmp_path, "write_file", args, output="ok", resultDisplay=display)

    assert found[1].attributes["result.diff"] == (
        "--- /dev/null\n+++ /home/dev/app/a.py\n@@ -0,0 +1 @@\n+x"
    )


def test_without_a_recorded_diff_the_arguments_tell_it(tmp_path: Path) -> None:
    args = {"file_path": "a.py", "old_string": "x", "new_string": "y"}

    done = called(tmp_path, "replace", args, output="ok")
    failed = called(tmp_path, "replace", args, output={"error": "no"}, status="error")

    assert done[1].attributes["result.diff"] == "--- a.py\n+++ a.py\n@@ -1,1 +1,1 @@\n-x\n+y"
    assert "result.diff" not in failed[1].attributes
    assert failed[1].data == {"name": "replace", "is_error": True, "call_id": "c"}


def test_a_call_that_was_not_allowed_says_so(tmp_path: Path) -> None:
    refused = {"error": "[Operation Cancelled] Reason: User did not allow tool call"}

    found = called(tmp_path, "glob", {}, output=refused, status="cancelled")

    assert found[1].data == {"name": "glob", "is_error": True, "call_id": "c"}
    assert found[1].attributes["status"] == "cancelled"
    assert found[1].attributes["user_decision"] == "rejected"


def test_a_failed_call_without_an_answer_shows_what_was_displayed(tmp_path: Path) -> None:
    found = called(tmp_path, "glob", {}, status="error", resultDisplay="No such folder")

    assert found[1].blocks == [{"type": "Text", "text": "No such folder"}]
    assert found[1].data
    assert found[1].data["is_error"] is True


def test_parallel_calls_have_each_its_own_answer(tmp_path: Path) -> None:
    both = [answer("a", "glob", "A"), answer("b", "glob", "B")]
    calls = [
        call("a", "glob", {}, "x", result=both),
        call("b", "glob", {}, "x", result=both),
    ]

    found = events(tmp_path, gemini("g", toolCalls=calls), user("r", both))

    assert [each.type for each in found] == ["ToolCall", "ToolCall", "ToolResult", "ToolResult"]
    assert [each.data["call_id"] for each in found[2:] if each.data] == ["a", "b"]
    assert texts(found[2:]) == ["A", "B"]


def test_answers_of_other_shapes_are_kept(tmp_path: Path) -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
    result = [answer("c", "shot", {"output": "taken", "size": 3}), image]

    found = called(tmp_path, "shot", {}, output="x", result=result)

    assert found[1].blocks == [
        {"type": "Text", "text": "taken"},
        {"type": "Json", "data": {"size": 3}},
        {"type": "Image", "url": "data:image/png;bytes=3,", "mime": "image/png"},
    ]
