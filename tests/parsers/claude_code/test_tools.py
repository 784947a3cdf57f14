"""Calls of Claude Code's tools as typed events."""

from __future__ import annotations

from typing import Any

import pytest

from opensession.parsers.claude_code.tools import call_of, kind_of

FILE = "/home/me/acme/a.py"


@pytest.mark.parametrize(
    ("name", "given", "event_type", "data", "kind"),
    [
        ("Read", {"file_path": FILE}, "FileRead", {"path": FILE}, "file_read"),
        ("NotebookRead", {"notebook_path": FILE}, "FileRead", {"path": FILE}, "file_read"),
        ("Write", {"file_path": FILE, "content": "x"}, "FileCreate", {"path": FILE}, "file_write"),
        ("Edit", {"file_path": FILE}, "FileEdit", {"path": FILE}, "file_write"),
        ("MultiEdit", {"file_path": FILE}, "FileEdit", {"path": FILE}, "file_write"),
        ("NotebookEdit", {"notebook_path": FILE}, "FileEdit", {"path": FILE}, "file_write"),
        ("Grep", {"pattern": "def "}, "CodeSearch", {"query": "def "}, "search"),
        ("Glob", {"pattern": "*.py"}, "FileSearch", {"pattern": "*.py"}, "search"),
        ("LS", {"path": "/home"}, "FileSearch", {"pattern": "/home"}, "file_read"),
        ("Bash", {"command": "ls"}, "ShellCommand", {"command": "ls"}, "shell"),
        ("PowerShell", {"command": "dir"}, "ShellCommand", {"command": "dir"}, "shell"),
        ("BashOutput", {"bash_id": "1"}, "ToolCall", {"name": "BashOutput"}, "shell"),
        ("KillShell", {"shell_id": "1"}, "ToolCall", {"name": "KillShell"}, "shell"),
        ("WebSearch", {"query": "q"}, "WebSearch", {"query": "q"}, "web"),
        ("WebFetch", {"url": "https://e.org"}, "WebFetch", {"url": "https://e.org"}, "web"),
        ("Task", {"prompt": "go"}, "ToolCall", {"name": "Task"}, "task"),
        ("Agent", {"prompt": "go"}, "ToolCall", {"name": "Agent"}, "task"),
        ("TaskCreate", {"subject": "s"}, "ToolCall", {"name": "TaskCreate"}, "task"),
        ("TodoWrite", {"todos": []}, "ToolCall", {"name": "TodoWrite"}, "other"),
        ("AskUserQuestion", {}, "ToolCall", {"name": "AskUserQuestion"}, "interactive"),
        ("mcp__x__bash", {"command": "ls"}, "ToolCall", {"name": "mcp__x__bash"}, "other"),
    ],
)
def test_each_tool_has_its_type(
    name: str, given: dict[str, Any], event_type: str, data: dict[str, Any], kind: str
) -> None:
    call = call_of(name, given)

    assert (call.type, call.data) == (event_type, data)
    assert kind_of(name) == kind


@pytest.mark.parametrize("name", ["Read", "Bash", "Grep", "Task", "Edit", "Write", "WebFetch"])
@pytest.mark.parametrize("given", [{}, {"file_path": ""}, {"command": 5}, None, "text", [1]])
def test_an_input_that_does_not_tell_is_a_plain_call(name: str, given: Any) -> None:
    """A path, a command or a query is never empty."""
    call = call_of(name, given)

    assert (call.type, call.data) == ("ToolCall", {"name": name})
    assert call.blocks == ([{"type": "Json", "data": given}] if given else [])


def test_a_command_is_shown_as_code_under_its_description() -> None:
    given = {"command": "make", "description": "Build", "timeout": 5, "run_in_background": True}

    assert call_of("Bash", given).blocks == [
        {"type": "Text", "text": "Build"},
        {"type": "Code", "code": "make", "language": "bash"},
        {"type": "Json", "data": {"run_in_background": True}},
    ]


def test_what_is_written_is_shown_in_its_language() -> None:
    blocks = call_of("Write", {"file_path": FILE, "content": "x = 1"}).blocks

    assert blocks == [
        {"type": "Text", "text": FILE},
        {"type": "Code", "code": "x = 1", "language": "python"},
    ]


def test_nothing_of_an_input_is_lost() -> None:
    given = {"pattern": "def ", "path": "/home", "output_mode": "content"}

    assert call_of("Grep", given).blocks[1]["data"] == {"path": "/home", "output_mode": "content"}


def test_a_task_is_told_by_its_agent_and_prompt() -> None:
    given = {"prompt": "Look at it", "description": "Look", "subagent_type": "Explore"}

    assert call_of("Task", given).blocks == [
        {"type": "Text", "text": "[Explore] Look"},
        {"type": "Text", "text": "Look at it"},
    ]


def test_a_plan_is_text() -> None:
    assert call_of("ExitPlanMode", {"plan": "# Plan"}).blocks == [
        {"type": "Text", "text": "# Plan"}
    ]
