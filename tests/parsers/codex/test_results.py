"""Outputs of calls, and what is reported beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opensession.parsers.codex.results import Output, read_output
from tests.helpers.lines import Whole
from tests.parsers.codex.making import completed, event, item, output, read, shell

PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** Add File: b\n+z\n*** End Patch"


def text(value: str) -> list[dict[str, str]]:
    return [{"type": "Text", "text": value}] if value else []


@pytest.mark.parametrize(
    ("value", "blocks", "exit_code", "milliseconds", "failed"),
    [
        ("plain", text("plain"), None, None, False),
        ("", [], None, None, False),
        (None, [], None, None, False),
        (
            '{"output":"x","metadata":{"exit_code":3,"duration_seconds":1.25}}',
            text("x"),
            3,
            1250,
            True,
        ),
        ('{"output":"x","metadata":{}}', text("x"), None, None, False),
        ('{"output":7}', text('{"output":7}'), None, None, False),
        ("Exit code: 0\nWall time: 2 seconds\nOutput:\nx", text("x"), 0, 2000, False),
        (
            "Exit code: 1\nWall time: 0.5 seconds\nTotal output lines: 9\nOutput:\n",
            [],
            1,
            500,
            True,
        ),
        (
            "Chunk ID: a1\nWall time: 0.0100 seconds\nProcess exited with code 0\n"
            "Original token count: 4\nOutput:\nx\n",
            text("x\n"),
            0,
            10,
            False,
        ),
        ("Wall time: soon\nOutput:\nx", text("Wall time: soon\nOutput:\nx"), None, None, False),
        ("unsupported call: f", text("unsupported call: f"), None, None, True),
        ({"content": "x", "success": False}, text("x"), None, None, True),
        ({"content": "x", "success": True}, text("x"), None, None, False),
        (
            [{"type": "input_text", "text": "x"}, {"image_url": "data:image/png;base64,AA"}],
            [
                *text("x"),
                {"type": "Image", "url": "", "alt": "image of 18 bytes", "mime": "image/png"},
            ],
            None,
            None,
            False,
        ),
        ([1, None], [], None, None, False),
    ],
)
def test_outputs_of_every_age(
    value: Any, blocks: Any, exit_code: int | None, milliseconds: int | None, failed: bool
) -> None:
    found = read_output(value)

    if blocks is not None:
        assert found.blocks == blocks
    assert (found.exit_code, found.duration_ms, found.failed) == (exit_code, milliseconds, failed)


def test_a_process_that_runs_on_is_named() -> None:
    found = read_output(
        "Chunk ID: a\nWall time: 10.0 seconds\nProcess running with session ID 77\nOutput:\nx"
    )

    assert found == Output(text("x"), None, 10_000, False, "77")


def results(whole: Whole) -> list[dict[str, Any]]:
    return [e.attributes for e in whole.events if e.type == "ToolResult"]


def test_a_report_that_comes_before_the_output_counts_on_the_result(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        shell("c", "make"),
        event(
            "exec_command_end",
            1,
            call_id="c",
            exit_code=2,
            duration={"secs": 3, "nanos": 5_000_000},
            aggregated_output="boom",
        ),
        output("c", "boom", 2),
    )

    assert [e.type for e in whole.events] == ["ShellCommand", "ToolResult"]
    (result,) = results(whole)
    assert (result["result.exit_code"], result["result.duration_ms"]) == (2, 3005)
    assert whole.events[1].data == {"name": "exec_command", "is_error": True, "call_id": "c"}


def test_a_report_that_comes_after_the_output_adds_what_it_could_not_know(tmp_path: Path) -> None:
    """DECISIONS §2: an event never changes because of what comes later."""
    running = "Wall time: 10 seconds\nProcess running with session ID 7\nOutput:\nhalf"
    done = {"id": "c", "command": ["make"], "exit_code": 0, "aggregated_output": "half and half"}
    whole = read(
        tmp_path,
        shell("c", "make"),
        output("c", running, 1),
        completed("CommandExecution", 2, **done),
        completed("CommandExecution", 3, **done),
    )

    assert [e.type for e in whole.events] == ["ShellCommand", "ToolResult", "ToolResult"]
    first, second = results(whole)
    assert "result.exit_code" not in first
    assert first["process"] == "7"
    assert second["result.exit_code"] == 0
    assert first["semantic.call_id"] == second["semantic.call_id"] == "c"


def test_a_report_that_only_repeats_adds_nothing(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        shell("c", "make"),
        output("c", "Exit code: 0\nWall time: 1 seconds\nOutput:\nx", 1),
        completed("CommandExecution", 2, id="c", command=["make"], exit_code=0),
    )

    assert len(whole.events) == 2


def test_a_command_that_no_call_asked_for_is_a_call_of_its_own(tmp_path: Path) -> None:
    """A script of the agent or the person at the prompt ran it."""
    whole = read(
        tmp_path,
        completed(
            "CommandExecution",
            id="own",
            command=["bash", "-lc", "ls"],
            exit_code=1,
            aggregated_output="no",
            source="user_shell",
        ),
    )

    call, result = whole.events
    assert (call.type, call.data, call.event_id) == ("ShellCommand", {"command": "ls"}, "own")
    assert result.attributes["result.call_seq"] == 1
    assert result.attributes["result.exit_code"] == 1
    assert result.blocks == text("no")


def test_a_change_that_no_call_asked_for_is_a_call_of_its_own(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        completed(
            "FileChange",
            id="own",
            status="completed",
            changes={
                "/w/a": {"type": "update", "unified_diff": "@@ -1 +1 @@\n-x\n+y\n"},
                "/w/b": {"type": "add", "content": "z\n"},
            },
        ),
    )

    assert [(e.type, e.data) for e in whole.events[:2]] == [
        ("FileEdit", {"path": "/w/a"}),
        ("FileCreate", {"path": "/w/b"}),
    ]
    assert [r["result.diff"].split("\n")[2] for r in results(whole)] == [
        "@@ -1 +1 @@",
        "@@ -0,0 +1,1 @@",
    ]
    assert [r["result.call_seq"] for r in results(whole)] == [1, 2]


def test_each_file_of_a_patch_has_its_result_and_its_diff(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        item("custom_tool_call", id="ctc", name="apply_patch", input=PATCH, call_id="c"),
        item("custom_tool_call_output", 1, id="out", call_id="c", output="Success."),
    )

    assert [e.event_id for e in whole.events] == ["ctc", "ctc:1", "out", "out:1"]
    edited, added = results(whole)
    assert edited["result.diff"] == "--- a.py\n+++ a.py\n@@ -0,1 +0,1 @@\n-x\n+y"
    assert added["result.diff"] == "--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+z"
    assert [e.blocks for e in whole.events[2:]] == [text("Success."), []]


@pytest.mark.parametrize("how", ["the output", "a report"])
def test_a_patch_that_failed_has_no_diff(tmp_path: Path, how: str) -> None:
    said = "apply_patch verification failed: no" if how == "the output" else "no"
    report = event("patch_apply_end", 1, call_id="c", success=False, stderr="no", changes={})
    whole = read(
        tmp_path,
        item("custom_tool_call", name="apply_patch", input=PATCH, call_id="c"),
        *([report] if how == "a report" else []),
        item("custom_tool_call_output", 2, call_id="c", output=said),
    )

    assert all("result.diff" not in result for result in results(whole))
    assert [e.data["is_error"] for e in whole.events if e.type == "ToolResult" and e.data] == [
        True,
        True,
    ]


def test_a_recorded_diff_counts_more_than_the_patch(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        item("custom_tool_call", name="apply_patch", input=PATCH, call_id="c"),
        event(
            "patch_apply_end",
            1,
            call_id="c",
            success=True,
            changes={"/w/a.py": {"type": "update", "unified_diff": "@@ -7 +7 @@\n-x\n+y"}},
        ),
        item("custom_tool_call_output", 2, call_id="c", output="Success."),
    )

    assert results(whole)[0]["result.diff"] == "--- a.py\n+++ a.py\n@@ -7 +7 @@\n-x\n+y"
    assert results(whole)[1]["result.diff"].startswith("--- /dev/null")


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    patch = "".join(f"*** Update File: {name}\n@@\n-x\n+y\n" for name in ("a.py", "sub/a.py"))
    changes = {
        f"/w/{name}": {"type": "update", "unified_diff": f"@@ -{n} +{n} @@\n-x\n+y"}
        for n, name in enumerate(("a.py", "sub/a.py"), 1)
    }
    whole = read(
        tmp_path,
        item(
            "custom_tool_call", name="apply_patch", input=f"*** Begin Patch\n{patch}", call_id="c"
        ),
        event("patch_apply_end", 1, call_id="c", success=True, changes=changes),
        item("custom_tool_call_output", 2, call_id="c", output="Success."),
    )

    assert [r["result.diff"].split("\n")[2] for r in results(whole)] == [
        "@@ -1 +1 @@",
        "@@ -2 +2 @@",
    ]


def test_tools_of_servers_have_durations_and_errors(tmp_path: Path) -> None:
    call = item("function_call", name="mcp__docs__find", arguments="{}", call_id="c")
    ended = {"call_id": "c", "duration": {"secs": 1, "nanos": 0}, "result": {"Err": "no"}}
    whole = read(tmp_path, call, event("mcp_tool_call_end", 1, **ended), output("c", "no", 2))

    (result,) = results(whole)
    assert result["result.duration_ms"] == 1000
    assert whole.events[1].data == {"name": "mcp__docs__find", "is_error": True, "call_id": "c"}


def test_a_tool_that_a_script_called_is_a_call_of_its_own(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        completed(
            "McpToolCall", id="m", server="docs", tool="find", arguments={"q": 1}, status="failed"
        ),
    )

    call, result = whole.events
    assert call.data == {"name": "mcp__docs__find"}
    assert call.blocks == [{"type": "Json", "data": {"q": 1}}]
    assert result.data == {"name": "mcp__docs__find", "is_error": True, "call_id": "m"}


def test_answers_to_questions_are_messages_of_the_person(tmp_path: Path) -> None:
    answers = {"answers": {"which": {"answers": ["Left", "Right"]}, "why": {"answers": "So"}}}
    whole = read(
        tmp_path,
        item("function_call", name="request_user_input", arguments="{}", call_id="c"),
        output("c", json.dumps(answers), 1),
    )

    assert [e.type for e in whole.events] == ["ToolCall", "ToolResult", "UserMessage"]
    assert whole.events[2].blocks == text("which: Left | Right\nwhy: So")
    assert whole.events[2].attributes["source"] == "interactive"
    assert whole.info.first_prompt == ""


def test_a_subagent_is_named_by_the_output_where_nothing_else_does(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        item("function_call", name="spawn_agent", arguments="{}", call_id="c"),
        output("c", '{"agent_id": "child-1"}', 1),
    )

    assert results(whole)[0]["subagent_id"] == "child-1"


def test_an_output_without_its_call_is_kept(tmp_path: Path) -> None:
    whole = read(tmp_path, output("lost", "x"))

    assert whole.events[0].data == {"name": "unknown", "is_error": False, "call_id": "lost"}
    assert "result.call_seq" not in whole.events[0].attributes


def test_images_that_a_script_looked_at_are_read_once(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        event("view_image_tool_call", call_id="v", path="/a.png"),
        completed("ImageView", 1, id="v", path="file:///a.png"),
    )

    assert [(e.type, e.data) for e in whole.events] == [("FileRead", {"path": "/a.png"})]
