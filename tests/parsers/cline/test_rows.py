from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opensession.parsers.agent import SessionDelta
from tests.parsers.cline.making import (
    START,
    ask,
    assistant,
    call,
    kinds,
    of,
    only,
    read,
    result,
    say,
    task,
    told,
    user,
    words,
)


def request(offset: int, index: int | None = None, **more: Any) -> dict[str, Any]:
    row = say(offset, "api_req_started", {"request": "…", **more})
    return row if index is None else {**row, "conversationHistoryIndex": index}


def at(index: int, row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "conversationHistoryIndex": index}


# A task of Cline 3: no message has a time, the rows say which message they follow.
OLD_ROWS = [
    at(-1, say(0, "task", "Run it")),
    request(10, -1, tokensIn=100, tokensOut=20, cacheWrites=7, cacheReads=50, cost=0.0015),
    at(0, say(2000, "reasoning", "I think")),
    at(0, say(2100, "text", "I run it.")),
    at(0, say(2200, "text", "I r", partial=True)),
    at(0, ask(2300, "command", "make")),
    at(0, say(2400, "command_output", "ok")),
    at(1, say(2500, "checkpoint_created", "", lastCheckpointHash="abc123")),
    request(3000, 1, tokensIn=10, tokensOut=5, cost=0.0005),
    at(2, say(4000, "completion_result", "Done")),
    at(3, ask(4100, "completion_result", "")),
]
OLD_HISTORY = [
    user("<task>Run it</task>"),
    assistant("I run it.", call("c1", "execute_command", command="make")),
    user(result("c1", "Command executed. Exit code: 0\nok")),
    assistant(call("c2", "attempt_completion", result="Done")),
]


def old(tmp_path: Path, **beside: Any) -> SessionDelta:
    return only(task(tmp_path / str(START), OLD_ROWS, OLD_HISTORY, **beside))


def test_messages_have_the_times_of_the_rows_that_show_them(tmp_path: Path) -> None:
    events = old(tmp_path).events
    assert [(e.type, e.time_us // 1000 - START) for e in events] == [
        ("UserMessage", 10),
        ("Thinking", 2000),
        ("AgentMessage", 2000),
        ("ShellCommand", 2000),
        ("Custom", 2500),
        ("ToolResult", 3000),
        ("AgentMessage", 4000),
    ]
    assert not any("time.estimated" in e.attributes for e in events)


def test_what_both_files_say_is_told_once(tmp_path: Path) -> None:
    events = old(tmp_path).events
    assert kinds(events) == [
        "UserMessage",
        "Thinking",
        "AgentMessage",
        "ShellCommand",
        "Custom:checkpoint",
        "ToolResult",
        "AgentMessage",
    ]
    assert events[4].attributes["checkpoint"] == "abc123"


def test_rows_without_a_place_are_placed_by_counting_requests(tmp_path: Path) -> None:
    rows = [{key: row[key] for key in row if key != "conversationHistoryIndex"} for row in OLD_ROWS]
    bare = only(task(tmp_path / "bare", rows, OLD_HISTORY)).events
    assert [(e.type, e.time_us) for e in bare] == [
        (e.type, e.time_us) for e in old(tmp_path).events
    ]


def test_tokens_and_prices_are_of_the_response(tmp_path: Path) -> None:
    models = [
        {"ts": START - 5, "model_id": "model-a", "model_provider_id": "openrouter"},
        {"ts": START + 2950, "model_id": "model-b", "model_provider_id": "cline"},
    ]
    past = [{"cline_version": "3.1"}, {"cline_version": "3.2"}]
    about = {"model_usage": models, "environment_history": past}
    found = old(tmp_path, task_metadata=about)
    first, second = found.usage
    assert (first.input, first.output, first.cache_read, first.cache_write) == (100, 20, 50, 7)
    assert first.cost_microdollars == 1500
    assert (first.model, first.provider) == ("model-a", "openrouter")
    assert (second.model, second.cost_microdollars) == ("model-b", 500)
    assert first.seq == 4 and second.seq == 7
    assert first.message_id != second.message_id
    answer = found.events[2].attributes
    assert (answer["message_id"], answer["input_tokens"]) == (first.message_id, 100)
    assert answer["model"] == "model-a"
    assert found.info.tool_version == "3.2"
    assert found.info.model == "model-b"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tokensIn": 500, "cacheReads": 300}, 500),
        ({"tokensIn": 500, "cacheReads": 300, "apiProtocol": "openai"}, 200),
        ({"tokensIn": 20, "cacheReads": 300, "apiProtocol": "anthropic"}, 20),
        ({"tokensIn": 500, "cacheReads": 300, "apiProtocol": "anthropic"}, 200),
        ({"tokensIn": 100, "cacheReads": 300, "apiProtocol": "openai"}, 0),
        ({"tokensIn": -5, "cost": "much"}, 0),
    ],
)
def test_input_is_without_what_the_cache_gave(
    tmp_path: Path, given: dict[str, Any], expected: int
) -> None:
    source = task(
        tmp_path / "t", [request(1, -1, tokensOut=1, **given)], [user("x"), assistant("y")]
    )
    assert [usage.input for usage in only(source).usage] == [expected]


