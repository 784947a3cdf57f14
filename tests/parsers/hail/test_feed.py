from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from opensession.core import hail_read
from opensession.parsers.hail import AGENT
from opensession.parsers.hail.feed import feed
from opensession.parsers.jsonl import Line
from tests.helpers.lines import read_all, read_bytes, source_of

HEADER = {
    "type": "header",
    "version": "hail-1.0.0",
    "session_id": "made-by-hand-1",
    "agent": {"provider": "acme", "model": "acme-1", "tool": "acme-agent"},
    "context": {
        "title": "Fix the build",
        "tags": [],
        "created_at": "2026-11-20T10:00:00.000Z",
        "updated_at": "2026-11-20T10:00:01.000Z",
        "attributes": {"cwd": "/home/dev/acme", "git_branch": "main"},
    },
}


def event(number: int, kind: str = "UserMessage", **more: Any) -> dict[str, Any]:
    return {
        "type": "event",
        "event_id": f"e{number}",
        "timestamp": f"2026-11-20T10:00:{number:02}.000Z",
        "event_type": {"type": kind, **({"data": more.pop("data")} if "data" in more else {})},
        "content": {"blocks": [{"type": "Text", "text": f"words {number}"}]},
        **more,
    }


def lines(*values: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def test_a_public_file_is_read_as_the_reader_of_whole_files_reads_it(corpus: Path) -> None:
    (path,) = (corpus / "hail/public").glob("*.hail.jsonl")
    whole, _ = read_all(AGENT.read, source_of(path, "hail"))
    document = hail_read.read(path.read_bytes())
    assert whole.events == document.events
    assert whole.info.id == document.header.session_id
    assert whole.info.model == "gpt-5.3-codex"
    assert whole.info.git_branch == "main"
    assert whole.info.attributes["hail.tool"] == "codex"
    assert whole.raw == path.read_bytes()


def test_a_header_names_the_session_and_where_it_was(tmp_path: Path) -> None:
    data = lines(HEADER, event(1))
    info = read_bytes(AGENT, tmp_path, "a.hail.jsonl", data).info
    assert (info.id, info.title, info.cwd) == ("made-by-hand-1", "Fix the build", "/home/dev/acme")
    assert (info.provider, info.model, info.git_branch) == ("acme", "acme-1", "main")
    assert info.first_prompt == "words 1"


def test_unknown_types_are_kept_and_counted(tmp_path: Path) -> None:
    whole = read_bytes(
        AGENT, tmp_path, "a.hail.jsonl", lines(HEADER, event(1, "Telepathy"), {"type": "footer"})
    )
    assert whole.events[0].type == "Telepathy"
    assert whole.unknown == {"event:Telepathy": 1, "line:footer": 1}


def test_lines_before_a_header_are_counted_and_lose_nothing_else(tmp_path: Path) -> None:
    data = lines(event(1), HEADER, event(2)) + b"no json\n" + lines(event(3))
    whole = read_bytes(AGENT, tmp_path, "a.hail.jsonl", data)
    assert [one.event_id for one in whole.events] == ["e2", "e3"]
    assert whole.skipped == {"no header": 1, "malformed": 1}


def test_the_form_of_one_object_is_a_session(tmp_path: Path) -> None:
    data = lines({**HEADER, "type": "session", "events": [event(1), event(2)]})
    whole = read_bytes(AGENT, tmp_path, "a.hail.jsonl", data)
    assert [one.event_id for one in whole.events] == ["e1", "e2"]


def test_equal_ids_are_told_apart(tmp_path: Path) -> None:
    whole = read_bytes(AGENT, tmp_path, "a.hail.jsonl", lines(HEADER, event(1), event(1)))
    assert [one.event_id for one in whole.events] == ["e1", "e1.2"]


def test_tokens_of_a_response_are_its_usage(tmp_path: Path) -> None:
    answer = event(
        2, "AgentMessage", attributes={"message_id": "m", "input_tokens": 5, "output_tokens": 7}
    )
    (usage,) = read_bytes(AGENT, tmp_path, "a.hail.jsonl", lines(HEADER, answer)).usage[
        "made-by-hand-1"
    ]
    assert (usage.message_id, usage.input, usage.output, usage.seq) == ("m", 5, 7, 1)


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([lines(HEADER)[:-1], lines(event(3))[:-1]]),
        min_size=1,
    )
)
def test_no_bytes_break_a_read_and_any_cut_gives_the_same(parts: list[bytes]) -> None:
    given_lines = [Line(n * 100, part, False) for n, part in enumerate(parts)]
    source = source_of(Path("/nowhere/a.hail.jsonl"), "hail")
    once = feed(source, b"", given_lines)
    state, events = b"", []
    for line in given_lines:
        fed = feed(source, state, [line])
        state = fed.state
        events += [one for session in fed.sessions for one in session.events]
    assert state == once.state
    assert events == [one for session in once.sessions for one in session.events]
