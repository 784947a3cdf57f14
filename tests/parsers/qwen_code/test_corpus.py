"""The real transcripts of the corpus, against what a few lines count in them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.parsers.agent import Environment, Source
from opensession.parsers.detection import HEAD_BYTES, detect
from opensession.parsers.qwen_code import AGENT
from opensession.parsers.registry import BUILT_IN
from tests.conftest import CORPUS
from tests.helpers.lines import Whole, read_all, touch
from tests.parsers.gemini.making import spent, types

OLD = "aeabe21a-a38b-4172-b065-71f8e16a3a30"
NEW = "c59af8cb-15d4-4a2e-9f3a-7d6baf17b64a"
CHILD = "agent-general-purpose-call_3ebc8ab1aa88"
STEMS = [OLD, NEW, CHILD]
HOME = "qwen-code/recorded"


def found(corpus: Path) -> dict[str, Source]:
    env = Environment(home=str(corpus / HOME), variables={}, platform="linux")
    sources = [source for root in AGENT.roots(env) for source in AGENT.sources(root)]
    return {Path(source.path).stem: source for source in sources}


def read(corpus: Path, stem: str) -> Whole:
    return read_all(AGENT.read, found(corpus)[stem])[0]


def records(corpus: Path, stem: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(found(corpus)[stem].path).read_text().splitlines()]


def parts(corpus: Path, stem: str, key: str) -> list[Any]:
    """All parts of a kind, of all records."""
    return [
        part[key]
        for each in records(corpus, stem)
        for part in each.get("message", {}).get("parts", [])
        if key in part
    ]


def test_every_transcript_is_found_and_nothing_else(corpus: Path) -> None:
    env = Environment(home=str(corpus / HOME), variables={}, platform="linux")
    sources = found(corpus)

    assert sorted(sources) == sorted(STEMS)
    for source in sources.values():
        (root,) = (each for each in AGENT.roots(env) if each.path == source.root)
        assert AGENT.source_of(root, source.path) == source


@pytest.mark.parametrize("stem", STEMS)
def test_a_session_is_known_by_how_it_begins(corpus: Path, stem: str) -> None:
    head = Path(found(corpus)[stem].path).read_bytes()[:HEAD_BYTES]

    assert detect("/nowhere/stdin", head, BUILT_IN)[0].agent == "qwen-code"


@pytest.mark.parametrize("stem", STEMS)
def test_each_call_is_one_call_and_each_answer_one_result(corpus: Path, stem: str) -> None:
    whole = read(corpus, stem)
    calls = [e.attributes["semantic.call_id"] for e in whole.events if is_call(e.attributes)]
    results = [e.data["call_id"] for e in whole.events if e.type == "ToolResult" and e.data]

    assert calls == [each["id"] for each in parts(corpus, stem, "functionCall")]
    assert results == [each["id"] for each in parts(corpus, stem, "functionResponse")]
    assert all(e.attributes["result.call_seq"] for e in whole.events if e.type == "ToolResult")
    assert (whole.skipped, whole.unknown) == ({}, {})
    assert len({each.event_id for each in whole.events}) == len(whole.events)


def is_call(attributes: dict[str, Any]) -> bool:
    return "tool_use_name" in attributes


@pytest.mark.parametrize("stem", STEMS)
def test_words_and_thoughts_are_told_as_they_stand(corpus: Path, stem: str) -> None:
    said = [
        part["text"].strip()
        for each in records(corpus, stem)
        if each["type"] == "assistant"
        for part in each["message"]["parts"]
        if "text" in part
    ]
    told = [
        each.blocks[0]["text"]
        for each in read(corpus, stem).events
        if each.type in ("AgentMessage", "Thinking")
    ]

    assert told == said


@pytest.mark.parametrize("stem", STEMS)
def test_tokens_are_counted_from_one_source(corpus: Path, stem: str) -> None:
    """Telemetry repeats them, but for the subagents of 0.15, which are nowhere else."""
    native = records(corpus, stem)
    expected = {
        each["uuid"]: of_counts(each["usageMetadata"], "promptTokenCount", "candidatesTokenCount")
        for each in native
        if "usageMetadata" in each
    }
    for each in native:
        event = each.get("systemPayload", {}).get("uiEvent", {})
        untold = event.get("subagent_name") and not event.get("subagent_id")
        if untold and event["event.name"].endswith("api_response"):
            expected[event["response_id"]] = of_counts(
                event, "input_token_count", "output_token_count", "cached_content_token_count"
            )

    assert spent(read(corpus, stem)) == expected
    assert sum(key.count("-") != 4 for key in expected) == (2 if stem == OLD else 0)


def of_counts(
    counts: dict[str, int], prompt: str, output: str, cached: str = "cachedContentTokenCount"
) -> tuple[int, int, int]:
    return counts[prompt] - counts[cached], counts[output], counts[cached]


def test_the_tokens_of_a_parent_and_its_subagent_make_the_agents_own_total(corpus: Path) -> None:
    """`usage/token-usage-2026-11.jsonl` has a line for each response, subagents' with them."""
    ledger = [
        json.loads(line)
        for line in (corpus / HOME / ".qwen/usage/token-usage-2026-11.jsonl").read_text().split()
    ]
    both = [*spent(read(corpus, NEW)).values(), *spent(read(corpus, CHILD)).values()]
    own = [each for each in ledger if each["sessionId"] == NEW]

    assert sum(fresh + cached for fresh, _, cached in both) == sum(e["inputTokens"] for e in own)
    assert sum(output for _, output, _ in both) == sum(each["outputTokens"] for each in own)


