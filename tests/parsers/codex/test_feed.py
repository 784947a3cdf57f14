"""Rollouts of every dialect, whole: sessions, copies, damage."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from opensession.core import ids
from opensession.core.hail import Event, SessionInfo, Usage
from opensession.parsers import jsonl
from opensession.parsers.agent import Source
from opensession.parsers.codex import AGENT
from opensession.parsers.codex.feed import feed
from opensession.parsers.codex.state import load
from opensession.parsers.jsonl import Line
from tests.helpers.lines import Whole, read_all, read_bytes, source_of
from tests.parsers.codex import making
from tests.parsers.codex.making import ID, NAME, encoded, event, item, message, meta, read, shapes

DATA = Path(__file__).parent / "data"
FLAT = "5973b6c0-94b8-487b-a530-2aeb6098ae0e"
MID = "0199d7c2-0d7e-7a33-8c51-7f2f3a6f1c11"


def recorded(stem: str) -> Whole:
    (path,) = DATA.glob(f"*{stem}.jsonl")
    return read_all(AGENT.read, source_of(path, "codex"))[0]


def test_the_flat_dialect() -> None:
    whole = recorded(FLAT)
    info = whole.info

    assert (info.id, info.git_branch, info.git_commit[:4]) == (FLAT, "trunk", "0123")
    assert info.git_remote == "https://git.example/dev/app.git"
    assert info.first_prompt == "List the files, then add a note."
    assert shapes(whole.events) == [
        (
            "SystemMessage",
            "<environment_context>\n  <cwd>/home/dev/app</cwd>\n</environment_context>",
        ),
        ("UserMessage", "List the files, then add a note."),
        ("Thinking", "**Listing**\n\nI will use ls."),
        ("ShellCommand", {"command": "ls -a"}),
        ("ToolResult", {"name": "shell", "is_error": False, "call_id": "call_flat1"}),
        ("ShellCommand", {"command": "python3 app.py --name 'a b'"}),
        ("ToolResult", {"name": "local_shell", "is_error": True, "call_id": "call_flat2"}),
        ("FileCreate", {"path": "notes.md"}),
        ("ToolResult", {"name": "apply_patch", "is_error": False, "call_id": "call_flat3"}),
        ("AgentMessage", "Done: app.py, and notes.md is new."),
        ("AgentMessage", "Done: app.py, and notes.md is new."),
    ]
    results = [e.attributes for e in whole.events if e.type == "ToolResult"]
    assert [a["result.exit_code"] for a in results] == [0, 2, 0]
    assert [a["result.duration_ms"] for a in results] == [200, 1500, 0]
    assert results[2]["result.diff"] == ("--- /dev/null\n+++ notes.md\n@@ -0,0 +1,2 @@\n+one\n+two")
    assert (whole.skipped, whole.unknown) == ({}, {})


def test_lines_without_a_time_have_the_last_known_one() -> None:
    """DECISIONS §3: a record without a time takes the last known time, `time.estimated`."""
    events = recorded(FLAT).events

    assert {e.time_us for e in events} == {1746638661_123000}
    assert all(e.attributes["time.estimated"] is True for e in events)


def test_equal_events_without_ids_get_numbers() -> None:
    """DECISIONS §2: `.<n>` for the n-th equal one."""
    first, second = recorded(FLAT).events[-2:]

    assert second.event_id == first.event_id + ".2"
    assert len(first.event_id) == 16


def test_the_middle_dialect() -> None:
    whole = recorded(MID)
    info = whole.info

    assert (info.id, info.model, info.provider) == (MID, "gpt-5-codex", "openai")
    assert (info.tool_version, info.git_branch) == ("0.46.0", "feature/limits")
    assert info.first_prompt == "Raise the limit to 20."
    kinds = [kind for kind, _ in shapes(whole.events)]
    assert kinds == [
        "SystemMessage",
        "TaskStart",
        "UserMessage",
        "Thinking",
        "ShellCommand",
        "Custom",
        "ToolResult",
        "FileEdit",
        "FileDelete",
        "ToolResult",
        "ToolResult",
        "AgentMessage",
        "Custom",
        "TaskEnd",
    ]
    assert whole.events[7].data == {"path": "app.py"}
    assert whole.events[8].data == {"path": "old.py"}
    edited, deleted = whole.events[9], whole.events[10]
    assert edited.attributes["result.diff"] == (
        "--- app.py\n+++ app.py\n@@ -2,3 +2,3 @@\n # limits\n-LIMIT = 10\n+LIMIT = 20\n "
    )
    assert deleted.attributes["result.diff"] == (
        "--- old.py\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-gone"
    )
    assert (edited.attributes["result.call_seq"], deleted.attributes["result.call_seq"]) == (8, 9)
    assert [e.attributes["semantic.call_id"] for e in whole.events[7:11]] == [
        "call_mid2",
        "call_mid2:1",
        "call_mid2",
        "call_mid2:1",
    ]
    assert [(u.input, u.cache_read, u.output) for u in whole.usage[MID]] == [
        (400, 600, 50),
        (500, 1000, 80),
    ]
    assert (whole.skipped, whole.unknown) == ({}, {})


def test_a_turn_without_an_id_is_known_by_its_beginning() -> None:
    events = recorded(MID).events

    assert events[1].type == "TaskStart"
    assert events[-1].task_id == events[1].event_id
    assert events[-1].data == {}, "the summary was said by the last message"


def test_a_rollout_that_has_only_events_keeps_its_messages(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        event("user_message", 1, message="Hello"),
        event("agent_reasoning", 2, text="Thinking"),
        event("agent_message", 3, message="Hi"),
        event("user_message", 4, message="Bye"),
    )

    assert shapes(whole.events) == [
        ("UserMessage", "Hello"),
        ("Thinking", "Thinking"),
        ("AgentMessage", "Hi"),
        ("UserMessage", "Bye"),
    ]
    assert whole.info.first_prompt == "Hello"


def test_a_message_is_given_once_whichever_copy_comes_first(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        event("user_message", 1, message="Hello"),
        message("user", "Hello", at=2),
        message("assistant", "Hi", at=3),
        event("agent_message", 4, message="Hi"),
        event("agent_message", 5, message="Hi again"),
        message("assistant", "Hi again", at=6),
        message("user", "Hello", at=7),
        event("user_message", 8, message="Hello"),
    )

    assert shapes(whole.events) == [
        ("UserMessage", "Hello"),
        ("AgentMessage", "Hi"),
        ("AgentMessage", "Hi again"),
        ("UserMessage", "Hello"),
    ]


def test_the_first_header_is_the_sessions_own(tmp_path: Path) -> None:
    """A fork or a resumed copy carries the headers of what it was made from."""
    other = "01999999-0000-7000-8000-00000000000a"
    whole = read(
        tmp_path,
        meta(forked_from_id=other, cwd="/home/dev/fork"),
        meta(id=other, cwd="/home/dev/origin", cli_version="0.1.0"),
        message("user", "Hello"),
    )

    assert whole.info.id == ID
    assert whole.info.cwd == "/home/dev/fork"
    assert whole.info.tool_version == "0.50.0"
    assert whole.info.related == [other]
    assert whole.info.attributes["forked_from_id"] == other


def test_without_a_header_the_file_name_names_the_session(tmp_path: Path) -> None:
    data = encoded(message("user", "Hello"))

    assert read_bytes(AGENT, tmp_path, NAME, data).info.id == ID
    assert read_bytes(AGENT, tmp_path, "rollout.jsonl", data).info.id == "rollout"


def test_an_id_that_does_not_fit_is_replaced_and_kept(tmp_path: Path) -> None:
    """DECISIONS §2: what does not fit becomes `<agent>-<20 hex>`, with attribute `native_id`."""
    whole = read(tmp_path, meta(id="../../etc/passwd"), message("user", "Hello"))

    assert ids.fits(whole.info.id)
    assert whole.info.id.startswith("codex-")
    assert whole.info.attributes["native_id"] == "../../etc/passwd"


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        ({"source": {"subagent": {"thread_spawn": {"parent_thread_id": "p", "depth": 1}}}}, "p"),
        ({"source": {"subagent": {"parent_thread_id": "p"}}}, "p"),
        ({"source": {"subagent": "review"}}, ""),
        ({"source": {"subagent": {"other": "guardian"}}}, ""),
        ({"source": {"parent_thread_id": "p"}}, "p"),
        ({"parent_thread_id": "p"}, "p"),
        ({"thread_source": "subagent"}, ""),
        ({"agent_role": "explorer"}, ""),
    ],
)
def test_subagents_of_every_age_are_auxiliary(
    tmp_path: Path, fields: dict[str, object], parent: str
) -> None:
    """DECISIONS §2: a subagent is a session of its own, role auxiliary."""
    info = read(tmp_path, meta(**fields)).info

    assert (info.role, info.parent) == ("auxiliary", parent)


def test_a_header_alone_is_a_session(tmp_path: Path) -> None:
    whole = read(tmp_path, meta())

    assert whole.info.id == ID
    assert whole.events == []


def test_settings_change_on_the_way(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        making.line("turn_context", {"cwd": "/home/dev/app", "model": "m-1"}),
        message("assistant", "one", at=1),
        making.line("turn_context", {"cwd": "/home/dev/app/sub", "model": "m-2"}, 2),
        message("assistant", "two", at=3),
        event("thread_name_updated", 4, thread_id=ID, thread_name="Limits"),
    )

    assert [e.attributes["model"] for e in whole.events] == ["m-1", "m-2"]
    assert (whole.info.model, whole.info.title) == ("m-2", "Limits")
    assert (whole.info.cwd, whole.info.last_cwd) == ("/home/dev/app", "/home/dev/app/sub")


def test_a_malformed_line_costs_that_line(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        meta(),
        message("user", "one"),
        b'{"timestamp": "2026-02-03T04:06:00Z", "type": "resp',
        b"\x00\x00\x00\x00",
        b"[1, 2]",
        message("user", "two", at=1),
    )

    assert [text for _, text in shapes(whole.events)] == ["one", "two"]
    assert whole.skipped == {"malformed": 3}


def test_a_field_of_an_unexpected_type_costs_that_field(tmp_path: Path) -> None:
    odd = message("user", "Hello", at=1, status=17, id=["x"])
    odd["payload"]["content"].append({"type": "input_text", "text": 5})
    odd["payload"]["content"].append({"type": "input_text", "text": "World"})
    whole = read(tmp_path, odd)

    assert whole.events[0].blocks == [
        {"type": "Text", "text": "Hello"},
        {"type": "Text", "text": "World"},
    ]
    assert whole.skipped == {}


def test_bad_utf_8_does_not_cost_a_line(tmp_path: Path) -> None:
    bad = json.dumps(message("user", "caf#")).encode().replace(b"#", b"\xe9")
    lone = json.dumps(message("user", "caf#", at=1)).encode().replace(b"#", b"\\ud83d")

    whole = read(tmp_path, meta(), bad, lone)

    assert [text for _, text in shapes(whole.events)] == ["caf�", "caf�"]


def test_unknown_records_are_kept_and_counted(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        making.line("hologram", {"a": 1}),
        item("hologram", 1, b=2),
        event("hologram", 2, c=3),
        making.completed("Hologram", 3, id="h", d=4),
    )

    assert whole.unknown == {
        "hologram": 1,
        "response_item/hologram": 1,
        "event_msg/hologram": 1,
        "event_msg/item_completed/Hologram": 1,
    }
    assert [e.data for e in whole.events] == [{"kind": f"unknown:{kind}"} for kind in whole.unknown]
    assert whole.events[0].blocks == [{"type": "Json", "data": {"a": 1}}]
    assert whole.events[3].blocks[0]["data"]["item"] == {"type": "Hologram", "id": "h", "d": 4}


def test_an_oversized_output_is_the_result_of_its_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §8: indexed as head and tail with a mark."""
    monkeypatch.setattr(jsonl, "LINE_LIMIT", 5000)
    monkeypatch.setattr(jsonl, "KEPT_BYTES", 500)
    whole = read(
        tmp_path,
        making.shell("call_1", "cat big"),
        making.output("call_1", "word " * 2000, at=5),
        message("assistant", "word " * 2000, at=6),
    )

    assert [e.type for e in whole.events] == ["ShellCommand", "ToolResult", "Custom"]
    result, other = whole.events[1:]
    assert result.attributes["result.call_seq"] == 1
    assert "bytes left out" in result.blocks[0]["text"]
    assert result.time_us - whole.events[0].time_us == 5000
    assert other.data == {"kind": "oversized"}
    assert whole.skipped == {"oversized": 2}


