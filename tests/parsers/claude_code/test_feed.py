"""Lines as events: independent of how they are cut, tolerant of what they hold."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.parsers.agent import Cursor, Source
from opensession.parsers.claude_code.feed import feed_with
from opensession.parsers.claude_code.state import load
from opensession.parsers.jsonl import Line, read_lines
from tests.parsers.claude_code.transcripts import (
    CLAUDE,
    SESSION,
    Reads,
    Talk,
    corpus_files,
    read,
    said,
    source_of,
)


def _everything() -> list[dict[str, Any]]:
    """A transcript with a bit of all that state is kept for."""
    talk = Talk()
    talk.records += [
        {"type": "summary", "summary": "Another talk", "leafUuid": "elsewhere"},
        {"type": "custom-unheard-of", "value": 1},
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}},
    ]
    talk.user("Fix the limiter")
    first = talk.assistant({"type": "thinking", "thinking": "Let me see."}, said("Reading."))
    talk.call("Read", "toolu_a", file_path="/home/me/acme/a.py")
    talk.call("Task", "toolu_b", description="Look", prompt="Look at it", subagent_type="Explore")
    talk.result("     1→x = 1\n     2→y = 2", "toolu_a")
    root = talk.user("Look at it", isSidechain=True, parentUuid=None)
    talk.assistant(said("Looking."), isSidechain=True, parentUuid=root)
    inner = talk.call("Bash", "toolu_c", command="ls")
    talk.records[-1].update(isSidechain=True, parentUuid=talk.records[-2]["uuid"])
    talk.result("a.py", "toolu_c", isSidechain=True, parentUuid=inner)
    for number in range(3):
        message = {
            "type": "assistant",
            "uuid": f"p-{number}",
            "timestamp": "2026-02-01T10:01:00.000Z",
            "message": {"id": f"sub_{number}", "model": "claude-x", "content": [said("tick")]},
        }
        data = {"type": "agent_progress", "agentId": "abc", "message": message}
        talk.add("progress", data=data, parentToolUseID="toolu_b", uuid=f"q-{number}")
    talk.result("Found it.", "toolu_b", parentUuid=first, toolUseResult={"agentId": "abc"})
    redacted = {"id": "REDACTED", "usage": {"input_tokens": 1, "output_tokens": 2}}
    talk.assistant(said("One"), message=redacted)
    talk.assistant(said("Two"), message=redacted)
    talk.records.append({"type": "queue-operation", "operation": "enqueue", "content": "and this"})
    talk.records.append({"type": "queue-operation", "operation": "remove"})
    talk.call("Edit", "toolu_d", file_path="/a.py", old_string="x = 1", new_string="x = 2")
    talk.result("The file /a.py has been updated.", "toolu_d")
    talk.add("system", subtype="compact_boundary", content="Conversation compacted")
    talk.user("This session is being continued…", isCompactSummary=True)
    talk.records += [talk.records[-1], talk.records[-1]]
    talk.records.append({"type": "summary", "summary": "Limiter", "leafUuid": talk.last})
    talk.records.append({"type": "ai-title", "aiTitle": "Fix limiter"})
    talk.user("<command-name>/exit</command-name>")
    return talk.records


EVERYTHING = _everything()
WHOLE = read(EVERYTHING)


def test_everything_is_in_the_transcript_that_is_cut() -> None:
    own, chain, copy = WHOLE.sessions.values()

    assert own.info.title == "Fix limiter"
    assert own.ended
    assert (chain.types(), chain.info.title) == (
        ["UserMessage", "AgentMessage", "ShellCommand", "ToolResult"],
        "Look",
    )
    assert (chain.secondary, copy.secondary) == (False, True)
    assert copy.info.id == "agent-abc"
    assert WHOLE.unknown == {"custom-unheard-of": 1}


@settings(deadline=None)
@given(st.sets(st.integers(1, len(EVERYTHING) - 1)))
def test_events_do_not_depend_on_how_lines_are_cut(cuts: set[int]) -> None:
    assert read(EVERYTHING, cuts=cuts) == WHOLE


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 4000))
def test_events_do_not_depend_on_how_bytes_are_read(slice_bytes: int) -> None:
    """A file of the same lines, read in pieces of any size."""
    with _file(b"".join(json.dumps(r).encode() + b"\n" for r in EVERYTHING)) as source:
        assert _read_file(source, slice_bytes).sessions == read(EVERYTHING).sessions


def test_events_do_not_depend_on_when_a_file_was_read() -> None:
    """Appended to byte by byte, amid lines and characters, and read each time."""
    data = b"".join(json.dumps(r).encode() + b"\n" for r in EVERYTHING)
    with _file(b"") as source:
        reads, cursor = Reads(), None
        for position in range(0, len(data), 61):
            with Path(source.path).open("ab") as file:
                file.write(data[position : position + 61])
            cursor = _read_on(source, reads, cursor, 1 << 20)
        assert reads.sessions == read(EVERYTHING).sessions


@pytest.mark.parametrize("path", corpus_files(), ids=lambda path: path.stem)
def test_real_transcripts_do_not_depend_on_cuts(path: Path) -> None:
    if not CLAUDE.is_dir():
        pytest.skip("the corpus of real transcripts is not here")
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    whole = read(lines)

    for step in (1, 7):
        assert read(lines, cuts=range(0, len(lines), step)) == whole


def test_reading_again_gives_the_same_events() -> None:
    assert read(EVERYTHING) == WHOLE


def test_the_state_does_not_grow_with_the_session() -> None:
    """A cursor is written with every append."""
    talk = Talk()
    for number in range(1500):
        talk.user(f"prompt {number}", cwd=f"/home/me/{number}", gitBranch=f"b{number}")
        talk.call("Edit", f"toolu_{number}", file_path="/a", old_string="x" * 50, new_string="y")
    early = len(read(talk.records[:1000]).state)

    assert len(talk.read().state) < early * 1.3


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_of_a_line_raise(data: bytes) -> None:
    feed_with(None)(source_of(), b"", [Line(0, data, False), Line(300, data, True)])


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_odd_value_raises_or_loses_the_record(data: st.DataObject) -> None:
    """Any field of any record may be of any type: the others still count."""
    record = dict(data.draw(st.sampled_from(EVERYTHING)))
    key = data.draw(st.sampled_from([*record, "toolUseResult", "content", "attachment", "data"]))
    record[key] = data.draw(_json)
    message = record.get("message")
    if isinstance(message, dict) and data.draw(st.booleans()):
        inner = data.draw(st.sampled_from([*message, "usage", "content"]))
        record["message"] = {**message, inner: data.draw(_json)}
        blocks = message.get("content")
        if isinstance(blocks, list) and blocks and inner == "content":
            block = dict(blocks[0])
            block[data.draw(st.sampled_from([*block, "input", "source"]))] = data.draw(_json)
            record["message"] = {**message, "content": [block]}

    before, after = Talk(), Talk()
    before.user("before")
    after.user("after")
    after.records[0]["uuid"] = "after"
    reads = read([before.records[0], record, after.records[0]])

    assert len([e for e in reads.own.events if e.blocks in ([said_block("before")],)]) == 1
    assert reads.own.events[-1].event_id.startswith("after")


def said_block(value: str) -> dict[str, str]:
    return {"type": "Text", "text": value}


def test_one_odd_value_costs_that_value() -> None:
    talk = Talk()
    talk.user("hello", gitBranch=["no", "branch"], version={"of": "nothing"}, toolUseResult=5)
    talk.assistant(
        said("hi"),
        message={"usage": {"input_tokens": "many", "output_tokens": 7}},
        requestId=12,
    )
    reads = talk.read()

    assert reads.own.types() == ["UserMessage", "AgentMessage"]
    (usage,) = reads.own.usage.values()
    assert (usage.input, usage.output) == (0, 7)
    assert reads.skipped == {}


def test_a_malformed_line_costs_that_line() -> None:
    talk = Talk()
    talk.user("one")
    talk.user("two")
    reads = read([talk.records[0], b'{"type":"user","message":{"cont', b"[]", talk.records[1]])

    assert reads.own.types() == ["UserMessage", "UserMessage"]
    assert reads.skipped == {"malformed": 2}


def test_two_objects_on_one_line_are_both_read() -> None:
    """Two writers at once: seen in a public transcript."""
    talk = Talk()
    talk.user("one")
    talk.user("two")
    both = b" \t".join(json.dumps(record).encode() for record in talk.records)
    reads = read([both + b'{"torn'])

    assert [event.event_id for event in reads.own.events] == [r["uuid"] for r in talk.records]
    assert reads.skipped == {"malformed": 1}


@pytest.mark.parametrize(
    ("prefix", "skipped"),
    [(b"\0" * 40, {"malformed": 1}), (b"\xef\xbb\xbf", {})],
    ids=["zeros", "mark"],
)
def test_what_stands_before_an_object_does_not_hide_it(
    prefix: bytes, skipped: dict[str, int]
) -> None:
    talk = Talk()
    talk.user("one")
    reads = read([prefix + json.dumps(talk.records[0]).encode()])

    assert reads.own.types() == ["UserMessage"]
    assert reads.skipped == skipped


def test_half_a_surrogate_pair_is_no_malformed_line() -> None:
    """JavaScript cuts strings amid characters, and writes what is left as an escape."""
    talk = Talk()
    talk.user("cut \ud83d here")
    reads = read([json.dumps(talk.records[0]).encode()])

    (event,) = reads.own.events
    assert event.blocks[0]["text"].startswith("cut \ufffd")
    assert event.blocks[0]["text"].endswith(" here")
    assert reads.skipped == {}


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    talk = Talk()
    talk.user("latin HERE")
    reads = read([json.dumps(talk.records[0]).encode().replace(b"HERE", b"\xe9")])

    assert reads.own.events[0].blocks[0]["text"] == "latin \ufffd"
    assert reads.skipped == {"malformed": 1}


def test_an_unknown_record_is_kept_whole() -> None:
    talk = Talk()
    talk.user("hello")
    talk.add("brand-new", payload={"deep": [1, 2]})
    reads = talk.read()

    event = reads.own.events[-1]
    assert event.data == {"kind": "unknown:brand-new"}
    assert event.blocks[0]["data"]["payload"] == {"deep": [1, 2]}
    assert event.event_id == talk.last
    assert reads.unknown == {"brand-new": 1}


def test_an_oversized_line_is_shown_by_its_ends() -> None:
    talk = Talk()
    talk.user("hello")
    first = Line(0, json.dumps(talk.records[0]).encode(), False)
    fed = feed_with(None)(source_of(), b"", [first, Line(99, b'{"a": [... left out ...]', True)])

    assert fed.skipped == {"oversized": 1}
    event = fed.sessions[0].events[-1]
    assert event.data == {"kind": "oversized"}
    assert "left out" in event.blocks[0]["text"]


def test_a_record_without_a_time_takes_the_last_known_one() -> None:
    """DECISIONS §3: the last known time of its session, and `time.estimated`."""
    talk = Talk()
    talk.user("one")
    talk.user("two", timestamp=...)
    talk.user("three", timestamp="soon")
    first, second, third = talk.read().own.events

    assert second.time_us == third.time_us == first.time_us
    assert "time.estimated" not in first.attributes
    assert second.attributes["time.estimated"] is third.attributes["time.estimated"] is True


def test_records_before_the_first_time_take_it() -> None:
    """Else a session would begin in 1970."""
    talk = Talk()
    talk.user("hello")
    reads = read([{"type": "brand-new"}, {"type": "newer"}, *talk.records], cuts=[1, 2])

    assert [event.type for event in reads.own.events] == ["Custom", "Custom", "UserMessage"]
    assert len({event.time_us for event in reads.own.events}) == 1


def test_records_that_never_see_a_time_are_not_kept_back_for_ever() -> None:
    reads = read([{"type": "brand-new", "n": n} for n in range(40)])

    assert len(reads.own.events) == 40


def test_equal_records_without_ids_have_ids_of_their_own() -> None:
    """DECISIONS §2: without native ids a hash of the content, `.<n>` for the n-th equal one."""
    talk = Talk()
    talk.user("hello")
    new = {"type": "brand-new", "timestamp": "2026-02-01T10:00:05.000Z"}
    first, second, third = (e.event_id for e in read([*talk.records, new, new, new]).own.events[1:])

    assert len(first) == 16
    assert (second, third) == (f"{first}.2", f"{first}.3")


def test_several_events_of_one_record_are_numbered() -> None:
    """DECISIONS §2: the record's id, plus `:<n>` for the n-th of several."""
    talk = Talk()
    uuid = talk.assistant(said("one"), said("two"), said("three"))

    assert [e.event_id for e in talk.read().own.events] == [uuid, f"{uuid}:2", f"{uuid}:3"]


