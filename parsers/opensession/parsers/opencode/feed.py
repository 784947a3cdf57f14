"""From the lines of a log (see `pull`) to events.

A line is an event of OpenCode's own log of changes, or a row of a session, a message or a part.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from opensession.core.hail import text
from opensession.parsers.agent import SessionDelta, Source
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed, Feed, Line
from opensession.parsers.opencode.memory import (
    Memories,
    Memory,
    dump,
    is_id,
    load,
    pack,
    touch,
    unpack,
)
from opensession.parsers.opencode.messages import settle, tell_message, tell_session
from opensession.parsers.opencode.parts import Telling, tell_part, tell_waiting
from opensession.parsers.opencode.values import Obj, number, obj, words
from opensession.parsers.timeline import ID_CHARACTERS, State, Timeline

_SESSION = re.compile(rb'"session"\s*:\s*"([^"\\]{1,128})"')
_VERSION = re.compile(r"\.\d+\Z")


def line_feed(agent: str) -> Feed:
    """The feed of `jsonl.read_lines` and `rows.read_rows` for a database of this agent."""
    return partial(_feed, agent)


class Reading:
    """One call of a feed: the sessions that its records are of."""

    def __init__(self, agent: str, memories: Memories, *, secondary: bool = False) -> None:
        self.agent = agent
        self.memories = memories
        self.skipped: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        self._secondary = secondary
        self._live: dict[str, tuple[Memory, Timeline]] = {}
        self._deltas: list[SessionDelta] = []

    def session(self, session: str, *, anew: bool = False) -> tuple[Memory, Timeline]:
        """A session that a record is of; `anew`: its records begin again from the first."""
        sessions = self.memories.sessions
        if anew or session not in sessions:
            self._finish(session)
            memory = Memory(State(id=session))
            memory.state.parent_call_id = self.memories.calls.get(session, "")
            self._live[session] = memory, Timeline(self.agent, memory.state)
            touch(sessions, session, pack(memory))
        else:
            touch(sessions, session, sessions[session])
        return self._known(session)

    def started(self, child: str) -> None:
        """A call was found to have started `child`; if that is known, it is told so."""
        call_id = self.memories.calls.get(child, "")
        if not call_id or child not in self.memories.sessions:
            return
        memory, _ = self._known(child)
        memory.state.parent_call_id = memory.state.parent_call_id or call_id

    def skip(self, reason: str) -> None:
        """Counts a record that gave nothing."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def fed(self, state: Callable[[], bytes]) -> Fed:
        """All that was found; `state` is asked for what is to be remembered."""
        for session in list(self._live):
            self._finish(session)
        return Fed(self._deltas, state(), self.skipped, self.unknown)

    def _known(self, session: str) -> tuple[Memory, Timeline]:
        found = self._live.get(session)
        if found is None:
            memory = unpack(self.memories.sessions[session])
            found = self._live[session] = memory, Timeline(self.agent, memory.state)
        return found

    def _finish(self, session: str) -> None:
        found = self._live.pop(session, None)
        if found is None:
            return
        memory, line = found
        self._deltas.append(line.delta(secondary=self._secondary))
        for counts, more in ((self.skipped, line.skipped), (self.unknown, line.unknown_counts)):
            for name, count in more.items():
                counts[name] = counts.get(name, 0) + count
        if session in self.memories.sessions:
            self.memories.sessions[session] = pack(memory)


def on_session(reading: Reading, session: str, info: Obj, *, anew: bool) -> None:
    """A session was made or changed."""
    memory, line = reading.session(session, anew=anew)
    tell_session(line, memory, info)


def on_message(reading: Reading, session: str, info: Obj, *, settled: bool = True) -> None:
    """A message was made or changed; not `settled`: its parts are still to come."""
    memory, line = reading.session(session)
    message_id = words(info, "id")[:ID_CHARACTERS]
    if not message_id:
        reading.skip("without an id")
        return
    known = message_id in memory.messages
    message = tell_message(line, memory, message_id, info)
    if message is None:
        return
    if not known and not message.user:
        for other_id, other in list(memory.messages.items()):
            if other is not message and other.waiting:
                tell_waiting(_telling(reading, line, memory, other_id, "", None))
    if settled:
        _settle(reading, line, memory, message_id, info)


