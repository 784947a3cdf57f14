"""Goose's database: what is read, when it is read again, and what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.parsers.agent import Root, SourceRefused
from opensession.parsers.databases import close_databases
from opensession.parsers.goose import AGENT
from opensession.parsers.goose.pull import RECENT
from tests.parsers.goose.making import V5, V16, Goose, Reader, answered, called, said


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


def test_the_corpus(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "sessions.db").write_bytes((corpus / "goose/sessions-v16/sessions.db").read_bytes())
    (source,) = AGENT.sources(Root("goose", str(tmp_path)))
    delta = AGENT.read(source, None)
    child, parent = delta.sessions
    assert (delta.skipped, delta.unknown, delta.keeps) == ({}, {}, True)
    assert [event.type for event in parent.events] == [
        "UserMessage", "SystemMessage", "Thinking", "AgentMessage", "ShellCommand", "FileEdit",
        "ToolResult", "ToolResult", "AgentMessage",
    ]  # fmt: skip
    info = parent.info
    assert (info.id, info.title, info.cwd) == (
        "20260816_3",
        "Add greeting function",
        "/home/dev/projects/demo",
    )
    assert (info.provider, info.model) == ("anthropic", "claude-sonnet-4-5")
    assert info.first_prompt == "Make a hello.py with a greeting function"
    assert parent.events[0].time_us == 1786854320_000_000
    assert [event.data["is_error"] for event in parent.events[6:8] if event.data] == [False, True]
    assert "result.diff" not in parent.events[7].attributes  # the edit failed
    assert (child.info.role, child.info.parent) == ("auxiliary", "20260816_3")
    usage = {one.message_id: one for one in parent.usage}
    assert sorted(usage) == ["chatcmpl-1", "chatcmpl-2"]
    first = usage["chatcmpl-1"]
    assert (first.input, first.cache_read, first.cache_write, first.output) == (1066, 6000, 400, 81)
    assert (first.cost_microdollars, first.seq) == (30_000, 6)
    assert usage["chatcmpl-2"].cost_microdollars == 6500


@pytest.mark.parametrize("schema", [V5, V16], ids=["v5", "v16"])
def test_an_append_gives_what_was_appended(tmp_path: Path, schema: str) -> None:
    goose = Goose(tmp_path, schema)
    goose.session("a")
    goose.message("a", "user", said("one"))
    reader = Reader(goose.path).read()
    assert reader.words("a") == ["one"]
    goose.message("a", "assistant", said("two"))
    goose.session("b")
    goose.message("b", "user", said("other"))
    assert reader.read().told == {"a": 1, "b": 1}
    assert reader.words("a") == ["one", "two"]
    assert reader.read().told == {}


@pytest.mark.parametrize("schema", [V5, V16], ids=["v5", "v16"])
def test_a_conversation_that_was_inserted_again(tmp_path: Path, schema: str) -> None:
    """Compaction gives all rows new ids: the same events, from the first that changed others."""
    goose = Goose(tmp_path, schema)
    goose.session("a")
    for word in ("one", "two", "three"):
        goose.message("a", "user", said(word))
    reader = Reader(goose.path).read()
    before = reader.sessions["a"]
    goose.replace("a", 2)
    reader.read()
    assert [delta.sessions[0].keep for delta in reader.deltas] == [0]
    assert reader.sessions["a"] == before[:2]
    goose.message("a", "user", said("four"))
    reader.read()
    assert reader.words("a") == ["one", "two", "four"]
    assert reader.sessions["a"] == Reader(goose.path).read().sessions["a"]


def test_messages_that_were_taken_back(tmp_path: Path) -> None:
    goose = Goose(tmp_path)
    goose.session("a")
    for word in ("one", "two", "three"):
        goose.message("a", "user", said(word))
    reader = Reader(goose.path).read()
    goose.truncate("a", 1)
    goose.message("a", "user", said("edited"))
    assert reader.read().words("a") == ["one", "edited"]


def test_a_deleted_session_stays(tmp_path: Path) -> None:
    goose = Goose(tmp_path)
    for name in ("a", "b"):
        goose.session(name)
        goose.message(name, "user", said("hello"))
    reader = Reader(goose.path).read()
    goose.db.execute("DELETE FROM messages WHERE session_id = 'a'")
    goose.db.execute("DELETE FROM sessions WHERE id = 'a'")
    assert reader.read().told == {}
    assert reader.words("a") == ["hello"]


def test_a_new_name_changes_no_event(tmp_path: Path) -> None:
    goose = Goose(tmp_path)
    goose.session("a", name="New session 3")
    goose.message("a", "user", said("hello"))
    reader = Reader(goose.path).read()
    assert reader.deltas[-1].sessions[0].info.title == ""
    goose.rename("a", "A greeting")
    reader.read()
    assert reader.told == {"a": 0}
    assert reader.deltas[-1].sessions[0].info.title == "A greeting"


def test_more_sessions_than_are_remembered(tmp_path: Path) -> None:
    goose = Goose(tmp_path)
    for number in range(RECENT + 8):
        goose.session(f"s{number:02}")
        goose.message(f"s{number:02}", "user", said("one"))
    reader = Reader(goose.path, limit=2000).read()
    assert len(reader.sessions) == RECENT + 8
    goose.message("s00", "user", said("two"))
    reader.read()
    assert reader.told == {"s00": 2}  # read whole
    goose.message("s00", "user", said("three"))
    reader.read()
    assert reader.told == {"s00": 1}
    assert reader.words("s00") == ["one", "two", "three"]


def test_a_database_that_was_deleted_and_made_again(tmp_path: Path) -> None:
    goose = Goose(tmp_path)
    goose.session("a")
    for _ in range(3):
        goose.message("a", "user", said("hello"))
    reader = Reader(goose.path).read()
    goose.db.execute("DELETE FROM messages; DELETE FROM sessions; DELETE FROM sqlite_sequence")
    goose.session("b")
    goose.message("b", "user", said("new"))
    reader.read()
    assert reader.deltas[0].restarted
    assert reader.words("b") == ["new"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DROP TABLE messages", "messages"),
        ("ALTER TABLE messages RENAME COLUMN content_json TO body", "messages.content_json"),
        ("DROP TABLE sessions", "sessions.id"),
    ],
)
def test_another_schema_is_named(tmp_path: Path, change: str, named: str) -> None:
    goose = Goose(tmp_path)
    goose.db.execute(change)
    with pytest.raises(SourceRefused, match=named):
        Reader(goose.path).read()


def test_ledger_and_messages_count_a_response_once(tmp_path: Path) -> None:
    """Whichever row is there first when we look."""
    goose = Goose(tmp_path)
    reader = Reader(goose.path)
    goose.session("a", accumulated_input_tokens=999, accumulated_output_tokens=99)
    goose.message("a", "user", said("hello"))
    tokens = {"inputTokens": 100, "outputTokens": 10, "totalTokens": 110}
    row = {"input_tokens": 100, "output_tokens": 10, "cache_read_tokens": 60, "cost": 0.01}
    goose.message("a", "assistant", said("one"), message_id="r1", usage=tokens)
    reader.read()
    goose.ledger("a", model="m", cost_source="provider_reported", **row)
    reader.read()
    assert [(u.input, u.cache_read, u.cost_microdollars) for u in reader.usage["a"].values()] == [
        (40, 60, 10_000)
    ]
    goose.ledger("a", model="m", **row)
    reader.read()
    goose.message("a", "assistant", said("two"), message_id="r2", usage=tokens)
    reader.read()
    goose.ledger("a", model="m", input_tokens=7, output_tokens=1, is_compaction=1)
    reader.read()
    assert sorted(u.input + u.cache_read for u in reader.usage["a"].values()) == [7, 100, 100]
    whole = Reader(goose.path).read()
    assert sorted(u.input + u.cache_read for u in whole.usage["a"].values()) == [7, 100, 100]


def test_sums_of_the_session_where_nothing_else_is_recorded(tmp_path: Path) -> None:
    goose = Goose(tmp_path, V5)
    goose.session("a", accumulated_input_tokens=300, accumulated_output_tokens=30, input_tokens=9)
    goose.message("a", "user", said("hello"))
    reader = Reader(goose.path).read()
    (usage,) = reader.usage["a"].values()
    assert (usage.input, usage.output) == (300, 30)
    goose.db.execute("UPDATE sessions SET accumulated_input_tokens = 500")
    goose.message("a", "assistant", said("hi"))
    (usage,) = reader.read().usage["a"].values()
    assert (usage.input, usage.output, usage.seq) == (500, 30, 2)


def test_old_names_of_tools(tmp_path: Path) -> None:
    goose = Goose(tmp_path, V5)
    goose.session("a")
    editor = "developer__text_editor"
    calls = [
        called("1", "developer__shell", command="ls"),
        called("2", editor, command="view", path="/a.py"),
        called("3", editor, command="str_replace", path="/a.py", old_str="x", new_str="y"),
        called("4", editor, command="write", path="/b.py", file_text="z\n"),
        called("5", editor, command="undo_edit", path="/b.py"),
        called("6", "subagent", instructions="look"),
        {"type": "toolRequest", "id": "7", "toolCall": {"status": "error", "error": "bad json"}},
    ]
    goose.message("a", "assistant", calls)
    both = [
        {"type": "text", "text": "a.py\n", "annotations": {"audience": ["assistant"]}},
        {"type": "text", "text": "a.py\n", "annotations": {"audience": ["user"], "priority": 0}},
    ]
    goose.message("a", "user", [answered("1", both), answered("3", [])])
    events = Reader(goose.path).read().sessions["a"]
    assert [event.type for event in events] == [
        "ShellCommand", "FileRead", "FileEdit", "FileCreate", "ToolCall", "ToolCall", "ToolCall",
        "ToolResult", "ToolResult",
    ]  # fmt: skip
    assert [event.attributes["semantic.tool_kind"] for event in events[4:7]] == [
        "file_write",
        "task",
        "other",
    ]
    assert [block["code"] for block in events[7].blocks] == ["a.py\n"]
    assert "-x\n+y" in events[8].attributes["result.diff"]
    assert len({event.event_id for event in events}) == 9


def test_new_results_and_other_content(tmp_path: Path) -> None:
    goose = Goose(tmp_path)
    goose.session("a")
    goose.message("a", "assistant", [called("1", "shell", command="false")])
    value = {"content": said("no"), "structuredContent": {"exit_code": 1}, "isError": True}
    goose.message("a", "user", [answered("1", value)])
    image = {"type": "image", "data": "QUJD" * 5000, "mimeType": "image/png"}
    goose.message("a", "user", [*said("look"), image])
    goose.message("a", "user", said("a summary"), userVisible=False)
    goose.message("a", "assistant", [{"type": "redactedThinking", "data": "x"}])
    goose.message("a", "assistant", [{"type": "systemNotification", "msg": "compacting"}])
    goose.message("a", "assistant", [{"type": "conversationCompacted", "msg": "done"}])
    goose.message("a", "assistant", [{"type": "hologram", "x": 1}])
    reader = Reader(goose.path).read()
    events = reader.sessions["a"]
    assert [event.type for event in events] == [
        "ShellCommand", "ToolResult", "UserMessage", "SystemMessage", "Thinking", "SystemMessage",
        "Custom", "Custom",
    ]  # fmt: skip
    assert events[1].data == {"name": "shell", "is_error": True, "call_id": "1"}
    assert events[1].attributes["result.exit_code"] == 1
    assert events[2].blocks[1] == {"type": "Image", "url": "", "mime": "image/png"}
    assert events[2].attributes["bytes"] == 20_000
    assert [event.data for event in events[6:]] == [
        {"kind": "context_compacted"},
        {"kind": "unknown:content/hologram"},
    ]
    assert reader.deltas[0].unknown == {"content/hologram": 1}


def test_a_bad_row_loses_nothing_else(tmp_path: Path) -> None:
    goose = Goose(tmp_path)
    goose.session("a")
    goose.message("a", "user", said("one"))
    goose.db.execute("UPDATE messages SET content_json = '[{'")
    goose.message("a", "user", {"no": "list"})
    goose.message("a", "user", ["no object", *said("two")])
    goose.message("a", "user", said("three"))
    reader = Reader(goose.path).read()
    assert reader.words("a") == ["two", "three"]
    assert reader.deltas[0].skipped == {
        "malformed": 1,
        "without content": 1,
        "content without a type": 1,
    }


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("add", "add", "add", "answer", "replace", "truncate", "rename", "read")),
        st.sampled_from("abc"),
        st.integers(0, 4),
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, limit=st.sampled_from((1, 300, 4 << 20)), schema=st.sampled_from((V5, V16)))
def test_any_sequence_of_reads_gives_the_same(
    tmp_path: Path, steps: list[tuple[str, str, int]], limit: int, schema: str
) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    goose = Goose(tmp_path, schema)
    for name in "abc":
        goose.session(name)
    reader = Reader(goose.path, limit)
    taken_back = set()
    for number, (step, name, count) in enumerate(steps):
        if step == "add":
            goose.message(name, "user", said(f"number {number}"))
            taken_back.discard(name)
        elif step == "answer":
            calls = [called(f"c{number}", "shell", command="ls")]
            inference = {"provider": "p", "requestedModel": f"model {number}"} if count else None
            goose.message(name, "assistant", calls, inference=inference)
            goose.message(name, "user", [answered(f"c{number}", said("out"))])
            taken_back.discard(name)
        elif step == "replace":
            goose.replace(name, count)
            if count == 0:
                taken_back.add(name)
        elif step == "truncate":
            goose.truncate(name, count)
            taken_back.add(name)  # seen with the next message only: Goose records nothing of it
        elif step == "rename":
            goose.rename(name, f"name {number}")
        else:
            reader.read()
    for name in sorted(taken_back):
        goose.message(name, "user", said("at last"))
    reader.read()
    whole = Reader(goose.path).read()
    found = {name: events for name, events in reader.sessions.items() if events}
    assert found == {name: events for name, events in whole.sessions.items() if events}
    (tmp_path / "log").write_bytes(reader.raw)
    archived = Reader(goose.path).read(str(tmp_path / "log"))
    assert {name: events for name, events in archived.sessions.items() if events} == found
    goose.db.close()
    close_databases()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("type", "text", "id", "toolCall", "toolResult", "value", "content", "x")
            )
            | st.text(max_size=5),
            inner | st.sampled_from(("text", "toolRequest", "toolResponse", "image", "thinking")),
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.lists(JSON, max_size=4), metadata=JSON, role=st.text(max_size=5), blob=st.binary()
)
def test_no_row_breaks_a_read(
    tmp_path: Path, content: object, metadata: object, role: str, blob: bytes
) -> None:
    for old in tmp_path.iterdir():
        old.unlink()
    goose = Goose(tmp_path)
    goose.session("a")
    goose.message("a", "user", content)
    goose.message("a", "assistant", content, usage=metadata, inference=metadata)
    goose.message("a", role.encode("utf-8", "replace").decode(), content)
    goose.db.execute("UPDATE messages SET content_json = CAST(? AS TEXT) WHERE id = 1", (blob,))
    goose.db.execute("UPDATE messages SET created_timestamp = ? WHERE id = 3", (blob,))
    reader = Reader(goose.path).read()
    assert len({event.event_id for event in reader.sessions["a"]}) == len(reader.sessions["a"])
    goose.db.close()
    close_databases()