def test_context_that_was_compacted_is_marked_once(tmp_path: Path) -> None:
    replaced = {"message": "So far: much.", "replacement_history": [{"type": "message"}]}
    whole = read(
        tmp_path,
        making.line("compacted", replaced),
        event("context_compacted", 1),
        event("context_compacted", 2),
    )

    assert [e.data for e in whole.events] == [{"kind": "context_compacted"}] * 2
    assert whole.events[0].blocks == [{"type": "Text", "text": "So far: much."}]


def test_a_turn_ends_with_what_was_not_said_before(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        event("task_started", 1, turn_id="t1"),
        message("assistant", "Working", at=2),
        event("task_complete", 3, turn_id="t1", last_agent_message="Done", duration_ms=20),
    )

    start, _, end = whole.events
    assert (start.type, start.task_id, start.event_id) == ("TaskStart", "t1", "t1:start")
    assert (end.type, end.task_id, end.data) == ("TaskEnd", "t1", {"summary": "Done"})
    assert end.duration_ms == 20


def test_state_stays_small_however_long_the_session(tmp_path: Path) -> None:
    """The size of a cursor must not grow with the session's."""
    records: list[dict[str, object]] = [meta()]
    patch = "*** Begin Patch\n*** Add File: f\n" + "+x\n" * 20_000 + "*** End Patch"
    for n in range(600):
        records.append(making.shell(f"call_{n}", "sleep 1", n))
        records.append(event("user_message", n, message=f"m{n}"))
        records.append(meta(id=f"other-{n}"))
        if n % 20 == 0:
            records.append(
                item("custom_tool_call", n, name="apply_patch", input=patch, call_id=f"p{n}")
            )
    path = tmp_path / NAME
    path.write_bytes(encoded(*records))

    _, cursor = read_all(AGENT.read, source_of(path, "codex"))

    assert len(cursor.state) < (1 << 20) + 40_000


