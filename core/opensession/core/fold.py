"""Folds what arrived later into what it belongs to, for readers (DECISIONS §2).

An event is stored as it came: a call's exit code, diff and duration stand in its result, and the
tokens of a response on every record of it. Whoever reads a session wants them in the call, and the
tokens once. Subagents, which are sessions of their own, become tasks of their parent.

Two passes, so that a session of any length can be read in pages: a Fold is told of the results and
of the events with tokens, and then changes event by event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from opensession.core.hail import Event
from opensession.core.stats import CALLS, CHANGES, TOKENS, response_id

_RESULT = "result."


class Outcome(NamedTuple):
    """What a result says about its call."""

    exit_code: int | None = None
    diff: str = ""
    duration_ms: int | None = None


class Numbered(NamedTuple):
    """An event with its seq and the id of its session."""

    session_id: str
    seq: int
    event: Event


class Fold:
    """What of a session is to be moved: first `add` what there is, then change each `event`.

    Events but results and those with tokens move nothing and need not be added.
    """

    def __init__(self) -> None:
        self._by_seq: dict[int, Outcome] = {}
        self._by_call: dict[str, Outcome] = {}
        self._last: dict[str, int] = {}

    def add(self, seq: int, event: Event) -> None:
        """Take note of one event; those of a session come in the order of their seq."""
        message = response_id(event)
        if message and any(name in event.attributes for name in TOKENS):
            self._last[message] = seq
        if event.type != "ToolResult":
            return
        attributes = event.attributes
        outcome = Outcome(
            _whole(attributes.get("result.exit_code")),
            diff if isinstance(diff := attributes.get("result.diff"), str) else "",
            _whole(attributes.get("result.duration_ms")),
        )
        if outcome == Outcome():
            return
        call_seq = _whole(attributes.get("result.call_seq"))
        call_id = attributes.get("semantic.call_id")
        if call_seq is not None:
            self._by_seq[call_seq] = outcome
        elif isinstance(call_id, str) and call_id:
            self._by_call[call_id] = outcome

    def event(self, seq: int, event: Event) -> Event:
        """The event as readers get it; the same object if nothing of it is moved."""
        changes: dict[str, Any] = {}
        attributes = event.attributes
        dropped = [name for name in attributes if name.startswith(_RESULT)]
        message = response_id(event)
        if message and self._last.get(message, seq) != seq:
            dropped += [name for name in TOKENS if name in attributes]
        if dropped:
            changes["attributes"] = {
                name: value for name, value in attributes.items() if name not in dropped
            }
        if event.type in CALLS:
            outcome = self._by_seq.get(seq)
            if outcome is None:
                call_id = attributes.get("semantic.call_id")
                outcome = self._by_call.get(call_id) if isinstance(call_id, str) else None
            if outcome is not None:
                changes.update(_with_outcome(event, outcome))
        return msgspec.structs.replace(event, **changes) if changes else event


def fold_session(events: Sequence[Event]) -> list[Event]:
    """A whole session folded; `events` are those of seq 1 and on, and stay in this order."""
    fold = Fold()
    for seq, event in enumerate(events, 1):
        fold.add(seq, event)
    return [fold.event(seq, event) for seq, event in enumerate(events, 1)]


def child_event(child_id: str, event: Event) -> Event:
    """A subagent's event as its parent shows it."""
    return msgspec.structs.replace(
        event, event_id=f"{child_id}:{event.event_id}", task_id=event.task_id or child_id
    )


def _with_outcome(event: Event, outcome: Outcome) -> dict[str, Any]:
    data = dict(event.data or {})
    if event.type == "ShellCommand" and outcome.exit_code is not None:
        data.setdefault("exit_code", outcome.exit_code)
    if event.type in CHANGES and outcome.diff:
        data.setdefault("diff", outcome.diff)
    changes: dict[str, Any] = {}
    if data != (event.data or {}):
        changes["data"] = data
    if event.duration_ms is None and outcome.duration_ms is not None:
        changes["duration_ms"] = outcome.duration_ms
    return changes


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
