"""The sums of a session."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.hail import Event
from opensession.core.stats import CALLS, Stats, diff_lines, event_counts, recompute

DIFF = "--- a\n+++ b\n@@ -1,3 +1,3 @@\n x\n--- not a header\n+y\n z"


def event(kind: str, data: dict[str, Any] | None = None, time: int = 0, **attributes: Any) -> Event:
    names = {name.replace("__", "."): value for name, value in attributes.items()}
    return Event(event_id="e", time_us=time, type=kind, data=data, attributes=names)


def test_every_call_counts() -> None:
    """DECISIONS §2: tool_call_count counts every call (shell, edits, web too)."""
    assert recompute([event(kind) for kind in CALLS]).tool_call_count == len(CALLS)
    assert recompute([event("ToolResult"), event("Custom")]).tool_call_count == 0


def test_messages_are_the_users_the_agents_and_summaries() -> None:
    events = [
        event("UserMessage"),
        event("AgentMessage"),
        event("TaskEnd", {"summary": "done"}),
        event("TaskEnd", {"summary": "  "}),
        event("TaskEnd", {}),
        event("Thinking"),
        event("SystemMessage"),
    ]
    stats = recompute(events)
    assert (stats.message_count, stats.user_message_count, stats.event_count) == (3, 1, 7)


def test_duration_is_the_span_of_all_times() -> None:
    """DECISIONS §3: duration_seconds = max − min time, whatever the order."""
    events = [event("Thinking", time=second * 1_000_000) for second in (5, 1, 9, 3)]
    assert recompute(events).duration_seconds == 8


def test_the_last_record_of_a_message_counts() -> None:
    """DECISIONS §3: records of one message id repeat it while it grows: the last one counts."""
    events = [
        event("Thinking", message_id="m1", input_tokens=3, output_tokens=1, cache_read_tokens=10),
        event("AgentMessage", message_id="m1", input_tokens=3, output_tokens=20),
        event("ToolCall", message_id="m1", input_tokens=3, output_tokens=40, cache_write_tokens=5),
        event("AgentMessage", message_id="m2", input_tokens=4, output_tokens=1),
    ]
    stats = recompute(events)
    assert (stats.total_input_tokens, stats.total_output_tokens) == (7, 41)
    assert (stats.total_cache_read_tokens, stats.total_cache_write_tokens) == (0, 5)


def test_redacted_is_no_message_id() -> None:
    """DECISIONS §3: `REDACTED` is no id."""
    events = [event("AgentMessage", message_id="REDACTED", output_tokens=2) for _ in range(3)]
    assert recompute(events).total_output_tokens == 6


def test_totals_the_agent_kept_win() -> None:
    events = [
        event("Custom", input_tokens_total=10, input_tokens=7),
        event("Custom", input_tokens_total=30, input_tokens=7),
    ]
    assert recompute(events).total_input_tokens == 30


def test_files_and_lines() -> None:
    events = [
        event("FileEdit", {"path": "a", "diff": DIFF}),
        event("FileEdit", {"path": "a"}),
        event("FileCreate", {"path": "b"}),
        event("FileRead", {"path": "c"}),
        event("ToolResult", {"name": "Edit", "is_error": False}, result__diff="@@ -0,0 +1 @@\n+x"),
    ]
    stats = recompute(events)
    assert (stats.files_changed, stats.lines_added, stats.lines_removed) == (2, 2, 1)


@pytest.mark.parametrize(
    ("data", "attributes", "errors"),
    [
        ({"name": "x", "is_error": True}, {}, 1),
        ({"name": "x", "is_error": False}, {"result__exit_code": 2}, 1),
        ({"name": "x", "is_error": False}, {"result__exit_code": 0}, 0),
        ({"name": "x", "is_error": False}, {}, 0),
    ],
)
def test_errors(data: dict[str, Any], attributes: dict[str, Any], errors: int) -> None:
    assert event_counts([event("ToolResult", data, **attributes)]).errors == errors


def test_a_removed_line_is_no_header() -> None:
    assert diff_lines(DIFF) == (1, 1)
    assert diff_lines("+a\n-b\n+++ x\n--- y") == (1, 1)
    assert diff_lines("") == (0, 0)


def test_nothing_is_nothing() -> None:
    assert recompute([]) == Stats()


@given(
    st.lists(
        st.builds(
            event,
            st.sampled_from(["UserMessage", "ToolResult", "FileEdit", "TaskEnd"]),
            st.none() | st.dictionaries(st.sampled_from(["path", "diff", "summary"]), st.text()),
            time=st.integers(),
            input_tokens=st.integers() | st.text() | st.none(),
            message_id=st.sampled_from(["", "m1", "m2", None, 3]),
        )
    )
)
def test_sums_of_parts_are_the_sum(events: list[Event]) -> None:
    whole = event_counts(events)
    half = len(events) // 2
    one, other = event_counts(events[:half]), event_counts(events[half:])
    for name in ("messages", "tool_calls", "errors", "lines_added", "lines_removed"):
        assert getattr(whole, name) == getattr(one, name) + getattr(other, name)
    assert recompute(events).event_count == len(events)
