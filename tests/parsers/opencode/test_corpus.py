"""What OpenCode and Kilo wrote themselves, against what their rows say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensession.core.stats import CALLS
from opensession.parsers.opencode.sources import read
from tests.helpers.lines import Whole, read_all
from tests.parsers.opencode.making import (
    DATABASES,
    KILO,
    RECORDED,
    SUBAGENT,
    copied,
    read_by,
    rows_of,
)


@pytest.fixture(params=[(sample, events) for sample in DATABASES for events in (True, False)])
def told(request: pytest.FixtureRequest, corpus: Path, tmp_path: Path) -> tuple[Whole, list[str]]:
    """A whole read with and without the log of changes, and all parts of the database."""
    sample, events = request.param
    source = copied(corpus, sample, tmp_path, events=events)
    parts = [row[0] for row in rows_of(source, "SELECT data FROM part ORDER BY id")]
    return read_all(read, source)[0], parts


def test_every_tool_has_one_call_and_one_result(told: tuple[Whole, list[str]]) -> None:
    whole, parts = told
    tools = [part for part in map(json.loads, parts) if part["type"] == "tool"]
    events = [event for session in whole.sessions.values() for event in session]
    calls = [event for event in events if event.type in CALLS]
    results = {
        event.attributes["semantic.call_id"]: event
        for event in events
        if event.type == "ToolResult"
    }
    assert sorted(event.attributes["semantic.call_id"] for event in calls) == sorted(
        tool["callID"] for tool in tools
    )
    assert len(results) == len(tools) == len(calls)
    for tool in tools:
        result, state = results[tool["callID"]], tool["state"]
        said = state.get("error") if state["status"] == "error" else state["output"]
        assert [block["text"] for block in result.blocks] == [said]
        assert result.data is not None
        assert result.data["is_error"] == (state["status"] == "error")
        assert result.attributes.get("result.exit_code") == state.get("metadata", {}).get("exit")
        took = state["time"]["end"] - state["time"]["start"]
        assert result.attributes["result.duration_ms"] == took


def test_texts_and_thoughts_are_told_once(told: tuple[Whole, list[str]]) -> None:
    whole, parts = told
    said = sorted(
        part["text"]
        for part in map(json.loads, parts)
        if part["type"] in ("text", "reasoning") and part["text"].strip()
    )
    kinds = ("UserMessage", "AgentMessage", "Thinking", "SystemMessage")
    events = [event for session in whole.sessions.values() for event in session]
    assert sorted(event.blocks[0]["text"] for event in events if event.type in kinds) == said
    assert not whole.skipped
    assert not whole.unknown


@pytest.mark.parametrize("sample", DATABASES)
def test_tokens_and_cost_are_those_of_the_sessions(
    sample: str, corpus: Path, tmp_path: Path
) -> None:
    source = copied(corpus, sample, tmp_path)
    whole = read_all(read, source)[0]
    totals = rows_of(
        source,
        "SELECT id, tokens_input, tokens_output + tokens_reasoning, tokens_cache_read,"
        " tokens_cache_write, cost FROM session",
    )
    assert len(totals) == len(whole.sessions)
    for session, taken, given, kept, written, cost in totals:
        usage = {one.message_id: one for one in whole.usage[session]}.values()
        assert sum(one.input for one in usage) == taken
        assert sum(one.output for one in usage) == given
        assert sum(one.cache_read for one in usage) == kept
        assert sum(one.cache_write for one in usage) == written
        assert sum(one.cost_microdollars or 0 for one in usage) == round(cost * 1e6)


def test_a_session_is_named_and_placed(corpus: Path, tmp_path: Path) -> None:
    whole = read_all(read, copied(corpus, RECORDED, tmp_path))[0]
    info = whole.infos["ses_e049ec6ceffewycCssM6B04Yue"]
    assert info.title == "Fix rate limiter off-by-one"
    assert info.cwd == info.last_cwd == "/home/dev/acme-api"
    assert (info.provider, info.model, info.tool_version) == ("mock", "mock-model", "1.18.33")
    assert info.first_prompt.startswith('"[script:default] The rate limiter')
    assert info.role == "primary"


def test_a_title_that_says_nothing_is_none(corpus: Path, tmp_path: Path) -> None:
    whole = read_all(read, copied(corpus, KILO, tmp_path))[0]
    assert whole.info.title == ""
    assert whole.info.tool_version == "7.7.7"
    assert whole.info.agent == "kilo-code"


@pytest.mark.parametrize("events", [True, False])
def test_a_subagent_is_a_session_of_the_call_that_started_it(
    events: bool, corpus: Path, tmp_path: Path
) -> None:
    whole = read_all(read, copied(corpus, SUBAGENT, tmp_path, events=events))[0]
    parent, child = "ses_e04a3f89bffeKwI5Iu63KHBSYn", "ses_e04a3e3baffeqsU1rn91pmlXey"
    info = whole.infos[child]
    assert (info.role, info.parent) == ("auxiliary", parent)
    assert info.parent_call_id == "call_4d6b3928176e"
    (result,) = [
        event
        for event in whole.sessions[parent]
        if event.type == "ToolResult"
        and event.attributes["semantic.call_id"] == "call_4d6b3928176e"
    ]
    assert result.attributes["subagent_id"] == child


def test_an_edit_has_the_diff_that_was_recorded(corpus: Path, tmp_path: Path) -> None:
    whole = read_all(read, copied(corpus, RECORDED, tmp_path))[0]
    (diff,) = [
        event.attributes["result.diff"]
        for event in whole.sessions["ses_e049ec6ceffewycCssM6B04Yue"]
        if "result.diff" in event.attributes
    ]
    assert diff.startswith("--- /home/dev/acme-api/src/rate-limit.js\n+++ ")
    assert "\n-  return hits.length > limit;\n+  return hits.length >= limit;\n" in diff


def test_what_kilo_shows_for_a_moment_is_no_message(corpus: Path, tmp_path: Path) -> None:
    whole = read_all(read, copied(corpus, KILO, tmp_path))[0]
    said = [block.get("text", "") for event in whole.events for block in event.blocks]
    assert not any("Initializing snapshot" in words for words in said)


@pytest.mark.parametrize("sample", DATABASES)
@pytest.mark.parametrize("size", [1, 3000, 40_000])
def test_pieces_of_any_size_give_the_same(
    sample: str, size: int, corpus: Path, tmp_path: Path
) -> None:
    source = copied(corpus, sample, tmp_path)
    whole = read_all(read, source)[0]
    pieces = read_all(read_by(size), source)[0]
    assert pieces == whole


@pytest.mark.parametrize("sample", DATABASES)
def test_rows_give_the_same_events_as_the_log_of_changes(
    sample: str, corpus: Path, tmp_path: Path
) -> None:
    """As no call of the samples ran beside another, their order is the same too."""
    (tmp_path / "rows").mkdir()
    whole = read_all(read, copied(corpus, sample, tmp_path))[0]
    rows = read_all(read, copied(corpus, sample, tmp_path / "rows", events=False))[0]
    by_one = read_all(read_by(1), copied(corpus, sample, tmp_path / "rows", events=False))[0]
    assert rows.sessions == whole.sessions
    assert rows.infos == whole.infos
    assert by_one.sessions == rows.sessions
