"""What is remembered of one Copilot file between reads: its session and its subagents'.

A subagent writes into the file of the session that started it. Its records have its `agentId`, or
in older versions name the call that started it (`parentToolCallId`).
"""

from __future__ import annotations

import re
import zlib
from typing import Any

import msgspec

from opensession.parsers.agent import SessionDelta
from opensession.parsers.copilot.fields import Object, string
from opensession.parsers.timeline import DIFFS_CHARACTERS, ID_CHARACTERS, State, Timeline

NAME = "copilot"

SUBAGENTS = 64
"""How many subagents of one file are remembered; the one that was silent longest is forgotten."""

_FORGOTTEN = 1024
_CALLS = 256
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.I)


class Book(msgspec.Struct, array_like=True):
    """`calls` are the calls that started subagents, `started` the times (µs) of running calls.

    `recorded` says that usage is recorded call by call. Else `told` are the tokens told so far by
    model, and `totals` those of the last shutdown: input, output, cache read, cache write.
    """

    main: State
    subagents: dict[str, State] = {}
    forgotten: list[int] = []
    calls: dict[str, str] = {}
    started: dict[str, int] = {}
    recorded: bool = False
    told: dict[str, list[int]] = {}
    totals: dict[str, list[int]] = {}
    thought: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Book)


def load(data: bytes) -> Book:
    """The book after the lines before; a new one at the beginning."""
    return _decoder.decode(data) if data else Book(main=State())


def dump(book: Book) -> bytes:
    """The book as bytes, for a cursor."""
    return _encoder.encode(book)


class Reading:
    """One call of the feed: the timelines that were written to, and whose record is read."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.main = Timeline(NAME, book.main)
        self.line = self.main
        self.key = ""
        self.native = ""
        self.ended: set[str] = set()
        self._subagents: dict[str, Timeline] = {}

    def turn_to(self, record: Object, data: Object) -> bool:
        """Finds the timeline that a record belongs to; False where its subagent is forgotten."""
        key = string(record, "agentId", ID_CHARACTERS)
        if not key:
            call_id = string(data, "parentToolCallId", ID_CHARACTERS)
            if not call_id and record.get("type") == "subagent.started":
                call_id = string(data, "toolCallId", ID_CHARACTERS)
            elif not call_id and record.get("type") in ("subagent.completed", "subagent.failed"):
                call_id = self.book.calls.get(string(data, "toolCallId"), "")
            key = self.book.calls.get(call_id, call_id)
        self.key = key
        if not key:
            self.line = self.main
            return True
        state = self._subagent(key)
        if state is None:
            return False
        if key not in self._subagents:
            self._subagents[key] = Timeline(NAME, state)
        self.line = self._subagents[key]
        return True

    def spawned(self, call_id: str) -> None:
        """Remembers that a call started the subagent whose record is read."""
        state = self.line.state
        remember(self.book.calls, call_id, self.key, _CALLS)
        if not state.parent_call_id and len(call_id) <= ID_CHARACTERS:
            state.parent_call_id = call_id
            for other in self.book.subagents.values():
                if call_id in other.open and other is not state:
                    state.parent = other.id

    def bound_diffs(self, call_id: str) -> None:
        """Forgets the diffs of a subagent's call where all its like have too many together."""
        call = self.line.state.open.get(call_id)
        if not self.key or call is None or not any(part.diff for part in call.parts):
            return
        states = self.book.subagents.values()
        opened = [part for state in states for each in state.open.values() for part in each.parts]
        if sum(len(part.diff) for part in opened) > DIFFS_CHARACTERS:
            for part in call.parts:
                part.diff = ""

    def child_of(self, call_id: str) -> str:
        """The session of the subagent that a call started; empty where it started none."""
        key = self.book.calls.get(call_id, "")
        return session_of(self.book.main.id, key) if key else ""

    def deltas(self) -> list[SessionDelta]:
        """What was collected: always of the session itself, and of subagents with records."""
        lines = {"": self.main, **self._subagents}
        return [line.delta(ended=key in self.ended) for key, line in lines.items()]

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """What was skipped and what was unknown, of all timelines."""
        skipped: dict[str, int] = {}
        unknown: dict[str, int] = {}
        for line in (self.main, *self._subagents.values()):
            for into, counted in ((skipped, line.skipped), (unknown, line.unknown_counts)):
                for name, times in counted.items():
                    into[name] = into.get(name, 0) + times
        return skipped, unknown

    def _subagent(self, key: str) -> State | None:
        """The state of a subagent, which becomes the latest; None if it was forgotten."""
        book, main = self.book, self.book.main
        state = book.subagents.pop(key, None)
        if state is not None:
            book.subagents[key] = state
            return state
        if _mark(key) in book.forgotten:
            return None
        state = State(
            id=session_of(main.id, key),
            auxiliary=True,
            parent=main.id,
            cwd=main.last_cwd,
            last_cwd=main.last_cwd,
            branch=main.branch,
            commit=main.commit,
            remote=main.remote,
            tool_version=main.tool_version,
            time_us=main.time_us,
        )
        book.subagents[key] = state
        if len(book.subagents) > SUBAGENTS:
            oldest = next(iter(book.subagents))
            del book.subagents[oldest]
            book.forgotten.append(_mark(oldest))
            del book.forgotten[:-_FORGOTTEN]
        return state


def session_of(main: str, key: str) -> str:
    """The session id of a subagent: its own where that is unique, else below its parent's."""
    return key if _UUID.match(key) else f"{main}.{key}"


def is_unique(name: str) -> bool:
    """Reports whether a name is one of Copilot's session ids."""
    return _UUID.match(name) is not None


def remember(kept: dict[str, Any], key: str, value: Any, limit: int) -> None:
    """Sets a value as the latest, and forgets the oldest beyond `limit`."""
    if len(key) > ID_CHARACTERS:
        return
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > limit:
        del kept[next(iter(kept))]


def _mark(key: str) -> int:
    return zlib.crc32(key.encode("utf-8", "replace"))
