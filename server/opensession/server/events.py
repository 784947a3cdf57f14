"""An event from the line that it was received as."""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.core.hail import Block, Event
from opensession.core.timeparse import parse_time


class _Kind(msgspec.Struct, frozen=True):
    type: str
    data: dict[str, Any] | None = None


class _Content(msgspec.Struct, frozen=True):
    blocks: list[Block]


class _Line(msgspec.Struct, frozen=True, tag_field="type", tag="event"):
    event_id: str
    timestamp: str
    event_type: _Kind
    content: _Content
    task_id: str | None = None
    duration_ms: int | None = None
    attributes: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(_Line)
_JSON_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_event(line: bytes) -> Event:
    """The event of a line. Raises ValueError with a reason that holds nothing of the line."""
    try:
        found = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise ValueError(f"no event: {_plain(str(error))}") from None
    except _JSON_ERRORS:
        raise ValueError("not JSON") from None
    time_us = parse_time(found.timestamp)
    if time_us is None:
        raise ValueError("no event: the timestamp is not RFC 3339")
    if not found.event_id:
        raise ValueError("no event: the event id is empty")
    for block in found.content.blocks:
        if not isinstance(block.get("type"), str):
            raise ValueError("no event: a block without a type")
    return Event(
        event_id=found.event_id,
        time_us=time_us,
        type=found.event_type.type,
        data=found.event_type.data,
        blocks=found.content.blocks,
        task_id=found.task_id,
        duration_ms=found.duration_ms,
        attributes=found.attributes,
    )


def _plain(reason: str) -> str:
    """A decoder's reason without values: only types and names of fields are ours."""
    return reason if reason.startswith(("Expected", "Object missing", "Invalid value")) else "wrong"
