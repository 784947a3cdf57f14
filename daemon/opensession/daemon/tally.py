"""Sums over events that simply add up, so that an append never reads earlier events again."""

from __future__ import annotations

from collections.abc import Iterable

from opensession.core.hail import Event
from opensession.daemon.batch import Tally
from opensession.parsers import diffs

CALLS = frozenset(
    (
        "ToolCall",
        "FileRead",
        "FileEdit",
        "FileCreate",
        "FileDelete",
        "CodeSearch",
        "FileSearch",
        "ShellCommand",
        "WebSearch",
        "WebFetch",
        "ImageGenerate",
        "VideoGenerate",
        "AudioGenerate",
    )
)
"""The types of events that are calls (DECISIONS §2: every call counts)."""


def is_error(event: Event) -> bool:
    """Reports whether an event is a result that failed: marked so, or an exit code but 0."""
    if event.type != "ToolResult":
        return False
    if event.data is not None and event.data.get("is_error") is True:
        return True
    return event.attributes.get("result.exit_code") not in (None, 0)


def changed_lines(event: Event) -> tuple[int, int]:
    """Lines that an event added and removed, by the diff it carries."""
    diff = event.attributes.get("result.diff")
    if diff is None and event.data is not None:
        diff = event.data.get("diff")
    return diffs.count(diff) if isinstance(diff, str) and diff else (0, 0)


def tally(events: Iterable[Event]) -> Tally:
    """The sums over `events`; times are 0 where there are none."""
    messages = users = calls = errors = added = removed = first = last = 0
    for event in events:
        kind = event.type
        if kind == "UserMessage":
            users += 1
            messages += 1
        elif kind == "AgentMessage":
            messages += 1
        elif kind in CALLS:
            calls += 1
        elif kind == "TaskEnd":
            summary = event.data.get("summary") if event.data else None
            messages += isinstance(summary, str) and bool(summary.strip())
        errors += is_error(event)
        plus, minus = changed_lines(event)
        added += plus
        removed += minus
        first = min(first, event.time_us) if first else event.time_us
        last = max(last, event.time_us)
    return Tally(messages, users, calls, errors, added, removed, first, last)


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
