"""Sessions that are operation logs: what grows, what changes in place, what is replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.agent import Cursor, Delta, SessionDelta, Source
from opensession.parsers.jsonl import read_lines
from opensession.parsers.timeline import Timeline
from opensession.parsers.vscode_copilot import AGENT, log, requests
from tests.helpers.lines import Whole, read_all
from tests.parsers.vscode_copilot.making import (
    ID,
    invocation,
    lines,
    markdown,
    push,
    put,
    read,
    read_log,
    request,
    said,
    source_in,
    state,
    terminal,
    whole,
)


def grow(source: Source, *entries: Any) -> None:
    with Path(source.path).open("ab") as out:
        out.write(lines(*entries))


def read_on(source: Source, cursor: Cursor | None) -> Delta:
    delta = AGENT.read(source, cursor)
    assert not delta.more
    return delta


def test_a_log_and_the_object_it_makes_give_the_same(tmp_path: Path) -> None:
    made = request(0, markdown("Hi."), invocation("c", "run_in_terminal"))

    logged = read_log(
        tmp_path / "log",
        whole(state()),
        push(["requests"], {**made, "response": []}),
        push(["requests", 0, "response"], *made["response"]),
        put(["customTitle"], "Named"),
    )
    written = read(tmp_path / "whole", made, customTitle="Named")

    assert logged.sessions == written.sessions
    assert logged.infos == written.infos
    assert logged.usage == written.usage


def test_a_new_request_tells_only_itself(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(request(0, markdown("One.")))))
    first = read_on(source, None)

    grow(source, push(["requests"], request(1, markdown("Two."))))
    second = read_on(source, first.cursor)

    (session,) = second.sessions
    assert session.keep == len(first.sessions[0].events) == 2
    assert [said(event) for event in session.events] == ["Question 1", "Two."]
    assert not second.restarted
    assert second.raw_offset == len(first.raw)


def test_a_response_that_grows_in_place_is_told_anew_from_its_request(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    open_request = request(1, markdown("Half"), modelState={"value": 0})
    grow(source, whole(state(request(0, markdown("One.")), open_request)))
    first = read_on(source, None)

    grow(source, push(["requests", 1, "response"], markdown("Half a word."), at=0))
    second = read_on(source, first.cursor)

    (session,) = second.sessions
    assert session.keep == 2
    assert [said(event) for event in session.events] == ["Question 1", "Half a word."]
    assert [event.event_id for event in session.events] == [
        event.event_id for event in first.sessions[0].events[2:]
    ]


def test_requests_that_were_taken_back_are_gone(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(request(0), request(1), request(2))))
    first = read_on(source, None)

    grow(source, {"kind": 2, "k": ["requests"], "i": 1})
    second = read_on(source, first.cursor)

    assert (second.sessions[0].keep, second.sessions[0].events) == (1, [])


def test_a_log_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(request(0))), put(["customTitle"], "x"))
    first = read_on(source, None)
    path = Path(source.path)
    path.unlink()

    grow(source, whole(state(request(0), request(1), customTitle="y")))
    second = read_on(source, first.cursor)

    assert second.restarted
    assert (second.sessions[0].keep, len(second.sessions[0].events)) == (0, 2)
    assert second.sessions[0].info.title == "y"


def test_a_line_that_is_not_whole_waits(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(request(0))))
    cursor = read_on(source, None).cursor
    rest = lines(push(["requests"], request(1)))

    with Path(source.path).open("ab") as out:
        out.write(rest[:40])
    torn = read_on(source, cursor)
    with Path(source.path).open("ab") as out:
        out.write(rest[40:])
    done = read_on(source, torn.cursor)

    assert torn.sessions == []
    assert len(done.sessions[0].events) == 1


def test_what_is_wrong_is_counted_once_and_loses_nothing_else(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(request(0))), b"{no json", put(["nowhere", 3], 1))
    first = read_on(source, None)

    grow(source, put(["customTitle"], "T"))
    second = read_on(source, first.cursor)

    assert first.skipped == {"malformed": 1, "misplaced": 1}
    assert len(first.sessions[0].events) == 1
    assert second.skipped == {}
    assert second.sessions[0].info.title == "T"


def test_a_window_without_a_question_is_no_session(tmp_path: Path) -> None:
    assert read_log(tmp_path, whole(state())).sessions == {}


def test_a_log_too_large_is_told_as_far_as_it_was_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [whole(state(request(0))), push(["requests"], request(1)), put(["customTitle"], "T")]
    monkeypatch.setattr(log, "LOG_BYTES", len(lines(*entries[:2])) - 1)

    told = read_log(tmp_path, *entries)

    assert len(told.sessions[ID]) == 2
    assert told.skipped == {"oversized": 1}


@pytest.mark.parametrize(
    ("limit", "events"), [("MOST_REQUESTS", 4), ("MOST_EVENTS", 4), ("MOST_PARTS", 9)]
)
def test_of_too_much_the_beginning_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, events: int
) -> None:
    thoughts = [{"kind": "thinking", "value": "Hm"} for _ in range(3)]
    monkeypatch.setattr(requests if limit == "MOST_PARTS" else log, limit, 2)
    if limit == "MOST_REQUESTS":
        monkeypatch.setattr(log, limit, 1)

    told = read_log(tmp_path, whole(state(*(request(n, *thoughts) for n in range(3)))))

    assert len(told.sessions[ID]) == events
    assert "oversized" in told.skipped


def test_slices_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state()), *(push(["requests"], request(n)) for n in range(20)))
    expected = read_all(AGENT.read, source)[0]

    def small(*given: Any) -> Delta:
        return read_lines(*given, slice_bytes=600)

    monkeypatch.setattr(log, "read_lines", small)

    assert read_all(AGENT.read, source)[0] == expected


def test_a_running_command_gets_its_result_when_it_is_done(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    running = invocation(
        "c", "run_in_terminal", toolSpecificData=terminal("make"), isComplete=False
    )
    grow(source, whole(state(request(0, running, modelState={"value": 0}))))
    told, cursor = read_all(AGENT.read, source)
    assert [event.type for event in told.sessions[ID]] == ["UserMessage", "ShellCommand"]

    ended = terminal("make", terminalCommandState={"exitCode": 2})
    grow(
        source,
        put(["requests", 0, "response", 0, "toolSpecificData"], ended),
        put(["requests", 0, "response", 0, "isComplete"], True),
    )
    told, _ = read_all(AGENT.read, source, cursor, told)

    results = [event for event in told.sessions[ID] if event.type == "ToolResult"]
    assert [event.attributes["result.exit_code"] for event in results] == [2]


PARTS = st.sampled_from([markdown("a"), markdown("b"), invocation("c", "read_file"), {"kind": "x"}])
STEPS = st.one_of(
    st.builds(lambda n, part: push(["requests"], request(n, part)), st.integers(0, 3), PARTS),
    st.builds(
        lambda n, part, at: push(["requests", n, "response"], part, at=at),
        st.integers(0, 3),
        PARTS,
        st.none() | st.integers(0, 2),
    ),
    st.builds(lambda n: {"kind": 2, "k": ["requests"], "i": n}, st.integers(0, 3)),
    st.builds(lambda n: put(["requests", n], "no request"), st.integers(0, 3)),
)


@given(st.lists(STEPS, max_size=10), st.sets(st.integers(0, 10)))
def test_however_it_is_read_the_session_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any], stops: set[int]
) -> None:
    source = source_in(tmp_path_factory.mktemp("log"))
    Path(source.path).write_bytes(b"")
    told, cursor = Whole(), None
    for number, step in enumerate([whole(state()), *steps]):
        grow(source, step)
        if number in stops:
            told, cursor = read_all(AGENT.read, source, cursor, told)
    told, _ = read_all(AGENT.read, source, cursor, told)

    expected = read_all(AGENT.read, source)[0]
    assert told.sessions.get(ID, []) == expected.sessions.get(ID, [])
    assert told.raw == expected.raw == Path(source.path).read_bytes()


@given(st.binary(max_size=200) | st.text(max_size=80).map(lambda t: json.dumps(t).encode()))
def test_no_bytes_break_a_read(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("a.jsonl", "b.json"):
        source = source_in(folder, name)
        Path(source.path).write_bytes(lines(whole(state(request(0)))) + data)
        read_all(AGENT.read, source)


def test_only_what_may_have_changed_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(*(request(n) for n in range(30)))))
    cursor = read_on(source, None).cursor
    told: list[str] = []
    original = requests.tell

    def tell(line: Timeline, given: dict[str, Any]) -> list[SessionDelta]:
        told.append(given["requestId"])
        return original(line, given)

    monkeypatch.setattr(requests, "tell", tell)
    grow(source, push(["requests", 29, "response"], markdown("More.")))
    read_on(source, cursor)

    assert told == ["request_29"]


def test_what_differs_far_above_is_told_all_the_same(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(*(request(n) for n in range(30)))))
    told, cursor = read_all(AGENT.read, source)

    grow(source, put(["requests", 2, "message"], {"text": "Another question"}))
    told, _ = read_all(AGENT.read, source, cursor, told)

    assert said(told.sessions[ID][2]) == "Another question"
    assert told.sessions == read_all(AGENT.read, source)[0].sessions


def test_what_is_written_while_it_is_read_is_told_by_the_next_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_in(tmp_path)
    grow(source, whole(state(request(0))))
    late = [push(["requests"], request(1))]

    def reading(*given: Any) -> Delta:
        delta = read_lines(*given)
        if late:
            grow(source, late.pop())
        return delta

    monkeypatch.setattr(log, "read_lines", reading)
    first = read_on(source, None)
    second = read_on(source, first.cursor)

    assert [said(event) for event in first.sessions[0].events] == ["Question 0"]
    assert [said(event) for event in second.sessions[0].events] == ["Question 1"]


def test_a_change_of_a_log_counts_as_all_of_it(tmp_path: Path) -> None:
    """All of it is played again, so of a large one that is not done within the daemon."""
    for name in ("s.jsonl", "s.json"):
        path = tmp_path / name
        assert AGENT.storage(Source("vscode-copilot", str(tmp_path), str(path))) == "whole"
