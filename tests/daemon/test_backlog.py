from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opensession.daemon.backlog import SHOWN_BYTES, WINDOW_SECONDS, Backlog

BIG = SHOWN_BYTES


def test_a_backlog_from_its_first_source_to_its_last() -> None:
    backlog = Backlog()
    assert backlog.progress(0.0).active is False
    backlog.found(1, 3 * BIG, "codex")
    backlog.found(2, BIG, "claude-code")
    backlog.read(1, 2 * BIG, 1.0)
    now = backlog.progress(2.0)
    assert (now.active, now.fraction, now.files_left) == (True, 0.5, 2)
    assert (now.bytes_left, now.bytes_total) == (2 * BIG, 4 * BIG)
    assert now.bytes_per_second == 2 * BIG
    assert now.agent == "codex"
    backlog.settled(1)
    assert backlog.progress(2.0).files_left == 1
    backlog.settled(2)
    assert backlog.progress(2.0).active is False
    assert (backlog.bytes_left, backlog.files_left) == (0, 0)


def test_a_small_backlog_is_not_told_of() -> None:
    backlog = Backlog()
    backlog.found(1, 100, "codex")
    assert backlog.progress(0.0).active is False
    assert backlog.files_left == 1


def test_the_pace_is_that_of_the_last_seconds() -> None:
    backlog = Backlog()
    backlog.found(1, 100 * BIG, "codex")
    backlog.read(1, BIG, 0.0)
    later = 10 * WINDOW_SECONDS
    backlog.read(1, 8, later)
    assert backlog.rate(later + 4.0) == 2.0


steps = st.lists(
    st.tuples(
        st.sampled_from(["found", "read", "settled"]), st.integers(0, 4), st.integers(0, 10**9)
    ),
    max_size=60,
)


@given(steps)
def test_the_sums_hold_whatever_happens(history: list[tuple[str, int, int]]) -> None:
    backlog = Backlog()
    for now, (step, source, size) in enumerate(history):
        if step == "found":
            backlog.found(source, size, "codex")
        elif step == "read":
            backlog.read(source, size, float(now))
        else:
            backlog.settled(source)
        progress = backlog.progress(float(now))
        assert 0.0 <= progress.fraction <= 1.0
        assert backlog.bytes_left >= 0
        assert backlog.bytes_left == sum(backlog._left.values())
