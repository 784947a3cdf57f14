from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import Event
from opensession.parsers.aider import AGENT, CHAT
from opensession.parsers.aider.markdown import feed
from opensession.parsers.jsonl import Line
from tests.helpers.lines import Whole, read_all, read_bytes, source_of

HEADER = "\n# aider chat started at 2026-11-20 23:58:23\n\n"
LAUNCH = (
    "> /usr/bin/aider --model m  \n> Aider v0.86.2  \n> Main model: m/x with diff edit format  \n"
)
ANSWER = """I will.

hello.py
```python
<<<<<<< SEARCH
x = 1
=======
x = 2
>>>>>>> REPLACE
```
"""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def read(folder: Path, said: str) -> Whole:
    return read_bytes(AGENT, folder, CHAT, said.encode())


def words(event: Event) -> str:
    return "".join(block.get("text", "") for block in event.blocks)


def prompt(said: str) -> str:
    return "\n" + "".join(f"#### {line}  \n" for line in said.split("\n")) + "\n"


def test_a_recorded_history_is_a_session_a_launch(corpus: Path) -> None:
    source = source_of(corpus / "aider/local-0.86.2" / CHAT, "aider")
    whole, _ = read_all(AGENT.read, source)
    first, second = whole.sessions.values()
    assert [event.type for event in first][:3] == ["SystemMessage", "UserMessage", "Thinking"]
    assert next(event.data for event in first if event.type == "FileEdit") == {
        "path": "hello.py",
        "diff": "--- hello.py\n+++ hello.py\n@@ -0,0 +1,2 @@\n+def hello(name):\n"
        '+    return f"hello {name}!"',
    }
    assert len([event for event in second if event.type == "AgentMessage"]) == 2
    usage = [one for each in whole.usage.values() for one in each]
    assert [(one.input, one.output) for one in usage] == [(2500, 125), (2500, 125), (2600, 125)]
    info = next(iter(whole.infos.values()))
    assert (info.model, info.tool_version) == ("openai/mock-model", "0.86.2")
    assert info.git_commit == "b0e5e6c"


def test_the_launch_has_a_time_and_what_follows_is_estimated(tmp_path: Path) -> None:
    whole = read(
        tmp_path, HEADER + LAUNCH + prompt("fix it") + "done\n> Tokens: 1 sent, 2 received.  \n"
    )
    first, *rest = whole.events
    assert first.time_us == 1_795_219_103_000_000
    assert "time.estimated" not in first.attributes
    assert whole.info.attributes["time.zone_assumed"] is True
    assert all(event.attributes["time.estimated"] for event in rest)


def test_lines_of_a_prompt_are_one_prompt(tmp_path: Path) -> None:
    whole = read(tmp_path, HEADER + prompt("fix\n<blank>\nit") + "ok\n> x  \n")
    assert words(whole.events[0]) == "fix\n\nit"
    assert whole.info.first_prompt == "fix it"


def test_two_prompts_in_a_row_are_two(tmp_path: Path) -> None:
    whole = read(tmp_path, HEADER + prompt("one") + prompt("two") + "ok\n> x  \n")
    assert [words(event) for event in whole.events[:2]] == ["one", "two"]


def test_output_of_several_lines_is_no_answer(tmp_path: Path) -> None:
    """Only the first line of an output has its mark; its last one ends with two spaces."""
    said = "> Commit abcdef1 Change it\n\n```python\n#### no prompt\n```  \n"
    whole = read(tmp_path, HEADER + prompt("go") + "ok\n" + said + "> Applied edit to a.py  \n")
    kinds = [event.type for event in whole.events]
    assert kinds == ["UserMessage", "AgentMessage", "Custom", "FileEdit"]
    assert whole.events[2].data == {"kind": "git_commit"}
    assert "#### no prompt" in words(whole.events[2])


def test_marks_in_a_code_block_are_code(tmp_path: Path) -> None:
    answer = "See:\n```\n#### heading\n> quote\n# aider\n```\nEnd.\n"
    whole = read(tmp_path, HEADER + prompt("go") + answer + "> x  \n")
    assert words(whole.events[1]) == answer.strip()


def test_a_code_block_that_never_ends_does_not_swallow_what_follows(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        HEADER + prompt("go") + "```\ncut\n> ^C again to exit  \n" + prompt("again") + "ok\n",
    )
    kinds = [event.type for event in whole.events]
    assert kinds == ["UserMessage", "AgentMessage", "Custom", "UserMessage", "AgentMessage"]
    assert whole.events[2].data == {"kind": "interrupted"}


