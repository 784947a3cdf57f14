"""What a person reads: made of results, cleaned, aligned."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.client.output import Screen
from opensession.client.render import events, hits, markdown, sessions, sums, timeline, transcript
from opensession.client.render.cells import width
from opensession.client.render.words import model_name, project_name
from opensession.core.rpc.search import Hit, SearchResult
from opensession.core.rpc.sessions import EventRow, SessionDetail, SessionRow
from opensession.core.rpc.stats import ToolStats

NOW = 1_795_000_000_000_000
PLAIN = Screen(width=80)
EVIL = "\x1b]0;gotcha\x07\x1b[2J\u202eabc\u200b\x9b31m\r\nnext"


def row(**values: Any) -> SessionRow:
    """A session; what a test does not care about is empty."""
    kinds: dict[str, Any] = {"str": "", "int": 0, "bool": False, "list[str]": []}
    annotations = SessionRow.__annotations__
    empty = {name: kinds.get(annotations[name]) for name in SessionRow.__struct_fields__}
    usual = {"id": "abc", "short": "7f3a9c1e", "tool": "claude-code", "title": "Fix it",
             "updated_at": "2026-11-17T22:00:00.000Z"}  # fmt: skip
    return SessionRow(**{**empty, **usual, **values})


def detail(session: SessionRow) -> SessionDetail:
    return SessionDetail(
        session=session,
        all_models=[],
        subagents=[],
        skipped_lines=0,
        missing_bytes=0,
        attributes={},
    )


def event(kind: str, seq: int = 1, text: str = "", **values: Any) -> EventRow:
    return EventRow(
        session_id=values.pop("session_id", "abc"),
        seq=seq,
        event_id=f"e{seq}",
        timestamp="2026-11-17T22:00:00.000Z",
        type=kind,
        blocks=[{"type": "Text", "text": text}] if text else [],
        **values,
    )


def printable(text: str) -> bool:
    """Reports that a terminal would act on nothing in a text."""
    return all(c in "\n\t" or (c.isprintable() or c == " ") for c in text)


def all_lines(session: SessionRow, page: list[EventRow]) -> str:
    """Every view of a session in one text."""
    found = detail(session)
    parts = [
        *sessions.list_lines([session], PLAIN, NOW),
        *sessions.markdown_lines([session], NOW),
        *transcript.header_lines(found, PLAIN),
        *transcript.transcript_lines([page], session, PLAIN, full=False),
        *transcript.transcript_lines([page], session, PLAIN, full=True),
        *markdown.document_lines(found, [page], full=True),
        *(timeline.event_line(e, session, PLAIN, full=True) for e in page),
    ]
    return "\n".join(parts)


def test_nothing_of_a_session_reaches_the_terminal_as_a_command() -> None:
    """DECISIONS §8: terminal output passes one safe(): escapes, bidi, zero-width, controls."""
    session = row(title=EVIL, model=EVIL, tool="claude-code", git_branch=EVIL,
                  working_directory=f"/a/{EVIL}", parent=EVIL)  # fmt: skip
    page = [
        event("UserMessage", 1, EVIL),
        event("ShellCommand", 2, EVIL, data={"command": EVIL, "exit_code": 1},
              attributes={"semantic.call_id": "c2"}),
        event("ToolResult", 3, EVIL, data={"name": EVIL, "is_error": True},
              attributes={"semantic.call_id": "c2"}),
        event("FileEdit", 4, "", data={"path": EVIL, "diff": f"+{EVIL}\n-{EVIL}"}),
        event("Custom", 5, EVIL, data={"kind": EVIL}),
        event("Thinking", 6, EVIL),
        event(EVIL, 7, EVIL),
    ]  # fmt: skip

    assert printable(all_lines(session, page))
    hit = Hit(session_id="abc", short="7f3a9c1e", event_id="e", seq=1, tool=EVIL, title=EVIL,
              project=EVIL, timestamp="2026-11-17T22:00:00.000Z", event_type="UserMessage",
              role=EVIL, snippet=EVIL, score=1.0)  # fmt: skip
    found = SearchResult(query=EVIL, total=1, truncated=False, hits=[hit], matched="all",
                         sessions=1, elapsed_ms=3.0)  # fmt: skip
    assert printable("\n".join(hits.hit_lines(found, PLAIN, NOW)))


@given(st.text(), st.integers(40, 140))
def test_list_lines_fit_whatever_the_title(title: str, columns: int) -> None:
    screen = Screen(width=columns)
    first, _ = sessions.list_lines([row(title=title, git_repo_name="acme")], screen, NOW)

    assert width(first) <= columns


def test_wide_titles_are_aligned() -> None:
    rows = [row(title="把 CSV 导入器移植到 polars", git_repo_name="etl"), row(git_repo_name="etl")]
    lines = list(sessions.list_lines(rows, PLAIN, NOW))

    assert width(lines[0]) == width(lines[2]) == 80


def test_a_model_without_a_price_is_named_never_counted_as_nothing() -> None:
    unpriced = row(cost_microdollars=None, unpriced_models=["m"])
    partly = row(cost_microdollars=840_000, unpriced_models=["m"])

    assert sessions.cost_fact(unpriced) == "unpriced"
    assert sessions.cost_fact(partly) == "$0.84 + unpriced"
    assert sessions.cost_fact(row(cost_microdollars=None)) == ""


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("claude-opus-4-5-20251101", "opus-4.5"),
        ("claude-opus-5-5", "opus-5.5"),
        ("gpt-5.5", "gpt-5.5"),
        ("anthropic/claude-3-5-sonnet-latest", "3-5-sonnet"),
        ("", ""),
    ],
)
def test_models_as_people_say_them(model: str, said: str) -> None:
    assert model_name(model) == said


def test_a_project_is_the_repository_else_the_folder() -> None:
    assert project_name(row(git_repo_name="acme", git_branch="main")) == "acme@main"
    assert project_name(row(working_directory="/home/a/notes/")) == "notes"


def test_a_result_is_shown_with_its_call_and_once() -> None:
    page = [
        event("ShellCommand", 1, "npm test", data={"command": "npm test", "exit_code": 1},
              duration_ms=1900, attributes={"semantic.call_id": "c1"}),
        event("AgentMessage", 2, "meanwhile"),
        event("ToolResult", 3, "boom\nmore\nrest", data={"name": "Bash", "is_error": True},
              attributes={"semantic.call_id": "c1"}),
    ]  # fmt: skip
    text = "\n".join(transcript.transcript_lines([page], row(), PLAIN, full=False))

    assert text.count("boom") == 1
    assert text.index("exit 1 · 1.9 s") < text.index("boom") < text.index("meanwhile")
    assert "… 2 more lines (`--full`)" in text


def test_turns_without_a_name_and_counts_of_tokens_are_left_out_unless_in_full() -> None:
    page = [
        event("TaskStart", 1, data={}),
        event("UserMessage", 2, "hello"),
        event("Custom", 3, data={"kind": "token_count"}),
        event("AgentMessage", 4, "hi"),
    ]
    short = list(transcript.transcript_lines([page], row(), PLAIN, full=False))
    full = list(transcript.transcript_lines([page], row(), PLAIN, full=True))

    assert not [line for line in short if "task" in line or "tokens" in line]
    assert [line for line in full if "tokens" in line]
    assert ("", "") not in itertools.pairwise(short)


def test_a_result_whose_call_is_on_another_page_is_shown_by_itself() -> None:
    late = event(
        "ToolResult", 9, "late", data={"name": "Bash"}, attributes={"semantic.call_id": "c1"}
    )
    text = "\n".join(transcript.transcript_lines([[late]], row(), PLAIN, full=False))

    assert "result" in text
    assert "late" in text


def test_a_diff_is_shown_in_few_lines_and_in_full() -> None:
    diff = "--- a\n+++ b\n@@ -1,12 +1,12 @@\n" + "".join(f"+line {n}\n" for n in range(12))
    page = [event("FileEdit", 1, "", data={"path": "/src/a.py", "diff": diff})]

    short = "\n".join(transcript.transcript_lines([page], row(), PLAIN, full=False))
    full = "\n".join(transcript.transcript_lines([page], row(), PLAIN, full=True))

    assert "+12 −0" in short
    assert "… 4 more lines" in short
    assert "line 11" in full


def test_subagents_are_set_off_from_their_parent() -> None:
    page = [event("ShellCommand", 4, "", data={"command": "ls"}, session_id="child")]

    assert next(iter(transcript.transcript_lines([page], row(), PLAIN, full=False)))[0] == "│"
    assert timeline.event_line(page[0], row(), PLAIN, full=False).startswith("└#4")


def test_a_session_whose_archive_was_overwritten_says_so() -> None:
    found = msgspec.structs.replace(detail(row()), altered_at="2026-11-17T22:00:00.000Z")

    said = "\n".join(transcript.header_lines(found, PLAIN))

    assert "not as its agent wrote it since 2026-11-17T22:00:00.000Z" in said
    assert "not as its agent" not in "\n".join(transcript.header_lines(detail(row()), PLAIN))


def test_fences_are_longer_than_any_in_the_text() -> None:
    page = [
        event(
            "ShellCommand",
            1,
            "",
            data={"command": "cat a.md"},
            attributes={"semantic.call_id": "c1"},
        ),
        event("ToolResult", 2, "```\ncode\n```", attributes={"semantic.call_id": "c1"}),
    ]
    lines = list(markdown.document_lines(detail(row()), [page], full=True))

    assert lines.count("  ````") == 2


@given(st.text(), st.integers(5, 60))
def test_marks_of_a_cut_snippet_stay_balanced(text: str, columns: int) -> None:
    text = text.replace("«", "").replace("»", "")
    snippet = hits.cut_around(f"{text}«found»{text}", columns)

    assert snippet.count("«") == snippet.count("»") <= 1
    assert width(snippet) <= columns


def test_the_hit_stays_in_sight_when_a_snippet_is_cut() -> None:
    snippet = hits.cut_around("x" * 200 + " «needle» " + "y" * 200, 40)

    assert "«needle»" in snippet


def test_an_unknown_event_is_shown_by_its_type() -> None:
    assert events.kind(event("HologramShown"), "codex") == "HologramShown"
    assert events.kind(event("Custom", data={"kind": "turn_aborted"}), "codex") == "aborted"
    assert events.kind(event("AgentMessage"), "claude-code") == "claude"


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_sums_of_agents_stand_in_columns_and_fit(columns: int) -> None:
    """Bars give way where it is narrow; the figures stay."""
    tools = [
        tool_stats("claude-code", sessions=1204, messages=30_911, errors=26, cost=46_820_000),
        tool_stats("codex", sessions=6, messages=1, errors=0, cost=40_000),
    ]
    lines = list(sums._tool_lines(tools, Screen(width=columns)))[2:]

    assert len({width(line) for line in lines}) == 1
    assert "1,204 sessions" in lines[0]
    if columns >= 80:
        assert "█" in lines[0]
        assert all(width(line) <= columns for line in lines)


def tool_stats(tool: str, *, sessions: int, messages: int, errors: int, cost: int) -> ToolStats:
    kinds: dict[str, Any] = {"str": "", "int": 0, "list[str]": []}
    empty = {name: kinds.get(kind, 0) for name, kind in ToolStats.__annotations__.items()}
    own = {"tool": tool, "sessions": sessions, "messages": messages, "errors": errors}
    return ToolStats(**{**empty, **own, "cost_microdollars": cost})


def test_an_event_whose_file_is_excluded_says_so() -> None:
    left_out = event("FileEdit", text="[excluded:*.env]", data={"path": "/w/live.env"})
    spoken = event("UserMessage", text="[excluded:*.env]")

    assert events.outcome(left_out) == "content excluded"
    assert (events.outcome(spoken), events.outcome(event("FileEdit", text="x"))) == ("", "")
