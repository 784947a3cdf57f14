"""One call of the feed: the state it goes on from, the line it is at, the events so far."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes, Block, Event, Usage
from opensession.core.ids import content_id
from opensession.core.timeparse import parse_time
from opensession.parsers.codex.state import RECENT_IDS, State, mark, remember


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
        self._estimated = False
        self.raw_type = ""

    def at(self, line: bytes, timestamp: str | None, raw_type: str) -> None:
        """The line that what follows is about; a line without a time has the last known one."""
        self._line = line
        self.raw_type = raw_type
        time_us = parse_time(timestamp) if timestamp else None
        self._timestamp = timestamp or ""
        self._estimated = time_us is None
        if time_us is not None:
            self.state.time_us = time_us

    @property
    def time_us(self) -> int:
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
        what one record gives, from 0.
        """
        state = self.state
        event_id = native or content_id(event_type, self._timestamp, self._line)
        if n:
            event_id = f"{event_id}:{n}"
        key = mark(event_id)
        times = state.ids.get(key, 0) + 1
        remember(state.ids, key, times, RECENT_IDS)
        if times > 1:
            event_id = f"{event_id}.{times}"
        all_attributes: Attributes = {"source.raw_type": self.raw_type}
        if attributes:
            all_attributes.update(attributes)
        if self._estimated:
            all_attributes["time.estimated"] = True
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
                attributes=all_attributes,
            )
        )
        return state.count

    def skip(self, reason: str) -> None:
        """Counts a line that gave nothing, or not all it holds."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
