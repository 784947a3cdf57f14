"""Real transcripts against counts that were made without this parser."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from opensession.core.hail import Event
from opensession.parsers.agent import Source
from opensession.parsers.claude_code import AGENT
from opensession.parsers.claude_code.sources import meta_of
from tests.parsers.claude_code.transcripts import CLAUDE, CORPUS, Read, corpus_files, read

FILES = corpus_files()
IDS = [path.stem for path in FILES]

pytestmark = pytest.mark.skipif(not FILES, reason="the corpus of real transcripts is not here")


def _expected(path: Path) -> dict[str, Any]:
    counts: dict[str, Any] = json.loads((CORPUS / "expected.json").read_text())
    found: dict[str, Any] = counts[str(path.relative_to(CORPUS))]
    return found


def _whole_lines(path: Path) -> list[bytes]:
    """The lines that are JSON: the counts leave out the others."""
    kept = []
    for line in path.read_bytes().split(b"\n"):
        try:
            json.loads(line)
        except ValueError:
            continue
        kept.append(line)
    return kept


def _own(path: Path) -> Read:
    source = Source(agent="claude-code", root=str(CLAUDE), path=str(path))
    return read(_whole_lines(path), source=source, meta=meta_of(source)).own


def _typed(event: Event) -> bool:
    return event.type == "UserMessage" and not event.attributes.keys() & {"slash_command", "queued"}


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_calls_and_results_are_all_there(path: Path) -> None:
    expected, own = _expected(path), _own(path)
    calls = Counter(e.attributes["tool_use_name"] for e in own.events if _is_call(e))
    results = [event for event in own.events if event.type == "ToolResult"]

    assert dict(calls) == expected["tool_calls"]
    assert len(results) == expected["tool_results"]
    assert (
        sum(e.data is not None and e.data["is_error"] for e in results) == expected["tool_errors"]
    )


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_result_has_its_call(path: Path) -> None:
    own = _own(path)
    for event in own.events:
        if event.type == "ToolResult":
            call = own.events[event.attributes["result.call_seq"] - 1]
            assert call.attributes["semantic.call_id"] == event.attributes["semantic.call_id"]
            assert event.data is not None
            assert call.attributes["tool_use_name"] == event.data["name"]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_assistant_record_gives_events(path: Path) -> None:
    own = _own(path)
    records = {e.event_id.split(":")[0] for e in own.events if _raw(e) == "assistant"}

    assert len(records) == _expected(path)["records"]["assistant"]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_prompts_are_what_a_person_typed(path: Path) -> None:
    expected, own = _expected(path), _own(path)
    typed = [event for event in own.events if _typed(event)]

    if own.info.role == "auxiliary":
        assert expected["typed_prompts"] == 0
        return
    assert len(typed) == expected["typed_prompts"]
    assert own.info.first_prompt.startswith(expected["first_prompt"])


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_usage_is_that_of_the_last_record_of_each_message(path: Path) -> None:
    """DECISIONS §3: records of one message id repeat its usage while it grows; the last counts."""
    own = _own(path)
    sums = {
        name: sum(getattr(usage, name) for usage in own.usage.values())
        for name in ("input", "output", "cache_read", "cache_write")
    }

    assert sums == _expected(path)["usage_by_last_record_of_message_id"]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_usage_can_be_summed_up_from_the_events(path: Path) -> None:
    """The attributes of events hold what the usage holds."""
    own = _own(path)
    last = {e.attributes["message_id"]: e for e in own.events if "output_tokens" in e.attributes}

    assert {key: event.attributes["output_tokens"] for key, event in last.items()} == {
        key: usage.output for key, usage in own.usage.items()
    }


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_malformed_lines_are_counted_and_what_they_hold_is_kept(path: Path) -> None:
    source = Source(agent="claude-code", root=str(CLAUDE), path=str(path))
    reads = read([line for line in path.read_bytes().split(b"\n") if line], source=source)
    expected = _expected(path)["malformed_lines"]

    assert reads.skipped.get("malformed", 0) == expected
    assert len(reads.own.events) - len(_own(path).events) >= expected
    assert reads.unknown == {}


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_event_ids_are_unique(path: Path) -> None:
    """DECISIONS §2: the id of an event is unique in its session."""
    source = Source(agent="claude-code", root=str(CLAUDE), path=str(path))
    for session in read(_whole_lines(path), source=source).sessions.values():
        ids = [event.event_id for event in session.events]
        assert len(ids) == len(set(ids))
        assert not any("." in event_id for event_id in ids)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_agent_reads_the_file_itself(path: Path) -> None:
    source = Source(agent="claude-code", root=str(CLAUDE / "recorded"), path=str(path))
    if not path.is_relative_to(CLAUDE / "recorded"):
        source = Source(agent="claude-code", root=str(CLAUDE / "public"), path=str(path))
    if path.stat().st_uid != Path.home().stat().st_uid:
        pytest.skip("the corpus belongs to another user")
    delta = AGENT.read(source, None)

    assert delta.sessions[0].info.id == path.stem
    assert delta.raw == path.read_bytes()[: len(delta.raw)]


def test_subagent_files_are_linked_to_the_call_that_started_them() -> None:
    parent, child = (
        next(path for path in FILES if path.stem == stem)
        for stem in ("cf46062c-d841-46aa-b046-d641022ffe6a", "agent-a879b75a5f2ca305c")
    )
    started = next(e for e in _own(parent).events if "subagent_id" in e.attributes)
    info = _own(child).info

    assert info.id == started.attributes["subagent_id"]
    assert (info.role, info.parent) == ("auxiliary", parent.stem)
    assert info.parent_call_id == started.attributes["semantic.call_id"]
    assert info.title == "Look at rate limiter"


def test_subagents_within_progress_records_are_sessions_of_their_own() -> None:
    path = next(path for path in FILES if path.stem.startswith("8ef64fdd"))
    reads = read(_whole_lines(path))
    started = {
        e.attributes["subagent_id"]: e.attributes["semantic.call_id"]
        for e in reads.own.events
        if "subagent_id" in e.attributes
    }
    children = list(reads.sessions.values())[1:]

    assert {child.info.id: child.info.parent_call_id for child in children} == started
    assert len(children) == 5
    assert all(child.secondary for child in children)
    assert all(child.info.title and child.info.model for child in children)


def test_a_title_of_another_conversation_is_not_taken() -> None:
    """Public transcripts begin with the title of the conversation before."""
    titles = {path.stem[:4]: _own(path).info.title for path in FILES}

    assert titles["0442"] == titles["5a3b"] == ""
    assert titles["9f26"] == "Apply wrapper script pattern to Gemini hooks"


def test_edits_carry_diffs_and_commands_exit_codes() -> None:
    results = [e for path in FILES for e in _own(path).events if e.type == "ToolResult"]
    edits = [e for e in results if e.data and e.data["name"] in ("Edit", "Write")]
    commands = [e for e in results if e.data and e.data["name"] == "Bash"]
    changed = [e for e in edits if e.data and not e.data["is_error"]]
    codes = Counter(e.attributes.get("result.exit_code") for e in commands)

    assert len(changed) > 90
    assert all("\n@@ -" in e.attributes["result.diff"] for e in changed)
    assert codes[1] == 9
    assert codes[None] == 3  # two were rejected, one code was read as no error and not recorded


def _raw(event: Event) -> str:
    raw: str = event.attributes["source.raw_type"]
    return raw


def _is_call(event: Event) -> bool:
    return "tool_use_name" in event.attributes