def on_settled(reading: Reading, session: str, info: Obj) -> None:
    """All parts of a message have been told, however far they are."""
    memory, line = reading.session(session)
    message_id = words(info, "id")[:ID_CHARACTERS]
    message = memory.messages.get(message_id)
    if message is not None:
        _settle(reading, line, memory, message_id, info)
        tell_waiting(_telling(reading, line, memory, message_id, "", None))


def on_part(
    reading: Reading, session: str, message_id: str, part: Obj, written: int | None
) -> None:
    """A part was made or changed. Of a message that is not known (any more), it was told before."""
    memory, line = reading.session(session)
    part_id = words(part, "id")[:ID_CHARACTERS]
    if not part_id:
        reading.skip("without an id")
    elif message_id in memory.messages:
        telling = _telling(reading, line, memory, message_id, part_id, written)
        tell_part(telling, part)
        child = words(obj(obj(part.get("state")).get("metadata")), "sessionId")
        if child and child != session:
            reading.started(child)


def _settle(reading: Reading, line: Timeline, memory: Memory, message_id: str, info: Obj) -> None:
    message = memory.messages[message_id]
    if message.user:
        return
    completed = number(obj(info.get("time")), "completed")
    if (completed or obj(info.get("error"))) and message.waiting:
        tell_waiting(_telling(reading, line, memory, message_id, "", completed or None))
    settle(line, message_id, message, info)


def _telling(
    reading: Reading,
    line: Timeline,
    memory: Memory,
    message_id: str,
    part_id: str,
    written: int | None,
) -> Telling:
    message = memory.messages[message_id]
    return Telling(line, reading.memories, memory, message_id, message, part_id, written)


def _feed(agent: str, source: Source, state: bytes, lines: list[Line]) -> Fed:
    reading = Reading(agent, load(state))
    for line in lines:
        if line.oversized:
            _oversized(reading, line.data)
            continue
        try:
            record = decode_any(line.data)
        except ValueError:
            reading.skip("malformed")
            continue
        if not isinstance(record, dict) or not is_id(record.get("session")):
            reading.skip("malformed")
            continue
        _record(reading, record, line.data)
    return reading.fed(lambda: dump(reading.memories))


def _record(reading: Reading, record: Obj, line: bytes) -> None:
    session, table, data = words(record, "session"), words(record, "table"), record.get("data")
    if not isinstance(data, dict):
        reading.session(session, anew=record.get("whole") is True)
        reading.skip("malformed")
    elif table == "event":
        _event(reading, session, words(record, "type"), number(record, "seq"), data, line)
    elif table == "session":
        on_session(reading, session, data, anew=record.get("whole") is True)
    elif table == "message":
        on_message(reading, session, {**data, "id": words(record, "id")})
    elif table == "part":
        part = {**data, "id": words(record, "id")}
        message_id = words(record, "message")
        on_part(reading, session, message_id, part, number(record, "time") or None)
    else:
        reading.skip("malformed")


def _event(reading: Reading, session: str, kind: str, seq: int, data: Obj, line: bytes) -> None:
    name = _VERSION.sub("", kind)
    if name in ("session.created", "session.updated"):
        on_session(reading, session, obj(data.get("info")), anew=name == "session.created")
    elif name == "message.updated":
        on_message(reading, session, obj(data.get("info")))
    elif name == "message.part.updated":
        part = obj(data.get("part"))
        message_id = words(part, "messageID")
        on_part(reading, session, message_id, part, number(data, "time") or None)
    else:
        _, timeline = reading.session(session)
        if name not in _SILENT:
            timeline.at(number(data, "time") * 1000 or None, kind, line)
            timeline.unknown(kind or "event", data, f"{session}:{seq}")


def _oversized(reading: Reading, data: bytes) -> None:
    """A line too long to be decoded: its head and end."""
    reading.skip("oversized")
    found = _SESSION.search(data, 0, 1024)
    if found is None:
        return
    _, line = reading.session(found[1].decode("utf-8", "replace"))
    line.at(None, "oversized", data)
    shown: list[Any] = [text(data.decode("utf-8", "replace"))]
    line.emit("Custom", None, data={"kind": "oversized"}, blocks=shown)


_SILENT = frozenset(
    ("message.part.removed", "message.removed", "session.deleted", "session.diff", "todo.updated")
)
"""What was told is not taken back when the agent removes it."""
