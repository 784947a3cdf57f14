"""The rules a HAIL session must keep; all that is broken is reported, not the first alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from opensession.core.hail import Event
from opensession.core.hail_lines import Header

Kind = Literal[
    "MissingField",
    "InvalidVersion",
    "EmptySession",
    "InvalidEvent",
    "EventsOutOfOrder",
    "DuplicateEventId",
]

_REQUIRED = {
    "ToolCall": "name",
    "ToolResult": "name",
    "FileEdit": "path",
    "FileCreate": "path",
    "FileDelete": "path",
    "FileRead": "path",
    "ShellCommand": "command",
}


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is broken; `index` is the place of the event, from 0, or None for the header."""

    kind: Kind
    message: str
    index: int | None = None


def validate(header: Header, events: Sequence[Event]) -> list[Violation]:
    """Everything that is wrong with a session as it would be written, in this order of events."""
    found = _header(header)
    if not events:
        found.append(Violation(kind="EmptySession", message="the session has no events"))
    seen: set[str] = set()
    for index, event in enumerate(events):
        found += _event(index, event)
        if event.event_id in seen:
            found.append(
                Violation(
                    kind="DuplicateEventId",
                    message=f"event id {event.event_id} is used more than once",
                    index=index,
                )
            )
        seen.add(event.event_id)
        if index and event.time_us < events[index - 1].time_us:
            found.append(
                Violation(
                    kind="EventsOutOfOrder",
                    message="the event is earlier than the one before it",
                    index=index,
                )
            )
    return found


def _header(header: Header) -> list[Violation]:
    found = []
    if not header.version.startswith("hail-"):
        found.append(
            Violation(kind="InvalidVersion", message=f"version is {header.version!r}, not hail-…")
        )
    required = {
        "session_id": header.session_id,
        "agent.provider": header.agent.provider,
        "agent.tool": header.agent.tool,
    }
    found += [
        Violation(kind="MissingField", message=f"{name} is empty")
        for name, value in required.items()
        if not value.strip()
    ]
    return found


def _event(index: int, event: Event) -> list[Violation]:
    missing = [] if event.event_id.strip() else ["event_id"]
    name = _REQUIRED.get(event.type)
    if name is not None:
        value = (event.data or {}).get(name)
        if not isinstance(value, str) or not value.strip():
            missing.append(name)
    return [
        Violation(kind="InvalidEvent", message=f"{event.type}: {name} is empty", index=index)
        for name in missing
    ]
