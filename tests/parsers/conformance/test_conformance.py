"""The rules that every agent keeps, over every sample there is of it."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from opensession.core import hail_lines, hail_read, ids
from opensession.core.fold import fold_session
from opensession.core.hail import Event, SessionInfo
from opensession.core.stats import CALLS, recompute
from opensession.core.validate import validate
from opensession.parsers.agent import Agent, Cursor, Delta, Source, SourceGone, SourceRefused
from opensession.parsers.registry import BUILT_IN
from tests.helpers.lines import Whole, read_all
from tests.parsers.conformance.samples import CASES, EVERY_SAMPLE, PATTERNS, copied

CANARY = "canary7c1f09"
CURSOR_BYTES = 2 << 20
CUTS = 12
MUTATIONS = 40
EARLIEST_US = 1_500_000_000_000_000
LATEST_US = 2_000_000_000_000_000


@pytest.fixture
def source(agent: Agent, sample: str, corpus: Path, tmp_path: Path) -> Source:
    return copied(agent, sample, corpus, tmp_path / CANARY)


def whole_of(agent: Agent, source: Source) -> Whole:
    return read_all(agent.read, source)[0]


def told(whole: Whole) -> dict[str, list[Event]]:
    return {session: events for session, events in whole.sessions.items() if events}


def test_every_agent_of_the_list_has_samples(corpus: Path) -> None:
    assert {agent.name for agent in BUILT_IN} <= PATTERNS.keys()
    assert {agent.name for agent, _ in CASES} == {agent.name for agent in BUILT_IN}


@EVERY_SAMPLE
def test_ids_are_unique_and_fit(agent: Agent, source: Source) -> None:
    whole = whole_of(agent, source)
    for session, events in whole.sessions.items():
        assert ids.fits(session)
        found = [event.event_id for event in events]
        assert len(set(found)) == len(found)
        assert whole.infos[session].agent == agent.name


@EVERY_SAMPLE
def test_two_reads_are_equal_and_a_third_finds_nothing(agent: Agent, source: Source) -> None:
    first, cursor = read_all(agent.read, source)
    again = whole_of(agent, source)
    assert told(again) == told(first)
    assert again.infos == first.infos
    assert again.usage == first.usage
    assert again.raw == first.raw
    nothing = agent.read(source, cursor)
    assert not any(session.events for session in nothing.sessions)
    assert not nothing.raw
    assert not nothing.more
    assert not nothing.restarted


@EVERY_SAMPLE
def test_times_are_recorded_or_said_to_be_estimated(agent: Agent, source: Source) -> None:
    for events in told(whole_of(agent, source)).values():
        for event in events:
            assert event.time_us >= 0
            if not event.attributes.get("time.estimated"):
                assert EARLIEST_US < event.time_us < LATEST_US


@EVERY_SAMPLE
def test_calls_and_results_are_paired(agent: Agent, source: Source) -> None:
    for events in told(whole_of(agent, source)).values():
        calls = {
            event.attributes["semantic.call_id"]: seq
            for seq, event in enumerate(events, 1)
            if event.type in CALLS and event.attributes.get("semantic.call_id")
        }
        answered = set()
        for seq, event in enumerate(events, 1):
            if event.type in CALLS and agent.name != "hail":  # a HAIL file has what it has
                assert event.attributes["tool_use_name"]
                assert event.attributes["semantic.tool_kind"]
            if event.type != "ToolResult":
                continue
            call_id = event.attributes.get("semantic.call_id")
            if call_id in calls and calls[call_id] < seq:
                assert event.attributes["result.call_seq"] == calls[call_id]
                assert call_id not in answered
                answered.add(call_id)


@EVERY_SAMPLE
def test_a_session_can_be_written_as_hail_and_read_again(agent: Agent, source: Source) -> None:
    whole = whole_of(agent, source)
    for session, stored in told(whole).items():
        events = sorted(fold_session(stored), key=lambda event: event.time_us)
        header = header_of(whole.infos[session], events)
        assert validate(header, events) == []
        data = b"".join(hail_lines.write(header, events, recompute(events)))
        document = hail_read.read(data)
        assert not document.problems
        assert not document.unknown
        again = [hail_lines.event_line(event) for event in document.events]
        assert again == [hail_lines.event_line(event) for event in events]
        assert document.stats == recompute(document.events)


@EVERY_SAMPLE
def test_usage_belongs_to_events_and_is_never_negative(agent: Agent, source: Source) -> None:
    whole = whole_of(agent, source)
    for session, usage in whole.usage.items():
        for one in usage:
            assert 1 <= one.seq <= len(whole.sessions[session])
            assert min(one.input, one.output, one.cache_read, one.cache_write) >= 0


@EVERY_SAMPLE
def test_nothing_of_this_machine_gets_into_events(agent: Agent, source: Source) -> None:
    """The folder that the files lie in is nobody's business, but for a session's own folder."""
    whole = whole_of(agent, source)
    for events in whole.sessions.values():
        assert CANARY.encode() not in msgspec.json.encode(events)
    for info in whole.infos.values():
        plain = msgspec.structs.replace(info, cwd="", last_cwd="")
        assert CANARY.encode() not in msgspec.json.encode(plain)


@EVERY_SAMPLE
def test_what_is_archived_gives_the_same_events(
    agent: Agent, source: Source, tmp_path: Path
) -> None:
    whole = whole_of(agent, source)
    kept = tmp_path / "kept"
    kept.write_bytes(whole.raw)
    kept.chmod(0o600)
    again = whole_of(agent, msgspec.structs.replace(source, read_from=str(kept)))
    assert told(again) == told(whole)


@EVERY_SAMPLE
def test_only_a_database_says_which_sessions_are_in_it_and_says_all(
    agent: Agent, source: Source, tmp_path: Path
) -> None:
    """So a session that its agent deletes from a database which stays is seen to be gone."""
    said: list[list[str] | None] = []

    def noted(source: Source, cursor: Cursor | None) -> Delta:
        delta = agent.read(source, cursor)
        said.append(delta.present)
        return delta

    whole, cursor = read_all(noted, source)
    assert said[:-1] == [None] * (len(said) - 1), "before all was read"
    if agent.storage(source) != "rows":
        assert said[-1] is None
        return
    assert sorted(said[-1] or []) == sorted(whole.sessions)
    assert agent.read(source, cursor).present is None, "as it was at the cursor"
    kept = tmp_path / "kept"
    kept.write_bytes(whole.raw)
    kept.chmod(0o600)
    archived = msgspec.structs.replace(source, read_from=str(kept))
    assert agent.read(archived, None).present is None, "the archive holds what was there once"


@EVERY_SAMPLE
def test_a_cursor_stays_small(agent: Agent, source: Source) -> None:
    _, cursor = read_all(agent.read, source)
    assert len(msgspec.msgpack.encode(cursor)) < CURSOR_BYTES


@EVERY_SAMPLE
def test_a_file_that_is_cut_anywhere_and_grows_is_read_as_if_it_had_been_whole(
    agent: Agent, source: Source
) -> None:
    """Cut at any byte, read, grown to the next cut, read again: equal to one read of the whole."""
    if agent.storage(source) == "rows":
        pytest.skip("a database grows by rows: tested with its agent")
    path = Path(source.path)
    data = path.read_bytes()
    expected = whole_of(agent, source)
    chance = random.Random(source.path.rpartition("/")[2])
    cuts = sorted(chance.randrange(len(data)) for _ in range(CUTS)) if data else []
    path.write_bytes(b"")
    whole, cursor = Whole(), None
    for cut in [*cuts, len(data)]:
        with path.open("r+b") as file:
            file.seek(0, 2)
            file.write(data[file.tell() : cut])
        try:
            whole, cursor = read_all(agent.read, source, cursor, whole)
        except SourceRefused:
            continue
    assert told(whole) == told(expected)
    assert whole.infos == {**whole.infos, **expected.infos}


@EVERY_SAMPLE
def test_damaged_bytes_never_break_a_read(agent: Agent, source: Source) -> None:
    """Bytes changed, left out, doubled: a read ends, with whatever it could read."""
    path = Path(source.path)
    data = path.read_bytes()
    chance = random.Random(len(data))
    for _ in range(MUTATIONS if len(data) < 200_000 else 3):
        fresh = path.with_name(path.name)
        fresh.unlink()
        fresh.write_bytes(damaged(data, chance))
        fresh.chmod(0o600)
        try:
            whole = whole_of(agent, source)
        except (SourceRefused, SourceGone, OSError):
            continue
        for session in whole.sessions:
            assert ids.fits(session)
        msgspec.json.encode(list(whole.sessions.values()))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes with one to eight places changed."""
    out = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            out[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del out[at : at + chance.randint(1, 40)]
        elif kind == 2:
            out[at:at] = out[at : at + chance.randint(1, 200)]
        else:
            out[at:at] = chance.choice([b'"', b"{", b"]", b"null", b"\xff", b"1e999", b"-1"])
    return bytes(out)


def header_of(info: SessionInfo, events: list[Event]) -> hail_lines.Header:
    return hail_lines.header_of(info, created_us=events[0].time_us, updated_us=events[-1].time_us)
