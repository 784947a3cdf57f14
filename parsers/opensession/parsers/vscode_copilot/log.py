"""Reading a session that is an operation log.

    new lines ──read_lines──▶ archive
         └──▶ all lines ──Replay──▶ the session ──▶ events, from the first that differs

A line may change anything that was said before, so after new lines all of the log is played again;
the archive takes only the new ones. Requests that are as they were when they were told last are
known by a hash, and are not told again.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from opensession.parsers.agent import Cursor, Delta, SessionDelta, Source
from opensession.parsers.decoding import storable
from opensession.parsers.jsonl import Fed, Line, read_lines
from opensession.parsers.timeline import Timeline, dump, load
from opensession.parsers.vscode_copilot import requests, session
from opensession.parsers.vscode_copilot.oplog import Replay

LOG_BYTES = 64 << 20
MOST_COMMAS = 2 << 20
"""Of a log with more, lines after that are not played: its state may need too much memory."""

MOST_REQUESTS = 10_000
MOST_EVENTS = 200_000
"""Of a session with more, what comes after them is not told."""

_MARKS = 4
"""After so many of the latest requests telling can be taken up again."""


class _Mark(msgspec.Struct, frozen=True, array_like=True):
    """The end of request `number`: a hash of all requests up to it, and the timeline's state."""

    number: int
    digest: bytes
    state: bytes


class _Place(msgspec.Struct, array_like=True):
    """The state of a log's cursor: that of its lines, and the marks of the latest requests.

    `played` is the offset up to which the lines were played when the session was told last;
    `waiting` says that lines came after it.
    """

    lines: bytes = b""
    played: int = 0
    waiting: bool = False
    marks: list[_Mark] = []


_places = msgspec.msgpack.Decoder(_Place)
_encoder = msgspec.msgpack.Encoder()


def read_log(source: Source, cursor: Cursor | None) -> Delta:
    """Reads on in a log, and tells what is new or changed once its end is reached."""
    place = _places.decode(cursor.state) if cursor is not None and cursor.state else _Place()
    inner = None
    if cursor is not None:
        inner = msgspec.structs.replace(cursor, state=place.lines)
    came: list[int] = []

    def see(_: Source, state: bytes, lines: list[Line]) -> Fed:
        came.append(len(lines))
        return Fed(sessions=[], state=state)

    read = read_lines(source, inner, see)
    if read.restarted:
        place = _Place()
    place.waiting = place.waiting or bool(came)
    told: list[SessionDelta] = []
    skipped, unknown = dict(read.skipped), dict(read.unknown)
    if place.waiting and not read.more:
        told = _tell(source, read.cursor.offset, place, skipped, unknown)
    place.lines = read.cursor.state
    return msgspec.structs.replace(
        read,
        cursor=msgspec.structs.replace(read.cursor, state=_encoder.encode(place)),
        sessions=told,
        skipped=skipped,
        unknown=unknown,
    )


def _tell(
    source: Source, end: int, place: _Place, skipped: dict[str, int], unknown: dict[str, int]
) -> list[SessionDelta]:
    """What the log up to `end` says, from the first request on that was not told so before."""
    replay = _played(source, end, place.played, skipped)
    place.played, place.waiting = end, False
    if replay.state is None:
        return []
    listed = replay.state.get("requests")
    made = listed[:MOST_REQUESTS] if isinstance(listed, list) else []
    if isinstance(listed, list) and len(listed) > MOST_REQUESTS:
        skipped["oversized"] = skipped.get("oversized", 0) + 1
    digests = _chained(made)
    same = [mark for mark in place.marks if digests[mark.number : mark.number + 1] == [mark.digest]]
    known = same[-1] if same else None
    line = Timeline(requests.NAME, load(known.state) if known else session.begin(source))
    session.head(line.state, replay.state)
    first = known.number + 1 if known else 0
    marks = same
    subagents: list[SessionDelta] = []
    for number in range(first, len(made)):
        if line.state.count > MOST_EVENTS:
            line.skip("oversized")
        elif _content(made[number]):
            subagents += requests.tell(line, made[number])
        else:
            line.skip("malformed")
        if number >= len(made) - _MARKS:
            marks.append(_Mark(number, digests[number], dump(line.state)))
    was_told, place.marks = bool(place.marks), marks[-_MARKS:]
    own = line.delta()
    if session.is_empty(own.info, line.state.count) and not was_told:
        return []
    for counts, counted in ((skipped, line.skipped), (unknown, line.unknown_counts)):
        for reason, times in counted.items():
            counts[reason] = counts.get(reason, 0) + times
    return [own, *subagents]


def _content(request: Any) -> bytes:
    """A request as bytes, to know it again; empty for what is none, or cannot be stored: lines
    together may nest deeper than one may.
    """
    if not isinstance(request, dict):
        return b""
    try:
        return _encoder.encode(storable(request))
    except ValueError:
        return b""


def _chained(made: list[Any]) -> list[bytes]:
    """For each request a hash of all up to it."""
    digest, found = b"", []
    for request in made:
        digest = hashlib.blake2b(digest + _content(request), digest_size=16).digest()
        found.append(digest)
    return found


def _played(source: Source, end: int, played: int, skipped: dict[str, int]) -> Replay:
    """Plays the lines of a log up to the offset `end`; counts what is wrong with new ones."""
    replay = Replay()
    size = commas = 0

    def play(_: Source, state: bytes, lines: list[Line]) -> Fed:
        nonlocal size, commas
        for line in lines:
            if line.offset >= end:
                break
            size += len(line.data)
            commas += line.data.count(b",")
            if line.oversized or size > LOG_BYTES or commas > MOST_COMMAS:
                reason = "oversized"
            else:
                reason = replay.play(line.data)
            if reason and line.offset >= played:
                skipped[reason] = skipped.get(reason, 0) + 1
        return Fed(sessions=[], state=state)

    cursor: Cursor | None = None
    while True:
        read = read_lines(source, cursor, play)
        cursor = read.cursor
        if not read.more or cursor.offset >= end or size > LOG_BYTES:
            return replay
