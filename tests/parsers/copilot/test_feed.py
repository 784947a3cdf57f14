"""Records of Copilot, each as the events it is; sessions made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.agent import Source
from opensession.parsers.copilot import book
from opensession.parsers.copilot.feed import feed
from opensession.parsers.jsonl import Line
from tests.parsers.copilot.making import (
    ID,
    SUB,
    answer,
    begin,
    call,
    done,
    encoded,
    events_of,
    read,
    record,
    said,
    start,
    user,
)


def test_what_was_typed_is_the_prompt_not_what_was_sent(tmp_path: Path) -> None:
    (event,) = events_of(tmp_path, user("fix it", transformedContent="<date>now</date> fix it"))

    assert (event.type, said(event)) == ("UserMessage", "fix it")


@pytest.mark.parametrize("source", ["skill-pdf", "agent-x", "schedule-1"])
def test_what_nobody_typed_is_no_prompt(tmp_path: Path, source: str) -> None:
    whole = read(tmp_path, start(), user("read this", source=source), user("go", 1))

    assert [event.type for event in whole.sessions[ID]] == ["SystemMessage", "UserMessage"]
    assert whole.sessions[ID][0].attributes["origin"] == source
    assert whole.infos[ID].first_prompt == "go"


def test_autopilot_goes_on_without_a_person(tmp_path: Path) -> None:
    (event,) = events_of(tmp_path, user("continue", isAutopilotContinuation=True))

    assert (event.type, event.attributes["origin"]) == ("SystemMessage", "autopilot")


def test_attachments_are_blocks_without_their_bytes(tmp_path: Path) -> None:
    attached = [
        {"type": "file", "path": "/a/b.py", "displayName": "b.py"},
        {"type": "selection", "filePath": "/a/c.py", "text": "x = 1", "displayName": "c"},
        {"type": "blob", "mimeType": "image/png", "data": "A" * 4000, "displayName": "shot.png"},
        {"type": "github_url", "url": "https://example.org/1"},
        {"type": "extension_context", "title": "pill"},
        "no attachment",
    ]

    (event,) = events_of(tmp_path, user("see", attachments=attached))

    assert event.blocks[1:] == [
        {"type": "File", "path": "/a/b.py"},
        {"type": "File", "path": "/a/c.py", "content": "x = 1"},
        {"type": "Image", "url": "", "mime": "image/png", "alt": "shot.png"},
        {"type": "Reference", "uri": "https://example.org/1", "media_type": "text/html"},
        {"type": "Text", "text": "pill"},
    ]


def test_the_vendors_prompt_is_no_event(tmp_path: Path) -> None:
    assert events_of(tmp_path, record("system.message", content="You are" * 2000)) == []


def test_a_call_is_told_once(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        call("c1", "bash", {"command": "ls", "description": "List"}, 1),
        begin("c1", "bash", {"command": "ls", "description": "List"}, 2),
        done("c1", "a.py", 252, shellExecution={"exitCode": 0}),
    )

    assert [event.type for event in events] == ["ShellCommand", "ToolResult"]
    assert events[1].attributes["result.call_seq"] == 1
    assert events[1].attributes["result.duration_ms"] == 250
    assert events[1].attributes["result.exit_code"] == 0


def test_a_call_that_no_message_asked_for_is_told_at_its_start(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        record(
            "tool.user_requested", 1, toolCallId="c", toolName="bash", arguments={"command": "w"}
        ),
        begin("c", "bash", {"command": "w"}, 2),
        done("c", "me", 3),
        begin("d", "view", {"path": "/x"}, 4),
        done("d", "text", 5),
    )

    assert [event.type for event in events] == [
        "ShellCommand",
        "ToolResult",
        "FileRead",
        "ToolResult",
    ]
    assert events[0].attributes["user_requested"] is True


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("grep", {"pattern": "x"}, "CodeSearch"),
        ("glob", {"pattern": "*.py"}, "FileSearch"),
        ("web_fetch", {"url": "https://example.org"}, "WebFetch"),
        ("str_replace_editor", {"command": "view", "path": "/x"}, "FileRead"),
        ("str_replace_editor", {"command": "create", "path": "/x", "file_text": "1"}, "FileCreate"),
        ("str_replace_editor", {"command": "insert", "path": "/x", "new_str": "1"}, "FileEdit"),
        ("str_replace_editor", {"command": "undo"}, "ToolCall"),
        ("apply_patch", "*** Begin Patch\n*** Delete File: a\n*** End Patch", "FileDelete"),
        ("bash", {}, "ToolCall"),
        ("bash", None, "ToolCall"),
        ("report_intent", {"intent": "Reading"}, "ToolCall"),
    ],
)
def test_tools_are_what_they_do(tmp_path: Path, name: str, arguments: Any, kind: str) -> None:
    (event,) = events_of(tmp_path, call("c", name, arguments))

    assert event.type == kind
    assert event.attributes["tool_use_name"] == name


def test_a_tool_of_a_server_has_its_name(tmp_path: Path) -> None:
    request = {
        "toolCallId": "c",
        "name": "github-search",
        "mcpServerName": "github",
        "mcpToolName": "search",
        "arguments": {"q": "x"},
    }

    (event,) = events_of(tmp_path, answer(toolRequests=[request]))

    assert event.data == {"name": "mcp__github__search"}


@pytest.mark.parametrize(
    "told",
    [
        {"shellExecution": {"exitCode": 3}},
        {"result": {"contents": [{"type": "shell_exit", "exitCode": 3, "shellId": "0"}]}},
        {"toolTelemetry": {"metrics": {"exit_code": 3.0}}},
        {"result": {"content": "boom\n<exited with exit code 3>"}},
        {"result": {"content": "boom\n<shellId: main completed with exit code 3>"}},
    ],
)
def test_an_exit_code_is_found_wherever_it_stands(tmp_path: Path, told: dict[str, Any]) -> None:
    events = events_of(tmp_path, call("c", "bash", {"command": "x"}), done("c", **told))

    assert events[1].attributes["result.exit_code"] == 3
    assert events[1].data == {"name": "bash", "is_error": True, "call_id": "c"}


def test_a_failed_edit_has_no_diff(tmp_path: Path) -> None:
    error = {"message": "No match found", "code": "failure"}
    edit = {"path": "/x", "old_str": "a", "new_str": "b"}

    events = events_of(
        tmp_path, call("c", "edit", edit), done("c", success=False, error=error, result={})
    )

    assert said(events[1]) == "No match found"
    assert events[1].attributes["error_code"] == "failure"
    assert "result.diff" not in events[1].attributes


def test_an_edit_without_a_reported_diff_has_that_of_its_arguments(tmp_path: Path) -> None:
    edit = {"path": "/x", "old_str": "a", "new_str": "b"}

    events = events_of(tmp_path, call("c", "edit", edit), done("c", "updated"))

    assert events[1].attributes["result.diff"].endswith("-a\n+b")


def test_files_that_a_command_changed_are_named(tmp_path: Path) -> None:
    edits = [{"path": "/x", "kind": "edit"}, {"path": "/y", "kind": "create"}]

    events = events_of(
        tmp_path, call("c", "bash", {"command": "sed"}), done("c", "", fileEdits=edits)
    )

    assert events[1].attributes["file_edits"] == ["/x", "/y"]


def test_equal_thoughts_of_two_messages_are_two(tmp_path: Path) -> None:
    events = events_of(
        tmp_path, answer("a", 1, reasoningText="Hm."), answer("b", 2, reasoningText="Hm.")
    )

    assert [event.type for event in events] == ["Thinking", "AgentMessage"] * 2


def test_a_thought_with_a_record_of_its_own_is_told_once(tmp_path: Path) -> None:
    alone = record("assistant.reasoning", 1, content="Hm.", reasoningId="r")

    before = events_of(tmp_path, alone, answer("a", 2, reasoningText="Hm."))
    after = events_of(tmp_path, answer("a", 1, reasoningText="Hm."), alone)

    assert [event.type for event in before] == ["Thinking", "AgentMessage"]
    assert [event.type for event in after] == ["Thinking", "AgentMessage"]


def test_what_happened_to_the_session_is_told(tmp_path: Path) -> None:
    events = events_of(
        tmp_path,
        user("go"),
        record("session.model_change", 1, newModel="o3", previousModel="gpt-5"),
        record("session.truncation", 2, preTruncationTokensInMessages=9, performedBy="x"),
        record("session.compaction_complete", 3, success=True, summaryContent="So far"),
        record("session.compaction_complete", 4, success=False, error="too large"),
        record("session.error", 5, errorType="rate_limit", message="Slow down", statusCode=429),
        record("abort", 6, reason="user_initiated"),
        record("hook.end", 7, hookType="preToolUse", success=False, error={"message": "no"}),
        record("hook.end", 8, hookType="preToolUse", success=True, output={}),
        record("skill.invoked", 9, name="pdf", path="/s/SKILL.md", content="Do", description="D"),
        record(
            "system.notification", 10, content="<system_notification>done</system_notification>"
        ),
        record("session.warning", 11, warningType="mcp", message="No server"),
        record("session.handoff", 12, remoteSessionId="other", summary="Before"),
    )

    told = [((event.data or {}).get("kind", event.type), said(event)) for event in events[1:]]
    assert told == [
        ("model_changed", ""),
        ("context_compacted", ""),
        ("context_compacted", "So far"),
        ("SystemMessage", "Compaction failed: too large"),
        ("SystemMessage", "Slow down"),
        ("turn_aborted", ""),
        ("SystemMessage", "Hook preToolUse:\nno"),
        ("SystemMessage", "Skill pdf: D"),
        ("SystemMessage", "done"),
        ("SystemMessage", "No server"),
        ("handoff", "Before"),
    ]
    assert events[2].attributes["compact.tokens_before"] == 9
    assert events[5].attributes["status_code"] == 429


def test_a_shutdown_ends_a_session_until_something_follows() -> None:
    source = Source("copilot", "/r", f"/r/{ID}/events.jsonl")
    ended = [start(), user("go"), record("session.shutdown", 1)]

    def last(*records: dict[str, Any]) -> bool:
        lines = [Line(0, json.dumps(each).encode(), False) for each in records]
        return feed(source, b"", lines).sessions[0].ended

    assert last(*ended)
    assert not last(*ended, record("session.resume", 2))


def test_a_subagent_of_an_older_version_is_known_by_its_call(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        start(),
        call("t1", "task", {"prompt": "look", "description": "Look"}, 1),
        record("subagent.started", 2, toolCallId="t1", agentName="explore", agentDescription="d"),
        answer("found", 3, parentToolCallId="t1"),
        record("subagent.completed", 4, toolCallId="t1", agentName="explore"),
        done("t1", "found", 5),
    )

    child = f"{ID}.t1"
    assert set(whole.sessions) == {ID, child}
    assert [event.type for event in whole.sessions[child]] == ["AgentMessage"]
    assert whole.infos[child].parent_call_id == "t1"
    assert whole.sessions[ID][-1].attributes["subagent_id"] == child


def test_a_subagents_subagent_has_it_as_parent(tmp_path: Path) -> None:
    inner = SUB.replace("2", "3")

    whole = read(
        tmp_path,
        start(),
        record("subagent.started", 1, SUB, toolCallId="t1"),
        call("t2", "task", {"prompt": "deeper"}, 2, SUB),
        record("subagent.started", 3, inner, toolCallId="t2"),
        answer("deep", 4, inner),
    )

    assert whole.infos[SUB].parent == ID
    assert whole.infos[inner].parent == SUB


def test_too_many_subagents_lose_nothing_but_the_oldest(tmp_path: Path) -> None:
    several = [answer("hi", at, f"a{at}") for at in range(book.SUBAGENTS + 1)]

    whole = read(tmp_path, start(), *several, answer("again", 900, "a0"), answer("x", 901, "a9"))

    assert len(whole.sessions) == book.SUBAGENTS + 2
    assert len(whole.sessions[f"{ID}.a0"]) == 1
    assert len(whole.sessions[f"{ID}.a9"]) == 2
    assert whole.skipped == {"of a subagent long ago": 1}


def test_what_is_remembered_of_subagents_is_bounded() -> None:
    source = Source("copilot", "/r", f"/r/{ID}/events.jsonl")
    created = {"path": "/x", "file_text": "a line\n" * 10_000}
    made = [call(f"c{at}", "create", created, at, f"a{at}") for at in range(60)]
    lines = [Line(0, json.dumps(each).encode(), False) for each in made]

    fed = feed(source, b"", lines)

    assert len(fed.sessions) == 61
    assert len(fed.state) < 3 << 20


def test_what_is_unknown_is_kept_and_counted(tmp_path: Path) -> None:
    whole = read(tmp_path, start(), record("session.dance", 1, steps=3))

    (event,) = whole.sessions[ID]
    assert event.data == {"kind": "unknown:session.dance"}
    assert event.blocks == [{"type": "Json", "data": {"steps": 3}}]
    assert whole.unknown == {"session.dance": 1}


def test_what_is_broken_is_counted_and_loses_nothing_else(tmp_path: Path) -> None:
    whole = read(tmp_path, start(), b"{no json", b"[1]", b'{"data":{}}', user("go"))

    assert len(whole.sessions[ID]) == 1
    assert whole.skipped == {"malformed": 2, "without a type": 1}


def test_without_a_time_the_last_one_is_taken_and_said_so(tmp_path: Path) -> None:
    late = user("go", 1)
    late["timestamp"] = "yesterday"

    events = events_of(tmp_path, user("first", 5), late)

    assert events[1].time_us == events[0].time_us
    assert events[1].attributes["time.estimated"] is True


def test_a_line_too_long_is_head_and_end() -> None:
    tail = b'","agentId":"%s","id":"e1","timestamp":"2026-02-03T04:05:06.000Z"}' % SUB.encode()
    head = b'{"type":"tool.execution_complete","data":{"toolCallId":"c1","result":"'
    source = Source("copilot", "/r", f"/r/{ID}/events.jsonl")
    first = feed(
        source, b"", [Line(0, encoded(call("c1", "bash", {"command": "x"}, 1, SUB)), False)]
    )

    fed = feed(source, first.state, [Line(9, head + b" [...] " + tail, True)])

    (event,) = fed.sessions[1].events
    assert (event.type, event.event_id) == ("ToolResult", "e1")
    assert event.attributes["result.call_seq"] == 1
    assert fed.skipped == {"oversized": 1}


def test_a_session_taken_over_from_the_first_versions_is_all_told(tmp_path: Path) -> None:
    legacy = {
        "sessionId": ID,
        "startTime": "2025-10-01T10:00:00.000Z",
        "chatMessages": [{"role": "user", "content": "hello"}],
        "timeline": [],
    }

    (event,) = events_of(tmp_path, record("session.import_legacy", legacySession=legacy))

    assert (event.type, said(event)) == ("UserMessage", "hello")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [
        *("session.start", "session.resume", "session.model_change", "session.usage_record"),
        *("session.shutdown", "session.compaction_complete", "session.error", "session.handoff"),
        *("user.message", "assistant.message", "assistant.reasoning", "hook.end", "abort"),
        *("tool.execution_start", "tool.execution_complete", "tool.user_requested"),
        *("subagent.started", "subagent.completed", "skill.invoked", "session.import_legacy"),
        *("system.notification", "session.info", "never.heard.of"),
    ]
)
FIELDS = st.sampled_from(
    [
        *("content", "toolRequests", "toolCallId", "result", "error", "usage", "modelMetrics"),
        *("context", "attachments", "arguments", "toolName", "parentToolCallId", "fileEdits"),
        *("legacySession", "output", "kind", "success", "compactionTokensUsed", "outputTokens"),
    ]
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": KINDS, "data": st.dictionaries(FIELDS, JSON) | JSON},
            optional={"agentId": JSON, "id": JSON, "timestamp": JSON},
        ),
        min_size=1,
        max_size=6,
    )
)
def test_no_record_is_too_strange_to_read(records: list[dict[str, Any]]) -> None:
    source = Source("copilot", "/r", f"/r/{ID}/events.jsonl")
    lines = [Line(0, json.dumps(each).encode(), False) for each in records]

    whole = feed(source, b"", lines)

    state, told = b"", 0
    for line in lines:
        fed = feed(source, state, [line])
        state = fed.state
        told += sum(len(session.events) for session in fed.sessions)
    assert told == sum(len(session.events) for session in whole.sessions)
    assert state == whole.state
