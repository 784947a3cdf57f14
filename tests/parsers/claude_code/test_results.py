"""Results of tools: blocks, diffs, exit codes, durations."""

from __future__ import annotations

from typing import Any

import pytest

from opensession.core.hail import Event
from tests.parsers.claude_code.transcripts import Talk, said

FILE = "/home/me/acme/a.py"
HUNK = {"oldStart": 4, "oldLines": 2, "newStart": 4, "newLines": 2, "lines": [" a", "-b", "+c"]}


def _result(
    name: str, given: dict[str, Any], content: Any, outcome: Any = None, *, error: bool = False
) -> Event:
    talk = Talk()
    talk.call(name, **given)
    fields = {} if outcome is None else {"toolUseResult": outcome}
    talk.result(content, error=error, **fields)
    return talk.read(cuts=[1]).own.one("ToolResult")


def test_a_result_is_paired_with_its_call() -> None:
    event = _result("Bash", {"command": "ls"}, "a.py")

    assert event.data == {"name": "Bash", "is_error": False, "call_id": "toolu_1"}
    assert event.attributes["semantic.call_id"] == "toolu_1"
    assert event.attributes["result.call_seq"] == 1


def test_parallel_results_come_in_any_order() -> None:
    talk = Talk()
    talk.call("Bash", "toolu_a", command="a")
    talk.call("Grep", "toolu_b", pattern="b")
    talk.result("of b", "toolu_b")
    talk.result("of a", "toolu_a")
    events = talk.read(cuts=[1, 2, 3]).own.events[2:]

    assert [event.attributes["result.call_seq"] for event in events] == [2, 1]
    assert [event.data["name"] for event in events if event.data] == ["Grep", "Bash"]


def test_a_call_and_a_result_without_ids_find_each_other() -> None:
    talk = Talk()
    talk.assistant({"type": "tool_use", "name": "Bash", "input": {"command": "ls"}})
    talk.user([{"type": "tool_result", "content": "a.py"}])
    call, result = talk.read().own.events

    assert result.attributes["semantic.call_id"] == call.attributes["semantic.call_id"]


def test_a_result_of_a_call_that_is_not_known() -> None:
    talk = Talk()
    talk.result("late", "toolu_gone")
    event = talk.read().own.one("ToolResult")

    assert event.data == {"name": "unknown", "is_error": False, "call_id": "toolu_gone"}
    assert "result.call_seq" not in event.attributes


@pytest.mark.parametrize(
    ("content", "outcome", "error", "code"),
    [
        ("fine", {"stdout": "fine", "interrupted": False}, False, 0),
        ("Exit code 2\nno such file", "Error: Exit code 2\nno such file", True, 2),
        ("Exit code 137", None, True, 137),
        ("The user doesn't want to proceed with this tool use.", None, True, None),
        ("", {"returnCodeInterpretation": "No matches found"}, False, None),
        ("", {"interrupted": True}, False, None),
        ("running", {"backgroundTaskId": "b1"}, False, None),
        ("odd", {"exitCode": 3}, False, 3),
    ],
)
def test_exit_codes(content: str, outcome: Any, error: bool, code: int | None) -> None:
    event = _result("Bash", {"command": "x"}, content, outcome, error=error)

    assert event.attributes.get("result.exit_code") == code


def test_only_commands_have_exit_codes() -> None:
    event = _result("Grep", {"pattern": "x"}, "Exit code 2", error=True)

    assert "result.exit_code" not in event.attributes


def test_a_rejection_is_told_from_a_failure() -> None:
    content = "The user doesn't want to proceed with this tool use. The tool use was rejected"
    given = {"file_path": FILE, "old_string": "a = 1", "new_string": "a = 2"}
    event = _result("Edit", given, content, error=True)

    assert event.attributes["user_decision"] == "rejected"
    assert "result.diff" not in event.attributes
    assert event.blocks[1]["language"] == "diff"
    assert "-a = 1\n+a = 2" in event.blocks[1]["code"]


def test_an_edits_diff_is_made_of_its_hunks() -> None:
    given = {"file_path": FILE, "old_string": "b", "new_string": "c"}
    said_by_tool = (
        f"The file {FILE} has been updated. Here's the result of running `cat -n` on a snippet of"
        " the edited file:\n     4→a"
    )
    outcome = {"filePath": FILE, "originalFile": "b\n" * 9, "structuredPatch": [HUNK]}
    event = _result("Edit", given, said_by_tool, outcome)

    assert event.attributes["result.diff"] == (
        f"--- {FILE}\n+++ {FILE}\n@@ -4,2 +4,2 @@\n a\n-b\n+c"
    )
    assert event.blocks == [{"type": "Text", "text": f"The file {FILE} has been updated."}]


def test_a_diff_without_hunks_is_made_of_the_calls_texts() -> None:
    """Records of subagents within progress have no result of the tool itself."""
    edits = [
        {"old_string": "a", "new_string": "b"},
        {"old_string": "c\nd", "new_string": "c\ne"},
    ]
    event = _result("MultiEdit", {"file_path": FILE, "edits": edits}, "Applied 2 edits")

    assert event.attributes["result.diff"].count("@@ -1,") == 2
    assert event.attributes["result.diff"].startswith(f"--- {FILE}\n+++ {FILE}\n@@ -1,1 +1,1 @@")
    assert "-d\n+e" in event.attributes["result.diff"]


