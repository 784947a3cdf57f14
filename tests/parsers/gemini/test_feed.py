"""What the records of a `.jsonl` do: messages written again, lists, marks, damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.gemini import AGENT
from opensession.parsers.gemini.reading import KNOWN_CALLS, KNOWN_MESSAGES, Reading
from opensession.parsers.timeline import State, load
from tests.helpers.lines import Whole, read_all
from tests.parsers.gemini.making import (
    ID,
    answer,
    call,
    encoded,
    gemini,
    header,
    in_pieces,
    place,
    read,
    source_at,
    spent,
    tokens,
    types,
    user,
)

CONTEXT = user("ctx", "<session_context>\nThis is the Gemini CLI.\n</session_context>")


def said(whole: Whole) -> list[str]:
    return [each.blocks[0]["text"] for each in whole.events if each.blocks]


def test_a_message_written_again_tells_only_what_is_new(tmp_path: Path) -> None:
    first = gemini("g", "Look.", tokens=tokens(100, 10))
    again = {**first, "toolCalls": [call("c1", "read_file", {"file_path": "a.py"}, "x = 1")]}
    more = {**again, "toolCalls": [*again["toolCalls"], call("c2", "glob", {"pattern": "*"}, "a")]}
    lines = [header(), user("u", "Go"), first, again, again, more]

    whole = read(tmp_path, *lines)

    assert types(whole) == [
        *["UserMessage", "AgentMessage", "FileRead", "ToolResult", "FileSearch", "ToolResult"],
    ]
    assert spent(whole) == {"g": (100, 10, 0)}
    assert in_pieces(tmp_path, *lines) == whole


def test_a_call_is_told_before_it_has_ended_and_answered_once(tmp_path: Path) -> None:
    running = gemini("g", toolCalls=[call("c", "run_shell_command", {"command": "ls"})])
    ended = gemini("g", toolCalls=[call("c", "run_shell_command", {"command": "ls"}, "a.py")])
    repeated = user("r", [answer("c", "run_shell_command", "a.py")])

    whole = read(tmp_path, header(), user("u", "Go"), running, ended, repeated)

    assert types(whole) == ["UserMessage", "ShellCommand", "ToolResult"]
    assert whole.events[2].attributes["result.call_seq"] == 2


def test_an_answer_that_comes_alone_is_a_result(tmp_path: Path) -> None:
    running = gemini("g", toolCalls=[call("c", "run_shell_command", {"command": "ls"})])
    late = user("r", [answer("c", "run_shell_command", "Exit Code: 2\n")])

    whole = read(tmp_path, header(), user("u", "Go"), running, late)

    assert types(whole) == ["UserMessage", "ShellCommand", "ToolResult"]
    assert whole.events[2].attributes["result.exit_code"] == 2


def test_a_history_listed_anew_repeats_nothing(tmp_path: Path) -> None:
    """A resume lists all messages again, in another form and with answers of their own."""
    work = gemini("g", "Look.", toolCalls=[call("c", "read_file", {"file_path": "a"}, "x")])
    listed = [
        CONTEXT,
        user("u", "Go"),
        gemini("g", [{"text": "Look."}, {"functionCall": {"id": "c", "name": "read_file"}}]),
        user("g_response", [answer("c", "read_file", "x")]),
    ]
    lines = [
        header(),
        {"$set": {"messages": [CONTEXT]}},
        user("u", "Go"),
        work,
        header(),
        {"$set": {"messages": listed}},
        user("u2", "More"),
    ]

    whole = read(tmp_path, *lines)

    assert types(whole) == [
        *["SystemMessage", "UserMessage", "AgentMessage", "FileRead", "ToolResult", "UserMessage"]
    ]
    assert in_pieces(tmp_path, *lines) == whole


def test_a_message_that_is_listed_in_another_form_is_not_told_again(tmp_path: Path) -> None:
    """To save room the agent cuts what it sends to the model; what was said stays said."""
    listed = {"$set": {"messages": [user("u", "Go"), gemini("g", "Look. [cut]")]}}

    assert types(read(tmp_path, header(), user("u", "Go"), gemini("g", "Look."), listed)) == [
        *["UserMessage", "AgentMessage"],
    ]


def test_what_first_stands_in_a_new_list_was_not_typed(tmp_path: Path) -> None:
    listed = {"$set": {"messages": [user("ide", "Open files: a.py"), user("u", "Go")]}}

    whole = read(tmp_path, header(), user("u", "Go"), listed)

    assert types(whole) == ["UserMessage", "SystemMessage"]
    assert whole.events[1].attributes["synthetic"] is True


def test_a_summary_in_a_new_list_is_a_compaction(tmp_path: Path) -> None:
    summary = user("s", "<state_snapshot>\nAll is well.\n</state_snapshot>")
    noted = gemini("n", "Got it.")
    lines = [
        header(),
        user("u", "Go"),
        {"$set": {"messages": [summary, noted, user("u", "Go")]}},
        user("v", "On"),
    ]

    whole = read(tmp_path, *lines)

    assert types(whole) == ["UserMessage", "context_compacted", "AgentMessage", "UserMessage"]
    assert whole.events[2].attributes["synthetic"] is True
    assert whole.info.first_prompt == "Go"


def test_of_more_messages_than_are_remembered_none_is_told_again(tmp_path: Path) -> None:
    many = [user(f"u{n}", f"prompt {n}", at=n) for n in range(KNOWN_MESSAGES + 50)]
    listed = {"$set": {"messages": many}}

    whole = read(tmp_path, header(), *many, listed, user("last", "Last"))

    assert len(whole.events) == len(many) + 1


def test_a_rewind_takes_messages_back_but_not_what_was_spent(tmp_path: Path) -> None:
    """Unlike a message that was left behind, one that was taken back is gone from the session."""
    lines = [
        header(),
        user("u1", "One"),
        gemini("g1", "First.", tokens=tokens(100, 10, cached=40)),
        user("u2", "Two"),
        gemini("g2", "Second.", tokens=tokens(200, 20), toolCalls=[call("c", "glob", {})]),
        {"$rewindTo": "u2"},
        user("u3", "Three"),
        gemini("g3", "Third.", tokens=tokens(300, 30)),
    ]

    whole = read(tmp_path, *lines)
    pieces = in_pieces(tmp_path, *lines)

    assert types(whole) == [
        *["UserMessage", "AgentMessage", "rewind", "token_count", "UserMessage", "AgentMessage"]
    ]
    assert [each.blocks[0]["text"] for each in whole.events if each.blocks] == [
        *["One", "First.", "Three", "Third."]
    ]
    assert spent(whole) == {"g1": (60, 10, 40), "g2": (200, 20, 0), "g3": (300, 30, 0)}
    assert pieces.sessions == whole.sessions
    assert spent(pieces) == spent(whole)


def test_a_rewind_to_the_beginning_makes_another_first_prompt(tmp_path: Path) -> None:
    lines = [header(), user("u1", "One"), gemini("g1", "A."), {"$rewindTo": "u1"}]

    assert read(tmp_path, *lines).info.first_prompt == ""
    assert read(tmp_path, *lines, user("u2", "Two")).info.first_prompt == "Two"


def test_a_rewind_twice_counts_what_was_spent_once(tmp_path: Path) -> None:
    lines = [
        header(),
        user("u1", "One"),
        user("u2", "Two"),
        gemini("g2", "A.", tokens=tokens(200, 20)),
        {"$rewindTo": "u2"},
        {"$rewindTo": "u1"},
    ]

    whole = read(tmp_path, *lines)

    assert types(whole) == ["rewind", "token_count"]
    assert spent(whole) == {"g2": (200, 20, 0)}
    assert whole.usage[ID][-1].seq == 2


def test_a_rewind_to_what_is_not_known_takes_nothing_back(tmp_path: Path) -> None:
    whole = read(tmp_path, header(), user("u1", "One"), {"$rewindTo": "nowhere"})

    assert types(whole) == ["UserMessage", "rewind"]


def test_a_message_that_was_taken_back_can_come_again(tmp_path: Path) -> None:
    lines = [header(), user("u1", "One"), {"$rewindTo": "u1"}, user("u1", "One")]

    assert types(read(tmp_path, *lines)) == ["rewind", "UserMessage"]


def test_the_summary_is_the_title(tmp_path: Path) -> None:
    whole = read(tmp_path, header(), user("u", "Go"), {"$set": {"summary": "Fix the limiter"}})

    assert whole.info.title == "Fix the limiter"


def test_a_session_whose_header_is_lost_is_named_after_its_file(tmp_path: Path) -> None:
    whole = read(tmp_path, user("u", "Go"))

    assert whole.info.id == "session-2026-02-03T04-05-7d1f3c52"


def test_a_header_alone_is_no_session(tmp_path: Path) -> None:
    whole = read(tmp_path, header())

    assert whole.sessions == {}


@pytest.mark.parametrize("line", [b"{", b"[1]", b"null", b'"x"', b'{"a": ' * 5000, b"\xff\xfe"])
def test_a_bad_line_is_counted_and_loses_nothing_else(tmp_path: Path, line: bytes) -> None:
    whole = read(tmp_path, header(), user("u", "Go"), line, gemini("g", "Done."))

    assert types(whole) == ["UserMessage", "AgentMessage"]
    assert whole.skipped == {"malformed": 1}


def test_a_type_that_is_not_known_is_kept_and_counted(tmp_path: Path) -> None:
    odd = {"id": "x", "timestamp": "2026-02-03T04:05:06Z", "type": "oracle", "content": "?"}

    whole = read(tmp_path, header(), user("u", "Go"), odd)

    assert types(whole) == ["UserMessage", "unknown:oracle"]
    assert whole.unknown == {"oracle": 1}
    assert whole.events[1].blocks == [{"type": "Json", "data": odd}]


def test_a_message_without_a_time_has_the_last_one_and_says_so(tmp_path: Path) -> None:
    timeless = {"id": "v", "type": "user", "content": "More"}

    events = read(tmp_path, header(), user("u", "Go"), timeless).events

    assert events[1].time_us == events[0].time_us
    assert events[1].attributes["time.estimated"] is True
    assert "time.estimated" not in events[0].attributes


def test_the_planned_form_of_lines_is_read_as_well(tmp_path: Path) -> None:
    """opensession.md §2.6: `session_metadata`, and tokens in a record of their own."""
    start = {"type": "session_metadata", "sessionId": ID, "startTime": "2026-02-03T04:05:06Z"}
    update = {"type": "message_update", "id": "g", "tokens": tokens(50, 5)}

    whole = read(tmp_path, start, user("u", "Go"), gemini("g", "Done."), update)

    assert whole.info.id == ID
    assert types(whole) == ["UserMessage", "AgentMessage"]
    assert spent(whole) == {"g": (50, 5, 0)}


def test_what_is_remembered_does_not_grow_with_the_session(tmp_path: Path) -> None:
    path = place(tmp_path)
    sizes = []
    for count in (KNOWN_MESSAGES, 4 * KNOWN_MESSAGES):
        records: list[dict[str, Any]] = [header()]
        for n in range(count):
            one = call(f"call-{n}", "glob", {"pattern": "*"}, "a")
            records.append(gemini(f"g{n}", f"Step {n}.", tokens=tokens(9, 9), toolCalls=[one]))
        path.write_bytes(encoded(*records))
        _, cursor = read_all(AGENT.read, source_at(tmp_path, path))
        sizes.append(len(cursor.state))

    assert sizes[1] < sizes[0] * 1.1 < 64_000
    assert KNOWN_CALLS < KNOWN_MESSAGES


def test_names_of_any_length_are_not_remembered_whole(tmp_path: Path) -> None:
    long = "x" * 1_000_000
    named = {"sessionId": long, "projectHash": long, "directories": [long], "summary": long}
    odd = gemini(long, "Hi", model=long, tokens=tokens(9, 9), toolCalls=[call(long, "glob", {})])
    path = place(tmp_path)
    path.write_bytes(encoded(header(**named), odd, {"$rewindTo": long}))

    whole, cursor = read_all(AGENT.read, source_at(tmp_path, path))

    assert types(whole) == ["AgentMessage", "ToolCall", "rewind"]
    assert len(cursor.state) < 40_000


def test_the_memory_survives_its_way_through_a_cursor() -> None:
    reading = Reading("gemini", State())
    reading.remember("a", 0)
    reading.met_call("c", answered=True)

    again = Reading("gemini", load(reading.finish()))

    assert again.knows("a")
    assert again.memory == reading.memory


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "id",
        "type",
        "timestamp",
        "content",
        "thoughts",
        "tokens",
        "model",
        "toolCalls",
        "sessionId",
        "projectHash",
        "$set",
        "$rewindTo",
        "displayContent",
        "args",
        "name",
        "result",
        "status",
        "resultDisplay",
        "directories",
        "messages",
    ]
)
RECORDS = st.dictionaries(
    FIELDS,
    JSON
    | st.sampled_from(["user", "gemini", "info", "u", "c"])
    | st.lists(st.dictionaries(FIELDS, JSON, max_size=4), max_size=2),
    max_size=6,
)


@given(records=st.lists(RECORDS | st.binary(max_size=40), max_size=6))
def test_no_line_crashes_a_read(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any] | bytes]
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    lines = [each.replace(b"\n", b" ") if isinstance(each, bytes) else each for each in records]

    whole = read(folder, user("u", "Go"), *lines, name="session-pieces.jsonl")
    pieces = in_pieces(folder, user("u", "Go"), *lines)

    for events in whole.sessions.values():
        assert len({each.event_id for each in events}) == len(events)
    assert (pieces.sessions, pieces.infos) == (whole.sessions, whole.infos)
    assert (pieces.skipped, pieces.unknown) == (whole.skipped, whole.unknown)
