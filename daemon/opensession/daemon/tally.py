"""Sums over events that simply add up, so that an append never reads earlier events again."""

from __future__ import annotations

from collections.abc import Iterable

from opensession.core.hail import Event
from opensession.core.stats import CALLS, event_counts, is_error
from opensession.daemon.batch import Tally

__all__ = ["CALLS", "is_error", "plus", "tally"]


def tally(events: Iterable[Event]) -> Tally:
    """The sums over `events`; times are 0 where there are none."""
    sums = event_counts(events)
    return Tally(
        sums.messages,
        sums.user_messages,
        sums.tool_calls,
        sums.errors,
        sums.lines_added,
        sums.lines_removed,
        sums.first_us,
        sums.last_us,
    )


def plus(one: Tally, other: Tally) -> Tally:
    """The sums over both."""
    return Tally(
        one.messages + other.messages,
        one.user_messages + other.user_messages,
        one.tool_calls + other.tool_calls,
        one.errors + other.errors,
        one.lines_added + other.lines_added,
        one.lines_removed + other.lines_removed,
        min(one.first_us or other.first_us, other.first_us or one.first_us),
        max(one.last_us, other.last_us),
    )