def test_requests_that_broke_off_are_told(tmp_path: Path) -> None:
    rows = [
        request(1, -1, cancelReason="user_cancelled", tokensIn=1),
        request(2, -1, cancelReason="streaming_failed", streamingFailedMessage="503"),
        at(-1, ask(3, "api_req_failed", "overloaded")),
    ]
    events = told(task(tmp_path / "t", rows, [user("x")]))
    assert kinds(events) == [
        "Custom:interrupted",
        "Custom:turn_aborted",
        "Custom:error",
        "UserMessage",
    ]
    assert words(events[1]) == "503"
    assert events[2].attributes["error.kind"] == "api_req_failed"


ROWS_ALONE = [
    say(0, "text", "Fix it", images=["data:image/png;base64," + "A" * 4000]),
    request(10, tokensIn=9, tokensOut=4, cost=0.001),
    say(20, "reasoning", "hm"),
    say(30, "text", "I read."),
    say(40, "tool", {"tool": "readFile", "path": "a.py", "content": "/w/a.py"}),
    ask(50, "tool", {"tool": "searchFiles", "path": "src", "regex": "foo", "content": "2 hits"}),
    ask(60, "command", "make"),
    say(70, "command_output", "one"),
    ask(75, "command_output", "two"),
    say(80, "user_feedback", "Faster"),
    ask(90, "use_mcp_server", {"type": "use_mcp_tool", "serverName": "s", "toolName": "t"}),
    say(91, "mcp_server_request_started"),
    say(92, "mcp_server_response", "pong"),
    say(100, "tool", {"tool": "newFileCreated", "path": "b.py", "content": "x = 1"}),
    say(110, "completion_result", "Done"),
    ask(111, "completion_result", ""),
]


def test_a_task_without_a_history_is_told_by_its_rows(tmp_path: Path) -> None:
    found = only(task(tmp_path / "t", ROWS_ALONE))
    assert [(e.type, words(e).split("\n")[0]) for e in found.events] == [
        ("UserMessage", "Fix it"),
        ("Thinking", "hm"),
        ("AgentMessage", "I read."),
        ("FileRead", "a.py"),
        ("CodeSearch", "foo"),
        ("ToolResult", "2 hits"),
        ("ShellCommand", "make"),
        ("ToolResult", "one"),
        ("UserMessage", "Faster"),
        ("ToolCall", ""),
        ("ToolResult", "pong"),
        ("FileCreate", "b.py"),
        ("AgentMessage", "Done"),
    ]
    assert words(found.events[7]) == "one\ntwo"
    assert found.events[7].attributes["result.call_seq"] == 7
    assert found.events[10].attributes["result.call_seq"] == 10
    assert found.events[0].blocks[1]["url"] == "data:image/png;bytes=3000,"
    assert found.info.first_prompt == "Fix it"
    assert [usage.cost_microdollars for usage in found.usage] == [1000]


def test_what_comes_after_the_last_message_is_told_by_rows(tmp_path: Path) -> None:
    rows = [*OLD_ROWS, at(3, say(5000, "user_feedback", "More")), at(4, say(5100, "text", "Hm"))]
    events = told(task(tmp_path / "t", rows, OLD_HISTORY))
    assert [(e.type, words(e)) for e in events[-3:]] == [
        ("AgentMessage", "Done"),
        ("UserMessage", "More"),
        ("AgentMessage", "Hm"),
    ]


