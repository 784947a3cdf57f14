"""What OpenCode does to a database over time. All databases here are made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opensession.core.hail import Event
from opensession.core.stats import CALLS
from opensession.parsers.agent import Cursor, SourceRefused
from opensession.parsers.databases import open_database
from opensession.parsers.opencode import memory, older, pull
from opensession.parsers.opencode.sources import read
from tests.helpers.lines import Whole, read_all
from tests.parsers.opencode.making import Made, read_by

S = "ses_0001"


@pytest.fixture(params=["events", "rows"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    return Made(tmp_path / "opencode.db", events=request.param == "events")


class Follow:
    """Reads a database again and again, as the daemon does."""

    def __init__(self, made: Made, size: int = 1 << 20) -> None:
        self.made = made
        self.whole = Whole()
        self.cursor: Cursor | None = None
        self._read = read_by(size)

    def look(self) -> list[Event]:
        """What is new."""
        before = {event.event_id for events in self.whole.sessions.values() for event in events}
        self.whole, self.cursor = read_all(self._read, self.made.source, self.cursor, self.whole)
        return [
            event
            for events in self.whole.sessions.values()
            for event in events
            if event.event_id not in before
        ]


def tool(status: str, **state: Any) -> dict[str, Any]:
    time = {"start": 1_795_000_001_000}
    if status in ("completed", "error"):
        time["end"] = 1_795_000_001_500
    return {
        "tool": "bash",
        "callID": "call_1",
        "state": {"status": status, "input": {"command": "make"}, "time": time, **state},
    }


def begun(made: Made) -> None:
    made.session(S)
    made.prompt(S, 1, "Build it")
    made.message(S, "msg_2", "assistant")


def test_a_call_is_told_when_it_runs_and_its_result_when_it_ends(made: Made) -> None:
    follow = Follow(made)
    begun(made)
    made.part(S, "msg_2", "prt_2", "tool", tool="bash", callID="call_1", state={
        "status": "pending", "input": {}, "raw": ""})  # fmt: skip
    assert [event.type for event in follow.look()] == ["UserMessage"]
    made.part(S, "msg_2", "prt_2", "tool", **tool("running"))
    (call,) = follow.look()
    assert call.data == {"command": "make"}
    assert call.time_us == 1_795_000_001_000_000
    made.part(S, "msg_2", "prt_2", "tool", **tool("running", metadata={"output": "half"}))
    assert follow.look() == []
    ended = tool("completed", output="done", metadata={"exit": 2})
    made.part(S, "msg_2", "prt_2", "tool", **ended)
    (result,) = follow.look()
    assert result.blocks == [{"type": "Text", "text": "done"}]
    assert result.attributes["result.exit_code"] == 2
    assert result.attributes["result.call_seq"] == 2
    assert result.attributes["result.duration_ms"] == 500
    made.part(S, "msg_2", "prt_2", "tool", **{**ended, "title": "Build"})
    assert follow.look() == []
    whole = read_all(read, made.source)[0]
    assert whole.sessions == follow.whole.sessions


def test_an_output_that_was_pruned_stays(made: Made) -> None:
    follow = Follow(made)
    begun(made)
    made.part(S, "msg_2", "prt_2", "tool", **tool("completed", output="long"))
    for number in range(3, 40):
        made.answer(S, number, f"word {number}")
    made.session(S)
    follow.look()
    before = follow.whole.sessions[S][:]
    pruned = tool("completed", output="")
    pruned["state"]["time"]["compacted"] = made.now
    made.part(S, "msg_2", "prt_2", "tool", **pruned)
    made.session(S)
    assert follow.look() == []
    assert follow.whole.sessions[S] == before
    assert any(event.blocks == [{"type": "Text", "text": "long"}] for event in before)


def test_a_text_is_told_when_it_is_finished(made: Made) -> None:
    follow = Follow(made)
    begun(made)
    follow.look()
    made.part(S, "msg_2", "prt_2", "text", text="", time={"start": made.now})
    made.part(S, "msg_2", "prt_2", "text", text="Half", time={"start": made.now})
    assert follow.look() == []
    time = {"start": made.now, "end": made.now + 5}
    made.part(S, "msg_2", "prt_2", "text", text="Half and more", time=time)
    assert [event.blocks[0]["text"] for event in follow.look()] == ["Half and more"]


def test_a_text_that_was_never_finished_is_told_when_the_next_message_begins(made: Made) -> None:
    follow = Follow(made)
    begun(made)
    made.part(S, "msg_2", "prt_2", "text", text="Half", time={"start": made.now})
    follow.look()
    made.prompt(S, 3, "Go on")
    assert [event.type for event in follow.look()] == ["UserMessage"]
    made.session(S)
    made.answer(S, 4, "Again")
    assert "Half" in [event.blocks[0]["text"] for event in follow.look() if event.blocks]


def test_an_abort_and_an_error_are_told(made: Made) -> None:
    begun(made)
    aborted = {"name": "MessageAbortedError", "data": {"message": "The operation was aborted."}}
    made.message(S, "msg_2", "assistant", error=aborted, time={"completed": made.now})
    made.message(S, "msg_3", "assistant")
    failed = {"name": "APIError", "data": {"message": "Overloaded", "statusCode": 529}}
    made.message(S, "msg_3", "assistant", error=failed, time={"completed": made.now})
    events = read_all(read, made.source)[0].events
    abort, error = (event for event in events if event.type == "Custom")
    assert abort.data == {"kind": "turn_aborted"}
    assert error.data == {"kind": "error"}
    assert error.blocks[0]["text"] == "APIError: Overloaded"
    assert error.attributes["error.status"] == 529


def test_all_other_parts_are_told(made: Made) -> None:
    made.session(S)
    made.message(S, "msg_1", "user")
    image = {"mime": "image/png", "filename": "a.png", "url": "data:image/png;base64," + "A" * 4000}
    parts: dict[str, dict[str, Any]] = {
        "text": {"text": "Called the Read tool", "synthetic": True},
        "file": image,
        "agent": {"name": "explore"},
        "subtask": {"prompt": "Look", "description": "Looks", "agent": "general"},
        "compaction": {"auto": True},
        "retry": {"attempt": 2, "error": {"name": "APIError", "data": {"message": "Slow"}}},
        "snapshot": {"snapshot": "abc"},
        "patch": {"hash": "abc", "files": ["/home/dev/acme-api/a.py"]},
        "hologram": {"depth": 3},
    }
    for number, (kind, data) in enumerate(parts.items()):
        made.part(S, "msg_1", f"prt_1{number}", kind, **data)
    whole = read_all(read, made.source)[0]
    told = [event.data["kind"] if event.data else event.type for event in whole.events]
    assert told == [
        "SystemMessage",
        "UserMessage",
        "agent",
        "subtask",
        "context_compacted",
        "retry",
        "patch",
        "unknown:part/hologram",
    ]
    assert whole.unknown == {"part/hologram": 1}
    assert whole.info.first_prompt == ""
    shown = whole.events[1]
    assert shown.blocks == [{"type": "Image", "url": "", "mime": "image/png", "alt": "a.png"}]
    assert shown.attributes["bytes"] == 3000
    assert whole.events[5].attributes["retry.attempt"] == 2


def test_steps_of_one_message_are_added_up(made: Made) -> None:
    begun(made)
    for number in (1, 2):
        tokens = {"input": number, "output": 1, "reasoning": 0, "cache": {"read": 0, "write": 0}}
        made.part(S, "msg_2", f"prt_2{number}", "step-finish", tokens=tokens, cost=0.5)
    made.message(S, "msg_2", "assistant", tokens=tokens, cost=1, time={"completed": made.now})
    usage = read_all(read, made.source)[0].usage[S]
    assert [(one.message_id, one.input, one.cost_microdollars) for one in usage] == [
        ("msg_2", 1, 500_000),
        ("msg_2:1", 2, 500_000),
    ]


def test_a_message_without_steps_is_counted_itself(made: Made) -> None:
    begun(made)
    tokens = {"input": 7, "output": 1, "reasoning": 2, "cache": {"read": 3, "write": 4}}
    made.message(S, "msg_2", "assistant", tokens=tokens, cost=0, time={"completed": made.now})
    (usage,) = read_all(read, made.source)[0].usage[S]
    assert (usage.message_id, usage.input, usage.output) == ("msg_2", 7, 3)
    assert (usage.cache_read, usage.cache_write, usage.cost_microdollars) == (3, 4, None)


def test_going_back_is_told_and_takes_nothing_away(made: Made) -> None:
    follow = Follow(made)
    begun(made)
    made.answer(S, 3, "Built")
    follow.look()
    made.session(S, revert={"messageID": "msg_2"})
    (event,) = follow.look()
    assert event.data == {"kind": "rewind"}
    assert event.attributes["message_id"] == "msg_2"
    made.db.execute("DELETE FROM part WHERE message_id = 'msg_2'")
    made.event(S, "message.part.removed.1", {"sessionID": S, "messageID": "msg_2"})
    made.session(S)
    assert follow.look() == []


def test_title_and_archiving_follow_the_session(made: Made) -> None:
    follow = Follow(made)
    made.session(S, title="New session - 2026-11-21T00:01:14.342Z")
    made.prompt(S, 1, "Build it")
    follow.look()
    assert follow.whole.info.title == ""
    made.session(S, title="Build the thing", time={"archived": made.now})
    follow.look()
    assert follow.whole.info.title == "Build the thing"
    assert follow.whole.info.attributes["archived"] is True
    made.session(S, title="Build the thing")
    follow.look()
    assert "archived" not in follow.whole.info.attributes


def test_a_session_that_was_deleted_stays_and_hides_no_other(made: Made) -> None:
    """The rowids of its events are given to those of the next session."""
    follow = Follow(made)
    begun(made)
    made.session("ses_0002")
    made.prompt("ses_0002", 2, "Other")
    follow.look()
    made.delete("ses_0002")
    made.session("ses_0003")
    made.prompt("ses_0003", 3, "Third")
    made.prompt(S, 4, "More")
    made.session(S)
    assert sorted(event.blocks[0]["text"] for event in follow.look()) == ["More", "Third"]
    assert len(follow.whole.sessions["ses_0002"]) == 1
    assert follow.whole.restarts == 0


def test_one_of_very_many_sessions_goes_on(made: Made) -> None:
    follow = Follow(made)
    names = [f"ses_{number:04d}" for number in range(memory.SESSIONS + 6)]
    for number, session in enumerate(names):
        made.session(session)
        made.prompt(session, number, f"Prompt {number}")
    follow.look()
    for session in (names[0], names[40]):
        made.prompt(session, 9000 + names.index(session), "More")
        made.session(session)
    assert [event.blocks[0]["text"] for event in follow.look()] == ["More", "More"]
    assert all(len(follow.whole.sessions[session]) == 2 for session in (names[0], names[40]))
    assert read_all(read, made.source)[0].sessions == follow.whole.sessions


def test_parallel_calls_keep_their_results(made: Made) -> None:
    follow = Follow(made)
    begun(made)
    for number in (1, 2):
        made.part(
            S, "msg_2", f"prt_2{number}", "tool", **tool("running") | {"callID": f"c{number}"}
        )
    follow.look()
    for number in (2, 1):
        ended = tool("completed", output=f"output {number}") | {"callID": f"c{number}"}
        ended["state"]["time"] = {"start": made.now - 50, "end": made.now}
        made.part(S, "msg_2", f"prt_2{number}", "tool", **ended)
        follow.look()
    events = follow.whole.events
    assert [event.event_id for event in events[1:]] == [
        "prt_21",
        "prt_22",
        "prt_22:result",
        "prt_21:result",
    ]
    assert [event.attributes["result.call_seq"] for event in events[3:]] == [3, 2]


def test_a_session_from_before_the_log_goes_on_by_its_rows(tmp_path: Path) -> None:
    """Its later changes are in the log, but not its beginning."""
    made = Made(tmp_path / "opencode.db", events=True)
    made.events = False
    begun(made)
    made.answer(S, 3, "Old")
    follow = Follow(made)
    follow.look()
    made.events = True
    made.session(S)
    made.prompt(S, 4, "New")
    made.session("ses_0002")
    made.prompt("ses_0002", 5, "Other")
    assert [event.blocks[0]["text"] for event in follow.look()] == ["New", "Other"]
    assert read_all(read, made.source)[0].sessions == follow.whole.sessions


def test_changes_are_found_while_a_message_is_open_though_its_session_says_nothing(
    tmp_path: Path,
) -> None:
    made = Made(tmp_path / "opencode.db", events=False)
    follow = Follow(made)
    begun(made)
    made.part(S, "msg_2", "prt_2", "tool", **tool("running"))
    follow.look()
    made.part(S, "msg_2", "prt_2", "tool", **tool("completed", output="done"))
    assert [event.type for event in follow.look()] == ["ToolResult"]


def test_large_repetitions_of_running_commands_are_not_archived(tmp_path: Path) -> None:
    made = Made(tmp_path / "opencode.db")
    begun(made)
    output = ""
    for _ in range(30):
        output += "line\n" * 2000
        made.part(S, "msg_2", "prt_2", "tool", **tool("running", metadata={"output": output}))
    made.part(S, "msg_2", "prt_2", "tool", **tool("completed", output=output))
    whole = read_all(read, made.source)[0]
    assert whole.events[-1].blocks[0]["text"] == output
    assert len(whole.raw) < 2 * len(output)


def test_only_named_tables_can_be_read(made: Made) -> None:
    made.db.execute("INSERT INTO account VALUES ('a', 'secret')")
    assert not {"account", "credential", "control_account", "session_share"} & set(pull.ALLOWED)
    with pytest.raises(SourceRefused), open_database(made.source.path, pull.ALLOWED) as database:
        list(database.rows("SELECT access_token FROM account"))


def test_a_database_of_another_kind_is_refused_with_the_reason(tmp_path: Path) -> None:
    made = Made(tmp_path / "opencode.db")
    made.db.execute("ALTER TABLE session RENAME COLUMN time_updated TO changed")
    with pytest.raises(SourceRefused, match="no column time_updated"):
        read(made.source, None)
    made.db.execute("DROP TABLE session")
    with pytest.raises(SourceRefused, match="no table session"):
        read(made.source, None)


def test_calls_are_those_that_stats_count(made: Made) -> None:
    begun(made)
    made.part(S, "msg_2", "prt_2", "tool", **tool("error", error="Tool execution aborted"))
    call, result = read_all(read, made.source)[0].events[1:]
    assert call.type in CALLS
    assert result.data == {"name": "bash", "is_error": True, "call_id": "call_1"}


def test_very_many_sessions_of_one_moment_are_each_taken_once(tmp_path: Path) -> None:
    """As after an import, or a migration that touched them all."""
    made = Made(tmp_path / "opencode.db", events=False)
    count = older.SEEN + 40
    with made.db:
        for number in range(count):
            made.session(f"ses_{number:04d}")
            made.prompt(f"ses_{number:04d}", number, "Build it")
        made.db.execute("UPDATE session SET time_updated = ?", (made.now,))
    follow = Follow(made, 4000)
    assert len(follow.look()) == count
    assert follow.whole.raw.count(b'"whole":true') == count
    made.prompt("ses_0001", 9000, "More")
    made.session("ses_0001")
    assert len(follow.look()) == 1
    assert follow.whole.raw.count(b'"whole":true') == count + 1


def test_more_than_is_put_in_order_at_once_is_taken_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older, "CHUNK_BYTES", 2000)
    made = Made(tmp_path / "opencode.db", events=False)
    follow = Follow(made)
    begun(made)
    follow.look()
    for number in range(10):
        made.part(S, "msg_2", f"prt_2{number}", "text", text=f"{number} " + "word " * 100)
    assert len(follow.look()) == 10
    size = len(follow.whole.raw)
    made.part(S, "msg_2", "prt_3", "tool", **tool("running"))
    assert len(follow.look()) == 1
    assert len(follow.whole.raw) < size + 1500
    assert read_all(read_by(1), made.source)[0].sessions == follow.whole.sessions
