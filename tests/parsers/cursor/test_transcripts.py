"""Transcripts, of both kinds (made by hand)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensession.core.hail import Event
from opensession.parsers.agent import Source
from opensession.parsers.cursor import AGENT
from tests.helpers.lines import Whole, read_all
from tests.parsers.cursor.making import fresh, texts

TEXT = """user:
<user_query>
Make a hello.py
</user_query>

assistant:
[Thinking] Plan the file
and its name
[Tool call] Shell
  command: ls
    -la
[Tool call] Read
  path: a.py
[Tool result] Read
  x = 1
[Tool result] Shell
  README.md
Done.

user:
<user_query>
again
</user_query>
"""


def written(tmp_path: Path, name: str, content: str) -> Source:
    root = tmp_path / "projects"
    path = root / "home-dev-demo" / "agent-transcripts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(0o600)
    return Source("cursor", str(root), str(path))


def said(role: str, *content: object) -> str:
    blocks = [{"type": "text", "text": each} if isinstance(each, str) else each for each in content]
    return json.dumps({"role": role, "message": {"content": blocks}}) + "\n"


def test_prompts_calls_and_ends_of_turns(tmp_path: Path) -> None:
    stamp = "<timestamp>Friday, Jul 17, 2026, 9:00 AM (UTC+2)</timestamp>\n"
    call = {"type": "tool_use", "name": "Shell", "input": {"command": "ls"}}
    source = written(
        tmp_path,
        "s1/s1.jsonl",
        said("user", stamp + "<user_query>\nMake it\n</user_query>")
        + said("assistant", "I will.", call)
        + '{"type": "turn_ended", "status": "success"}\n'
        + '{"type": "turn_ended", "status": "aborted"}\n'
        + '{"type": "new_thing", "x": 1}\n'
        + "{broken\n",
    )
    whole = fresh(source)

    assert whole.info.id == "s1"
    assert [event.type for event in whole.events] == [
        "UserMessage",
        "AgentMessage",
        "ShellCommand",
        "Custom",
        "Custom",
    ]
    assert texts(whole.events)[:2] == ["Make it", "I will."]
    assert whole.events[3].data == {"kind": "interrupted"}
    assert whole.unknown == {"new_thing": 1}
    assert whole.skipped == {"malformed": 1}
    assert {event.time_us for event in whole.events} == {1_784_271_600_000_000}
    assert [event.attributes.get("time.estimated") for event in whole.events][:2] == [None, True]


def test_transcripts_give_way_to_databases(tmp_path: Path) -> None:
    for source in (
        written(tmp_path, "s1/s1.jsonl", said("user", "x")),
        written(tmp_path, "s2.txt", TEXT),
    ):
        (session,) = AGENT.read(source, None).sessions
        assert session.secondary


def test_a_subagents_transcript_names_its_parent(tmp_path: Path) -> None:
    info = fresh(written(tmp_path, "s1/subagents/s2.jsonl", said("user", "look"))).info

    assert (info.id, info.role, info.parent) == ("s2", "auxiliary", "s1")


def test_without_any_time_there_is_none(tmp_path: Path) -> None:
    """The file's own time is not a time that was recorded (DECISIONS §3)."""
    events = fresh(written(tmp_path, "s1.jsonl", said("user", "x"))).events

    assert [event.time_us for event in events] == [0]
    assert events[0].attributes["time.estimated"]


def shape(events: list[Event]) -> list[tuple[str, str]]:
    return list(zip([event.type for event in events], texts(events), strict=True))


def test_a_text_transcript(tmp_path: Path) -> None:
    events = fresh(written(tmp_path, "s1.txt", TEXT)).events

    assert shape(events) == [
        ("UserMessage", "Make a hello.py"),
        ("Thinking", "Plan the file\nand its name"),
        ("ShellCommand", "ls\n  -la"),
        ("FileRead", "a.py"),
        ("ToolResult", "x = 1"),
        ("ToolResult", "README.md"),
        ("AgentMessage", "Done."),
        ("UserMessage", "again"),
    ]
    assert [events[at].attributes["result.call_seq"] for at in (4, 5)] == [4, 3]


@pytest.mark.parametrize("step", [1, 7, 40, 1000])
def test_a_text_transcript_that_grows(tmp_path: Path, step: int) -> None:
    expected = fresh(written(tmp_path, "s1.txt", TEXT)).events
    data = TEXT.encode()
    source = written(tmp_path, "s1.txt", "")
    path = Path(source.path)
    whole, cursor = Whole(), None
    for end in [*range(step, len(data), step), len(data)]:
        with path.open("ab") as file:
            file.write(data[path.stat().st_size : end])
        whole, cursor = read_all(AGENT.read, source, cursor, whole)

    assert whole.events == expected


def test_a_part_without_end_is_told_in_pieces(tmp_path: Path) -> None:
    lines = "\n".join("word " * 20 for _ in range(10_000))
    source = written(tmp_path, "s1.txt", f"user:\nhello\nassistant:\n{lines}\n")
    whole, cursor = read_all(AGENT.read, source)

    assert len(whole.events) > 3
    assert sum(len(text) for text in texts(whole.events)) > 900_000
    assert len(cursor.state) < 400_000
