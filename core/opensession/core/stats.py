"""The sums of a session's events, as HAIL's stats line has them (DECISIONS §2 and §3).

Every call counts as a tool call; tokens of one response count once; the duration is the span of
all times, whatever the order of the events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from opensession.core.hail import Event

CALLS = frozenset(
    (
        "ToolCall", "FileRead", "FileEdit", "FileCreate", "FileDelete", "CodeSearch", "FileSearch",
        "ShellCommand", "WebSearch", "WebFetch", "ImageGenerate", "VideoGenerate", "AudioGenerate",
    )
)  # fmt: skip
"""The types of events that are calls."""

CHANGES = frozenset(("FileEdit", "FileCreate", "FileDelete"))
"""The types of events that change a file."""

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
"""The attributes that hold the tokens of a response."""

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_NO_ID = ("", "REDACTED")


class Stats(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The stats line. `total_input_tokens` is uncached input; the fields from
    `total_cache_read_tokens` on are ours and left out where they hold nothing.
    """

    event_count: int = 0
    message_count: int = 0
    tool_call_count: int = 0
    task_count: int = 0
    duration_seconds: int = 0
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    user_message_count: int = 0
    files_changed: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    total_cache_read_tokens: int = 0
    total_cache_write_tokens: int = 0
    cost_microdollars: int | None = None


class EventCounts(msgspec.Struct, frozen=True):
    """Sums over some events that simply add up; times are microseconds, 0 without events."""

    messages: int = 0
    user_messages: int = 0
    tool_calls: int = 0
    errors: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    first_us: int = 0
    last_us: int = 0


def event_counts(events: Iterable[Event]) -> EventCounts:
    """What adds up over events, so that an append never needs the earlier ones again."""
    messages = users = calls = errors = added = removed = 0
    first = last = None
    for event in events:
        kind = event.type
        messages += is_message(event)
        users += kind == "UserMessage"
        calls += kind in CALLS
        errors += is_error(event)
        plus, minus = changed_lines(event)
        added += plus
        removed += minus
        first = event.time_us if first is None else min(first, event.time_us)
        last = event.time_us if last is None else max(last, event.time_us)
    return EventCounts(messages, users, calls, errors, added, removed, first or 0, last or 0)


def recompute(events: Iterable[Event]) -> Stats:
    """The stats of a session's events, in the order of their seq, folded or not."""
    seen: list[Event] = list(events)
    counts = event_counts(seen)
    tasks = {event.task_id for event in seen if event.task_id is not None}
    changed = {path for event in seen if (path := changed_file(event))}
    taken, given, read, written = _tokens(seen)
    return Stats(
        event_count=len(seen),
        message_count=counts.messages,
        tool_call_count=counts.tool_calls,
        task_count=len(tasks),
        duration_seconds=(counts.last_us - counts.first_us) // 1_000_000,
        total_input_tokens=taken,
        total_output_tokens=given,
        user_message_count=counts.user_messages,
        files_changed=len(changed),
        lines_added=counts.lines_added,
        lines_removed=counts.lines_removed,
        total_cache_read_tokens=read,
        total_cache_write_tokens=written,
        cost_microdollars=_cost(seen),
    )


def is_message(event: Event) -> bool:
    """Reports whether an event counts as a message: a user's, an agent's, or a task's summary."""
    if event.type in ("UserMessage", "AgentMessage"):
        return True
    summary = event.data.get("summary") if event.type == "TaskEnd" and event.data else None
    return isinstance(summary, str) and bool(summary.strip())


def is_error(event: Event) -> bool:
    """Reports whether an event is a result that failed: marked so, or an exit code but 0."""
    if event.type != "ToolResult":
        return False
    if event.data is not None and event.data.get("is_error") is True:
        return True
    return event.attributes.get("result.exit_code") not in (None, 0)


def changed_file(event: Event) -> str:
    """The path of the file that an event changes; empty for others."""
    if event.type not in CHANGES or event.data is None:
        return ""
    path = event.data.get("path")
    return path if isinstance(path, str) else ""


def changed_lines(event: Event) -> tuple[int, int]:
    """Lines that an event added and removed, by the diff it carries."""
    diff = event.attributes.get("result.diff")
    if diff is None and event.data is not None:
        diff = event.data.get("diff")
    return diff_lines(diff) if isinstance(diff, str) and diff else (0, 0)


def diff_lines(diff: str) -> tuple[int, int]:
    """Lines added and removed by a unified diff.

    Within a hunk its own counts decide, so that a removed line `-- x` is not taken for a header.
    """
    added = removed = old_left = new_left = 0
    for line in diff.split("\n"):
        inside = old_left + new_left > 0
        hunk = _HUNK.match(line) if not inside and line.startswith("@@") else None
        if hunk:
            old_left = int(hunk[1]) if hunk[1] else 1
            new_left = int(hunk[2]) if hunk[2] else 1
            continue
        if not inside and line.startswith(("---", "+++")):
            continue
        sign = line[:1]
        if sign == "+":
            added += 1
            new_left -= 1
        elif sign == "-":
            removed += 1
            old_left -= 1
        elif sign in (" ", ""):
            old_left -= 1
            new_left -= 1
    return added, removed


def response_id(event: Event) -> str:
    """The id of the response whose tokens an event carries; empty where there is none."""
    found = event.attributes.get("message_id")
    return found if isinstance(found, str) and found not in _NO_ID else ""


def _tokens(events: list[Event]) -> tuple[int, int, int, int]:
    """Input, output, cache reads and writes: the last record of a response counts.

    Totals that an agent kept itself (`input_tokens_total`) win over sums, as HAIL has it.
    """
    responses: dict[str, tuple[int, ...]] = {}
    for number, event in enumerate(events):
        attributes = event.attributes
        if any(name in attributes for name in TOKENS):
            known = tuple(_count(attributes.get(name)) for name in TOKENS)
            responses[response_id(event) or f"\0{number}"] = known
    taken, given, read, written = (
        sum(column) for column in (zip(*responses.values(), strict=True) if responses else [()] * 4)
    )
    return (
        _kept_total(events, "input_tokens_total", taken),
        _kept_total(events, "output_tokens_total", given),
        read,
        written,
    )


def _kept_total(events: list[Event], name: str, otherwise: int) -> int:
    totals = [_count(event.attributes[name]) for event in events if name in event.attributes]
    return max(totals) if totals else otherwise


def _cost(events: list[Event]) -> int | None:
    """What the agent recorded as the cost, summed; None where it recorded none."""
    costs: dict[str, Decimal] = {}
    for number, event in enumerate(events):
        amount = event.attributes.get("cost_microdollars")
        if isinstance(amount, int) and not isinstance(amount, bool):
            costs[response_id(event) or f"\0{number}"] = Decimal(amount)
    return int(sum(costs.values())) if costs else None


def _count(value: object) -> int:
    """A token count; anything but a whole number is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
