from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import Event
from opensession.daemon.batch import Tally
from opensession.daemon.tally import CALLS, plus, tally


def _event(kind: str, at: int = 5, **more: Any) -> Event:
    return Event(event_id="e", time_us=at, type=kind, **more)


def test_nothing_counts_nothing() -> None:
    assert tally([]) == Tally()


@pytest.mark.parametrize("kind", sorted(CALLS))
def test_every_call_counts(kind: str) -> None:
    """DECISIONS §2: `tool_call_count` counts every call (shell, edits, web too)."""
    assert tally([_event(kind)]).tool_calls == 1


def test_messages_are_prompts_answers_and_summaries() -> None:
    events = [
        _event("UserMessage"),
        _event("AgentMessage"),
        _event("TaskEnd", data={"summary": "done"}),
        _event("TaskEnd", data={"summary": "  "}),
        _event("TaskEnd"),
        _event("SystemMessage"),
        _event("Thinking"),
    ]

    found = tally(events)

    assert (found.messages, found.user_messages, found.tool_calls) == (3, 1, 0)


@pytest.mark.parametrize(
    ("data", "attributes", "errors"),
    [
        ({"is_error": True}, {}, 1),
        ({"is_error": False}, {"result.exit_code": 2}, 1),
        ({"is_error": False}, {"result.exit_code": 0}, 0),
        ({"is_error": True}, {"result.exit_code": 1}, 1),
        (None, {}, 0),
    ],
)
def test_a_result_that_failed_is_one_error(
    data: dict[str, Any] | None, attributes: dict[str, Any], errors: int
) -> None:
    assert tally([_event("ToolResult", data=data, attributes=attributes)]).errors == errors


def test_lines_are_counted_from_the_diff_of_an_edit() -> None:
    diff = "--- a\n+++ a\n@@ -1,2 +1,3 @@\n same\n--- old\n++++ new\n+more"

    found = tally([_event("ToolResult", attributes={"result.diff": diff})])

    assert (found.lines_added, found.lines_removed) == (2, 1)


_EVENTS = st.lists(
    st.builds(
        _event,
        st.sampled_from(["UserMessage", "AgentMessage", "FileEdit", "ToolResult"]),
        st.integers(1, 2**50),
    ),
    max_size=6,
)


@given(one=_EVENTS, other=_EVENTS)
def test_sums_add_up_however_events_are_cut(one: list[Event], other: list[Event]) -> None:
    assert plus(tally(one), tally(other)) == tally([*one, *other])