RECORDS = st.sampled_from(
    [
        meta(),
        meta(id="other"),
        making.line("turn_context", {"model": "m", "cwd": "/x"}),
        message("user", "Hello"),
        message("user", "<environment_context>"),
        message("assistant", "Hi"),
        message("developer", "Rules", id="m1"),
        event("user_message", message="Hello"),
        event("agent_message", message="Hi"),
        event("agent_reasoning", text="Hm"),
        item("reasoning", summary=[{"type": "summary_text", "text": "Hm"}]),
        making.shell("c1", "ls"),
        making.output("c1", "Chunk ID: 1\nWall time: 1.5 seconds\nOutput:\nx"),
        making.completed("CommandExecution", id="c1", command=["ls"], exit_code=1),
        making.completed("CommandExecution", id="c2", command=["ls"], exit_code=0),
        item(
            "custom_tool_call",
            name="apply_patch",
            call_id="c3",
            input="*** Begin Patch\n*** Add File: a\n+x\n*** Delete File: b\n*** End Patch",
        ),
        item("custom_tool_call_output", call_id="c3", output="Exit code: 0\nOutput:\nok"),
        event("task_started"),
        event("task_complete", last_agent_message="Hi"),
        event("turn_aborted", reason="interrupted"),
        event(
            "token_count",
            info={
                "total_token_usage": {"input_tokens": 5},
                "last_token_usage": {"input_tokens": 5},
            },
        ),
        {"type": "message", "role": "user", "content": "flat"},
        {"timestamp": "x", "type": "mystery", "payload": {"type": "z"}},
        {},
    ]
)


