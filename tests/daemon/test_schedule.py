"""The schedule, against a model that recomputes everything from the list of what happened."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from opensession.daemon.schedule import BULK, LIVE, RETRY_SECONDS, Schedule, Timing

QUIET, LONGEST = 0.5, 5.0


def make() -> Schedule[str]:
    return Schedule(Timing(QUIET, LONGEST))


def test_a_change_is_due_half_a_second_later_and_no_timer_remains_after_the_read() -> None:
    """DECISIONS §6: a source is read `realtime_debounce_ms` after its last change."""
    schedule = make()
    assert schedule.next_due(100.0) is None
    schedule.changed("a", 100.0)
    assert schedule.take(100.4, LIVE) is None
    assert schedule.next_due(100.4) == 100.5
    assert schedule.take(100.5, LIVE) == "a"
    assert schedule.next_due(101.0) is None
    schedule.finished("a", 101.0)
    assert schedule.next_due(101.0) is None
    assert schedule.pending_count == 0


def test_a_source_that_never_rests_is_read_after_the_longest_wait() -> None:
    """DECISIONS §6: at the latest `debounce_secs` after its first unread change."""
    schedule = make()
    now = 0.0
    while schedule.take(now, LIVE) is None:
        schedule.changed("a", now)
        now += 0.25
    assert now == LONGEST


def test_the_wait_starts_anew_after_a_read() -> None:
    schedule = make()
    schedule.changed("a", 0.0)
    assert schedule.take(0.5, LIVE) == "a"
    schedule.changed("a", 3.0)
    schedule.finished("a", 4.0)
    assert schedule.next_due(4.0) == 4.0
    schedule.changed("a", 4.0)
    assert schedule.next_due(4.0) == 4.5


def test_a_change_during_a_read_is_not_lost_and_never_gives_two_reads_at_once() -> None:
    schedule = make()
    schedule.changed("a", 0.0)
    assert schedule.take(1.0, LIVE) == "a"
    schedule.changed("a", 1.0)
    assert schedule.take(9.0, LIVE) is None
    assert schedule.next_due(9.0) is None
    schedule.finished("a", 9.0)
    assert schedule.take(9.0, LIVE) == "a"


def test_newest_first_by_time_of_change() -> None:
    schedule = make()
    for name, newest in [("old", 1), ("new", 3), ("middle", 2)]:
        schedule.demand(name, 0.0, newest)
    assert [schedule.take(0.0, BULK) for _ in range(4)] == ["new", "middle", "old", None]


def test_a_backlog_does_not_stand_before_a_live_change() -> None:
    schedule = make()
    for number in range(100):
        schedule.demand(f"old{number}", 0.0, 10 + number)
    schedule.changed("live", 0.0, 1)
    assert schedule.take(0.5, LIVE) == "live"
    assert schedule.take(0.5, LIVE) is None


def test_a_live_change_is_live_also_when_a_reconcile_finds_it() -> None:
    schedule = make()
    schedule.changed("hinted", 0.0)
    schedule.demand("hinted", 0.1)
    assert schedule.take(0.1, LIVE) == "hinted"
    schedule.demand("found", 0.2)
    schedule.changed("found", 0.3)
    assert schedule.take(0.3, LIVE) == "found"


def test_a_failed_source_waits_longer_each_time_and_then_for_a_change() -> None:
    """users.md D22: a skip is queued with a due time; D21: the rest is left to a change."""
    schedule = make()
    schedule.changed("a", 0.0)
    now = 0.5
    lane = LIVE
    for wait in RETRY_SECONDS:
        assert schedule.take(now, lane) == "a"
        assert schedule.failed("a", now, retry=True) == wait
        assert schedule.next_due(now) == now + wait
        now += wait
        lane = BULK
    assert schedule.take(now, lane) == "a"
    assert schedule.failed("a", now, retry=True) is None
    assert schedule.next_due(now) is None
    schedule.changed("a", now + 1)
    assert schedule.next_due(now + 1) == now + RETRY_SECONDS[-1]
    schedule.demand("a", now + 2)
    assert schedule.take(now + 2, LIVE) == "a"
    schedule.finished("a", now + 3)
    schedule.changed("a", now + 4)
    assert schedule.next_due(now + 4) == now + 4 + QUIET


def test_a_failure_that_is_not_retried_waits_for_a_change() -> None:
    schedule = make()
    schedule.changed("a", 0.0)
    schedule.take(1.0, LIVE)
    assert schedule.failed("a", 1.0, retry=False) is None
    assert schedule.next_due(1.0) is None


def test_a_demand_is_not_put_off_by_further_changes() -> None:
    schedule = make()
    schedule.demand("a", 1.0)
    schedule.changed("a", 1.0)
    assert schedule.take(1.0, LIVE) == "a"
    schedule.demand("a", 1.5)
    assert schedule.failed("a", 2.0, retry=True) == RETRY_SECONDS[0]
    assert schedule.take(2.0, BULK) == "a"


def test_a_broken_off_read_is_due_again_at_once() -> None:
    schedule = make()
    schedule.changed("a", 0.0)
    schedule.take(1.0, LIVE)
    schedule.released("a", 1.0, lane=BULK)
    assert schedule.take(1.0, LIVE) is None
    assert schedule.take(1.0, BULK) == "a"


def test_what_is_not_being_read_cannot_end() -> None:
    schedule = make()
    schedule.changed("a", 0.0)
    with pytest.raises(ValueError, match="not being read"):
        schedule.finished("a", 1.0)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60))
@settings(deadline=None)
def test_the_read_comes_when_quiet_or_at_the_longest_wait(gaps: list[float]) -> None:
    """Whatever the pace of the changes: due = min(last + quiet, first + longest)."""
    schedule = make()
    now = first = 0.0
    schedule.changed("a", now)
    for gap in gaps:
        due = schedule.next_due(now)
        assert due is not None
        assert due == pytest.approx(max(now, min(now + QUIET, first + LONGEST)))
        if now + gap >= due:
            break
        now += gap
        schedule.changed("a", now)


class Model(RuleBasedStateMachine):
    """Random histories: single flight, nothing lost, newest first, timers only when needed."""

    def __init__(self) -> None:
        super().__init__()
        self.schedule = make()
        self.now = 0.0
        self.unread: dict[str, int] = {}
        self.flying: set[str] = set()
        self.newest = 0

    names = st.sampled_from("abcde")

    @rule(step=st.floats(0.0, 3.0))
    def time_passes(self, step: float) -> None:
        self.now += step

    @rule(name=names, newest=st.integers(0, 9))
    def change(self, name: str, newest: int) -> None:
        self.schedule.changed(name, self.now, newest)
        self.unread[name] = max(newest, self.unread.get(name, 0))

    @rule(name=names, newest=st.integers(0, 9), lane=st.sampled_from([LIVE, BULK]))
    def demand(self, name: str, newest: int, lane: int) -> None:
        self.schedule.demand(name, self.now, newest, lane=lane)
        self.unread[name] = max(newest, self.unread.get(name, 0))

    @rule(lane=st.sampled_from([LIVE, BULK]))
    def take(self, lane: int) -> None:
        name = self.schedule.take(self.now, lane)
        if name is not None:
            assert name in self.unread
            assert name not in self.flying
            del self.unread[name]
            self.flying.add(name)

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), how=st.sampled_from(["finished", "retry", "poison", "released"]))
    def land(self, data: Any, how: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.flying)))
        self.flying.remove(name)
        if how == "finished":
            self.schedule.finished(name, self.now)
        elif how == "released":
            self.schedule.released(name, self.now, lane=BULK)
            self.unread.setdefault(name, 0)
        elif self.schedule.failed(name, self.now, retry=how == "retry") is not None:
            self.unread.setdefault(name, 0)

    @invariant()
    def the_books_agree(self) -> None:
        assert self.schedule.pending_count == len(self.unread)
        for name in "abcde":
            assert self.schedule.is_pending(name) == (name in self.unread)
            assert self.schedule.is_flying(name) == (name in self.flying)
        waiting = set(self.unread) - self.flying
        assert (self.schedule.next_due(self.now) is not None) == bool(waiting)

    def teardown(self) -> None:
        """After enough time everything that was unread is handed out exactly once."""
        later = self.now + 10_000
        given = []
        for lane in (LIVE, BULK):
            while (name := self.schedule.take(later, lane)) is not None:
                given.append(name)
        assert sorted(given) == sorted(set(self.unread) - self.flying)


TestModel = Model.TestCase


def test_what_is_to_be_looked_at_again_waits_unless_it_changes() -> None:
    schedule: Schedule[str] = Schedule(Timing(quiet=0.5, longest=5.0))
    schedule.look_again("a", 10.0, 2.0)
    assert schedule.next_due(10.0) == 12.0
    schedule.changed("a", 10.1)
    schedule.look_again("a", 10.2, 2.0)
    assert schedule.next_due(10.2) == 10.6
    assert schedule.take(10.6, LIVE) == "a"
    schedule.finished("a", 10.7)
    assert schedule.next_due(20.0) is None
