"""Events of a session in pages, folded; and export as HAIL."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.errors import NotFound, Refused, UsageError
from opensession.core.fold import fold_session
from opensession.core.hail import Event, json_block, text
from opensession.core.privacy import Stripper
from opensession.core.rpc.sessions import (
    EventRow,
    ExportParams,
    SessionEventsParams,
    SessionEventsResult,
)
from opensession.core.stats import recompute
from opensession.daemon.store import folding, timeline
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.events import EXPORT_EVENTS, export_lines, list_events
from opensession.daemon.store.prices import PriceBook
from tests.helpers.index import (
    NOON,
    SECOND,
    Index,
    agent,
    edit,
    event,
    result,
    shell,
    usage,
    user,
)

CONTEXT = QueryContext(
    now_us=NOON,
    prices=PriceBook(lambda models: [None] * len(models)),
    home="/home/me",
    stripper=Stripper("/home/me", b"k" * 32),
)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


def ask(index: Index, ref: str, **given: object) -> SessionEventsResult:
    return list_events(index.db, SessionEventsParams(ref=ref, **given), CONTEXT)  # type: ignore[arg-type]


def everything(index: Index, ref: str, **given: object) -> list[EventRow]:
    """All pages."""
    rows: list[EventRow] = []
    cursor = ""
    while True:
        page = ask(index, ref, cursor=cursor, **given)
        rows += page.events
        if not page.next:
            return rows
        cursor = page.next


def places(rows: list[EventRow]) -> list[tuple[str, int]]:
    return [(row.session_id, row.seq) for row in rows]


def test_order_of_time_and_of_seq(index: Index) -> None:
    """DECISIONS §2: seq is the order of the source; time order is a view, ties by seq."""
    index.session(
        "aaaa",
        [user("1", NOON + 2), user("2", NOON), user("3", NOON + 2), user("4", NOON + 1)],
    )

    assert [row.seq for row in ask(index, "aaaa").events] == [2, 4, 1, 3]
    assert [row.seq for row in ask(index, "aaaa", order="seq").events] == [1, 2, 3, 4]
    assert ask(index, "aaaa").total == 4


def test_row_holds_the_event(index: Index) -> None:
    """With the time as all our output has it."""
    given = event(
        "ToolCall",
        "said",
        NOON + 1500,
        event_id="e1",
        data={"name": "X"},
        blocks=[text("said"), json_block({"a": [1]})],
        task_id="t",
        duration_ms=5,
        attributes={"x": 1},
    )
    index.session("aaaa", [given])

    row = ask(index, "aaaa").events[0]

    assert row == EventRow(
        session_id="aaaa",
        seq=1,
        event_id="e1",
        timestamp="2026-01-01T12:00:00.001Z",
        type="ToolCall",
        data={"name": "X"},
        blocks=[text("said"), json_block({"a": [1]})],
        task_id="t",
        duration_ms=5,
        attributes={"x": 1},
    )


def test_result_is_folded_into_its_call(index: Index) -> None:
    """DECISIONS §2: every reader folds exit code, diff and duration into the call."""
    index.session(
        "aaaa",
        [
            shell("make", NOON, call_id="c1"),
            edit("/w/a.py", NOON + 1),
            result("no", NOON + 2, call_id="c1", result_exit_code=2, result_duration_ms=70),
            result("ok", NOON + 3, result_diff="@@ -1 +1 @@\n-a\n+b\n", result_call_seq=2),
        ],
    )

    call, change, first, second = ask(index, "aaaa").events
    raw = ask(index, "aaaa", fold=False).events

    assert (call.data, call.duration_ms) == ({"command": "make", "exit_code": 2}, 70)
    assert change.data == {"path": "/w/a.py", "diff": "@@ -1 +1 @@\n-a\n+b\n"}
    assert first.attributes == {"semantic.call_id": "c1"}
    assert second.attributes == {"result.call_seq": 2}
    assert raw[0].data == {"command": "make"}
    assert raw[2].attributes["result.exit_code"] == 2


def test_result_beyond_the_page_is_folded_in(index: Index) -> None:
    """A page ends anywhere."""
    calls = [shell("sleep", NOON + n, call_id=f"c{n}") for n in range(3)]
    results = [result("x", NOON + 10 + n, call_id=f"c{n}", result_exit_code=n) for n in (2, 1, 0)]
    index.session("aaaa", [*calls, *[agent("…", NOON + 5)] * 40, *results])

    for size in (1, 2, 3, 50):
        rows = everything(index, "aaaa", limit=size)
        assert [row.data for row in rows[:3]] == [
            {"command": "sleep", "exit_code": n} for n in range(3)
        ]


def test_call_without_a_result_costs_a_bounded_search(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted call is never answered; what follows is not read to its end for it."""
    monkeypatch.setattr(folding, "MAX_RESULTS", 3)
    answers = [result("x", NOON + n, call_id=f"other{n}", result_exit_code=1) for n in range(1, 9)]
    late = result("x", NOON + 99, call_id="c", result_exit_code=7)
    index.session("aaaa", [shell("sleep", NOON, call_id="c"), *answers, late])

    assert ask(index, "aaaa", limit=1).events[0].data == {"command": "sleep"}
    assert ask(index, "aaaa").events[0].data == {"command": "sleep", "exit_code": 7}


