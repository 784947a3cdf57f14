"""Reading a source to its end, and comparing what different ways of reading it gave."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from opensession.core.hail import Event, SessionInfo, Usage
from opensession.parsers.agent import Agent, Cursor, Delta, SessionDelta, Source

Read = Callable[[Source, Cursor | None], Delta]


class Whole(msgspec.Struct):
    """What all reads of a source gave, put together as the store does it."""

    sessions: dict[str, list[Event]] = {}
    infos: dict[str, SessionInfo] = {}
    usage: dict[str, list[Usage]] = {}
    raw: bytes = b""
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}
    restarts: int = 0

    def add(self, delta: Delta) -> None:
        """Takes in one delta; asserts that it continues what there is."""
        if delta.restarted:
            self.raw = b""
            self.restarts += 1
            for events in self.sessions.values():
                events.clear()
            for usage in self.usage.values():
                usage.clear()
            self.skipped.clear()
            self.unknown.clear()
        assert delta.raw_offset == len(self.raw)
        self.raw += delta.raw
        assert delta.cursor.offset == len(self.raw)
        for session in delta.sessions:
            self._add(session)
        for total, counts in ((self.skipped, delta.skipped), (self.unknown, delta.unknown)):
            for reason, count in counts.items():
                total[reason] = total.get(reason, 0) + count

    def _add(self, session: SessionDelta) -> None:
        events = self.sessions.setdefault(session.info.id, [])
        assert session.keep <= len(events)
        del events[session.keep :]
        events += session.events
        self.infos[session.info.id] = session.info
        self.usage.setdefault(session.info.id, []).extend(session.usage)

    @property
    def events(self) -> list[Event]:
        """The events of the only session."""
        (events,) = self.sessions.values()
        return events

    @property
    def info(self) -> SessionInfo:
        """The only session's info."""
        (info,) = self.infos.values()
        return info


def source_of(path: Path, agent: str = "jot") -> Source:
    """A source whose root is its folder."""
    return Source(agent, str(path.parent), str(path))


def read_all(
    read: Read, source: Source, cursor: Cursor | None = None, into: Whole | None = None
) -> tuple[Whole, Cursor]:
    """Reads until there is no more."""
    whole = into if into is not None else Whole()
    for _ in range(100_000):
        delta = read(source, cursor)
        whole.add(delta)
        cursor = delta.cursor
        if not delta.more:
            return whole, cursor
    raise AssertionError("reading never ends")


def read_bytes(agent: Agent, folder: Path, name: str, data: bytes) -> Whole:
    """What an agent reads of a file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return read_all(agent.read, source_of(path, agent.name))[0]


def touch(path: Path, mtime_ns: int) -> None:
    """Sets the time of a file."""
    os.utime(path, ns=(mtime_ns, mtime_ns))
