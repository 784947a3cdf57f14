"""Pauses: what is written while one goes on is never archived nor indexed, also not by a rebuild.

Nothing is read while a pause goes on, and what sources are like is noted as it begins and as it
ends. What that means for a source that is read later:

    files that only grow     the bytes added in between read as blank lines (`Source.masks`), so the
                             archive never has them and every later read is the same; a record that
                             was not complete at the end is blanked to its end
    written whole, rows      events whose time lies in the pause become placeholders without
                             content; of a file written whole that changed then nothing is archived
                             any more, of a database the rows that came with such an event are not

A file that was replaced (another inode) is one of the second kind: its bytes are not those that
were counted. A pause that ran out while no daemon ran, or while the machine slept, ended when it
ran out: what a file that only grows has of later times is taken in (see `pause_end`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import apsw
import msgspec

from opensession.core.hail import Event
from opensession.daemon.guards import Guards
from opensession.daemon.pause_end import reached
from opensession.daemon.store.connect import all_or_nothing
from opensession.daemon.user_data import UserData
from opensession.parsers.agent import SessionDelta, Source
from opensession.parsers.stamps import Stamp

KIND = "paused"
"""The kind of the Custom event that stands in place of one that is not kept."""

DEFAULT_SECONDS = 3600.0

LATE_US = 2_000_000
"""A pause that ends so long after it ran out was not watched to its end."""


class Pause(msgspec.Struct, frozen=True):
    """A pause that goes on; times in microseconds UTC."""

    begun_us: int
    until_us: int


class Span(msgspec.Struct, frozen=True):
    """Bytes of a file (by its inode) that were added in a pause."""

    ino: int
    first: int
    last: int


class Skips(msgspec.Struct, frozen=True, array_like=True):
    """What a read leaves out: `masks` are bytes of the file, `times` (microseconds, inclusive) make
    events placeholders. `changed`: the source changed in a pause.
    """

    masks: tuple[tuple[int, int], ...] = ()
    times: tuple[tuple[int, int], ...] = ()
    changed: bool = False


NOTHING = Skips()


class Mark(NamedTuple):
    """A source as it is when a pause ends; with a path its lines tell which are of the pause."""

    stamp: Stamp
    path: str


class Pauses:
    """Used by the ingest's thread; `current` may be read from any. What is changed is on the disk
    before a method returns.
    """

    def __init__(self, user: UserData, guards: Guards) -> None:
        self._user = user
        self._guards = guards
        self.current = user.read(_current)
        self._times = user.read(_times)
        self._spans = user.read(_spans)

    def begin(self, seconds: float, found: Iterable[tuple[Source, Stamp]]) -> Pause:
        """Begins a pause: `found` are all sources as they are now. One that goes on only ends at
        another time.
        """
        now = time.time_ns() // 1000
        pause = Pause(now, now + int(seconds * 1_000_000))
        if self.current is not None:
            pause = Pause(self.current.begun_us, pause.until_us)
            self._user.read(partial(_move, until_us=pause.until_us))
        else:
            self._user.read(partial(_begin, pause=pause, marks=self._marks(found)))
        self.current = pause
        return pause

    def end(
        self,
        found: Iterable[tuple[Source, Stamp]],
        grows: Callable[[Source], bool] = lambda source: False,
    ) -> None:
        """Ends the pause: `found` are all sources as they are now; of those that only grow by lines
        (`grows`) it is looked up how far they came in a pause that ran out before.
        """
        if self.current is None:
            return
        now, until = time.time_ns() // 1000, self.current.until_us
        late = now > until + LATE_US
        marks: dict[bytes, Mark] = {}
        for source, stamp in found:
            lines = late and stamp.mtime_ns > until * 1000 and grows(source)
            hashed = self._guards.source_hash(source.agent, source.path)
            marks[hashed] = Mark(stamp, source.path if lines else "")
        self._user.read(partial(_end, ended_us=until if late else now, marks=marks))
        self.current = None
        self._times = self._user.read(_times)
        self._spans = self._user.read(_spans)

    def skips(self, source: Source, ino: int, storage: str) -> Skips:
        """What a read of a source's file is to leave out."""
        if not self._times:
            return NOTHING
        spans = self._spans.get(self._guards.source_hash(source.agent, source.path), ())
        if storage != "lines":
            return Skips((), self._times, bool(spans))
        if not spans:
            return NOTHING
        if source.path.endswith(".zst"):
            # Of a file that was compressed in a pause it is not known how much was before it.
            return Skips(tuple((0, 1 << 62) if s.ino == ino else (s.first, s.last) for s in spans))
        if all(span.ino == ino for span in spans):
            return Skips(tuple((span.first, span.last) for span in spans))
        return Skips((), self._times, True)

    def _marks(self, found: Iterable[tuple[Source, Stamp]]) -> dict[bytes, Stamp]:
        return {self._guards.source_hash(each.agent, each.path): stamp for each, stamp in found}


