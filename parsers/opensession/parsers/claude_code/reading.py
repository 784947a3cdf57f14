"""One pass over some lines of a source: where its events go, their ids, their times."""

from __future__ import annotations

from itertools import islice
from typing import Any

from opensession.core.hail import Attributes, Block, Event
from opensession.core.ids import content_id, fit
from opensession.core.timeparse import parse_time
from opensession.parsers.agent import SessionDelta
from opensession.parsers.claude_code import notes
from opensession.parsers.claude_code.records import Record
from opensession.parsers.claude_code.state import (
    AGENT_NAME,
    CHAIN_RECORDS,
    RECENT_IDS,
    STREAMS,
    State,
    Stream,
    info_of,
)
from opensession.parsers.claude_code.tools import prompt_digest
from opensession.parsers.claude_code.usage import Spent, usage_of

_LONGEST_ID = 100
_LEFT_NO_TRACE = frozenset({"SystemMessage", "Custom"})


class Track:
    """A stream, and what this pass adds to it."""

    __slots__ = ("events", "keep", "spent", "stream")

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.keep = stream.seq
        self.events: list[Event] = []
        self.spent: dict[str, Spent] = {}


class Reading:
    """What a pass knows of the record at hand, and the events it has made so far.

    The first event of a record has the record's own id, the n-th of several `<id>:<n>`.
    """

    __slots__ = (
        "_base",
        "_count",
        "_noted",
        "done",
        "estimated",
        "line",
        "offset",
        "own",
        "record",
        "skipped",
        "state",
        "time_us",
        "track",
        "tracks",
        "unknown",
    )

    def __init__(self, state: State) -> None:
        self.state = state
        self.own = Track(state.own)
        self.tracks: dict[str, Track] = {state.own.id: self.own}
        self.done: list[Track] = []
        self.skipped: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        self.record = Record()
        self.line: bytes = b""
        self.offset = 0
        self.time_us = 0
        self.estimated = False
        self.track = self.own
        self._base = ""
        self._count = 0
        self._noted: tuple[str | None, ...] = ()

    def begin(self, record: Record, line: bytes, offset: int, track: Track) -> None:
        """Turns to a record; its events go to `track`."""
        self.record = record
        self.line = line
        self.offset = offset
        self.track = track
        self._base = ""
        self._count = 0
        time_us = parse_time(record.timestamp) if record.timestamp else None
        self.estimated = time_us is None
        if time_us is None:
            self.time_us = self.state.last_us or 0
        else:
            self.time_us = self.state.last_us = time_us

    def emit(
        self,
        event_type: str,
        blocks: list[Block],
        attributes: Attributes,
        data: dict[str, Any] | None = None,
        duration_ms: int | None = None,
    ) -> int:
        """Adds an event; returns its seq."""
        event_id = self.next_id()
        self._count += 1
        attributes.setdefault("source.raw_type", self.record.type)
        if self.estimated:
            attributes["time.estimated"] = True
        track = self.track
        stream = track.stream
        stream.seq += 1
        track.events.append(
            Event(
                event_id=event_id,
                time_us=self.time_us,
                type=event_type,
                data=data,
                blocks=blocks,
                duration_ms=duration_ms,
                attributes=attributes,
            )
        )
        if self.state.ended and track is self.own and event_type not in _LEFT_NO_TRACE:
            self.state.ended = False
        return stream.seq

    def custom(self, kind: str, blocks: list[Block], attributes: Attributes) -> None:
        """Adds a Custom event."""
        self.emit("Custom", blocks, attributes, {"kind": kind})

    def skip(self, reason: str) -> None:
        """Counts a line that gave nothing, or not all."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def meet(self, name: str) -> None:
        """Counts a record of a type this version does not know."""
        self.unknown[name] = self.unknown.get(name, 0) + 1

    def next_id(self) -> str:
        """The id of the record's next event."""
        base = self._base
        if not base:
            base = self.record.uuid or ""
            if not base or len(base) > _LONGEST_ID:
                record = self.record
                base = content_id(record.type, record.timestamp or str(self.time_us), self.line)
            base = self._base = self._unique(base)
        count = self._count
        return f"{base}:{count + 1}" if count else base

    def _unique(self, base: str) -> str:
        """An id that no earlier record of the source has.

        Near repetitions are remembered and numbered. A far one carries the time of its first
        occurrence, so what is not newer than all that was forgotten gets its place in the file.
        """
        state = self.state
        time_us = self.time_us
        ids = state.ids
        name = base if time_us > state.horizon_us else f"{base}.x{self.offset:x}"
        if base in ids:
            count = state.repeats[base] = state.repeats.get(base, 1) + 1
            return f"{name}.{count}"
        ids[base] = time_us
        if len(ids) > 2 * RECENT_IDS:
            self._forget()
        return name

    def _forget(self) -> None:
        state = self.state
        for base, time_us in islice(state.ids.items(), RECENT_IDS):
            state.horizon_us = max(state.horizon_us, time_us)
            state.repeats.pop(base, None)
        state.ids = dict(islice(state.ids.items(), RECENT_IDS, None))

    def track_of(self, stream: Stream) -> Track:
        """The track of a stream."""
        track = self.tracks.get(stream.id)
        if track is None:
            track = self.tracks[stream.id] = Track(stream)
        return track

    def subagent(self, agent_id: str, call_id: str | None) -> Track:
        """The track of a subagent whose records this source carries."""
        name = subagent_session(agent_id)
        stream = self.state.others.get(name)
        if stream is None:
            stream = self._new_stream(name, call_id or "", copy=True)
        elif call_id and not stream.parent_call_id:
            self._started_by(stream, call_id)
        return self.track_of(stream)

    def sidechain(self, record: Record) -> Track:
        """The track of the chain that a sidechain record without an agent's id belongs to."""
        others = self.state.others
        parent = record.parent_uuid
        found = None
        if parent:
            found = next((s for s in reversed(others.values()) if parent in s.chain), None)
        if found is None:
            root = record.uuid or content_id(record.type, record.timestamp or "", self.line)
            name = subagent_session(root)
            found = others.get(name)
            if found is None:
                found = self._new_stream(name, self._call_of_prompt(record), copy=False)
        if record.uuid:
            found.chain.append(record.uuid)
            del found.chain[:-CHAIN_RECORDS]
        return self.track_of(found)

    def _call_of_prompt(self, record: Record) -> str:
        content = record.message.content if record.message else None
        if isinstance(content, list):
            content = content[0].text if len(content) == 1 else None
        if not content:
            return ""
        digest = prompt_digest(content)
        taken = {stream.parent_call_id for stream in self.state.others.values()}
        for call_id, call in self.own.stream.calls.items():
            if call.prompt == digest and call_id not in taken:
                return call_id
        return ""

    def _new_stream(self, name: str, call_id: str, *, copy: bool) -> Stream:
        stream = Stream(id=name, copy=copy)
        self._started_by(stream, call_id)
        others = self.state.others
        others[name] = stream
        if len(others) > STREAMS:
            forgotten = next(iter(others))
            del others[forgotten]
            track = self.tracks.pop(forgotten, None)
            if track is not None:
                self.done.append(track)
        return stream

    def _started_by(self, stream: Stream, call_id: str) -> None:
        stream.parent_call_id = call_id
        call = self.own.stream.calls.get(call_id)
        if call is not None:
            stream.title = call.title

    def note(self, record: Record) -> None:
        """Keeps what a record says of the session as a whole."""
        if self.state.summaries_ahead or record.forked_from is not None:
            notes.relate(self.state, record)
        noted = (
            record.cwd,
            record.git_branch,
            record.version,
            record.session_id,
            record.entrypoint,
        )
        if noted != self._noted:
            self._noted = noted
            notes.keep(self.state, record)

    def deltas(self) -> list[SessionDelta]:
        """What the pass gave: the source's own session, what was forgotten, the rest."""
        state = self.state
        own, *others = self.tracks.values()
        return [
            SessionDelta(
                info=info_of(state, track.stream),
                keep=track.keep,
                events=track.events,
                usage=[usage_of(*item) for item in track.spent.items()],
                secondary=track.stream.copy,
                ended=track is self.own and state.ended,
            )
            for track in (own, *self.done, *others)
            if track.stream.seq
        ]


def subagent_session(agent_id: str) -> str:
    """The session id of a subagent: the stem of the file it has, or would have."""
    return fit(AGENT_NAME, f"agent-{agent_id}")