def test_tokens_of_a_response_stand_once(index: Index) -> None:
    """DECISIONS §3: the last record counts; also where it is on another page."""

    def part(number: int, output: int) -> Event:
        return agent(
            f"{number}",
            NOON + number,
            attributes={"message_id": "m1", "output_tokens": output, "model": "x"},
        )

    index.session("aaaa", [part(1, 1), part(2, 5), part(3, 9)], used=[usage("m1", seq=3, output=9)])

    for size in (1, 2, 10):
        found = [
            row.attributes.get("output_tokens") for row in everything(index, "aaaa", limit=size)
        ]
        assert found == [None, None, 9]


def test_subagents_are_tasks(index: Index) -> None:
    """DECISIONS §2: folded into the parent as a task when reading, never when storing."""
    index.session("parent", [user("go", NOON), agent("done", NOON + 9)])
    index.session(
        "child-1",
        [agent("a", NOON + 1), shell("ls", NOON + 3, call_id="c"),
         result("x", NOON + 4, call_id="c", result_exit_code=0)],
        role="auxiliary", parent="parent", title="Look around",
    )  # fmt: skip
    index.session("child-2", [agent("b", NOON + 2)], role="auxiliary", parent="child-1")
    index.session("empty", [], role="auxiliary", parent="parent")

    found = ask(index, "parent")

    assert [(row.session_id, row.seq, row.type) for row in found.events] == [
        ("parent", 1, "UserMessage"),
        ("child-1", 0, "TaskStart"),
        ("child-1", 1, "AgentMessage"),
        ("child-2", 0, "TaskStart"),
        ("child-2", 1, "AgentMessage"),
        ("child-2", 0, "TaskEnd"),
        ("child-1", 2, "ShellCommand"),
        ("child-1", 3, "ToolResult"),
        ("child-1", 0, "TaskEnd"),
        ("parent", 2, "AgentMessage"),
    ]
    assert found.total == 10
    assert [row.task_id for row in found.events if row.session_id == "child-1"] == ["child-1"] * 5
    assert found.events[1].data == {"title": "Look around"}
    assert found.events[6].data == {"command": "ls", "exit_code": 0}
    assert [row.seq for row in ask(index, "parent", fold=False).events] == [1, 2]
    assert ask(index, "parent", order="seq").total == 2
    assert places(everything(index, "child-1", limit=1)) == places(ask(index, "child-1").events)


def test_tail(index: Index) -> None:
    """The last page, in the same order."""
    index.session("parent", [user(str(n), NOON - n) for n in range(30)])
    index.session("child", [agent("x", NOON + 5)], role="auxiliary", parent="parent")
    rows = everything(index, "parent")

    assert ask(index, "parent", tail=True, limit=5).events == rows[-5:]
    assert ask(index, "parent", tail=True, limit=500).events == rows
    assert [row.seq for row in ask(index, "parent", tail=True, order="seq", limit=3).events] == [
        28, 29, 30,
    ]  # fmt: skip
    assert ask(index, "parent", tail=True, limit=5).next == ""