def test_an_open_call_of_the_history_is_not_told_again_by_its_row(tmp_path: Path) -> None:
    rows = [*OLD_ROWS[:6], at(1, say(2400, "command_output", "killed"))]
    rows[5] = at(1, rows[5])
    events = told(task(tmp_path / "t", rows, OLD_HISTORY[:2]))
    assert kinds(events)[-3:] == ["AgentMessage", "ShellCommand", "ToolResult"]
    assert events[-1].attributes["result.call_seq"] == len(events) - 1
    assert words(events[-1]) == "killed"


def test_what_roo_cut_out_when_it_condensed_is_told_by_rows(tmp_path: Path) -> None:
    history = [
        user("<task>A</task>", ts=START),
        {"role": "assistant", "content": "summary", "ts": START + 900, "isSummary": True},
        user("<feedback>B</feedback>", ts=START + 800),
    ]
    condensing = {"prevContextTokens": 90, "newContextTokens": 9, "cost": 0.02, "summary": "sum"}
    rows = [
        say(0, "text", "A"),
        say(100, "text", "lost words"),
        say(850, "condense_context", "", contextCondense=condensing),
    ]
    found = only(task(tmp_path / "t", rows, history))
    assert [words(e) for e in found.events] == ["A", "lost words", "sum", "B"]
    compacted = found.events[2]
    assert compacted.data == {"kind": "context_compacted"}
    assert (compacted.attributes["tokens_before"], compacted.attributes["tokens_after"]) == (90, 9)
    assert [usage.cost_microdollars for usage in found.usage] == [20000]
    without = told(task(tmp_path / "u", rows[:1], history))
    assert kinds(without) == ["UserMessage", "Custom:context_compacted", "UserMessage"]
    assert words(without[1]) == "summary"


def test_a_subtask_has_a_parent_and_is_named_by_the_result(tmp_path: Path) -> None:
    child = only(
        task(tmp_path / "kid", [say(0, "text", "part")], [], history_item={"parentTaskId": "top"})
    ).info
    assert (child.role, child.parent) == ("auxiliary", "top")
    history = [
        assistant(call("c1", "new_task", mode="code", message="part"), ts=START),
        user(result("c1", "[new_task completed] Result: fine"), ts=START + 1),
    ]
    item = {"childIds": ["kid"], "status": "completed", "workspace": "/w", "task": "The title"}
    top = only(task(tmp_path / "top", [], history, history_item=item))
    assert top.events[1].attributes["subagent_id"] == "kid"
    assert top.ended
    assert (top.info.cwd, top.info.title, top.info.role) == ("/w", "The title", "primary")


def test_unknown_rows_are_kept_and_counted(tmp_path: Path) -> None:
    rows = [
        say(0, "text", "A"),
        say(1, "hologram", "x"),
        say(3, "tool", "no json"),
        say(4, "tool", {"tool": "juggle", "balls": 3}),
    ]
    delta = read(task(tmp_path / "t", rows))
    assert delta.unknown == {"row:hologram": 1}
    events = delta.sessions[0].events
    assert kinds(events) == ["UserMessage", "Custom:unknown:row:hologram", "ToolCall"]
    assert events[2].data == {"name": "juggle"}


