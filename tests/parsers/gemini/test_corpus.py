"""The real sessions of the corpus, against what a few lines count in them without this program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.core import ids
from opensession.parsers.agent import Environment, Source
from opensession.parsers.detection import HEAD_BYTES, detect
from opensession.parsers.gemini import AGENT
from opensession.parsers.registry import BUILT_IN
from tests.conftest import CORPUS
from tests.helpers.lines import Whole, read_all, touch
from tests.parsers.gemini.making import spent, types

HOME = "gemini/recorded"
MAIN = "session-2026-11-20T23-53-1f77a83f"
TODO = "session-2026-11-21T00-02-cdc29c9d"
TASK = "session-2026-11-21T00-02-b863a0dc"
CHILD = "5ab728b2-5837-493e-9664-e4b3917981c6"
STEMS = [MAIN, TODO, TASK, CHILD]


def found(corpus: Path) -> dict[str, Source]:
    env = Environment(home=str(corpus / HOME), variables={}, platform="linux")
    (root,) = AGENT.roots(env)
    return {Path(source.path).stem: source for source in AGENT.sources(root)}


def read(corpus: Path, stem: str) -> Whole:
    return read_all(AGENT.read, found(corpus)[stem])[0]


def records(corpus: Path, stem: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(found(corpus)[stem].path).read_text().splitlines()]


def messages(corpus: Path, stem: str) -> dict[str, dict[str, Any]]:
    """The messages written as such, each as it was written last."""
    return {each["id"]: each for each in records(corpus, stem) if "id" in each}


def test_every_session_is_found_and_owned_by_its_root(corpus: Path) -> None:
    env = Environment(home=str(corpus / HOME), variables={}, platform="linux")
    (root,) = AGENT.roots(env)
    sources = found(corpus)

    assert sorted(sources) == sorted(STEMS)
    for source in sources.values():
        assert AGENT.source_of(root, source.path) == source


@pytest.mark.parametrize("stem", STEMS)
def test_a_session_is_known_by_how_it_begins(corpus: Path, stem: str) -> None:
    head = Path(found(corpus)[stem].path).read_bytes()[:HEAD_BYTES]

    assert detect("/nowhere/stdin", head, BUILT_IN)[0].agent == "gemini"


@pytest.mark.parametrize("stem", STEMS)
def test_each_call_is_one_call_and_each_answer_one_result(corpus: Path, stem: str) -> None:
    """Native files hold each answer twice, and all of it again after a resume."""
    calls = {
        call["id"]
        for message in messages(corpus, stem).values()
        for call in message.get("toolCalls", [])
    }
    whole = read(corpus, stem)
    told = [e.attributes["semantic.call_id"] for e in whole.events if is_call(e.attributes)]
    results = [e.data["call_id"] for e in whole.events if e.type == "ToolResult" and e.data]

    assert sorted(told) == sorted(calls)
    assert sorted(results) == sorted(calls)
    assert (whole.skipped, whole.unknown) == ({}, {})


def is_call(attributes: dict[str, Any]) -> bool:
    return "tool_use_name" in attributes


@pytest.mark.parametrize("stem", STEMS)
def test_words_and_thoughts_are_told_once(corpus: Path, stem: str) -> None:
    native = [each for each in messages(corpus, stem).values() if each["type"] == "gemini"]
    whole = read(corpus, stem)
    said = [e.blocks[0]["text"] for e in whole.events if e.type == "AgentMessage"]

    assert said == [each["content"] for each in native if each["content"]]
    assert types(whole).count("Thinking") == sum(len(each["thoughts"]) for each in native)
    assert len({each.event_id for each in whole.events}) == len(whole.events)


@pytest.mark.parametrize("stem", STEMS)
def test_usage_is_uncached_input_and_output_with_thoughts(corpus: Path, stem: str) -> None:
    """DECISIONS §3; Google's total is prompt + candidates + thoughts."""
    native = {
        each["id"]: each["tokens"]
        for each in messages(corpus, stem).values()
        if each["type"] == "gemini"
    }

    assert spent(read(corpus, stem)) == {
        key: (each["input"] - each["cached"], each["output"] + each["thoughts"], each["cached"])
        for key, each in native.items()
    }
    assert all(
        each["total"] == each["input"] + each["output"] + each["thoughts"]
        for each in native.values()
    )


def test_a_resumed_session_goes_on_where_it_was(corpus: Path) -> None:
    whole = read(corpus, MAIN)

    assert types(whole) == [
        *["SystemMessage", "UserMessage"],
        *["Thinking", "AgentMessage", "FileRead", "ToolResult"],
        *["Thinking", "AgentMessage", "FileEdit", "ToolResult"],
        *["AgentMessage", "ShellCommand", "ToolResult"],
        *["Thinking", "AgentMessage"],
        *["UserMessage", "AgentMessage"],
    ]
    assert whole.events[-1].blocks[0]["text"].startswith("RESUMED: ")


def test_an_edit_has_its_diff_and_a_command_its_exit_code(corpus: Path) -> None:
    """A command that fails has the status "success": only its output tells."""
    results = [each for each in read(corpus, MAIN).events if each.type == "ToolResult"]

    assert results[1].attributes["result.diff"] == (
        "--- /home/dev/acme-api/src/rate-limit.js\n+++ /home/dev/acme-api/src/rate-limit.js\n"
        "@@ -5,5 +5,5 @@\n   const hits = (windows.get(key) ?? []).filter((t) => now - t < ms);\n"
        "   hits.push(now);\n   windows.set(key, hits);\n-  return hits.length > limit;\n"
        "+  return hits.length >= limit;\n }"
    )
    assert [each.attributes.get("result.exit_code") for each in results] == [None, None, 1]
    assert "untrusted_context" not in results[2].blocks[0]["text"]


@pytest.mark.parametrize("stem", STEMS)
def test_sessions_say_where_they_ran(corpus: Path, stem: str) -> None:
    info = read(corpus, stem).info

    assert info.id == records(corpus, stem)[0]["sessionId"]
    assert info.id.startswith(stem[-8:] if stem != CHILD else CHILD)
    assert (info.agent, info.provider, info.model) == ("gemini", "google", "gemini-2.5-pro")
    assert (info.cwd, info.last_cwd) == ("/home/dev/acme-api", "/home/dev/acme-api")
    assert info.first_prompt.startswith("[script:")
    assert info.title == ""


def test_a_subagent_knows_its_parent_and_the_parent_its_subagent(corpus: Path) -> None:
    child, parent = read(corpus, CHILD), read(corpus, TASK)
    (result,) = (e for e in parent.events if e.type == "ToolResult")

    assert (child.info.role, child.info.parent) == ("auxiliary", parent.info.id)
    assert (parent.info.role, parent.info.parent) == ("primary", "")
    assert result.attributes["subagent_id"] == ids.fit("gemini", CHILD)
    assert types(child).count("UserMessage") == 1


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
    whole, cursor, done = Whole(), None, 0
    for number, cut in enumerate(sorted({*cuts, len(content)})):
        with path.open("ab") as file:
            file.write(content[done:cut])
        touch(path, number)
        done = cut
        source = Source("gemini", str(root), str(path))
        whole, cursor = read_all(AGENT.read, source, cursor, whole)

    assert whole == read(CORPUS, stem)