@given(
    st.lists(RECORDS | st.binary(max_size=20).filter(lambda b: b"\n" not in b), max_size=25),
    st.integers(1, 5),
)
@settings(max_examples=100, deadline=None)
def test_how_lines_are_cut_into_calls_makes_no_difference(
    records: list[dict[str, object] | bytes], size: int
) -> None:
    """A feed is a pure function: its result is independent of the cuts (agent.py)."""
    lines = [Line(n, data, False) for n, data in enumerate(encoded(*records).split(b"\n")[:-1])]
    source = source_of(Path("/x") / NAME, "codex")
    once = fed_in(source, [lines])
    piecewise = fed_in(source, [lines[n : n + size] for n in range(0, len(lines), size)])

    assert once == piecewise


def fed_in(source: Source, pieces: list[list[Line]]) -> tuple[object, ...]:
    state = b""
    events: list[Event] = []
    usage: list[Usage] = []
    info: SessionInfo | None = None
    skipped: dict[str, int] = {}
    for lines in pieces:
        if not lines:
            continue
        fed = feed(source, state, lines)
        state = fed.state
        for reason, count in (fed.skipped | fed.unknown).items():
            skipped[reason] = skipped.get(reason, 0) + count
        for session in fed.sessions:
            assert session.keep == len(events)
            events += session.events
            usage += session.usage
            info = session.info
    assert len({each.event_id for each in events}) == len(events)
    return events, usage, info, skipped, load(state)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["update", "x" * 30, "*** Begin Patch\n*** Add File: a\n+x", '{"output":']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "command", "cmd", "url", "query", "add", "Ok", "secs"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
