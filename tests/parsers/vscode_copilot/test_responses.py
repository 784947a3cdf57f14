"""Parts of responses as events; sessions made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.timeline import State, Timeline
from opensession.parsers.vscode_copilot import requests
from tests.parsers.vscode_copilot.making import (
    BEGIN,
    ID,
    asked,
    events_of,
    invocation,
    markdown,
    read,
    request,
    result,
    said,
    terminal,
)


def uri(path: str) -> dict[str, Any]:
    return {"$mid": 1, "path": path, "scheme": "file"}


def span(line: int, column: int = 1, to: tuple[int, int] | None = None) -> dict[str, int]:
    end = to or (line, column)
    return {
        "startLineNumber": line,
        "startColumn": column,
        "endLineNumber": end[0],
        "endColumn": end[1],
    }


def group(path: str, *edits: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "textEditGroup", "uri": uri(path), "edits": [list(edits)], "done": True}


def test_a_prompt_has_what_was_attached_to_it(tmp_path: Path) -> None:
    variables = [
        {"kind": "file", "name": "a.py", "value": uri("/a.py")},
        {"kind": "file", "name": "b.py", "value": {"uri": uri("/b.py"), "range": {}}},
        {"kind": "image", "name": "shot", "mimeType": "image/png", "value": {"0": 1}},
        {"kind": "paste", "code": "x = 1"},
        {"kind": "file", "value": uri("/open.py"), "automaticallyAdded": True},
        {"kind": "implicit", "value": uri("/shown.py")},
        {"kind": "tool", "name": "search"},
    ]

    whole = read(tmp_path, request(0, variableData={"variables": variables}))

    (event,) = whole.sessions[ID]
    assert event.blocks[1:] == [
        {"type": "File", "path": "/a.py"},
        {"type": "File", "path": "/b.py"},
        {"type": "Image", "url": "", "mime": "image/png", "alt": "shot"},
        {"type": "Text", "text": "x = 1"},
    ]
    assert event.time_us == BEGIN * 1000
    assert whole.infos[ID].first_prompt.startswith("Question 0")


def test_the_words_of_an_old_message_are_its_prompt(tmp_path: Path) -> None:
    (event,) = read(tmp_path, request(0, message="just words")).sessions[ID]

    assert said(event) == "just words"


def test_words_and_references_are_one_message(tmp_path: Path) -> None:
    reference = {"kind": "inlineReference", "inlineReference": uri("/src/app.py")}
    symbol = {"kind": "inlineReference", "inlineReference": {"name": "run", "location": {}}}

    (event,) = events_of(
        tmp_path,
        markdown("See "),
        reference,
        {"kind": "markdownContent", "content": {"value": " and "}},
        symbol,
        markdown("."),
        {"kind": "undoStop", "id": "1"},
    )

    assert (event.type, said(event)) == ("AgentMessage", "See `app.py` and `run`.")
    assert event.attributes["time.estimated"] is True


def test_thoughts_are_told_and_empty_ones_are_not(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        {"kind": "thinking", "value": ["One ", "thought"], "id": "t"},
        {"kind": "thinking", "value": "", "id": ""},
    )

    assert [(event.type, said(event)) for event in events] == [("Thinking", "One thought")]


def test_a_call_has_its_exact_arguments_and_result(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        invocation("shown-1", "copilot_readFile"),
        invocation("c2", "copilot_findTextInFiles"),
        result=result(
            asked("c1", "read_file", filePath="/a.py", startLine=1),
            asked("c2", "grep_search", query="TODO"),
            told={"c1": "text of a", "c2": "2 matches"},
        ),
    )

    assert [event.type for event in events] == [
        "FileRead",
        "ToolResult",
        "CodeSearch",
        "ToolResult",
    ]
    assert events[0].data == {"path": "/a.py"}
    assert [said(event) for event in events[1::2]] == ["text of a", "2 matches"]
    assert events[1].attributes["result.call_seq"] == 2


def test_calls_of_one_tool_are_matched_in_their_order(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        invocation("x", "copilot_readFile"),
        invocation("y", "copilot_readFile"),
        result=result(
            asked("c1", "read_file", filePath="/1"), asked("c2", "read_file", filePath="/2")
        ),
    )

    assert [event.data for event in events[::2]] == [{"path": "/1"}, {"path": "/2"}]


def test_a_call_that_is_known_by_its_id_is_no_other_parts(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        invocation("x", "copilot_readFile"),
        invocation("c1", "copilot_readFile"),
        result=result(
            asked("c1", "read_file", filePath="/1"), asked("c2", "read_file", filePath="/2")
        ),
    )

    assert [event.data for event in events[::2]] == [{"path": "/2"}, {"path": "/1"}]


def test_calls_that_are_not_shown_are_told_where_they_were_made(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        invocation("c2", "copilot_readFile"),
        markdown("Done."),
        result=result(
            asked("c1", "think", thoughts="hm"),
            asked("c2", "read_file", filePath="/a"),
            asked("c3", "manage_todo_list", todoList=[]),
            told={"c1": "ok"},
        ),
    )

    names = [event.attributes.get("tool_use_name", event.type) for event in events]
    assert names == [
        *("think", "ToolResult", "read_file", "ToolResult", "AgentMessage"),
        "manage_todo_list",
    ]
    assert len({event.event_id for event in events}) == len(events)


def test_a_command_has_its_exit_code_output_and_times(tmp_path: Path) -> None:
    ran = terminal(
        "make",
        terminalCommandState={"exitCode": 2, "timestamp": BEGIN + 500, "duration": 1500},
        terminalCommandOutput={"text": "boom", "lineCount": 1},
    )

    events = events_of(tmp_path, invocation("c", "run_in_terminal", toolSpecificData=ran))

    assert events[0].data == {"command": "make"}
    assert events[0].time_us == (BEGIN + 500) * 1000
    assert events[1].time_us == (BEGIN + 2000) * 1000
    assert events[1].attributes["result.exit_code"] == 2
    assert events[1].attributes["result.duration_ms"] == 1500
    assert (events[1].data or {})["is_error"] is True
    assert said(events[1]) == "boom"


def test_the_command_that_ran_is_the_one_the_person_wrote(tmp_path: Path) -> None:
    line = {"original": "rm -rf x", "userEdited": "ls x"}
    data = {"kind": "terminal", "commandLine": line}

    events = events_of(tmp_path, invocation("c", "run_in_terminal", toolSpecificData=data))

    assert events[0].data == {"command": "ls x"}


@pytest.mark.parametrize(
    ("fields", "error", "refused"),
    [
        ({"isConfirmed": {"type": 0}, "isComplete": False}, True, True),
        ({"isConfirmed": {"type": 5}}, True, True),
        ({"isConfirmed": False}, True, True),
        ({"resultError": "it broke"}, True, False),
        ({"resultDetails": {"input": "{}", "output": [], "isError": True}}, True, False),
        ({"isConfirmed": {"type": 4}}, False, False),
    ],
)
def test_a_call_may_fail_or_be_refused(
    tmp_path: Path, fields: dict[str, Any], error: bool, refused: bool
) -> None:
    events = events_of(tmp_path, invocation("c", "mcp_tool", **fields))

    assert (events[1].data or {})["is_error"] is error
    assert ("refused" in events[1].attributes) is refused


def test_a_call_that_is_not_done_has_no_result(tmp_path: Path) -> None:
    events = events_of(tmp_path, invocation("c", "read_file", isComplete=False))

    assert [event.type for event in events] == ["ToolCall"]


def test_results_are_texts_trees_and_images(tmp_path: Path) -> None:
    leaf = {"type": 2, "text": "tree", "lineBreakBefore": True}
    tree = {"node": {"type": 1, "children": [{"type": 2, "text": "a"}, {"children": [leaf]}]}}
    picture = {"mimeType": "image/png", "data": "QUJD"}
    content = [{"value": "plain"}, {"value": tree}, picture, {"value": 7}]
    told = result(asked("c", "x"))
    told["metadata"]["toolCallResults"]["c"] = {"content": content}

    events = events_of(tmp_path, invocation("c", "x"), result=told)

    assert events[1].blocks == [
        {"type": "Text", "text": "plain"},
        {"type": "Text", "text": "a\ntree"},
        {"type": "Image", "url": "", "mime": "image/png", "alt": "image of 3 bytes"},
        {"type": "Json", "data": 7},
    ]


def test_details_stand_in_for_what_the_model_was_told(tmp_path: Path) -> None:
    details = {
        "input": '{"q": 1}',
        "output": [{"type": "embed", "isText": True, "value": "found"}],
    }

    events = events_of(
        tmp_path,
        invocation("c", "mcp_search", resultDetails=details),
        invocation("d", "copilot_findFiles", resultDetails=[uri("/a"), {"uri": uri("/b")}]),
    )

    assert events[0].blocks == [{"type": "Json", "data": {"q": 1}}]
    assert said(events[1]) == "found"
    assert said(events[3]) == "/a\n/b"


def test_an_edit_of_a_call_is_told_once(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        invocation("c", "copilot_createFile"),
        group("/new.py", {"text": "x\n", "range": span(1)}),
        result=result(asked("c", "create_file", filePath="/new.py", content="x\n")),
    )

    assert [event.type for event in events] == ["FileCreate", "ToolResult"]
    assert events[1].attributes["result.diff"].endswith("+x")


def test_an_edit_without_a_call_is_an_edit_with_what_is_known_of_it(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        group("/a.py", {"text": "one\ntwo\n", "range": span(3)}),
        group("/b.py", {"text": "x", "range": span(1, 1, (2, 4))}),
        {"kind": "notebookEditGroup", "uri": uri("/c.ipynb"), "edits": [], "done": True},
        {
            "kind": "workspaceEdit",
            "edits": [{"newResource": uri("/d")}, {"oldResource": uri("/e")}],
        },
    )

    assert [event.type for event in events[::2]] == [
        *("FileEdit", "FileEdit", "FileEdit", "FileCreate", "FileDelete")
    ]
    diffs = [event.attributes.get("result.diff") for event in events[1::2]]
    assert diffs == ["--- /a.py\n+++ /a.py\n@@ -2,0 +3,2 @@\n+one\n+two", None, None, None, None]


def test_a_subagent_is_a_session_of_its_own(tmp_path: Path) -> None:
    data = {"kind": "subagent", "prompt": "Look", "description": "Look around", "result": "Seen"}

    whole = read(
        tmp_path,
        request(
            0,
            invocation("s1", "runSubagent", toolSpecificData=data),
            invocation("r1", "copilot_readFile", subAgentInvocationId="s1"),
            markdown("Done."),
        ),
    )

    child = f"{ID}.s1"
    assert [event.type for event in whole.sessions[ID]] == [
        *("UserMessage", "ToolCall", "ToolResult", "AgentMessage")
    ]
    assert whole.sessions[ID][2].attributes["subagent_id"] == child
    assert [event.type for event in whole.sessions[child]] == [
        *("UserMessage", "ToolCall", "ToolResult")
    ]
    info = whole.infos[child]
    assert (info.role, info.parent, info.parent_call_id) == ("auxiliary", ID, "s1")
    assert (info.title, info.first_prompt) == ("Look around", "Look")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"modelState": {"value": 2, "completedAt": BEGIN}}, ["turn_aborted"]),
        ({"isCanceled": True, "modelState": None}, ["turn_aborted"]),
        ({"modelState": {"value": 3}}, ["The request failed."]),
        (
            {"modelState": {"value": 3}, "result": {"errorDetails": {"message": "No quota"}}},
            ["No quota"],
        ),
        (
            {"modelState": {"value": 2}, "result": {"errorDetails": {"message": "Canceled"}}},
            ["turn_aborted"],
        ),
        ({"modelState": {"value": 0}}, []),
    ],
)
def test_how_a_response_ended_is_told(
    tmp_path: Path, fields: dict[str, Any], told: list[str]
) -> None:
    events = events_of(tmp_path, **fields)

    assert [(event.data or {}).get("kind") or said(event) for event in events] == told


@pytest.mark.parametrize(
    "fields",
    [
        {"result": {"metadata": {"promptTokens": 900, "outputTokens": 30}}},
        {"usage": {"promptTokens": 900, "completionTokens": 30}},
    ],
)
def test_tokens_are_counted_once_a_request(tmp_path: Path, fields: dict[str, Any]) -> None:
    whole = read(tmp_path, request(0, markdown("x"), **fields))

    (usage,) = whole.usage[ID]
    assert (usage.message_id, usage.input, usage.output) == ("response_0", 900, 30)
    assert usage.cost_microdollars is None
    assert whole.sessions[ID][usage.seq - 1].data == {"kind": "token_count"}


def test_the_model_is_the_one_that_answered(tmp_path: Path) -> None:
    resolved = {"metadata": {"resolvedModel": "gpt-5-2026"}}

    whole = read(tmp_path, request(0), request(1, result=resolved))

    assert (whole.infos[ID].model, whole.infos[ID].provider) == ("gpt-5-2026", "copilot")


def test_what_else_is_shown_to_the_person_is_told(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        {"kind": "warning", "content": {"value": "Careful"}},
        {"kind": "confirmation", "title": "Go on?", "message": "It will run", "data": {}},
        {"kind": "hook", "hookType": "PreToolUse", "stopReason": "denied"},
        {"kind": "elicitationSerialized", "title": "Name", "acceptedResult": {"name": "x"}},
        {"kind": "questionCarousel", "questions": [{"title": "Which?"}], "data": {"q": "a"}},
        {"kind": "progressMessage", "content": {"value": "Working"}},
    )

    assert [((event.data or {}).get("kind", event.type), said(event)) for event in events] == [
        ("SystemMessage", "Careful"),
        ("confirmation", "Go on?\nIt will run"),
        ("SystemMessage", "Hook PreToolUse:\ndenied"),
        ("elicitation", "Name"),
        ("questions", "Which?"),
    ]


def test_an_unknown_part_is_kept_and_counted(tmp_path: Path) -> None:
    whole = read(tmp_path, request(0, {"kind": "hologram", "depth": 3}))

    assert whole.sessions[ID][1].data == {"kind": "unknown:response/hologram"}
    assert whole.unknown == {"response/hologram": 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
KINDS = st.sampled_from(
    [
        *("thinking", "toolInvocationSerialized", "textEditGroup", "workspaceEdit", "hook"),
        *("inlineReference", "questionCarousel", "elicitation", "warning", "markdownContent", "?"),
    ]
)
FIELDS = st.sampled_from(
    [
        *("value", "content", "toolCallId", "toolId", "toolSpecificData", "resultDetails", "uri"),
        *("edits", "inlineReference", "subAgentInvocationId", "isConfirmed", "isComplete", "data"),
    ]
)
PARTS = st.builds(lambda kind, rest: {**rest, "kind": kind}, KINDS, st.dictionaries(FIELDS, JSON))
REQUESTS = st.dictionaries(
    st.sampled_from(
        [
            *("requestId", "timestamp", "message", "variableData", "result", "modelState", "usage"),
            *("modelId", "agent", "responseId", "isCanceled", "slashCommand"),
        ]
    ),
    JSON,
)


@given(REQUESTS, st.lists(PARTS | JSON, max_size=5) | JSON)
def test_no_request_is_too_strange_to_tell(given: dict[str, Any], response: Any) -> None:
    requests.tell(Timeline(requests.NAME, State(id=ID)), {**given, "response": response})