@pytest.mark.parametrize("order", ["time", "seq"])
def test_pages_are_bounded_in_bytes(
    index: Index, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """A few large outputs make a page as well as many small ones; one of any size does."""
    monkeypatch.setattr(timeline, "PAGE_BYTES", 1000)
    noise = random.Random(7).randbytes(30_000).hex()
    sizes = [10, 10, 900, 900, 20_000, 10, 10]
    index.session("aaaa", [user(noise[:size], NOON + n) for n, size in enumerate(sizes)])

    first = ask(index, "aaaa", order=order)
    tail = ask(index, "aaaa", order=order, tail=True)
    rows = everything(index, "aaaa", order=order)

    assert [row.seq for row in first.events] == [1, 2, 3]
    assert [row.seq for row in tail.events] == [6, 7]
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5, 6, 7]


def test_refused_references_and_cursors(index: Index) -> None:
    """As everywhere."""
    index.session("aaaa", [user("x")])

    with pytest.raises(NotFound):
        ask(index, "bbbb")
    with pytest.raises(UsageError):
        ask(index, "aaaa", cursor="zz")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parent=st.lists(st.integers(0, 6), max_size=12),
    children=st.lists(st.lists(st.integers(0, 6), max_size=5), max_size=3),
    size=st.integers(1, 5),
)
def test_pages_are_complete_and_without_repeats(
    index: Index, parent: list[int], children: list[list[int]], size: int
) -> None:
    """Whatever the times are, and however pages are cut; the tail is the end of it."""
    index.db.execute(
        "DELETE FROM event; DELETE FROM search; DELETE FROM session; DELETE FROM source"
    )
    index.session("parent", [user("x", NOON + at) for at in parent])
    for number, times in enumerate(children):
        index.session(
            f"child{number}",
            [agent("y", NOON + at) for at in times],
            role="auxiliary",
            parent="parent",
        )

    rows = everything(index, "parent", limit=size)
    whole = ask(index, "parent", limit=1000)

    assert rows == whole.events
    assert len(set(map(str, rows))) == len(rows) == whole.total
    assert [row.timestamp for row in rows] == sorted(row.timestamp for row in rows)
    assert len(rows) == len(parent) + sum(len(each) + 2 for each in children if each)
    assert ask(index, "parent", limit=size, tail=True).events == rows[-size:]
    own = [row.seq for row in rows if row.session_id == "parent"]
    assert own == [seq for _, seq in sorted((at, seq) for seq, at in enumerate(parent, 1))]


def export(index: Index, ref: str) -> list[bytes]:
    """All lines."""
    lines: list[bytes] = []
    cursor = ""
    while True:
        page = export_lines(index.db, ExportParams(ref=ref, cursor=cursor), CONTEXT)
        lines += [bytes(line) for line in page.lines]
        if not page.next:
            return lines
        cursor = page.next


def test_export_is_a_hail_session(index: Index) -> None:
    """Header, events by time with subagents as tasks, stats; and the stats are those of its
    events.
    """
    index.session(
        "parent.2",
        [
            user("go", NOON + 5),
            shell("make", NOON, call_id="c1"),
            result("no", NOON + 1, call_id="c1", failed=True, result_exit_code=2),
            edit("/w/a.py", NOON + 2),
            result("ok", NOON + 3, result_diff="@@ -1 +1,2 @@\n-a\n+b\n+c\n", result_call_seq=4),
            agent("done", NOON + 61 * SECOND,
                  attributes={"message_id": "m1", "input_tokens": 3, "output_tokens": 4}),
        ],
        model="m", provider="p", first_prompt="go", cwd="/w", repo="w",
        used=[usage("m1", seq=6, input=3, output=4)],
    )  # fmt: skip
    index.session(
        "child", [agent("c", NOON + 1), user("d", NOON + 2)], role="auxiliary", parent="parent.2"
    )

    header, *events, stats = [json.loads(line) for line in export(index, "parent.2")]

    assert header["session_id"] == "parent.2"
    assert header["agent"] == {"provider": "p", "model": "m", "tool": "claude-code"}
    assert header["context"]["title"] == "go"
    assert header["context"]["created_at"] == "2026-01-01T12:00:00.000Z"
    assert header["context"]["attributes"]["git_repo_name"] == "w"
    assert [each["timestamp"] for each in events] == sorted(e["timestamp"] for e in events)
    assert len({each["event_id"] for each in events}) == len(events) == 10
    assert events[0]["event_type"]["data"] == {"command": "make", "exit_code": 2}
    assert b"result." not in b"".join(export(index, "parent.2"))
    again = recompute(
        [
            Event(
                event_id=each["event_id"],
                time_us=NOON + int(each["timestamp"][17:19]) * SECOND,
                type=each["event_type"]["type"],
                data=each["event_type"].get("data"),
                task_id=each.get("task_id"),
                attributes=each.get("attributes", {}),
            )
            for each in events
        ]
    )
    expected = json.loads(msgspec.json.encode(again))
    # The minute of the last event is not in its seconds.
    expected["duration_seconds"] = 61
    assert {name: stats[name] for name in expected} == expected