def test_a_task_reads_the_same_however_its_files_came(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    cursor = None
    for rows, messages in ((2, 0), (4, 1), (6, 2), (11, 4)):
        source = task(folder, OLD_ROWS[:rows], OLD_HISTORY[:messages])
        delta = read(source, cursor)
        cursor = delta.cursor
        assert delta.sessions[0].keep == 0
    assert delta.sessions[0].events == told(task(tmp_path / "whole" / "t", OLD_ROWS, OLD_HISTORY))


def test_the_archive_gives_the_same(tmp_path: Path) -> None:
    source = task(tmp_path / "t", OLD_ROWS, OLD_HISTORY, task_metadata={"model_usage": []})
    first = read(source)
    kept = tmp_path / "kept"
    kept.write_bytes(first.raw)
    again = read(type(source)(source.agent, source.root, source.path, str(kept)))
    assert again.sessions[0].events == first.sessions[0].events
    assert again.sessions[0].usage == first.sessions[0].usage


def test_browser_and_questions(tmp_path: Path) -> None:
    seen = {"logs": "l", "screenshot": "data:image/webp;base64,AAAA"}
    rows = [
        say(0, "text", "A"),
        ask(1, "browser_action_launch", "https://example.org"),
        say(
            2,
            "browser_action_result",
            seen,
        ),
        ask(3, "followup", {"question": "Which?", "options": ["a", "b"]}),
        ask(4, "plan_mode_respond", {"response": "The plan"}),
    ]
    events = told(task(tmp_path / "t", rows))
    assert kinds(events) == ["UserMessage", "ToolCall", "ToolResult", "ToolCall", "AgentMessage"]
    assert events[2].blocks[1]["type"] == "Image"
    assert events[3].attributes["semantic.tool_kind"] == "interactive"
    assert of(events, "AgentMessage")[0].blocks[0]["text"] == "The plan"


def test_what_is_left_of_streaming_is_not_told_twice(tmp_path: Path) -> None:
    rows = [
        say(0, "text", "A"),
        say(1, "reasoning", "I thi", partial=True),
        say(2, "text", "I re", partial=True),
        say(3, "reasoning", "I think"),
        say(4, "text", "I read"),
        request(5),
        say(6, "text", "I stay unfin", partial=True),
        say(7, "completion_result", "DoneHAS_CHANGES"),
    ]
    said = [words(event) for event in told(task(tmp_path / "t", rows))]
    assert said == ["A", "I think", "I read", "I stay unfin", "Done"]


def test_a_partial_row_tells_the_time_of_its_message(tmp_path: Path) -> None:
    rows = [request(1, -1), at(0, say(40, "text", "y", partial=True))]
    events = told(task(tmp_path / "t", rows, [user("x"), assistant("y")]))
    assert [event.time_us // 1000 - START for event in events] == [1, 40]


def test_native_calls_that_are_answered_by_text(tmp_path: Path) -> None:
    """As Cline wrote in January 2026."""
    model = {"modelId": "claude-sonnet-4-5", "providerId": "anthropic", "mode": "act"}
    spent = {"tokens": {"prompt": 10, "completion": 595, "cached": 9573}}
    history = [
        user("<task>x</task>", "\n# task_progress RECOMMENDED\n\nWhen starting"),
        assistant(
            {"type": "thinking", "thinking": "hm", "signature": "E", "summary": []},
            "\nI look.",
            call("toolu_1", "read_file", path="a.cs", task_progress="- [ ] look"),
            modelInfo=model,
            metrics=spent,
        ),
        user("[read_file for 'a.cs'] Result:\nusing System;"),
        assistant(call("toolu_2", "attempt_completion", result="Done")),
    ]
    rows = [at(3, say(9, "completion_result", "DoneHAS_CHANGES"))]
    found = only(task(tmp_path / "t", rows, history))
    assert [(event.type, words(event).split("\n")[0]) for event in found.events] == [
        ("UserMessage", "x"),
        ("SystemMessage", "# task_progress RECOMMENDED"),
        ("Thinking", "hm"),
        ("AgentMessage", "I look."),
        ("FileRead", "a.cs"),
        ("ToolResult", "using System;"),
        ("AgentMessage", "Done"),
    ]
    assert found.events[5].attributes["result.call_seq"] == 5
    assert (found.info.model, found.info.provider) == ("claude-sonnet-4-5", "anthropic")
    (usage,) = found.usage
    assert (usage.input, usage.output, usage.seq) == (10, 595, 5)


def test_the_first_words_are_the_prompt_whatever_stands_before_them(tmp_path: Path) -> None:
    rows = [say(0, "checkpoint_created"), say(1, "text", "A"), request(2), say(3, "text", "B")]
    events = told(task(tmp_path / "t", rows))
    assert kinds(events) == ["Custom:checkpoint", "UserMessage", "AgentMessage"]
    started = [request(2), say(3, "text", "B")]
    assert kinds(told(task(tmp_path / "u", started))) == ["AgentMessage"]