FIELDS = [
    "id", "role", "content", "name", "arguments", "call_id", "output", "input", "action",
    "summary", "status", "source", "git", "model", "info", "item", "usage", "changes", "duration",
    "command", "exit_code", "message", "text", "turn_id", "invocation", "result", "tools",
    "thread_settings", "history_base", "namespace", "duration_ms", "aggregated_output", "cwd",
    "parent_thread_id", "review_output", "fragments", "summary_text", "content_items", "queries",
]  # fmt: skip
KINDS = [
    "session_meta", "response_item", "event_msg", "turn_context", "compacted", "world_state",
    "token_usage_record", "inter_agent_communication", "message",
]  # fmt: skip
INNER = [
    "message", "reasoning", "function_call", "custom_tool_call", "local_shell_call",
    "web_search_call", "image_generation_call", "tool_search_call", "function_call_output",
    "tool_search_output", "item_completed", "token_count", "user_message", "task_started",
    "task_complete", "turn_aborted", "exec_command_end", "patch_apply_end", "mcp_tool_call_end",
    "view_image_tool_call", "sub_agent_activity", "exited_review_mode", "thread_rolled_back",
]  # fmt: skip
ITEMS = [
    "CommandExecution", "FileChange", "McpToolCall", "DynamicToolCall", "CollabAgentToolCall",
    "ImageView", "UserMessage", "AgentMessage", "Reasoning", "Plan", "HookPrompt",
]  # fmt: skip
ODD = st.builds(
    lambda outer, inner, fields, kind, inside: {
        "timestamp": "2026-02-03T04:05:06.789Z",
        "type": outer,
        "payload": {"type": inner, "item": {"type": kind, **inside}, **fields},
    },
    st.sampled_from(KINDS),
    st.sampled_from(INNER),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6),
    st.sampled_from(ITEMS),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
)


@given(st.lists(ODD, max_size=6), st.binary(max_size=200))
@example([], b'{"payload": {"id": ' + b"[" * 5000)
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_a_file_holds_raises(
    tmp_path: Path, records: list[dict[str, object]], noise: bytes
) -> None:
    """And whatever comes of it can be stored."""
    whole = read_bytes(AGENT, tmp_path, NAME, encoded(meta(), *records, noise))

    msgspec.msgpack.encode(whole.events)
    msgspec.json.encode(whole.events)
    msgspec.msgpack.encode(whole.info)
    assert [each.seq for each in whole.usage[whole.info.id]] == [
        n
        for n, each in enumerate(whole.events, 1)
        if each.data == {"kind": "token_count"} and "message_id" in each.attributes
    ]


def test_random_bytes_give_no_session_or_a_harmless_one(tmp_path: Path) -> None:
    for seed in range(30):
        data = random.Random(seed).randbytes(20_000)
        path = tmp_path / f"rollout-{seed}.jsonl"
        path.write_bytes(data)
        whole, _ = read_all(AGENT.read, source_of(path, "codex"))
        assert set(whole.skipped) <= {"malformed"}
        assert whole.sessions == {}
