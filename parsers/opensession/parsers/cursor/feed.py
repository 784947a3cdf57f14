"""From the log of a database to events, by conversation.

What is remembered of a conversation is what was known where it is settled: from there its
remaining bubbles are told again whenever it changes, as Cursor rewrites them while they stream.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.core.hail import Event, SessionInfo, Usage, text
from opensession.parsers.agent import SessionDelta, Source
from opensession.parsers.cursor import bubbles, heads, messages
from opensession.parsers.cursor.entries import APPEND, KEPT_CONVERSATIONS, NEVER, Entry, entry_of
from opensession.parsers.cursor.sources import is_secondary
from opensession.parsers.cursor.values import mapping
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.timeline import State, Timeline, dump, load

NAME = "cursor"

_LARGE_STATE = 32 << 10
"""Bytes; of a larger one the open calls are forgotten."""


class _Kept(msgspec.Struct, array_like=True):
    """What was known of a conversation after its first `settled` bubbles."""

    settled: int
    state: bytes


class _Memory(msgspec.Struct, array_like=True):
    """Between two calls: the settled conversations, and the one amid which the last call ended."""

    kept: dict[str, _Kept] = {}
    id: str = ""
    settled: int = NEVER
    state: bytes = b""


class _Told(msgspec.Struct):
    """What one call tells of a conversation."""

    info: SessionInfo
    keep: int
    events: list[Event] = []
    usage: list[Usage] = []

    def back_to(self, seq: int) -> None:
        """The events after `seq` are told anew."""
        if seq < self.keep:
            self.keep, self.events, self.usage = seq, [], []
        else:
            del self.events[seq - self.keep :]
            self.usage = [usage for usage in self.usage if usage.seq <= seq]


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `rows.read_rows` for Cursor's databases."""
    reading = _Reading(msgspec.msgpack.decode(state, type=_Memory) if state else _Memory())
    for line in lines:
        if line.oversized:
            reading.skip("oversized")
            continue
        try:
            entry = entry_of(line.data)
        except ValueError:
            reading.skip("malformed")
            continue
        if entry.kind == "conversation":
            reading.begin(entry)
        else:
            reading.go_on(entry)
    return reading.fed(secondary=is_secondary(source.path))


class _Reading:
    """One call of the feed."""

    def __init__(self, memory: _Memory) -> None:
        self._memory = memory
        self._told: dict[str, _Told] = {}
        self._skipped: dict[str, int] = {}
        self._unknown: dict[str, int] = {}
        self._begun: set[str] = set()
        self._line: Timeline | None = None
        if memory.id:
            self._line = Timeline(NAME, load(memory.state))
            memory.state = b""

    def skip(self, reason: str) -> None:
        self._skipped[reason] = self._skipped.get(reason, 0) + 1

    def begin(self, entry: Entry) -> None:
        """A conversation is told from its `start` on."""
        memory = self._memory
        state = self._state_at(entry)
        self._close()
        if state is None:
            self.skip("conversation without its beginning")
            memory.id = ""
            return
        self._begun.add(entry.id)
        memory.id, memory.settled = entry.id, entry.settled
        row = heads.row_of(entry.row)
        heads.describe(state, row, entry.folder, heads.row_of(entry.listed))
        if entry.parent and not state.parent and entry.parent != state.id:
            state.auxiliary, state.parent = True, entry.parent
        self._line = Timeline(NAME, state)
        told = self._told.get(entry.id)
        if told is not None:
            told.back_to(state.count)

    def _state_at(self, entry: Entry) -> State | None:
        """What was known where a conversation begins to be told; None if that is not known."""
        kept = self._memory.kept.pop(entry.id, None)
        if not entry.start:
            return State(id=entry.id)
        if entry.start == APPEND:
            known = self._line is not None and self._memory.id == entry.id
            return self._line.state if self._line is not None and known else None
        return load(kept.state) if kept is not None and kept.settled == entry.start else None

    def go_on(self, entry: Entry) -> None:
        """A bubble or message of the conversation, or its end."""
        line, memory = self._line, self._memory
        if line is None or entry.id != memory.id:
            self.skip("bubble without its conversation")
            return
        settled = entry.kind == "end" or entry.n >= memory.settled
        if memory.settled != NEVER and settled:
            self._keep(entry, line.state)
        if entry.kind == "end":
            heads.tell_cost(line, heads.row_of(entry.row))
        elif not bytes(entry.row):
            line.at(None, entry.kind)
            line.skip("oversized")
            said = f"[... {entry.bytes} bytes left out ...]"
            line.emit("Custom", entry.blob, data={"kind": "oversized"}, blocks=[text(said)])
        else:
            self._tell(line, entry, bytes(entry.row))

    def _tell(self, line: Timeline, entry: Entry, content: bytes) -> None:
        value = heads.row_of(content)
        if not value:
            line.skip("malformed")
        elif entry.kind == "bubble":
            tool: Any = heads.row_of(entry.tool)
            bubbles.tell(line, value, content, tool=tool, rows=mapping(entry.rows))
        else:
            messages.tell(line, value, content, entry.blob)

    def _keep(self, entry: Entry, state: State) -> None:
        """Remembers what is known now, once."""
        memory = self._memory
        settled = memory.settled
        memory.settled = NEVER
        saved = dump(state)
        if len(saved) > _LARGE_STATE:
            saved = dump(msgspec.structs.replace(state, open={}))
        memory.kept[entry.id] = _Kept(settled, saved)
        if len(memory.kept) > KEPT_CONVERSATIONS:
            del memory.kept[next(iter(memory.kept))]

    def _close(self) -> None:
        """Takes over what the conversation that was read so far gave."""
        line = self._line
        if line is None:
            return
        delta = line.delta()
        told = self._told.get(self._memory.id)
        if told is None:
            self._told[self._memory.id] = _Told(delta.info, delta.keep, delta.events, delta.usage)
        else:
            told.info = delta.info
            told.events += delta.events
            told.usage += delta.usage
        for counts, more in (
            (self._skipped, line.skipped),
            (self._unknown, line.unknown_counts),
        ):
            for reason, count in more.items():
                counts[reason] = counts.get(reason, 0) + count
        self._line = None

    def fed(self, *, secondary: bool) -> Fed:
        """What the lines gave. A conversation without any event is none (yet, or any more)."""
        memory = self._memory
        if self._line is not None:
            memory.state = dump(self._line.state)
        self._close()
        return Fed(
            sessions=[
                SessionDelta(
                    info=told.info,
                    keep=told.keep,
                    events=told.events,
                    usage=told.usage,
                    secondary=secondary,
                )
                for name, told in self._told.items()
                if told.events or (told.keep and name in self._begun)
            ],
            state=msgspec.msgpack.encode(memory),
            skipped=self._skipped,
            unknown=self._unknown,
        )
