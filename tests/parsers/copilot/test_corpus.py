"""The sessions that the real program wrote, against its own store and plain counts."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.parsers.agent import Environment, Source
from opensession.parsers.copilot import AGENT
from tests.conftest import CORPUS
from tests.helpers.lines import Whole, read_all

RESUMED = "cdf7feae-26cf-4050-b3d9-907abeb87823"
PLAIN = "f7d747e1-db7b-4504-8dce-80b61578f733"
SUBAGENT = "39f97547-a311-4234-978c-c999e350eafd"
FOLDERS = {RESUMED: "copilot/recorded-resume", PLAIN: "copilot/recorded/.copilot"}
CALLS = {"ToolCall", "ShellCommand", "FileRead", "FileEdit", "FileCreate", "CodeSearch"}


def source_of(corpus: Path, session: str) -> Source:
    root = corpus / FOLDERS[session] / "session-state"
    return Source("copilot", str(root), str(root / session / "events.jsonl"))


def read(corpus: Path, session: str) -> Whole:
    return read_all(AGENT.read, source_of(corpus, session))[0]


def records_of(corpus: Path, session: str) -> list[dict[str, Any]]:
    path = Path(source_of(corpus, session).path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_session_of_a_home_is_found(corpus: Path) -> None:
    env = Environment(home=str(corpus / "copilot/recorded"), variables={}, platform="linux")

    found = [source.path for root in AGENT.roots(env) for source in AGENT.sources(root)]

    assert found == [source_of(corpus, PLAIN).path]


@pytest.mark.parametrize("session", FOLDERS)
def test_each_request_is_one_call_and_each_completion_one_result(
    corpus: Path, session: str
) -> None:
    records = records_of(corpus, session)
    whole = read(corpus, session)

    events = [event for listed in whole.sessions.values() for event in listed]
    calls = [event for event in events if event.type in CALLS]
    results = [event for event in events if event.type == "ToolResult"]
    asked = [
        request["toolCallId"]
        for record in records
        if record["type"] == "assistant.message"
        for request in record["data"]["toolRequests"]
    ]
    ended = [
        record["data"]["toolCallId"]
        for record in records
        if record["type"] == "tool.execution_complete"
    ]
    assert [event.attributes["semantic.call_id"] for event in calls] == asked
    assert sorted(event.attributes["semantic.call_id"] for event in results) == sorted(ended)
    assert all("result.call_seq" in event.attributes for event in results)
    assert not whole.skipped
    assert not whole.unknown


@pytest.mark.parametrize("session", FOLDERS)
def test_usage_sums_to_what_copilots_own_store_has(
    corpus: Path, session: str, tmp_path: Path
) -> None:
    shutil.copy(corpus / FOLDERS[session] / "session-store.db", tmp_path / "store.db")
    with closing(sqlite3.connect(tmp_path / "store.db")) as store:
        rows = store.execute(
            "SELECT coalesce(agent_id, session_id), sum(input_tokens), sum(output_tokens),"
            " sum(cache_read_tokens), sum(cache_write_tokens), count(*)"
            " FROM assistant_usage_events GROUP BY 1"
        ).fetchall()

    whole = read(corpus, session)

    got = {
        key: (
            sum(one.input + one.cache_read + one.cache_write for one in usage),
            sum(one.output for one in usage),
            sum(one.cache_read for one in usage),
            sum(one.cache_write for one in usage),
            len({one.message_id for one in usage}),
        )
        for key, usage in whole.usage.items()
    }
    assert got == {row[0]: row[1:] for row in rows}
    assert all(one.cost_microdollars is None for usage in whole.usage.values() for one in usage)


def test_the_session_tells_where_it_ran(corpus: Path) -> None:
    info = read(corpus, PLAIN).infos[PLAIN]

    assert info.title.startswith("[script:default] The rate limiter lets one request too many")
    assert (info.cwd, info.git_branch) == ("/home/dev/acme-api", "main")
    assert info.git_commit == "acbe7ff8da04e495a970e47a0f9e2492de83c189"
    assert (info.model, info.provider) == ("claude-sonnet-4.5", "anthropic")
    assert info.tool_version == "1.0.102"
    assert info.first_prompt.endswith("Fix it and run the tests.")


def test_a_failing_command_has_its_exit_code_although_it_succeeded(corpus: Path) -> None:
    results = [event for event in read(corpus, PLAIN).sessions[PLAIN] if event.type == "ToolResult"]

    assert [event.attributes.get("result.exit_code") for event in results] == [None, None, 1]
    assert [(event.data or {})["is_error"] for event in results] == [False, False, True]


def test_an_edit_has_its_diff_and_a_view_has_none(corpus: Path) -> None:
    events = read(corpus, PLAIN).sessions[PLAIN]

    diffs = [
        event.attributes.get("result.diff", "") for event in events if event.type == "ToolResult"
    ]

    assert diffs[0] == ""
    assert diffs[1].startswith(
        "--- /home/dev/acme-api/src/rate-limit.js\n+++ /home/dev/acme-api/src/rate-limit.js\n@@ -5"
    )
    assert "\n-  return hits.length > limit;\n+  return hits.length >= limit;\n" in diffs[1]


def test_a_new_file_was_none_before(corpus: Path) -> None:
    events = read(corpus, RESUMED).sessions[RESUMED]

    made = next(event for event in events if "result.diff" in event.attributes)
    assert made.attributes["result.diff"].startswith("--- /dev/null\n+++ /home/dev/acme-api\n@@ ")


def test_a_subagent_is_a_session_of_its_own(corpus: Path) -> None:
    whole = read(corpus, RESUMED)

    info = whole.infos[SUBAGENT]
    assert (info.role, info.parent) == ("auxiliary", RESUMED)
    assert info.parent_call_id == "call_eb9416c8cbb2"
    assert info.title == "Look for tests"
    said = [event.type for event in whole.sessions[SUBAGENT] if event.type != "Custom"]
    assert said == [
        "UserMessage",
        "Thinking",
        "AgentMessage",
        "ShellCommand",
        "ToolResult",
        "Thinking",
        "AgentMessage",
    ]
    (handed,) = (event for event in whole.sessions[RESUMED] if "subagent_id" in event.attributes)
    assert handed.attributes["subagent_id"] == SUBAGENT
    assert handed.attributes["semantic.call_id"] == info.parent_call_id


def test_a_resumed_session_goes_on(corpus: Path) -> None:
    events = read(corpus, RESUMED).sessions[RESUMED]

    kinds = Counter((event.data or {}).get("kind") for event in events if event.type == "Custom")
    typed = [event.blocks[0]["text"] for event in events if event.type == "UserMessage"]
    assert kinds == {"token_count": 8, "session_resumed": 1}
    assert typed == ["Make a hello.py with a greeting function", "Thanks, and say bye"]


def test_what_was_recorded_before_the_resume_is_a_beginning_of_it(corpus: Path) -> None:
    before = corpus / "copilot/recorded-resume/events.before-resume.jsonl"
    first = read_all(AGENT.read, Source("copilot", str(before.parent), str(before)))[0]

    whole = read(corpus, RESUMED)

    assert first.sessions[RESUMED] == whole.sessions[RESUMED][: len(first.sessions[RESUMED])]
    assert first.sessions[SUBAGENT] == whole.sessions[SUBAGENT]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real sessions is not there")
@settings(max_examples=20)
@given(st.lists(st.integers(0, 48_953), max_size=6))
def test_cut_anywhere_it_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    original = source_of(CORPUS, RESUMED)
    data = Path(original.path).read_bytes()
    root = tmp_path_factory.mktemp("cut")
    path = root / RESUMED / "events.jsonl"
    path.parent.mkdir()
    source = Source("copilot", str(root), str(path))
    whole, cursor = Whole(), None
    for at, cut in enumerate([*sorted(cuts), len(data)]):
        with path.open("ab") as out:
            out.write(data[path.stat().st_size if at else 0 : cut])
        whole, cursor = read_all(AGENT.read, source, cursor, whole)

    expected = read_all(AGENT.read, original)[0]
    assert whole.sessions == expected.sessions
    assert whole.usage == expected.usage
    assert whole.raw == data
