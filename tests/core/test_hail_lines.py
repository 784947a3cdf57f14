"""HAIL written strictly and read back as it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core import hail_lines
from opensession.core.errors import OpenSessionError
from opensession.core.hail import Event, SessionInfo, code, json_block, text
from opensession.core.hail_lines import AgentLine, Context, Header, canonical, event_line, write
from opensession.core.hail_read import read, read_header
from opensession.core.privacy import Stripper
from opensession.core.stats import Stats, recompute

HEADER = Header(
    version="hail-1.0.0",
    session_id="s1",
    agent=AgentLine(provider="openai", model="gpt-5", tool="codex", tool_version="0.1"),
    context=Context(
        title="a title",
        tags=["codex"],
        created_at="2026-01-01T00:00:00.000Z",
        updated_at="2026-01-01T00:00:01.000Z",
        attributes={"cwd": "/x"},
    ),
)
NAMED = {name: fields for name, fields in hail_lines.DATA_FIELDS.items() if fields}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)  # fmt: skip
objects = st.dictionaries(st.text(max_size=6), json_values.filter(lambda v: v is not None))
blocks = st.lists(
    st.builds(text, st.text())
    | st.builds(code, st.text(), st.sampled_from(["", "python"]), st.none() | st.integers(1, 9))
    | st.builds(json_block, json_values.filter(lambda v: v is not None))
    | st.just({"type": "Hologram", "depth": 3}),
    max_size=3,
)
events = st.builds(
    Event,
    event_id=st.text(min_size=1, max_size=9),
    time_us=st.integers(0, 4_000_000_000_000).map(lambda ms: ms * 1000),
    type=st.sampled_from([*hail_lines.DATA_FIELDS, "TeleportStart"]),
    blocks=blocks,
    task_id=st.none() | st.text(min_size=1, max_size=4),
    duration_ms=st.none() | st.integers(0, 10**9),
    attributes=objects,
)


def with_data(event: Event, fill: str, more: dict[str, Any]) -> Event:
    """The event with the data its type needs, and more."""
    fields = NAMED.get(event.type, ())
    data: dict[str, Any] = dict.fromkeys(fields, fill)
    if event.type == "ToolResult":
        data["is_error"] = bool(fill)
    data |= {name: value for name, value in more.items() if name not in data}
    import msgspec

    return msgspec.structs.replace(event, data=data if fields else data or None)


sessions = st.lists(st.builds(with_data, events, st.text(max_size=4), objects), max_size=5)


@given(sessions)
def test_what_is_written_is_read_back(session: list[Event]) -> None:
    """DESIGN §3: unknown event types and blocks survive a round trip."""
    document = read(b"".join(write(HEADER, session)))
    assert document.header == HEADER
    assert document.events == session
    assert document.stats == recompute(session)
    assert (document.problems, document.recomputed) == ([], False)


@given(sessions)
def test_each_line_is_one_object_without_blanks_between(session: list[Event]) -> None:
    for line in write(HEADER, session):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        loaded = json.loads(line)
        assert line.decode().strip() == json.dumps(
            loaded, ensure_ascii=False, separators=(",", ":")
        ) or any(sign in line for sign in b".eE\\\x7f")


def test_keys_stand_in_declared_order_and_attributes_are_sorted() -> None:
    event = Event(
        event_id="e1",
        time_us=1_500,
        type="ToolResult",
        data={"call_id": "c1", "is_error": False, "name": "Bash"},
        blocks=[{"language": "sh", "code": "x", "type": "Code"}],
        task_id="t1",
        duration_ms=7,
        attributes={"z": 1, "a": "ü"},
    )
    assert event_line(event).decode() == (
        '{"type":"event","event_id":"e1","timestamp":"1970-01-01T00:00:00.001Z",'
        '"event_type":{"type":"ToolResult",'
        '"data":{"name":"Bash","is_error":false,"call_id":"c1"}},"task_id":"t1",'
        '"content":{"blocks":[{"type":"Code","code":"x","language":"sh"}]},"duration_ms":7,'
        '"attributes":{"a":"ü","z":1}}'
    )


def test_optional_fields_are_left_out_and_empty_data_is_written() -> None:
    start = Event(event_id="e1", time_us=0, type="TaskStart")
    assert b'"event_type":{"type":"TaskStart","data":{}}' in event_line(start)
    message = event_line(Event(event_id="e1", time_us=0, type="UserMessage"))
    for name in (b"data", b"task_id", b"duration_ms", b"attributes"):
        assert name not in message


def test_a_lone_surrogate_does_not_stop_a_line() -> None:
    line = event_line(Event(event_id="e", time_us=0, type="UserMessage", blocks=[text("a\ud800b")]))
    assert json.loads(line)["content"]["blocks"][0]["text"] == "a?b"


def test_canonical_events_and_their_chain() -> None:
    """DECISIONS §2: the stored event as a HAIL line without privacy tags, and the chain over it."""
    event = Event(event_id="e1", time_us=0, type="UserMessage", blocks=[text('TOKEN="abc123xyz"')])
    lines = set()
    for key in (b"a" * 32, b"b" * 32):
        stored, _ = Stripper("/home/ann", key).strip_event(event)
        lines.add(canonical(stored))
    (line,) = lines
    assert b"[redacted:token]" in line
    start = hail_lines.chain_start("hub/device/s1", 2)
    assert start == hashlib.sha256(b"hub/device/s12").digest()
    assert hail_lines.chain(start, line) == hashlib.sha256(start + line).digest()


def test_the_header_of_a_session() -> None:
    info = SessionInfo(
        id="s1",
        agent="codex",
        first_prompt="p" * 200,
        cwd="/x",
        role="auxiliary",
        parent="s0",
        related=["s0", "s9"],
    )
    header = hail_lines.header_of(info, created_us=0, updated_us=1_000_000)
    assert header.agent == AgentLine(provider="unknown", model="unknown", tool="codex")
    assert header.context.title == "p" * 80
    assert header.context.tags == ["codex"]
    assert header.context.related_session_ids == ["s0", "s9"]
    assert header.context.attributes == {
        "cwd": "/x",
        "parent_session_id": "s0",
        "session_role": "auxiliary",
    }


def test_a_broken_line_costs_that_line() -> None:
    """A malformed line costs that line, never the session; it is reported."""
    lines = list(write(HEADER, [Event(event_id="e1", time_us=0, type="UserMessage")]))
    data = lines[0] + b"\n" + lines[1] + b'{"type":"event"\n\xff\n[1]\n' + b"".join(lines[2:])
    document = read(data)
    assert [event.event_id for event in document.events] == ["e1"]
    assert [problem.line for problem in document.problems] == [4, 5, 6]
    assert not document.recomputed


def test_what_is_not_known_is_counted() -> None:
    lines = [
        '{"type":"event","event_id":"a","timestamp":"2026-01-01T00:00:00Z",'
        '"event_type":{"type":"Teleport","data":{"to":1}},"content":{"blocks":[{"type":"Smell"}]}}',
        '{"type":"footnote"}',
        '{"type":"header","session_id":"other"}',
    ]
    document = read(hail_lines.header_line(HEADER) + b"\n" + "\n".join(lines).encode())
    assert document.unknown == {
        "event:Teleport": 1,
        "block:Smell": 1,
        "line:footnote": 1,
        "line:header": 1,
    }
    assert document.events[0].data == {"to": 1}
    assert document.header.session_id == "s1"


def test_stats_of_the_file_are_trusted_and_missing_ones_computed() -> None:
    event = Event(event_id="e1", time_us=0, type="UserMessage")
    lines = list(write(HEADER, [event], Stats(event_count=99)))
    assert read(b"".join(lines)).stats.event_count == 99
    without = read(b"".join(lines[:-1]))
    assert without.recomputed
    assert without.stats.event_count == 1


def test_an_event_without_time_or_id_is_kept() -> None:
    data = b'\n{"type":"event","event_type":"UserMessage"}\n{"type":"event","event_type":{}}'
    document = read(hail_lines.header_line(HEADER) + data)
    (event,) = document.events
    assert event.event_id
    assert event.attributes == {"time.estimated": True}
    assert len(document.problems) == 1


@pytest.mark.parametrize("data", [b"", b"\n", b"hello", b'{"type":"event"}', b"[1]", b"\x00\xff"])
def test_a_file_without_a_header_is_refused(data: bytes) -> None:
    with pytest.raises(OpenSessionError, match="Missing header line"):
        read(data)
    with pytest.raises(OpenSessionError, match="Missing header line"):
        read_header(data)


def test_only_the_first_line_is_read_for_the_header() -> None:
    assert read_header(hail_lines.header_line(HEADER) + b"\n{broken") == HEADER


@pytest.mark.parametrize("indent", [None, 2])
def test_the_one_object_form(indent: int | None) -> None:
    lines = [
        json.loads(line)
        for line in write(HEADER, [Event(event_id="e", time_us=0, type="Thinking")])
    ]
    whole = {**lines[0], "events": [lines[1]], "stats": lines[2]}
    del whole["type"]
    document = read(json.dumps(whole, indent=indent).encode())
    assert document.header == HEADER
    assert [event.type for event in document.events] == ["Thinking"]
    assert not document.recomputed


def test_hail_0_1() -> None:
    """DESIGN §3: human, agent with tool_calls, file_edit and error of hail/0.1."""
    records: list[dict[str, Any]] = [
        {"v": "hail/0.1", "tool": "claude-code", "model": "opus-4", "ts": "2025-01-01T00:00:00Z"},
        {"role": "human", "content": "Fix it"},
        {
            "role": "agent",
            "content": "Yes",
            "tool_calls": [{"name": "Read", "input": {"p": 1}}, "ls"],
        },
        {"type": "file_edit", "path": "a.rs", "diff": "+x"},
        {"type": "error", "message": "no"},
        {"type": "dream", "of": "sheep"},
    ]
    document = read("\n".join(json.dumps(record) for record in records).encode())
    assert [event.type for event in document.events] == [
        "UserMessage", "AgentMessage", "ToolCall", "ToolCall", "FileEdit", "ToolResult", "Custom",
    ]  # fmt: skip
    assert document.events[2].data == {"name": "Read"}
    assert document.events[4].data == {"path": "a.rs", "diff": "+x"}
    assert document.events[5].data == {"name": "error", "is_error": True}
    assert len({event.event_id for event in document.events}) == 7
    assert document.header.agent.tool == "claude-code"
    assert (
        document.header.session_id
        == read("\n".join(json.dumps(record) for record in records).encode()).header.session_id
    )
    assert document.unknown == {"line:dream": 1}


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for given_bytes in (data, hail_lines.header_line(HEADER) + b"\n" + data, b"{" + data):
        try:
            read(given_bytes)
        except OpenSessionError:
            continue


@given(st.lists(objects | json_values, max_size=4), objects)
def test_any_json_is_read_or_refused(values: list[Any], first: dict[str, Any]) -> None:
    for header in ({"type": "header"}, {"v": "hail/0.1"}, {"events": values}):
        data = "\n".join(json.dumps(value) for value in [{**first, **header}, *values])
        for event in read(data.encode()).events:
            event_line(event)


def test_the_corpus_file_is_written_as_it_was(corpus: Path) -> None:
    for path in (corpus / "hail").rglob("*.hail.jsonl"):
        data = path.read_bytes()
        document = read(data)
        assert document.problems == []
        assert b"".join(write(document.header, document.events, document.stats)) == data
