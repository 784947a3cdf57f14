"""Statistics against data counted by hand."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from pathlib import Path

import pytest

from opensession.core.errors import UsageError
from opensession.core.hail import Event
from opensession.core.rpc.stats import Stats, StatsParams
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.prices import Price, PriceBook, Rates, Sheet, Term
from opensession.daemon.store.stats import stats
from tests.helpers.index import (
    DAY,
    HOUR,
    MINUTE,
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

BERLIN = "Europe/Berlin"
FLAT: Sheet = (Term(rates=Rates(input=Price(Decimal(2)), output=Price(Decimal(5)))),)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


def ask(index: Index, period: str = "all", now: int = NOON, **given: str) -> Stats:
    """The statistics of a period, in UTC unless told otherwise."""
    book = PriceBook(lambda models: [FLAT if name == "flat" else None for _, name in models])
    params = StatsParams(period=period, **{"zone": "UTC", **given})  # type: ignore[arg-type]
    return stats(index.db, params, QueryContext(now_us=now, prices=book, home="/home/me"))


def local(text: str, zone: str) -> int:
    """A local time as microseconds UTC."""
    moment = dt.datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    return int(moment.timestamp()) * SECOND


def test_sums_of_everything(index: Index) -> None:
    """Subagents are no sessions of their own; what they did counts once."""
    index.session(
        "a",
        [
            user("do it", NOON),
            shell("ls", NOON + MINUTE),
            result("no", NOON + 2 * MINUTE, failed=True),
            edit("/x/a.py", NOON + 3 * MINUTE),
            agent("done", NOON + 4 * MINUTE),
        ],
        used=[usage("m1", model="flat", input=10, output=2, cache_read=100, cache_write=1)],
    )
    index.session(
        "a-sub",
        [shell("pwd", NOON + MINUTE), agent("found", NOON + 5 * MINUTE)],
        role="auxiliary",
        parent="a",
        used=[usage("m2", model="flat", output=1)],
    )
    index.session(
        "b",
        [user("hello", NOON - DAY), edit("/x/a.py", NOON - DAY), edit("/x/b.py", NOON - DAY + 1)],
        agent="codex",
        used=[usage("m3", NOON - DAY, model="strange", output=3)],
    )

    found = ask(index)

    assert found.total_sessions == 2
    assert found.total_messages == 2 + 1 + 1
    assert found.total_tool_calls == 2 + 1 + 2
    assert found.total_duration_seconds == 300
    assert found.error_count == 1
    assert found.error_rate == pytest.approx(1 / 5)
    assert (found.total_input_tokens, found.total_output_tokens) == (10, 6)
    assert (found.total_cache_read_tokens, found.total_cache_write_tokens) == (100, 1)
    assert found.estimated_cost_microdollars == 10 * 2 + 101 * 2 + 3 * 5
    assert found.unpriced_models == ["strange"]
    assert [
        (each.tool, each.sessions, each.messages, each.output_tokens) for each in found.by_tool
    ] == [
        ("claude-code", 1, 3, 3),
        ("codex", 1, 1, 3),
    ]
    assert found.by_tool[1].cost_microdollars is None
    assert [(each.model, each.responses, each.cost_microdollars) for each in found.by_model] == [
        ("flat", 2, 237),
        ("strange", 1, None),
    ]
    assert [(each.path, each.edits, each.sessions) for each in found.top_files] == [
        ("/x/a.py", 2, 2),
        ("/x/b.py", 1, 1),
    ]
    assert found.since is None


def test_nothing(index: Index) -> None:
    """An empty index has statistics too."""
    found = ask(index, "week")

    assert (found.total_sessions, found.error_rate, found.by_tool) == (0, 0.0, [])


@pytest.mark.parametrize(
    ("period", "since"),
    [
        ("day", "2026-01-01T00:00:00.000Z"),
        ("week", "2025-12-26T00:00:00.000Z"),
        ("month", "2025-12-03T00:00:00.000Z"),
        ("all", None),
    ],
)
def test_periods_end_with_today(index: Index, period: str, since: str | None) -> None:
    """DECISIONS §3: since midnight, the last 7 and the last 30 local days with today."""
    assert ask(index, period).since == since


def test_days_are_the_users(index: Index) -> None:
    """DECISIONS §3: what happened at half past eleven in the evening was yesterday."""
    midnight = local("2026-01-01T00:00", BERLIN)
    index.session(
        "a",
        [shell("ls", midnight - 1), shell("ls", midnight), result("x", midnight, failed=True)],
        used=[
            usage("m1", midnight - 1, output=1),
            usage("m2", midnight, output=10),
        ],
    )
    now = local("2026-01-01T12:00", BERLIN)

    here = ask(index, "day", now, zone=BERLIN)
    west = ask(index, "day", now, zone="America/New_York")

    assert (here.total_output_tokens, here.total_tool_calls, here.error_count) == (10, 1, 1)
    assert here.since == "2025-12-31T23:00:00.000Z"
    assert west.total_output_tokens == 0


def test_days_across_a_change_of_the_clock(index: Index) -> None:
    """The week of the change has an hour more or less, and begins at midnight all the same."""
    now = local("2026-04-01T12:00", BERLIN)
    begins = local("2026-03-26T00:00", BERLIN)
    index.session(
        "a",
        [user("x", begins - 1), user("x", begins)],
        used=[usage("m1", begins - 1, output=1), usage("m2", begins, output=10)],
    )

    found = ask(index, "week", now, zone=BERLIN)

    assert now - begins == 6 * DAY + 11 * HOUR
    assert (found.total_output_tokens, found.total_messages) == (10, 1)


def test_session_counts_by_its_last_activity(index: Index) -> None:
    """DECISIONS §3; what was done before the period in such a session does not count."""
    index.session("old", [user("x", NOON - 40 * DAY), user("x", NOON - 35 * DAY)])
    index.session("long", [user("x", NOON - 40 * DAY), agent("y", NOON - DAY)])
    index.session("new", [user("x", NOON - DAY), agent("y", NOON - DAY + MINUTE)])

    found = ask(index, "month")

    assert found.total_sessions == 2
    assert found.total_messages == 3
    assert found.total_duration_seconds == 39 * 86400 + 60


def test_session_is_as_active_as_its_subagents(index: Index) -> None:
    """A parent that waits for a subagent was active in the period."""
    index.session("p", [user("x", NOON - 20 * DAY)])
    index.session("c", [agent("y", NOON)], role="auxiliary", parent="p")
    index.session("gc", [agent("y", NOON + 1)], role="auxiliary", parent="c")

    found = ask(index, "week")

    assert (found.total_sessions, found.total_messages) == (1, 2)


def test_summary_of_a_task_is_a_message_on_its_day(index: Index) -> None:
    """As in the counts of whole sessions."""
    ends: list[Event] = [
        event("TaskEnd", at=NOON - 3 * DAY, data={"summary": "early"}),
        event("TaskEnd", at=NOON, data={"summary": "late"}),
        event("TaskEnd", at=NOON + 1, data={"summary": "  "}),
        event("TaskEnd", at=NOON + 2, data={}),
    ]
    index.session("a", ends)

    assert ask(index, "day").total_messages == 1
    assert ask(index, "all").total_messages == 2


def test_message_id_in_several_sessions_counts_once(index: Index) -> None:
    """DECISIONS §3: forks and copies count in their own totals, once in statistics; the fullest
    record counts, and another agent's message of the same id is another message.
    """
    index.session("a", [user("x")], used=[usage("m1", output=7), usage("m2", output=3)])
    index.session("fork", [user("x")], used=[usage("m1", output=7), usage("m2", output=1)])
    index.session("third", [user("x")], used=[usage("m1", output=7)])
    index.session("other", [user("x")], agent="codex", used=[usage("m1", output=100)])

    found = ask(index)

    assert found.total_output_tokens == 7 + 3 + 100
    assert [each.output_tokens for each in found.by_tool] == [10, 100]


def test_orphan_subagent_costs_and_is_no_session(index: Index) -> None:
    """Its tokens were spent, although nobody knows who sent it."""
    index.session("c", [agent("y")], role="auxiliary", parent="gone", used=[usage("m", output=4)])

    found = ask(index)

    assert (found.total_sessions, found.total_messages, found.total_output_tokens) == (0, 1, 4)


def test_circle_of_parents_ends(index: Index) -> None:
    """Files may claim anything."""
    index.session("a", [agent("y")], role="auxiliary", parent="b")
    index.session("b", [agent("y")], role="auxiliary", parent="a")

    assert ask(index).total_sessions == 0


def test_synthetic_messages_are_no_responses(index: Index) -> None:
    """Claude Code writes them itself."""
    index.session("a", [user("x")], used=[usage("m", model="<synthetic>", output=0)])

    found = ask(index)

    assert (found.by_model, found.unpriced_models) == ([], [])


def test_narrowed_by_tool_folder_and_name(index: Index) -> None:
    """As `log` is; subagents follow their parent, wherever they worked."""
    index.session("a", [user("x")], cwd="/w/one/deep", used=[usage("m1", output=1)])
    index.session(
        "a-sub",
        [agent("y")],
        role="auxiliary",
        parent="a",
        cwd="/tmp/worktree",
        used=[usage("m2", output=2)],
    )
    index.session("b", [user("x")], cwd="/w/two", agent="codex", used=[usage("m3", output=4)])
    index.session("c", [user("x")], cwd="/v", repo="Two", used=[usage("m4", output=8)])

    assert ask(index, project="/w/one").total_output_tokens == 3
    assert ask(index, scope="/w").total_output_tokens == 7
    assert ask(index, project="two").total_output_tokens == 12
    assert ask(index, tool="codex").total_output_tokens == 4
    assert ask(index, tool="claude_code").total_output_tokens == 11
    assert ask(index, tool="codex").by_tool[0].tool == "codex"


def test_unknown_zone_is_said(index: Index) -> None:
    """Rather than counted in another one."""
    with pytest.raises(UsageError, match="no such time zone: Middle/Earth"):
        ask(index, "day", zone="Middle/Earth")
