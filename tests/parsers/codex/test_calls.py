"""Calls of tools, as the events of what they do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opensession.parsers.codex.calls import command_of, kind_of
from tests.parsers.codex.making import item, message, read

PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** End Patch"


def function(name: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    given = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return item("function_call", name=name, arguments=given, call_id="c", **fields)


@pytest.mark.parametrize(
    ("call", "kind", "data", "tool_kind"),
    [
        (function("exec_command", {"cmd": "ls"}), "ShellCommand", {"command": "ls"}, "shell"),
        (
            function("shell", {"command": ["bash", "-lc", "ls | wc"]}),
            "ShellCommand",
            {"command": "ls | wc"},
            "shell",
        ),
        (
            function("shell_command", {"command": "ls"}),
            "ShellCommand",
            {"command": "ls"},
            "shell",
        ),
        (
            function("container.exec", {"cmd": ["ls", "a b"]}),
            "ShellCommand",
            {"command": "ls 'a b'"},
            "shell",
        ),
        (function("exec_command", {}), "ToolCall", {"name": "exec_command"}, "shell"),
        (function("apply_patch", {"input": PATCH}), "FileEdit", {"path": "a.py"}, "file_write"),
        (function("apply_patch", "{"), "ToolCall", {"name": "apply_patch"}, "file_write"),
        (
            function("exec_command", {"cmd": f"apply_patch <<'E'\n{PATCH}\nE", "workdir": "/w/"}),
            "FileEdit",
            {"path": "/w/a.py"},
            "file_write",
        ),
        (
            function("shell", {"command": ["bash", "-lc", f"cd d && apply_patch <<E\n{PATCH}\nE"]}),
            "FileEdit",
            {"path": "d/a.py"},
            "file_write",
        ),
        (
            function("exec_command", {"cmd": f"cat <<'E'\n{PATCH}\nE"}),
            "ShellCommand",
            {"command": f"cat <<'E'\n{PATCH}\nE"},
            "shell",
        ),
        (
            item("custom_tool_call", name="apply_patch", input=PATCH, call_id="c"),
            "FileEdit",
            {"path": "a.py"},
            "file_write",
        ),
        (
            item("custom_tool_call", name="exec", input="tools.x()", call_id="c"),
            "ToolCall",
            {"name": "exec"},
            "shell",
        ),
        (function("view_image", {"path": "/a.png"}), "FileRead", {"path": "/a.png"}, "file_read"),
        (function("read_file", {"file_path": "/a"}), "FileRead", {"path": "/a"}, "file_read"),
        (function("grep_files", {"pattern": "x+"}), "CodeSearch", {"query": "x+"}, "search"),
        (function("update_plan", {"plan": []}), "ToolCall", {"name": "update_plan"}, "other"),
        (function("write_stdin", {"session_id": 1}), "ToolCall", {"name": "write_stdin"}, "shell"),
        (function("spawn_agent", {"message": "x"}), "ToolCall", {"name": "spawn_agent"}, "task"),
        (
            function("request_user_input", {"questions": []}),
            "ToolCall",
            {"name": "request_user_input"},
            "interactive",
        ),
        (
            function("query", {"q": 1}, namespace="mcp__docs__"),
            "ToolCall",
            {"name": "mcp__docs__query"},
            "other",
        ),
        (
            item("tool_search_call", call_id="c", execution="client", arguments={"query": "x"}),
            "ToolCall",
            {"name": "tool_search"},
            "search",
        ),
        (
            item("local_shell_call", id="l", call_id="c", action={"command": ["ls"]}),
            "ShellCommand",
            {"command": "ls"},
            "shell",
        ),
    ],
)
def test_a_call_is_the_event_of_what_it_does(
    tmp_path: Path, call: dict[str, Any], kind: str, data: dict[str, Any], tool_kind: str
) -> None:
    (event,) = read(tmp_path, call).events

    assert (event.type, event.data) == (kind, data)
    assert event.attributes["semantic.tool_kind"] == tool_kind
    assert event.attributes["semantic.call_id"] == "c"
    assert event.attributes["tool_use_name"]


@pytest.mark.parametrize(
    ("action", "kind", "data", "texts"),
    [
        ({"type": "search", "query": "a"}, "WebSearch", {"query": "a"}, []),
        (
            {"type": "search", "query": "a", "queries": ["a", "b"]},
            "WebSearch",
            {"query": "a"},
            ["a\nb"],
        ),
        ({"type": "search", "queries": ["b"]}, "WebSearch", {"query": "b"}, []),
        ({"type": "open_page", "url": "https://x"}, "WebFetch", {"url": "https://x"}, []),
        (
            {"type": "find_in_page", "url": "https://x", "pattern": "p"},
            "WebFetch",
            {"url": "https://x"},
            ["p"],
        ),
        ({"type": "search"}, "ToolCall", {"name": "web_search"}, []),
        (None, "ToolCall", {"name": "web_search"}, []),
    ],
)
def test_web_searches(
    tmp_path: Path, action: Any, kind: str, data: dict[str, str], texts: list[str]
) -> None:
    call = item("web_search_call", id="ws_1", status="completed", action=action)

    (event,) = read(tmp_path, call).events

    assert (event.type, event.data, event.event_id) == (kind, data, "ws_1")
    assert [block["text"] for block in event.blocks] == texts
    assert event.attributes["semantic.call_id"] == "ws_1"


def test_a_moved_file_says_where_to(tmp_path: Path) -> None:
    patch = "*** Begin Patch\n*** Update File: a\n*** Move to: b\n@@\n-x\n+y\n*** End Patch"

    (event,) = read(tmp_path, item("custom_tool_call", name="apply_patch", input=patch)).events

    assert event.attributes["moved_to"] == "b"


def test_arguments_that_are_no_json_are_kept_as_text(tmp_path: Path) -> None:
    (event,) = read(tmp_path, function("update_plan", "{not json")).events

    assert event.blocks == [{"type": "Code", "code": "{not json"}]


def test_generated_images_stay_in_the_archive(tmp_path: Path) -> None:
    call = item("image_generation_call", id="ig", revised_prompt="A cat", result="A" * 1000)

    (event,) = read(tmp_path, call).events

    assert (event.type, event.data, event.blocks) == ("ImageGenerate", {"prompt": "A cat"}, [])


def test_pasted_images_stay_in_the_archive(tmp_path: Path) -> None:
    prompt = message("user", "Look")
    data = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 4000}
    link = {"type": "input_image", "image_url": "https://x/y.png"}
    prompt["payload"]["content"] += [data, link]

    (event,) = read(tmp_path, prompt).events

    assert event.blocks[1]["mime"] == "image/png"
    assert event.blocks[1]["url"] == ""
    assert event.blocks[2]["url"] == "https://x/y.png"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["/usr/bin/zsh", "-lc", "a && b"], "a && b"),
        (["powershell.exe", "-NoProfile", "-Command", "Get-Item x"], "Get-Item x"),
        (["cmd", "/c", "dir"], "cmd /c dir"),
        (["bash", "-x", "script"], "bash -x script"),
        ("ls", "ls"),
        ([], ""),
        ([1], ""),
        (None, ""),
        ({"a": 1}, ""),
    ],
)
def test_commands_are_shown_as_a_person_would_type_them(words: Any, command: str) -> None:
    assert command_of(words) == command


def test_kinds_of_tools() -> None:
    assert kind_of("web_fetch") == "web"
    assert kind_of("mcp__x__y") == "other"