@pytest.mark.parametrize("recorded", [True, False])
def test_a_new_file_is_all_added_lines(recorded: bool) -> None:
    outcome = {"type": "create", "filePath": FILE, "content": "x\ny\n", "structuredPatch": []}
    event = _result(
        "Write",
        {"file_path": FILE, "content": "x\ny\n"},
        f"File created successfully at: {FILE}",
        outcome if recorded else None,
    )

    assert event.attributes["result.diff"] == f"--- /dev/null\n+++ {FILE}\n@@ -0,0 +1,2 @@\n+x\n+y"


def test_a_large_new_file_has_no_diff() -> None:
    content = "line\n" * 20_000
    outcome = {"type": "create", "filePath": FILE, "content": content}
    event = _result("Write", {"file_path": FILE, "content": content}, "File created", outcome)

    assert "result.diff" not in event.attributes


def test_a_failed_edit_has_no_diff() -> None:
    outcome = {"filePath": FILE, "structuredPatch": [HUNK]}
    event = _result("Edit", {"file_path": FILE}, "not found", outcome, error=True)

    assert "result.diff" not in event.attributes


def test_what_was_read_is_code_without_numbers() -> None:
    outcome = {"type": "text", "file": {"filePath": FILE, "content": "a\n\nb", "startLine": 12}}
    event = _result("Read", {"file_path": FILE}, "    12→a\n    13→\n    14→b", outcome)

    assert event.blocks == [
        {"type": "Code", "code": "a\n\nb", "language": "python", "start_line": 12}
    ]


@pytest.mark.parametrize(
    "content",
    [
        "    12→a → b\n    13→\n    14→7\tc",
        "12\ta → b\n13\t\n14\t7\tc",
        "    12→a → b\n    13→\n    14→7\tc\n\n<system-reminder>Beware.</system-reminder>\n",
    ],
    ids=["arrow", "tab", "reminder"],
)
def test_line_numbers_are_taken_off(content: str) -> None:
    event = _result("Read", {"file_path": FILE}, content)

    assert event.blocks == [
        {"type": "Code", "code": "a → b\n\n7\tc", "language": "python", "start_line": 12}
    ]


def test_what_follows_numbered_lines_is_kept() -> None:
    event = _result("Read", {"file_path": FILE}, "     1→a\n     2→b\n\nFile was cut.\n\nSorry.")

    assert event.blocks[0]["code"] == "a\nb"
    assert event.blocks[1] == {"type": "Text", "text": "File was cut.\n\nSorry."}


def test_text_without_numbers_stays_text() -> None:
    event = _result("Read", {"file_path": FILE}, "File does not exist.", error=True)

    assert event.blocks == [{"type": "Text", "text": "File does not exist."}]


def test_a_picture_that_was_read() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 4000}
    event = _result("Read", {"file_path": "/a.png"}, [{"type": "image", "source": source}])

    assert event.blocks == [
        {"type": "Image", "url": "data:image/png;bytes=3000,", "mime": "image/png"}
    ]


def test_parts_of_a_result_are_kept_one_by_one() -> None:
    part = {"type": "tool_reference", "tool_name": "Monitor"}
    event = _result("ToolSearch", {"query": "x"}, [said("found"), part, 7])

    assert event.blocks == [
        {"type": "Text", "text": "found"},
        {"type": "Json", "data": part},
        {"type": "Json", "data": 7},
    ]


def test_the_wrapping_of_an_error_is_taken_off() -> None:
    event = _result("Edit", {"file_path": FILE}, "<tool_use_error>No.</tool_use_error>", error=True)

    assert event.data is not None
    assert event.data["is_error"] is True
    assert event.blocks == [{"type": "Text", "text": "No."}]


@pytest.mark.parametrize(
    ("outcome", "duration"),
    [
        ({"durationMs": 370}, 370),
        ({"totalDurationMs": 132843, "agentId": "abc"}, 132843),
        ({"durationSeconds": 1.5}, 1500),
        ({"durationMs": -4}, None),
        ({"durationMs": 1e300}, None),
    ],
)
def test_durations(outcome: dict[str, Any], duration: int | None) -> None:
    event = _result("Task", {"prompt": "go"}, "done", outcome)

    assert event.attributes.get("result.duration_ms") == duration


def test_a_subagents_result_names_its_session() -> None:
    about = said("agentId: abc (for resuming)\n<usage>total_tokens: 5</usage>")
    event = _result("Task", {"prompt": "go"}, [said("Found."), about], {"agentId": "abc"})

    assert event.attributes["subagent_id"] == "agent-abc"
    assert event.blocks == [{"type": "Text", "text": "Found."}]


def test_what_a_tool_says_of_its_result_may_be_of_any_shape() -> None:
    """Tools of MCP servers put their own there."""
    outcomes: list[Any] = [["a"], 7, {"type": 5, "file": [1], "structuredPatch": "no"}]
    for outcome in [*outcomes, {"content": {}}]:
        event = _result("mcp__x__y", {"a": 1}, "fine", outcome)
        assert event.blocks == [{"type": "Text", "text": "fine"}]
