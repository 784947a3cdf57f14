"""Bubbles as events: prompts, answers, tools and their results (made by hand)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opensession.core.hail import Event
from opensession.parsers.cursor import tools
from tests.parsers.cursor.making import FIRST_MS, Store, fresh, tool


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "globalStorage" / "state.vscdb")


def events_of(store: Store, **fields: Any) -> list[Event]:
    """The events of one bubble of the model."""
    store.bubble("c1", "b", **fields)
    return fresh(store.source).events


def test_an_answer_has_its_thinking_model_tokens_and_duration(store: Store) -> None:
    start, end = FIRST_MS + 0.5, FIRST_MS + 60_000.25
    store.bubble(
        "c1",
        "b",
        text="Done.",
        thinking={"text": "Plan"},
        modelInfo={"modelName": "claude-4.5-sonnet"},
        tokenCount={"inputTokens": 210, "outputTokens": 30},
        timingInfo={"clientStartTime": start, "clientEndTime": end},
        requestId="r1",
    )
    whole = fresh(store.source)
    thinking, answer = whole.events

    assert (thinking.type, answer.type) == ("Thinking", "AgentMessage")
    assert answer.event_id == "b:1"
    assert answer.duration_ms == 59_999
    for name, value in {
        "model": "claude-4.5-sonnet",
        "input_tokens": 210,
        "request_id": "r1",
    }.items():
        assert answer.attributes[name] == value
    (used,) = whole.usage["c1"]
    assert (used.message_id, used.input, used.output) == ("b", 210, 30)
    assert whole.info.model == "claude-4.5-sonnet"


def test_no_tokens_and_no_model_are_none(store: Store) -> None:
    counts = {"inputTokens": 0, "outputTokens": 0}
    store.bubble("c1", "b", text="x", tokenCount=counts, modelType="default")
    whole = fresh(store.source)

    assert whole.usage["c1"] == []
    assert not {"model", "input_tokens"} & whole.events[0].attributes.keys()
    assert whole.info.model == ""


def test_a_prompt_has_its_images_and_selections(store: Store) -> None:
    context = {
        "selectedImages": [{"uuid": "i", "path": "/home/dev/shot.png"}],
        "selections": [
            {
                "rawText": "x = 1",
                "uri": {"fsPath": "/home/dev/a.py"},
                "range": {"selectionStartLineNumber": 21},
            }
        ],
        "fileSelections": [
            {"uri": {"fsPath": "/home/dev/b.py"}},
            {"uri": {"fsPath": "/home/dev/open.py"}, "isCurrentFile": True},
        ],
    }
    store.bubble("c1", "b", 1, text="look", context=context, unifiedMode=5)
    event = fresh(store.source).events[0]

    assert event.blocks == [
        {"type": "Text", "text": "look"},
        {"type": "Image", "url": "/home/dev/shot.png", "mime": "image/png"},
        {"type": "Code", "code": "x = 1", "language": "python", "start_line": 21},
        {"type": "File", "path": "/home/dev/b.py"},
    ]
    assert event.attributes["mode"] == "plan"


@pytest.mark.parametrize(
    ("name", "arguments", "type_", "data"),
    [
        ("read_file_v2", {"target_file": "a.py"}, "FileRead", {"path": "a.py"}),
        ("Read", {"path": "a.py", "offset": 3}, "FileRead", {"path": "a.py"}),
        ("run_terminal_cmd", {"command": "ls"}, "ShellCommand", {"command": "ls"}),
        ("Shell", {"command": "ls"}, "ShellCommand", {"command": "ls"}),
        ("edit_file_v2", {"relativeWorkspacePath": "a.py"}, "FileEdit", {"path": "a.py"}),
        ("write", {"file_path": "a.py", "contents": "x"}, "FileCreate", {"path": "a.py"}),
        ("delete_file", {"target_file": "a.py"}, "FileDelete", {"path": "a.py"}),
        ("grep", {"pattern": "x"}, "CodeSearch", {"query": "x"}),
        ("codebase_search", {"query": "where"}, "CodeSearch", {"query": "where"}),
        ("list_dir_v2", {"targetDirectory": "src"}, "FileSearch", {"pattern": "src"}),
        ("glob_file_search", {"glob_pattern": "*.py"}, "FileSearch", {"pattern": "*.py"}),
        ("web_search", {"search_term": "hail"}, "WebSearch", {"query": "hail"}),
        ("WebFetch", {"url": "https://a.b"}, "WebFetch", {"url": "https://a.b"}),
        ("task_v2", {"prompt": "look", "description": "d"}, "ToolCall", {"name": "task_v2"}),
        ("todo_write", {"todos": []}, "ToolCall", {"name": "todo_write"}),
        ("mcp_server_tool", {"a": 1}, "ToolCall", {"name": "mcp_server_tool"}),
        ("read_file", {"nothing": 1}, "ToolCall", {"name": "read_file"}),
    ],
)
def test_tools_are_what_they_do(
    store: Store, name: str, arguments: dict[str, Any], type_: str, data: dict[str, Any]
) -> None:
    (event,) = events_of(store, **tool("k", name, arguments))
    assert (event.type, event.data) == (type_, data)
    assert event.attributes["tool_use_name"] == name


def test_a_tool_by_its_number_and_its_understood_arguments(store: Store) -> None:
    data = {"tool": 40, "status": "completed", "rawArgs": "", "result": '{"contents": "x = 1"}'}
    data["params"] = '{"targetFile": "/home/dev/a.py", "charsLimit": 10}'
    call, result = events_of(store, toolFormerData=data)

    assert call.data == {"path": "/home/dev/a.py"}
    assert call.attributes["tool_use_name"] == "read_file"
    assert result.blocks == [{"type": "Text", "text": "x = 1"}]


def test_a_command_that_failed_is_an_error_with_its_code(store: Store) -> None:
    result = {"output": "no", "exitCodeV2": 2, "rejected": False}
    _, event = events_of(store, **tool("k", "run_terminal_cmd", {"command": "false"}, result))

    assert event.data == {"name": "run_terminal_cmd", "is_error": True, "call_id": "k"}
    assert event.attributes["result.exit_code"] == 2


@pytest.mark.parametrize(
    ("fields", "attributes"),
    [
        ({"userDecision": "rejected", "status": "cancelled"}, {"user_decision": "rejected"}),
        ({"result": {"rejected": True}}, {"user_decision": "rejected"}),
        ({"status": "cancelled"}, {"interrupted": True}),
        ({"status": "error", "error": '{"clientVisibleErrorMessage": "no such file"}'}, {}),
    ],
)
def test_what_was_refused_stopped_or_failed_is_an_error(
    store: Store, fields: dict[str, Any], attributes: dict[str, Any]
) -> None:
    _, event = events_of(store, **tool("k", "run_terminal_cmd", {"command": "rm x"}, **fields))

    assert event.data is not None
    assert event.data["is_error"]
    assert event.attributes.items() >= attributes.items()
    if "error" in fields:
        assert event.blocks == [{"type": "Text", "text": "no such file"}]


def test_an_edit_has_the_diff_of_its_result(store: Store) -> None:
    chunk = {"diffString": "-old\n+new\n same", "oldStart": 3, "newStart": 3}
    result = {"diff": {"chunks": [chunk]}, "isApplied": True}
    _, event = events_of(store, **tool("k", "edit_file", {"target_file": "a.py"}, result))

    expected = "--- a.py\n+++ a.py\n@@ -3,2 +3,2 @@\n-old\n+new\n same"
    assert event.attributes["result.diff"] == expected


def test_an_edit_has_the_diff_of_its_strings(store: Store) -> None:
    arguments = {"file_path": "a.py", "old_string": "old", "new_string": "new"}
    _, event = events_of(store, **tool("k", "search_replace", arguments, {"ok": 1}))

    assert "-old\n+new" in event.attributes["result.diff"]


def test_an_edit_has_the_diff_of_the_file_before_and_after(store: Store) -> None:
    store.put("composer.content.1", "a\nb\n")
    store.put("composer.content.2", b"a\nc\n")
    result = {"beforeContentId": "composer.content.1", "afterContentId": "composer.content.2"}
    arguments = {"relativeWorkspacePath": "a.py"}
    _, event = events_of(store, **tool("k", "edit_file_v2", arguments, result))

    assert event.attributes["result.diff"] == "--- a.py\n+++ a.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c"


def test_content_that_a_result_names_is_content_and_nothing_else(store: Store) -> None:
    store.put("cursorAuth/accessToken", "canary")
    result = {
        "beforeContentId": "cursorAuth/accessToken",
        "afterContentId": "cursorAuth/accessToken",
    }
    store.bubble("c1", "b", **tool("k", "edit_file_v2", {"path": "a"}, result))

    assert b"canary" not in fresh(store.source).raw


def test_an_edit_has_the_diff_of_its_row(store: Store) -> None:
    part = {
        "original": {"startLineNumber": 5, "endLineNumberExclusive": 5},
        "modified": ["one", "two"],
    }
    store.put("codeBlockDiff:c1:d1", {"newModelDiffWrtV0": [part], "originalModelDiffWrtV0": []})
    blocks = {"file:///a.py": {"block": {"bubbleId": "b", "diffId": "d1"}}}
    store.composer("c1", codeBlockData=blocks)
    _, event = events_of(
        store, **tool("k", "edit_file", {"target_file": "a.py"}, {"isApplied": True})
    )

    assert event.attributes["result.diff"] == "--- a.py\n+++ a.py\n@@ -4,0 +5,2 @@\n+one\n+two"


def test_a_diff_row_that_lacks_what_was_replaced_is_shown_as_it_is(store: Store) -> None:
    part = {"original": {"startLineNumber": 5, "endLineNumberExclusive": 7}, "modified": ["one"]}
    row = {"newModelDiffWrtV0": [part]}
    store.put("codeBlockDiff:c1:d1", row)
    blocks = {"file:///a.py": [{"bubbleId": "b", "diffId": "d1"}]}
    store.composer("c1", codeBlockData=blocks)
    _, event = events_of(
        store, **tool("k", "edit_file", {"target_file": "a.py"}, {"isApplied": True})
    )

    assert "result.diff" not in event.attributes
    assert {"type": "Json", "data": row} in event.blocks


def test_a_subagents_call_names_the_subagent(store: Store) -> None:
    data = tool("k", "task_v2", {"prompt": "look"}, {"output": "seen"})
    data["toolFormerData"]["additionalData"] = {"subagentComposerId": "child"}
    _, event = events_of(store, **data)

    assert event.attributes["subagent_id"] == "child"


def test_summaries_and_errors_of_a_turn_are_told(store: Store) -> None:
    events = events_of(
        store,
        conversationSummary={"summary": "so far"},
        errorDetails={"message": "out of quota"},
    )
    assert [event.data for event in events] == [
        {"kind": "context_compacted"},
        {"kind": "turn_aborted"},
    ]


def test_unknown_bubbles_are_kept_and_counted(store: Store) -> None:
    store.bubble("c1", "b", 9, text="new")
    store.put("bubbleId:c1:broken", "{not json")
    store.headers["c1"].append({"bubbleId": "broken", "type": 2})
    store.bubble("c1", "empty")
    whole = fresh(store.source)

    assert whole.unknown == {"bubble/9": 1}
    assert whole.events[0].data == {"kind": "unknown:bubble/9"}
    assert whole.skipped == {"malformed": 1, "empty bubble": 1}


def test_todos_modes_and_counts_are_of_the_session(store: Store) -> None:
    store.turn("c1", 1)
    store.composer(
        "c1",
        name="Title",
        unifiedMode="agent",
        createdOnBranch="feature",
        contextTokensUsed=21000,
        totalLinesAdded=3,
        todos=[json.dumps({"content": "write", "status": "pending"}), {"content": "test"}],
        modelConfig={"modelName": "default"},
        workspaceIdentifier={"id": "w", "uri": "file:///home/dev/demo"},
    )
    info = fresh(store.source).info

    assert (info.title, info.git_branch, info.cwd) == ("Title", "feature", "/home/dev/demo")
    assert info.attributes == {
        "context_tokens": 21000,
        "lines_added": 3,
        "mode": "agent",
        "todos": [
            {"content": "write", "status": "pending"},
            {"content": "test", "status": ""},
        ],
    }
    assert info.model == ""


def test_a_folder_of_the_bubbles_serves_where_the_row_has_none(store: Store) -> None:
    store.bubble("c1", "b", 1, text="x", workspaceProjectDir="/home/dev/.cursor/projects/demo")
    assert fresh(store.source).info.cwd == ""
    store.bubble("c1", "b", 1, text="x", workspaceUris=["file:///home/dev/demo"])
    assert fresh(store.source).info.cwd == "/home/dev/demo"


@pytest.mark.parametrize("value", [None, "", {}, "text", {"output": ""}, [1], {"a": 1}])
def test_any_result_can_be_shown(value: object) -> None:
    for block in tools.shown(value):
        assert block["type"] in ("Text", "Json")
