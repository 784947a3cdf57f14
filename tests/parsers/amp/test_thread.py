"""Threads of Amp: a sample made by hand after its notes, and small ones made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import Event
from opensession.parsers.agent import Environment, Root
from opensession.parsers.amp import AGENT
from opensession.parsers.amp.results import outcome
from opensession.parsers.amp.usage import response
from opensession.parsers.detection import detect
from tests.helpers.lines import Whole, read_all, source_of

SAMPLE = "amp/by-hand/threads/T-0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001.json"
CREATED = 1_768_178_184_664


def read_thread(folder: Path, messages: list[Any], **head: Any) -> Whole:
    """Made by hand: a thread of these messages."""
    path = folder / "T-1.json"
    path.write_text(
        json.dumps({"v": 1, "id": "T-1", "created": CREATED, **head, "messages": messages})
    )
    return read_all(AGENT.read, source_of(path, "amp"))[0]


def assistant(number: int, *content: Any, **rest: Any) -> dict[str, Any]:
    return {"role": "assistant", "messageId": number, "content": list(content), **rest}


def user(number: int, *content: Any, sent: int | None = None) -> dict[str, Any]:
    meta = {"meta": {"sentAt": sent}} if sent else {}
    return {"role": "user", "messageId": number, "content": list(content), **meta}


def call(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments, "complete": True}


def result(call_id: str, **run: Any) -> dict[str, Any]:
    return {"type": "tool_result", "toolUseID": call_id, "run": run}


def said(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def kinds(events: list[Event]) -> list[str]:
    return [event.type for event in events]


def test_the_sample_is_told_as_it_went(corpus: Path) -> None:
    path = corpus / SAMPLE
    found, _ = read_all(AGENT.read, source_of(path, "amp"))
    assert found.raw == path.read_bytes()
    assert (found.skipped, found.unknown) == ({}, {})
    assert kinds(found.events) == [
        "UserMessage",
        "Thinking",
        "ShellCommand",
        "ToolResult",
        "FileEdit",
        "ToolResult",
        "AgentMessage",
    ]
    info = found.info
    assert info.id == "T-0199aaaa-bbbb-7ccc-8ddd-eeeeffff0001"
    assert (info.title, info.first_prompt) == ("Fix the off-by-one", "fix the loop bound")
    assert (info.cwd, info.git_branch) == ("/Users/dev/my proj", "main")
    assert (info.git_remote, info.git_commit) == ("https://github.com/dev/proj", "0" * 40)
    assert (info.model, info.provider) == ("claude-opus-4-5-20251101", "anthropic")
    assert info.tool_version == "0.0.1768178000-gaaaaaa"


def test_the_sample_has_the_times_that_it_records_and_no_others(corpus: Path) -> None:
    events = read_all(AGENT.read, source_of(corpus / SAMPLE, "amp"))[0].events
    known = [event.time_us for event in events if not event.attributes.get("time.estimated")]
    first, second, third = 1_768_178_271_390_000, 1_768_178_280_000_000, 1_768_178_300_000_000
    assert known == [first, second, second, third]
    assert [event.time_us for event in events][3] == second, "a result has its response's time"


def test_the_sample_edits_with_the_diff_that_was_recorded(corpus: Path) -> None:
    events = read_all(AGENT.read, source_of(corpus / SAMPLE, "amp"))[0].events
    path = "/Users/dev/my proj/src/main.rs"
    assert events[4].data == {"path": path}
    assert events[5].attributes["result.diff"] == (
        f"--- {path}\n+++ {path}\n-for i in 0..=n\n+for i in 0..n"
    )
    failed = events[3]
    assert failed.data == {"name": "Bash", "is_error": True, "call_id": "toolu_01"}
    assert failed.blocks == [{"type": "Text", "text": "exit 101"}]


def test_the_sample_counts_each_response_once(corpus: Path) -> None:
    found, _ = read_all(AGENT.read, source_of(corpus / SAMPLE, "amp"))
    (usage,) = found.usage.values()
    assert [(u.input, u.output, u.cache_read, u.cache_write) for u in usage] == [
        (12, 80, 3400, 900),
        (8, 60, 4300, 100),
        (6, 5, 4400, 0),
    ]
    assert len({u.message_id for u in usage}) == 3
    assert usage[0].message_id.startswith("T-0199aaaa"), "numbers alone are not an id of a message"
    assert found.events[1].attributes["input_tokens"] == 12


def test_results_of_parallel_calls_have_the_names_of_their_calls(tmp_path: Path) -> None:
    found = read_thread(
        tmp_path,
        [
            assistant(0, call("a", "Read", path="/x.py"), call("b", "Bash", cmd="ls")),
            user(
                1,
                result("b", status="done", result={"output": "x.py\n", "exitCode": 0}),
                result("a", status="done", result={"content": "1: x", "absolutePath": "/x.py"}),
            ),
        ],
    )
    told = [(e.data or {})["name"] for e in found.events if e.type == "ToolResult"]
    assert told == ["Bash", "Read"]
    listed, content = found.events[2], found.events[3]
    assert listed.attributes["result.call_seq"] == 2
    assert listed.attributes["result.exit_code"] == 0
    assert content.attributes["result.call_seq"] == 1
    assert len({event.event_id for event in found.events}) == 4


@pytest.mark.parametrize("status", ["cancelled", "rejected-by-user"])
def test_a_call_that_was_stopped_failed(tmp_path: Path, status: str) -> None:
    found = read_thread(
        tmp_path,
        [
            assistant(0, call("a", "edit_file", path="/x", old_str="1", new_str="2")),
            user(1, result("a", status=status, reason="not now", progress={"output": "half"})),
        ],
    )
    stopped = found.events[1]
    assert stopped.data == {"name": "edit_file", "is_error": True, "call_id": "a"}
    assert stopped.attributes["result.status"] == status
    assert "result.diff" not in stopped.attributes
    assert [block["text"] for block in stopped.blocks] == ["not now", "half"]


@pytest.mark.parametrize("status", ["in-progress", "queued", "blocked-on-user", ""])
def test_a_run_that_is_not_over_is_no_result(tmp_path: Path, status: str) -> None:
    messages = [assistant(0, call("a", "Bash", cmd="make")), user(1, result("a", status=status))]
    assert kinds(read_thread(tmp_path, messages).events) == ["ShellCommand"]


def test_a_thread_that_goes_on_keeps_its_events(tmp_path: Path) -> None:
    messages = [user(0, said("go"), sent=CREATED + 5), assistant(1, call("a", "Bash", cmd="make"))]
    running = [*messages, user(2, result("a", status="in-progress"))]
    before = read_thread(tmp_path, running)
    done = result("a", status="done", result={"output": "ok", "exitCode": 0})
    after = read_thread(tmp_path, [*messages, user(2, done), assistant(3, said("Done."))])
    assert after.events[: len(before.events)] == before.events
    assert kinds(after.events)[2:] == ["ToolResult", "AgentMessage"]


def test_an_edit_without_a_recorded_diff_has_that_of_its_arguments(tmp_path: Path) -> None:
    found = read_thread(
        tmp_path,
        [
            assistant(0, call("a", "edit_file", path="/x", old_str="one\n", new_str="two\n")),
            user(1, result("a", status="done", result="ok")),
        ],
    )
    assert "-one\n+two" in found.events[1].attributes["result.diff"]


def test_a_recorded_diff_begins_with_its_header() -> None:
    diff = "--- /x\toriginal\n+++ /x\tmodified\n@@ -1,1 +1,1 @@\n-a\n+b"
    recorded = f"```diff\nIndex: /x\n=====\n{diff}\n```"
    found = outcome({"status": "done", "result": {"diff": recorded}}, "/x")
    assert found is not None
    assert found.diff == diff
    assert found.blocks == []


def test_a_sub_agent_tells_its_steps_in_its_result(tmp_path: Path) -> None:
    steps = [{"message": "looking", "tool_uses": [{"tool_name": "Read"}]}]
    found = read_thread(
        tmp_path,
        [
            assistant(0, call("a", "Task", prompt="find it", description="Find")),
            user(1, result("a", status="done", result="found", progress=steps)),
        ],
    )
    asked, told = found.events
    assert asked.attributes["semantic.tool_kind"] == "task"
    assert told.blocks == [
        {"type": "Text", "text": "found"},
        {"type": "Json", "data": {"progress": steps}},
    ]


def test_what_comes_beside_results_without_a_time_was_not_typed(tmp_path: Path) -> None:
    ran = result("a", status="done", result="ok")
    messages = [
        user(0, said("typed")),
        assistant(1, call("a", "Bash", cmd="ls"), call("b", "Bash", cmd="ls")),
        user(2, ran, said("reminder")),
        user(3, said("typed too"), sent=CREATED + 9),
    ]
    events = read_thread(tmp_path, messages).events
    assert kinds(events) == [
        "UserMessage", "ShellCommand", "ShellCommand", "ToolResult", "SystemMessage", "UserMessage",
    ]  # fmt: skip


def test_a_turn_that_was_cancelled_is_marked(tmp_path: Path) -> None:
    messages = [assistant(0, said("I wi"), state={"type": "cancelled"})]
    events = read_thread(tmp_path, messages).events
    assert (events[0].type, events[1].data) == ("AgentMessage", {"kind": "interrupted"})


def test_images_stay_in_the_archive(tmp_path: Path) -> None:
    data = {"type": "base64", "mediaType": "image/png", "data": "A" * 4000}
    messages = [user(0, said("see"), {"type": "image", "source": data}, sent=CREATED)]
    (event,) = read_thread(tmp_path, messages).events
    assert event.blocks[1] == {
        "type": "Image",
        "url": "",
        "alt": "image of 3000 bytes",
        "mime": "image/png",
    }


def test_what_is_not_known_is_kept_and_counted(tmp_path: Path) -> None:
    messages = [
        {"role": "info", "messageId": 0, "content": [{"type": "note"}]},
        assistant(1, {"type": "hologram", "x": 1}, 5),
        "text",
        user(2, {"type": "smell"}, said("hello"), sent=CREATED),
    ]
    found = read_thread(tmp_path, messages)
    assert found.unknown == {"role info": 1, "block hologram": 1, "block smell": 1}
    assert found.skipped == {"malformed": 2}
    assert found.info.first_prompt == "hello"


def test_a_thread_of_a_thread_is_a_subagent(tmp_path: Path) -> None:
    info = read_thread(tmp_path, [user(0, said("go"))], mainThreadID="T-0").info
    assert (info.role, info.parent) == ("auxiliary", "T-0")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"inputTokens": 10, "cacheReadInputTokens": 5, "totalInputTokens": 15}, (10, 5, 0)),
        (
            {"model": "gpt-5", "inputTokens": 0, "cacheCreationInputTokens": 70,
             "totalInputTokens": 90, "cacheReadInputTokens": 20},
            (70, 20, 0),
        ),
        (
            {"inputTokens": 100, "cacheReadInputTokens": 60, "cacheCreationInputTokens": 10,
             "totalInputTokens": 100},
            (30, 60, 10),
        ),
        ({"inputTokens": -5, "cacheReadInputTokens": "x", "totalInputTokens": True}, (0, 0, 0)),
    ],
)  # fmt: skip
def test_input_means_uncached_input(usage: dict[str, Any], expected: tuple[int, int, int]) -> None:
    found = response(usage)
    assert (found.input, found.cache_read, found.cache_write) == expected


def test_credits_are_told_and_are_no_cost(tmp_path: Path) -> None:
    usage = {"model": "claude-x", "inputTokens": 5, "outputTokens": 1, "credits": 1.5}
    found = read_thread(tmp_path, [assistant(0, said("hi"), usage=usage)])
    assert found.events[0].attributes["amp.credits"] == 1.5
    (used,) = found.usage["T-1"]
    assert used.cost_microdollars is None


def test_threads_are_found_where_amp_keeps_them(tmp_path: Path) -> None:
    env = Environment(home="/home/a", variables={}, platform="linux")
    assert AGENT.roots(env) == [Root("amp", "/home/a/.local/share/amp/threads", 0)]
    moved = Environment(
        home="/home/a",
        variables={"AMP_DATA_DIR": "/data/amp", "XDG_DATA_HOME": "/xdg"},
        platform="linux",
        extra=("/mnt/old/amp/threads", "relative"),
    )
    assert [root.path for root in AGENT.roots(moved)] == [
        "/data/amp/threads",
        "/mnt/old/amp/threads",
        "/xdg/amp/threads",
    ]
    threads = tmp_path / "threads"
    (threads / "deeper").mkdir(parents=True)
    for name in ("T-2.json", "T-1.json", "T-1.json.tmp", "notes.json", "deeper/T-3.json"):
        (threads / name).write_text("{}")
    root = Root("amp", str(threads), 0)
    assert [Path(s.path).name for s in AGENT.sources(root)] == ["T-1.json", "T-2.json"]
    assert AGENT.source_of(root, str(threads / "deeper" / "T-3.json")) is None
    assert list(AGENT.sources(Root("amp", str(tmp_path / "none"), 0))) == []


def test_a_thread_is_recognised_by_its_content(corpus: Path) -> None:
    head = (corpus / SAMPLE).read_bytes()
    (found,) = detect("/tmp/unnamed.json", head, [AGENT])
    assert found.confidence == 0.9
    assert detect("/tmp/unnamed.json", b'{"id": "T-1"}', [AGENT]) == []


_KEYS = [
    *("type", "text", "content", "role", "run", "status", "result", "input", "id", "usage"),
    *("state", "meta", "sentAt", "progress", "diff", "name", "toolUseID", "source", "created"),
]
_WORDS = ["user", "assistant", "tool_use", "tool_result", "done", "text", "image"]
_any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(_KEYS), inner | st.sampled_from(_WORDS), max_size=5)
    ),
    max_leaves=20,
)
_heads = st.dictionaries(st.sampled_from(["env", "title", "id", "created", "mainThreadID"]), _any)


@given(messages=st.lists(_any, max_size=4), head=_heads)
def test_no_thread_crashes_a_read(
    tmp_path_factory: pytest.TempPathFactory, messages: list[Any], head: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    found = read_thread(folder, messages, **head)
    for events in found.sessions.values():
        assert len({event.event_id for event in events}) == len(events)


@given(cut=st.integers(0, 3000), size=st.integers(1, 3000))
def test_a_thread_that_grows_equals_one_read(
    tmp_path_factory: pytest.TempPathFactory, corpus: Path, cut: int, size: int
) -> None:
    data = (corpus / SAMPLE).read_bytes()
    path = tmp_path_factory.mktemp("cut") / Path(SAMPLE).name
    path.write_bytes(data[:cut])
    source = source_of(path, "amp")
    found, cursor = read_all(AGENT.read, source)
    path.write_bytes(data)
    read_all(AGENT.read, source, cursor, found)
    once, _ = read_all(AGENT.read, source)
    assert (found.events, found.usage, found.info) == (once.events, once.usage, once.info)