def test_export_in_pages(index: Index) -> None:
    """One header, one stats line, every event between them once."""
    index.session("aaaa", [user(str(n), NOON + n) for n in range(2 * EXPORT_EVENTS)])

    lines = [json.loads(line) for line in export(index, "aaaa")]

    assert [line["type"] for line in lines] == [
        "header", *["event"] * (2 * EXPORT_EVENTS), "stats",
    ]  # fmt: skip
    assert len({line.get("event_id") for line in lines}) == 2 * EXPORT_EVENTS + 1


def test_export_of_an_empty_session(index: Index) -> None:
    """Header and stats, on one page."""
    index.session("aaaa")

    assert [json.loads(line)["type"] for line in export(index, "aaaa")] == ["header", "stats"]


def test_nothing_leaves_unstripped(index: Index) -> None:
    """DECISIONS §5: what leaves carries placeholders without a tag, and structural fields are
    stripped on the way out.
    """
    index.session(
        "aaaa",
        [
            user("see [redacted:env:ABCD2345] in /home/me/x"),
            edit("/home/me/secret/a.py"),
            result("ok", result_diff="--- /home/me/a\n+++ /home/me/a\n", result_call_seq=2),
        ],
        title="In /home/me",
        first_prompt="at /home/me/y",
        cwd="/home/me/w",
        git_branch="me",
    )

    lines = b"\n".join(export(index, "aaaa"))

    assert b"/home/me" not in lines
    assert b"ABCD2345" not in lines
    assert b"[redacted:env]" in lines
    assert b"~/secret/a.py" in lines


def test_nothing_leaves_without_a_stripper(index: Index) -> None:
    """A context that was made without one refuses."""
    index.session("aaaa", [user("x")])
    bare = msgspec.structs.replace(CONTEXT, stripper=None)

    with pytest.raises(Refused):
        export_lines(index.db, ExportParams(ref="aaaa"), bare)


def test_folding_a_page_is_folding_the_session(index: Index) -> None:
    """What is shown page by page is what `core.fold` makes of the whole."""
    events = [
        shell("a", NOON, call_id="c1"),
        edit("/x", NOON + 1),
        agent("y", NOON + 2, attributes={"message_id": "m", "output_tokens": 1}),
        result("r", NOON + 3, result_call_seq=2, result_diff="d", result_duration_ms=3),
        result("r", NOON + 4, call_id="c1", result_exit_code=1),
        agent("z", NOON + 5, attributes={"message_id": "m", "output_tokens": 2}),
        result("lonely", NOON + 6, call_id="nobody", result_exit_code=1),
    ]
    index.session("aaaa", events, used=[usage("m", seq=6, output=2)])
    expected = fold_session(events)

    for size in (1, 3, 100):
        rows = everything(index, "aaaa", limit=size)
        for row, whole in zip(rows, expected, strict=True):
            attributes = {k: v for k, v in row.attributes.items() if k != "result.call_seq"}
            assert (row.data, row.duration_ms, attributes) == (
                whole.data,
                whole.duration_ms,
                whole.attributes,
            )
