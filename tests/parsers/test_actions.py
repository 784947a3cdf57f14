from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import json_block, text
from opensession.parsers import actions
from opensession.parsers.actions import action

TOOLS = {
    "run": actions.shell("command", "why"),
    "read": actions.read("path", "file"),
    "write": actions.write("path", "content"),
    "edit": actions.edit("path", "old", "new", edits="edits"),
    "delete": actions.delete("path"),
    "grep": actions.search("pattern"),
    "ls": actions.find("path"),
    "web": actions.web_search("query"),
    "fetch": actions.fetch("url"),
    "task": actions.task("prompt", "description"),
    "ask": actions.interactive(),
    "todo": actions.other(),
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
ARGUMENTS = ("command", "why", "path", "file", "content", "old", "new", "edits", "prompt", "url")


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "event", "data"),
    [
        ("run", {"command": "ls"}, "shell", "ShellCommand", {"command": "ls"}),
        ("run", {"command": ["ls", "-l"]}, "shell", "ShellCommand", {"command": "ls -l"}),
        ("read", {"file": "a"}, "file_read", "FileRead", {"path": "a"}),
        ("write", {"path": "a", "content": "b"}, "file_write", "FileCreate", {"path": "a"}),
        ("edit", {"path": "a", "old": "x"}, "file_write", "FileEdit", {"path": "a"}),
        ("delete", {"path": "a"}, "file_write", "FileDelete", {"path": "a"}),
        ("grep", {"pattern": "a"}, "search", "CodeSearch", {"query": "a"}),
        ("ls", {"path": "a"}, "search", "FileSearch", {"pattern": "a"}),
        ("web", {"query": "a"}, "web", "WebSearch", {"query": "a"}),
        ("fetch", {"url": "a"}, "web", "WebFetch", {"url": "a"}),
        ("task", {"prompt": "a"}, "task", "ToolCall", {"name": "task"}),
        ("ask", {"q": "a"}, "interactive", "ToolCall", {"name": "ask"}),
        ("unheard", {"q": "a"}, "other", "ToolCall", {"name": "unheard"}),
    ],
)
def test_a_call_is_the_event_of_what_it_does(
    name: str, arguments: dict[str, Any], kind: str, event: str, data: dict[str, Any]
) -> None:
    found = action(name, arguments, TOOLS)
    assert (found.type, found.kind, found.data, found.name) == (event, kind, data, name)


def test_what_an_event_does_not_show_follows_as_json() -> None:
    found = action("read", {"path": "a.py", "limit": 5}, TOOLS)
    assert found.blocks == [text("a.py"), json_block({"limit": 5})]


def test_a_call_with_other_arguments_is_plain_and_keeps_its_kind() -> None:
    found = action("run", {"cmd": "ls"}, TOOLS)
    assert (found.type, found.kind, found.blocks) == (
        "ToolCall",
        "shell",
        [json_block({"cmd": "ls"})],
    )


def test_edits_have_the_diff_of_their_texts() -> None:
    found = action("edit", {"path": "a", "old": "x\n", "new": "y\n"}, TOOLS)
    assert found.diff.split("\n") == ["--- a", "+++ a", "@@ -1,1 +1,1 @@", "-x", "+y"]
    parts = [{"old": "1", "new": "2"}, {"old": "3", "new": "4"}, "odd"]
    several = action("edit", {"path": "a", "edits": parts}, TOOLS).diff.split("\n")
    assert [line for line in several if line[0] in "-+"] == [
        "--- a",
        "+++ a",
        "-1",
        "+2",
        "-3",
        "+4",
    ]


def test_an_edit_too_large_to_keep_has_no_diff() -> None:
    huge = "x" * (actions.DIFF_CHARACTERS + 1)
    assert action("edit", {"path": "a", "old": "y", "new": huge}, TOOLS).diff == ""
    assert action("write", {"path": "a", "content": huge}, TOOLS).diff == ""


def test_a_path_too_long_is_none() -> None:
    assert action("read", {"path": "a" * 5000}, TOOLS).type == "ToolCall"


@given(
    st.sampled_from([*TOOLS, "unheard", ""]),
    json_values | st.dictionaries(st.sampled_from(ARGUMENTS), json_values),
)
def test_any_arguments_make_an_action(name: str, arguments: Any) -> None:
    found = action(name, arguments, TOOLS)
    assert found.name
    assert found.kind