def without_paused(delta: SessionDelta, times: Sequence[tuple[int, int]]) -> SessionDelta:
    """The delta with placeholders for events whose time lies in a pause."""
    if not times:
        return delta
    events = [_emptied(event) if _inside(event.time_us, times) else event for event in delta.events]
    if all(one is other for one, other in zip(events, delta.events, strict=True)):
        return delta
    info = delta.info
    if delta.keep == 0 and events and events[0] is not delta.events[0]:
        info = msgspec.structs.replace(info, title="", first_prompt="")
    hidden = {
        block.get("text")
        for one, other in zip(events, delta.events, strict=True)
        if one is not other
        for block in other.blocks
    }
    if info.first_prompt and info.first_prompt in hidden:
        info = msgspec.structs.replace(info, title="", first_prompt="")
    return msgspec.structs.replace(delta, events=events, info=info)


def _inside(time_us: int, times: Sequence[tuple[int, int]]) -> bool:
    return any(first <= time_us <= last for first, last in times)


def _emptied(event: Event) -> Event:
    return Event(event_id=event.event_id, time_us=event.time_us, type="Custom", data={"kind": KIND})


def _current(db: apsw.Connection) -> Pause | None:
    found = db.execute("SELECT begun_us, until_us FROM pause WHERE ended_us IS NULL").get
    return Pause(*found) if found is not None else None


def _times(db: apsw.Connection) -> tuple[tuple[int, int], ...]:
    query = "SELECT begun_us, ended_us FROM pause WHERE ended_us IS NOT NULL ORDER BY id"
    return tuple((int(str(first)), int(str(last))) for first, last in db.execute(query))


def _spans(db: apsw.Connection) -> dict[bytes, tuple[Span, ...]]:
    found: dict[bytes, tuple[Span, ...]] = {}
    query = "SELECT source, ino, first, last FROM pause_span ORDER BY source, pause"
    for source, ino, first, last in db.execute(query):
        assert isinstance(source, bytes)  # noqa: S101 - a column of blobs
        span = Span(int(str(ino)) % 2**64, int(str(first)), int(str(last)))
        found[source] = (*found.get(source, ()), span)
    return found


def _begin(db: apsw.Connection, pause: Pause, marks: Mapping[bytes, Stamp]) -> None:
    with all_or_nothing(db):
        db.execute(
            "INSERT INTO pause (begun_us, until_us) VALUES (?, ?)", (pause.begun_us, pause.until_us)
        )
        db.execute("DELETE FROM pause_begin")
        db.executemany(
            "INSERT INTO pause_begin (source, ino, size, mtime_ns) VALUES (?, ?, ?, ?)",
            [
                (source, _signed(stamp.ino), stamp.size, stamp.mtime_ns)
                for source, stamp in marks.items()
            ],
        )


def _move(db: apsw.Connection, until_us: int) -> None:
    db.execute("UPDATE pause SET until_us = ? WHERE ended_us IS NULL", (until_us,))


def _end(db: apsw.Connection, ended_us: int, marks: Mapping[bytes, Mark]) -> None:
    """Records what was added. Of a file that is another one now all was."""
    with all_or_nothing(db):
        pause, begun = db.execute("SELECT id, begun_us FROM pause WHERE ended_us IS NULL").get
        before = {
            source: (ino, size, mtime)
            for source, ino, size, mtime in db.execute(
                "SELECT source, ino, size, mtime_ns FROM pause_begin"
            )
        }
        for source, (stamp, path) in marks.items():
            ino, size, mtime = before.get(source, (0, 0, 0))
            if source not in before and stamp.mtime_ns < begun * 1000:
                continue  # in a folder that was not looked at then
            if (ino, size, mtime) == (_signed(stamp.ino), stamp.size, stamp.mtime_ns):
                continue
            same = ino == _signed(stamp.ino) and stamp.size >= int(str(size))
            first, last = int(str(size)) if same else 0, stamp.size
            if path:
                last = reached(path, first, last, ended_us)
                if last == first:
                    continue  # all of it was written later
            db.execute(
                "INSERT INTO pause_span (source, pause, ino, first, last) VALUES (?, ?, ?, ?, ?)",
                (source, pause, _signed(stamp.ino), first, last),
            )
        db.execute("DELETE FROM pause_begin")
        db.execute("UPDATE pause SET ended_us = ? WHERE id = ?", (ended_us, pause))


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