def test_a_history_that_is_written_twice_keeps_ids_unique() -> None:
    talk = Talk()
    for number in range(200):
        talk.user(f"prompt {number}")
    reads = read([*talk.records, *talk.records, *talk.records])
    ids = [event.event_id for event in reads.own.events]

    assert len(set(ids)) == len(ids) == 600
    assert ids[:200] == [record["uuid"] for record in talk.records]


def test_an_empty_source_is_no_session() -> None:
    assert read([]).sessions == {}
    assert read([{"type": "ai-title", "aiTitle": "x"}]).sessions == {}


def test_a_title_that_comes_alone_reaches_the_session() -> None:
    talk = Talk()
    talk.user("hello")
    reads = read([*talk.records, {"type": "custom-title", "customTitle": "Mine"}], cuts=[1])

    assert reads.own.info.title == "Mine"


def test_an_id_that_does_not_fit_is_replaced_and_kept() -> None:
    """DECISIONS §2: what does not fit becomes `<agent>-<20 hex>`, the original an attribute."""
    talk = Talk()
    talk.user("hello")
    info = talk.read(source=source_of("my session (copy)")).own.info

    assert info.id.startswith("claude-code-")
    assert info.attributes["native_id"] == "my session (copy)"


def test_the_state_is_what_was_written() -> None:
    assert load(WHOLE.state).own.id == SESSION


@contextmanager
def _file(data: bytes) -> Iterator[Source]:
    """A transcript in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / f"{SESSION}.jsonl"
        path.write_bytes(data)
        yield Source(agent="claude-code", root=str(path.parent), path=str(path))


def _read_on(source: Source, reads: Reads, cursor: Cursor | None, slice_bytes: int) -> Cursor:
    while True:
        delta = read_lines(source, cursor, feed_with(None), slice_bytes=slice_bytes)
        reads.apply(delta.sessions)
        reads.count(delta.skipped, delta.unknown)
        cursor = delta.cursor
        if not delta.more:
            return cursor


def _read_file(source: Source, slice_bytes: int) -> Reads:
    reads = Reads()
    _read_on(source, reads, None, slice_bytes)
    return reads
