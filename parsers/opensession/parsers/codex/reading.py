"""One call of the feed: the state it goes on from, the line it is at, the events so far."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes, Block, Event, Usage, json_block
from opensession.core.ids import content_id
from opensession.parsers.codex.state import ID_CHARACTERS, RECENT_IDS, State, mark, remember
from opensession.parsers.decoding import decode_any
from opensession.parsers.times import parse_stamp


class Reading:
    """Collects the events of some lines, each with its id, time and seq.

    `at` sets the line that `emit` speaks of.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.events: list[Event] = []
        self.usage: list[Usage] = []
        self.skipped: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        self._line = b""
        self._timestamp = ""
        self.raw_type = ""

    def at(self, line: bytes, timestamp: str | None, raw_type: str) -> None:
        """The line that what follows is about."""
        self._line = line
        self._timestamp = timestamp or ""
        self.raw_type = raw_type
        if timestamp and len(timestamp) <= ID_CHARACTERS:
            self.state.stamp = timestamp

    @property
    def time_us(self) -> int:
        """The time of the last event."""
        return self.state.time_us

    def emit(
        self,
        event_type: str,
        native: str | None,
        *,
        data: dict[str, Any] | None = None,
        blocks: list[Block] | None = None,
        attributes: Attributes | None = None,
        task_id: str | None = None,
        duration_ms: int | None = None,
        n: int = 0,
    ) -> int:
        """Adds an event and gives its seq.

        `native` is the record's own id; without one the id is made of the content. `n` numbers
        what one record gives, from 0. A line without a time has the last known one. `attributes`
        become the event's own.
        """
        state = self.state
        if not native or len(native) > ID_CHARACTERS:
            native = content_id(event_type, self._timestamp, self._line)
        event_id = native
        if n:
            event_id = f"{event_id}:{n}"
        event_id = self._unique(event_id)
        if attributes is None:
            attributes = {}
        attributes["source.raw_type"] = self.raw_type
        time_us = parse_stamp(state.stamp) if state.stamp else None
        if time_us is None or not self._timestamp:
            attributes["time.estimated"] = True
        if time_us is not None:
            state.time_us = time_us
        state.count += 1
        self.events.append(
            Event(
                event_id=event_id,
                time_us=state.time_us,
                type=event_type,
                data=data,
                blocks=blocks or [],
                task_id=task_id,
                duration_ms=duration_ms,
                attributes=attributes,
            )
        )
        return state.count

    def _unique(self, event_id: str) -> str:
        """The id, with `.<n>` if it is the n-th equal one of late."""
        recent = self.state.ids
        key = mark(event_id)
        if key in recent:
            times = recent[key] + 1
            remember(recent, key, times, RECENT_IDS)
            return f"{event_id}.{times}"
        recent[key] = 1
        if len(recent) > RECENT_IDS:
            del recent[next(iter(recent))]
        return event_id

    def emit_unknown(self, kind: str) -> None:
        """Keeps and counts a record of a kind that this version does not know."""
        self.unknown[kind] = self.unknown.get(kind, 0) + 1
        blocks: list[Block] = []
        try:
            value = decode_any(self._line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            blocks = [json_block(value.get("payload", value))]
        self.emit("Custom", None, data={"kind": f"unknown:{kind}"}, blocks=blocks)

    def skip(self, reason: str) -> None:
        """Counts a line that gave nothing, or not all it holds."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