def test_an_applied_edit_has_the_diff_that_the_answer_wanted(tmp_path: Path) -> None:
    whole = read(tmp_path, HEADER + prompt("go") + ANSWER + "> Applied edit to hello.py  \n")
    edit = whole.events[-1]
    assert edit.data is not None
    assert edit.data["diff"].split("\n")[-2:] == ["-x = 1", "+x = 2"]


@pytest.mark.parametrize(
    ("said", "numbers", "cost"),
    [
        (
            "Tokens: 9.9k sent, 3.8k received. Cost: $0.16 message, $0.26 session.",
            (9900, 3800, 0, 0),
            160_000,
        ),
        (
            "Tokens: 12k sent, 2k cache write, 1.5k cache hit, 10 received.",
            (8500, 10, 1500, 2000),
            None,
        ),
        ("Tokens: 125 sent, 7 received.", (125, 7, 0, 0), None),
    ],
)
def test_tokens_and_cost_are_as_aider_tells_them(
    tmp_path: Path, said: str, numbers: tuple[int, ...], cost: int | None
) -> None:
    whole = read(tmp_path, HEADER + prompt("go") + f"ok\n> {said}  \n")
    ((usage,),) = whole.usage.values()
    assert (usage.input, usage.output, usage.cache_read, usage.cache_write) == numbers
    assert usage.cost_microdollars == cost
    assert whole.events[-1].attributes["tokens.rounded"] is True


def test_a_launch_without_a_prompt_is_counted_and_no_session(tmp_path: Path) -> None:
    whole = read(tmp_path, HEADER + LAUNCH + HEADER + prompt("go") + "ok\n> x  \n")
    assert len(whole.sessions) == 1
    assert whole.skipped == {"a launch without a prompt": 1}


def test_equal_launches_are_two_sessions(tmp_path: Path) -> None:
    one = HEADER + prompt("go") + "ok\n> x  \n"
    first, second = read(tmp_path, one + one).sessions
    assert second == f"{first}.2"


def test_a_session_is_the_same_in_every_project_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    said = HEADER + prompt("go") + "ok\n"
    assert read(tmp_path / "a", said).info.id == read(tmp_path / "b", said).info.id


def test_an_answer_that_still_grows_is_told_and_told_again(tmp_path: Path) -> None:
    path = tmp_path / CHAT
    path.write_text(HEADER + prompt("go") + "first half\n")
    source = source_of(path, "aider")
    whole, cursor = read_all(AGENT.read, source)
    assert [words(event) for event in whole.events] == ["go", "first half"]
    with path.open("a") as file:
        file.write("second half\n> x  \n")
    whole, _ = read_all(AGENT.read, source, cursor, whole)
    assert [words(event) for event in whole.events] == ["go", "first half\nsecond half", "x"]
    assert read_all(AGENT.read, source)[0].events == whole.events


PIECES = st.sampled_from(
    [HEADER, LAUNCH, prompt("a"), prompt("b\nc"), ANSWER, "```\n", "> x  \n", "> y\n",
     "z  \n", "\n", "<thinking-content-ab>\nhm\n</thinking-content-ab>\n",
     "> Applied edit to hello.py  \n"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=20), max_size=20), st.integers(1, 6))
def test_lines_may_be_cut_into_any_reads(pieces: list[str], step: int) -> None:
    source = source_of(Path("/home/dev/acme") / CHAT, "aider")
    data = (HEADER + "".join(pieces)).encode("utf-8", "replace")
    lines, offset = [], 0
    for part in data.split(b"\n"):
        if part.strip():
            lines.append(Line(offset, part, False))
        offset += len(part) + 1
    once = gathered(source, [lines])
    cut = gathered(source, [lines[at : at + step] for at in range(0, len(lines), step)])
    assert cut == once


def gathered(source: object, groups: list[list[Line]]) -> dict[str, list[Event]]:
    state = b""
    found: dict[str, list[Event]] = {}
    for group in groups:
        fed = feed(source, state, group)  # type: ignore[arg-type]
        state = fed.state
        for session in fed.sessions:
            events = found.setdefault(session.info.id, [])
            events[session.keep :] = session.events
    return {session: events for session, events in found.items() if events}