def test_exit_codes_errors_and_durations_of_both_versions(corpus: Path) -> None:
    """0.15 calls a command that failed a success; its output has the code."""
    for stem, failed in ((OLD, False), (NEW, True)):
        events = read(corpus, stem).events
        shells = [e for e in events if e.data and e.data.get("name") == "run_shell_command"]
        assert [e.attributes["result.exit_code"] for e in shells] == [0, 1]
        assert [e.data["is_error"] for e in shells if e.data] == [False, failed]
        assert ["result.duration_ms" in e.attributes for e in shells] == [stem == NEW] * 2
        reads = [e for e in events if e.data and e.data.get("name") == "read_file"]
        assert [e.data["is_error"] for e in reads if e.data] == [True]


@pytest.mark.parametrize("stem", [OLD, NEW])
def test_edits_have_the_diff_that_was_shown(corpus: Path, stem: str) -> None:
    diffs = [
        each.attributes["result.diff"]
        for each in read(corpus, stem).events
        if "result.diff" in each.attributes
    ]

    assert diffs == [
        "--- /dev/null\n+++ /home/dev/acme-api\n@@ -0,0 +1,2 @@\n"
        '+def hello(name):\n+    return "hello " + name',
        "--- /home/dev/acme-api\n+++ /home/dev/acme-api\n@@ -1,2 +1,2 @@\n def hello(name):\n"
        '-    return "hello " + name\n+    return f"hello {name}!"',
    ]


def test_sessions_say_where_they_ran(corpus: Path) -> None:
    for stem, version in ((OLD, "0.15.10"), (NEW, "0.24.4"), (CHILD, "0.24.4")):
        info = read(corpus, stem).info
        assert (info.id, info.agent, info.tool_version) == (stem, "qwen-code", version)
        assert (info.cwd, info.git_branch) == ("/home/dev/acme-api", "master")
        assert (info.model, info.provider) == ("mock-model", "")


def test_a_subagent_knows_its_parent_and_the_parent_its_subagent(corpus: Path) -> None:
    child, parent = read(corpus, CHILD).info, read(corpus, NEW)
    (result,) = (e for e in parent.events if e.attributes.get("subagent_id"))

    assert (child.role, child.parent) == ("auxiliary", NEW)
    assert child.parent_call_id == result.attributes["semantic.call_id"]
    assert result.attributes["subagent_id"] == CHILD
    assert child.title == "Look for tests"
    assert not any(e.attributes.get("subagent_id") for e in read(corpus, OLD).events)


@pytest.mark.parametrize("stem", STEMS)
def test_a_notification_is_no_human_turn(corpus: Path, stem: str) -> None:
    counts = Counter(types(read(corpus, stem)))

    assert counts["UserMessage"] == 1
    assert counts["SystemMessage"] == (1 if stem == NEW else 0)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside the checkout")
@pytest.mark.parametrize("stem", STEMS)
@settings(max_examples=15)
@given(data=st.data())
def test_growth_cut_at_any_byte_gives_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, stem: str, data: st.DataObject
) -> None:
    """The result does not depend on when the file was read (DESIGN §4)."""
    original = found(CORPUS)[stem]
    content = Path(original.path).read_bytes()
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=12))
    root = tmp_path_factory.mktemp("cut")
    path = root / Path(original.path).relative_to(original.root)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    meta = Path(original.path).with_suffix(".meta.json")
    if meta.exists():
        path.with_suffix(".meta.json").write_bytes(meta.read_bytes())
    whole, cursor, done = Whole(), None, 0
    for number, cut in enumerate(sorted({*cuts, len(content)})):
        with path.open("ab") as file:
            file.write(content[done:cut])
        touch(path, number)
        done = cut
        whole, cursor = read_all(
            AGENT.read, Source("qwen-code", str(root), str(path)), cursor, whole
        )

    assert whole == read(CORPUS, stem)
