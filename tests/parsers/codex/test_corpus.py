"""The real rollouts of the corpus, against counts made without this program."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.core.hail import Event
from opensession.parsers.agent import Environment
from opensession.parsers.codex import AGENT
from tests.conftest import CORPUS
from tests.helpers.lines import Whole, read_all, read_bytes, source_of, touch

RECORDED = "codex/recorded"
CALLS = {"ToolCall", "ShellCommand", "FileRead", "FileEdit", "FileCreate", "FileDelete"}
STEMS = [
    "01a1fb58-ed8b-7dd1-895b-9ce0937788f7",
    "01a1fb60-d503-77e1-86a2-b568993a2496",
    "01a1fb60-d7e7-7dc0-b91a-55112581f5db",
    "01a1fb69-637e-7012-a9ad-26a48ecc5215",
    "01a1fb69-64e5-7591-b3fb-564bee116ba7",
    "01a1fb6a-9179-7c02-a9b2-8be2a6e3a7ea",
    "01a1fb6a-923a-7b03-b062-925435d98325",
]
TASK, CHILD = STEMS[5], STEMS[6]


def path_of(corpus: Path, stem: str) -> Path:
    (path,) = (corpus / RECORDED).rglob(f"rollout-*{stem}.jsonl")
    return path


def read(corpus: Path, stem: str) -> Whole:
    return read_all(AGENT.read, source_of(path_of(corpus, stem), "codex"))[0]


def expected_of(corpus: Path, stem: str) -> dict[str, Any]:
    everything = json.loads((corpus / "expected.json").read_text())
    (found,) = (value for key, value in everything.items() if stem in key)
    assert isinstance(found, dict)
    return found


def test_every_rollout_is_found_by_its_name(corpus: Path) -> None:
    env = Environment(home=str(corpus / RECORDED), variables={}, platform="linux")
    root = AGENT.roots(env)[0]

    found = list(AGENT.sources(root))

    assert [source.path[-42:-6] for source in found] == STEMS
    for source in found:
        assert AGENT.source_of(root, source.path) == source


@pytest.mark.parametrize("stem", STEMS)
def test_counts_agree_with_an_independent_count(corpus: Path, stem: str) -> None:
    expected = expected_of(corpus, stem)
    records = expected["records"]
    whole = read(corpus, stem)
    types = Counter(event.type for event in whole.events)
    kinds = Counter(e.data["kind"] for e in whole.events if e.type == "Custom" and e.data)

    assert whole.skipped == {}
    assert whole.unknown == {}
    assert sum(types[each] for each in CALLS) == expected["tool_calls"]
    assert types["ToolResult"] == expected["tool_outputs"]
    messages = types["UserMessage"] + types["AgentMessage"] + types["SystemMessage"]
    assert messages == records["response_item/message"]
    assert types["Thinking"] == records.get("response_item/reasoning", 0)
    assert kinds["token_count"] == records.get("token_usage_record/", 0)
    assert types["TaskStart"] == records["event_msg/task_started"]
    ends = records.get("event_msg/task_complete", 0) + records.get("event_msg/turn_aborted", 0)
    assert types["TaskEnd"] == ends


@pytest.mark.parametrize("stem", STEMS)
def test_usage_sums_up_to_what_codex_says(corpus: Path, stem: str) -> None:
    """DECISIONS §3: input means uncached input; each response counts once."""
    total = expected_of(corpus, stem)["last_total_token_usage"]
    usage = read(corpus, stem).usage[stem]
    by_id = {each.message_id: each for each in usage}

    assert len(by_id) == len(usage)
    if total is None:
        assert usage == []
        return
    assert sum(each.cache_read for each in usage) == total["cached_input_tokens"]
    assert sum(each.input for each in usage) == total["input_tokens"] - total["cached_input_tokens"]
    assert sum(each.output for each in usage) == total["output_tokens"]
    assert all(each.model.startswith("gpt-") and each.provider == "mock" for each in usage)


@pytest.mark.parametrize("stem", STEMS)
def test_what_was_typed_is_told_from_what_was_injected(corpus: Path, stem: str) -> None:
    whole = read(corpus, stem)
    prompts = [each.blocks[0]["text"] for each in whole.events if each.type == "UserMessage"]
    system = [each.blocks[0]["text"] for each in whole.events if each.type == "SystemMessage"]

    assert all(prompt.startswith("[script:") for prompt in prompts)
    assert len(prompts) == (2 if stem == STEMS[0] else 1)
    assert any(text.startswith("<environment_context>") for text in system)
    assert whole.info.first_prompt == prompts[0]
    assert whole.info.title == ""


@pytest.mark.parametrize("stem", STEMS)
def test_sessions_say_where_they_ran(corpus: Path, stem: str) -> None:
    info = read(corpus, stem).info

    assert info.id == stem
    assert (info.agent, info.provider, info.tool_version) == ("codex", "mock", "0.169.0")
    assert (info.cwd, info.last_cwd) == ("/home/dev/acme-api", "/home/dev/acme-api")
    assert (info.git_branch, len(info.git_commit)) == ("main", 40)
    assert info.model in ("gpt-5.1-codex", "gpt-5.5", "gpt-6.1-sol")
    assert info.attributes["originator"] == "codex_exec"


@pytest.mark.parametrize("stem", STEMS)
def test_every_result_follows_its_call_and_ids_are_unique(corpus: Path, stem: str) -> None:
    """DECISIONS §2: results pair by call id; event ids are unique in their session."""
    events = read(corpus, stem).events
    calls = {e.attributes.get("semantic.call_id"): n for n, e in enumerate(events, 1) if is_call(e)}

    assert len({each.event_id for each in events}) == len(events)
    for seq, each in enumerate(events, 1):
        if each.type == "ToolResult":
            assert each.data
            call_id = each.attributes["semantic.call_id"]
            assert each.data["call_id"] == call_id
            assert each.attributes["result.call_seq"] == calls[call_id] < seq


def is_call(event: Event) -> bool:
    return "tool_use_name" in event.attributes


def test_commands_have_their_exit_codes_on_the_results(corpus: Path) -> None:
    """DECISIONS §2: an event never changes because of what comes later."""
    events = read(corpus, STEMS[0]).events
    commands = [e.data for e in events if e.type == "ShellCommand"]
    results = [e for e in events if e.type == "ToolResult"]

    assert commands[0] == {"command": "cat src/rate-limit.js"}
    assert [e.attributes["result.exit_code"] for e in results] == [0, 0, 1]
    assert [e.data["is_error"] for e in results if e.data] == [False, False, True]
    assert results[2].blocks == [
        {"type": "Text", "text": "Could not find '/home/dev/acme-api/test/missing.test.js'\n"}
    ]


def test_a_patch_is_an_edit_whose_result_has_the_diff(corpus: Path) -> None:
    events = read(corpus, STEMS[1]).events
    (edit,) = (e for e in events if e.type == "FileEdit")
    (result,) = (e for e in events if e.data and e.data.get("name") == "apply_patch")

    assert edit.data == {"path": "src/rate-limit.js"}
    assert result.attributes["result.diff"] == (
        "--- src/rate-limit.js\n+++ src/rate-limit.js\n@@ -7,3 +7,3 @@\n"
        "   windows.set(key, hits);\n-  return hits.length > limit;\n"
        "+  return hits.length >= limit;\n }"
    )


def test_a_subagent_knows_its_parent_and_the_parent_its_subagent(corpus: Path) -> None:
    """DECISIONS §2: a subagent is a session of its own."""
    child, parent = read(corpus, CHILD).info, read(corpus, TASK)
    (result,) = (e for e in parent.events if e.type == "ToolResult")

    assert (child.role, child.parent) == ("auxiliary", TASK)
    assert (parent.info.role, parent.info.parent) == ("primary", "")
    assert result.attributes["subagent_id"] == CHILD


def test_an_interrupted_turn_ends(corpus: Path) -> None:
    events = read(corpus, CHILD).events

    assert [e.type for e in events[-2:]] == ["Custom", "TaskEnd"]
    assert events[-2].data == {"kind": "turn_aborted"}
    assert events[-2].attributes["reason"] == "interrupted"
    assert events[-1].duration_ms == 86
    assert {e.task_id for e in events if e.task_id} == {events[0].task_id}


@pytest.mark.parametrize("stem", STEMS)
def test_a_compressed_twin_gives_identical_events(corpus: Path, tmp_path: Path, stem: str) -> None:
    """Codex compresses a rollout after a week; it is the same session."""
    path = path_of(corpus, stem)
    twin = tmp_path / (path.name + ".zst")
    twin.write_bytes(zstandard.ZstdCompressor().compress(path.read_bytes()))

    whole, _ = read_all(AGENT.read, source_of(twin, "codex"))

    plain = read(corpus, stem)
    assert whole == plain


@pytest.mark.parametrize("stem", STEMS[:2] + STEMS[5:])
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside the checkout")
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_growth_cut_at_any_byte_gives_the_same_events(
    tmp_path_factory: pytest.TempPathFactory, stem: str, data: st.DataObject
) -> None:
    """The result does not depend on when the file was read (DESIGN §4)."""
    original = path_of(CORPUS, stem)
    content = original.read_bytes()
    # most of a rollout's bytes are its instructions; cuts between the lines' ends matter most
    cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=12))
    near = [i for i, byte in enumerate(content) if byte == 10]
    cuts += [
        data.draw(st.sampled_from(near)) + data.draw(st.integers(-1, 2))
        for _ in range(data.draw(st.integers(0, 12)))
    ]
    path = tmp_path_factory.mktemp("cut") / original.name
    path.write_bytes(b"")
    whole, cursor, done = Whole(), None, 0
    for number, cut in enumerate(sorted({*cuts, len(content)})):
        with path.open("ab") as file:
            file.write(content[done:cut])
        touch(path, number)
        done = max(done, cut)
        whole, cursor = read_all(AGENT.read, source_of(path, "codex"), cursor, whole)

    assert whole == read(CORPUS, stem)


def test_a_copy_without_its_last_line_break_lacks_nothing(corpus: Path, tmp_path: Path) -> None:
    path = path_of(corpus, CHILD)

    whole = read_bytes(AGENT, tmp_path, path.name, path.read_bytes()[:-1])

    assert whole.events == read(corpus, CHILD).events
