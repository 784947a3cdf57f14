"""A session as one line per event: to look over, and for pipes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opensession.client.output import Screen
from opensession.client.render import events
from opensession.client.render.cells import cut, pad, width
from opensession.client.render.words import clock, line
from opensession.core.rpc.sessions import EventRow, SessionRow


def event_line(event: EventRow, row: SessionRow, screen: Screen, *, full: bool) -> str:
    """`#14  14:03  run  npm test  exit 1 · 1.9 s`; a subagent's event begins with `└`."""
    inner = event.session_id != row.id
    number = f"└#{event.seq}" if inner else f"#{event.seq}"
    said = cut(events.kind(event, row.tool, inner=inner), 9)
    outcome = events.outcome(event)
    room = screen.line_width - (7 + 7 + 10 + (width(outcome) + 2 if outcome else 0))
    about = events.summary(event, row.working_directory)
    if not full:
        about = cut(about, room)
    begin = f"{screen.dim(pad(number, 6))} {screen.dim(clock(event.timestamp))}  {pad(said, 10)}"
    if outcome:
        return f"{begin}{about}  {events.outcome_styled(event, screen)}"
    return (begin + about).rstrip()


def event_object(event: EventRow, row: SessionRow) -> dict[str, Any]:
    """The same as an object, with nothing cut."""
    data = event.data or {}
    return {
        "session_id": event.session_id,
        "seq": event.seq,
        "event_id": event.event_id,
        "timestamp": event.timestamp,
        "type": event.type,
        "kind": events.kind(event, row.tool, inner=event.session_id != row.id),
        "summary": events.summary(event),
        "is_error": events.is_error(event),
        "exit_code": data.get("exit_code"),
        "duration_ms": event.duration_ms,
        "task_id": event.task_id,
    }


def stream_object(kind: str, message: str, timestamp: str, data: Any) -> dict[str, Any]:
    """A line of the `stream` format: an envelope of version, type, message, time, data."""
    return {
        "version": "0.1",
        "type": kind,
        "@message": line(message),
        "@timestamp": timestamp,
        "data": data,
    }


def markdown_lines(page: list[EventRow], row: SessionRow, *, full: bool) -> Iterator[str]:
    """A list item an event."""
    for event in page:
        about = events.summary(event, row.working_directory)
        about = about if full else cut(about, 200)
        outcome = events.outcome(event)
        yield (
            f"- `#{event.seq}` {clock(event.timestamp)} **{events.kind(event, row.tool)}**"
            f" {about}" + (f" ({outcome})" if outcome else "")
        ).rstrip()
