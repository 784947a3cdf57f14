"""Reading files that only grow, line by line, from where the last read stopped.

    file ──opened──▶ bytes from the cursor on ──lines──▶ feed (the agent's own) ──▶ Delta

The cost of an append does not depend on the size of the file: what is read is what was added, and
one block before it. Lines are given to the feed whole, however the reads fell, except those over
16 MiB: their bytes are delivered as they come, and the line itself as its head and its end.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import msgspec

from opensession.parsers.agent import SLICE_BYTES, Cursor, Delta, SessionDelta, Source
from opensession.parsers.masking import Masked, PlainBytes
from opensession.parsers.opening import opened
from opensession.parsers.zst import Decompressing, is_zst

LINE_LIMIT = 16 << 20
"""Bytes; a longer line is delivered as head and end."""

KEPT_BYTES = 64 << 10
"""How much of an oversized line is kept at each side."""

_TAIL_BYTES = 4 << 10
_WORD_BYTES = 4 << 10
_RETURN = 13
_SPACE = 32
_BOUNDARY = re.compile(rb'[\s",\\]')


class Line(NamedTuple):
    """One line without its line break. `offset` is where it begins in the (decompressed) source.

    `data` of an `oversized` line is its head, a mark and its end: no JSON.
    """

    offset: int
    data: bytes
    oversized: bool


class Fed(msgspec.Struct, frozen=True):
    """What a feed made of some lines, and what it needs to know for the next ones."""

    sessions: list[SessionDelta]
    state: bytes
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}


Feed: TypeAlias = Callable[[Source, bytes, list[Line]], Fed]
"""An agent's reading of lines: a pure function of the source, the state after the lines before
(`b""` at the beginning) and the lines. However lines are cut into calls, the events are the same.
"""


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor's `state` holds: the feed's own, and where in a line the read stopped.

    `finished` says that all that was there up to the cursor's size was taken; `unterminated` that
    the last line was taken without its line break. `length` is how many bytes of an oversized line
    were delivered (0: none is open), `head` and `end` are its outer ones.
    """

    state: bytes = b""
    finished: bool = False
    unterminated: bool = False
    length: int = 0
    head: bytes = b""
    end: bytes = b""


_Bytes: TypeAlias = PlainBytes | Decompressing | Masked

_warm: dict[tuple[str, int, int, int, int, int], Decompressing] = {}
"""At most one decompressor that stopped amid a file, by file and offset: a shortcut for the next
read of the same file, which else would decompress from the beginning. No result depends on it."""


def read_lines(
    source: Source, cursor: Cursor | None, feed: Feed, *, slice_bytes: int = SLICE_BYTES
) -> Delta:
    """Reads on from `cursor`, at most about `slice_bytes` to the last line break.

    A longer line is read to its end, or to 16 MiB of it. A last line without a line break waits,
    unless it is a whole JSON object; at the end of a complete `.zst` it counts. A file that was
    truncated, replaced or rewritten is read from its beginning (`restarted`). Raises `SourceGone`,
    `SourceRefused` or OSError.
    """
    with opened(source) as (descriptor, status):
        if cursor is not None and _unchanged(cursor, status) and _place(cursor).finished:
            return Delta(cursor=cursor, raw_offset=cursor.offset)
        compressed = is_zst(str(source.data_path), descriptor)
        stream, before = _continued(source, cursor, descriptor, status, compressed)
        restarted = cursor is not None and before is None
        if cursor is None or before is None:
            offset, place, before = 0, _Place(), b""
            stream = _stream(source, descriptor, status, compressed)
        else:
            offset, place = cursor.offset, _place(cursor)
        taken, lines, after = _take(stream, offset, place, slice_bytes)
        fed = feed(source, place.state, lines) if lines else Fed(sessions=[], state=place.state)
        skipped = dict(fed.skipped)
        if stream.damaged and after.finished:
            skipped["damaged zstd"] = 1
        end = offset + len(taken)
        block = (before + taken[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        if isinstance(stream, Decompressing) and not after.finished:
            stream.before = block
            _warm.clear()
            _warm[_warm_key(source, status, end)] = stream
        return Delta(
            cursor=Cursor(
                offset=end,
                dev=status.st_dev,
                ino=status.st_ino,
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                tail=_digest(block),
                state=msgspec.msgpack.encode(msgspec.structs.replace(after, state=fed.state)),
            ),
            sessions=fed.sessions,
            raw=taken,
            raw_offset=offset,
            restarted=restarted,
            skipped=skipped,
            unknown=fed.unknown,
            more=not after.finished,
        )


def lines_of(data: bytes, offset: int) -> list[Line]:
    """The lines of whole lines that begin at `offset`, as `read_lines` would give them."""
    return _lines(data, offset, _Place())


def _unchanged(cursor: Cursor, status: os.stat_result) -> bool:
    return (cursor.dev, cursor.ino, cursor.size, cursor.mtime_ns) == (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
    )


def _place(cursor: Cursor) -> _Place:
    return msgspec.msgpack.decode(cursor.state, type=_Place) if cursor.state else _Place()


def _digest(block: bytes) -> bytes:
    return hashlib.blake2b(block, digest_size=16).digest()


def _warm_key(
    source: Source, status: os.stat_result, offset: int
) -> tuple[str, int, int, int, int, int]:
    return (
        str(source.data_path),
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        offset,
    )


def _stream(source: Source, descriptor: int, status: os.stat_result, compressed: bool) -> _Bytes:
    """The bytes of a source from its beginning."""
    plain = PlainBytes(descriptor, status.st_size)
    stream = Decompressing(descriptor) if compressed else plain
    return Masked(stream, source.masks, descriptor) if source.masks else stream


def _continued(
    source: Source,
    cursor: Cursor | None,
    descriptor: int,
    status: os.stat_result,
    compressed: bool,
) -> tuple[_Bytes, bytes | None]:
    """The bytes from the cursor on, and the block before it; None where the cursor does not fit."""
    stream = _stream(source, descriptor, status, compressed)
    if cursor is None or (cursor.dev, cursor.ino) != (status.st_dev, status.st_ino):
        return stream, None
    length = min(_TAIL_BYTES, cursor.offset)
    warm = None
    if compressed and not source.masks:
        warm = _warm.pop(_warm_key(source, status, cursor.offset), None)
    if warm is not None:
        warm.moved_to(descriptor)
        return warm, warm.before
    if not stream.skip_to(cursor.offset - length):
        return stream, None
    before = stream.read(length)
    if len(before) < length or _digest(before) != cursor.tail:
        return stream, None
    if _place(cursor).unterminated:
        more = stream.read(1)
        stream.unread(more)
        if more not in (b"", b"\n", b"\r"):
            return stream, None
    return stream, before


def _take(
    stream: _Bytes, offset: int, place: _Place, slice_bytes: int
) -> tuple[bytes, list[Line], _Place]:
    """Reads a piece: the bytes that count as read, the lines that end in them, the new place."""
    pieces = [stream.read(slice_bytes)]
    length = len(pieces[0])
    found = b"\n" in pieces[0]
    while not found and not place.length and length <= LINE_LIMIT and not stream.at_end:
        pieces.append(stream.read(slice_bytes))
        length += len(pieces[-1])
        found = b"\n" in pieces[-1]
    data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    finished = stream.at_end
    whole = stream.complete and len(data) + place.length > 0
    if not whole and not place.length and stream.at_end:
        whole = _is_object(data[data.rfind(b"\n") + 1 :])
    cut = len(data) if whole else data.rfind(b"\n") + 1
    if cut == 0 and (place.length or length > LINE_LIMIT):
        return data, [], msgspec.structs.replace(_grown(place, data), finished=finished)
    stream.unread(data[cut:])
    taken = data[:cut] if cut < len(data) else data
    unterminated = not taken.endswith(b"\n") if whole else place.unterminated and not taken
    after = _Place(finished=finished, unterminated=unterminated)
    return taken, _lines(taken, offset, place), after


def _is_object(tail: bytes) -> bool:
    """Reports whether the bytes after the last line break are a line that lacks only its own.

    A whole object is no part of a longer line; should the line go on all the same, the cursor does
    not fit any more and everything is read anew.
    """
    if not (tail.startswith(b"{") and tail.endswith(b"}")):
        return False
    try:
        msgspec.json.decode(tail, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _grown(place: _Place, data: bytes) -> _Place:
    """The place amid an oversized line, `data` further on."""
    keep = KEPT_BYTES + 1  # one for a carriage return
    return _Place(
        state=place.state,
        length=place.length + len(data),
        head=(place.head + data[:KEPT_BYTES])[:KEPT_BYTES],
        end=(place.end + data[-keep:])[-keep:],
    )


def _lines(data: bytes, offset: int, place: _Place) -> list[Line]:
    """The lines that end in `data`, the first of which may have begun before it."""
    parts = data.split(b"\n")
    if not parts[-1]:
        parts.pop()
    lines = []
    position = offset
    if place.length:
        rest = parts.pop(0) if parts else b""
        first = _grown(place, rest)
        lines.append(_oversized(offset - place.length, first.head, first.end, first.length))
        position += len(rest) + 1
    make = tuple.__new__  # half the time of Line(…), for every line there is
    for part in parts:
        size = len(part)
        if size > LINE_LIMIT:
            keep = KEPT_BYTES + 1
            lines.append(_oversized(position, part[:KEPT_BYTES], part[-keep:], size))
        elif size:
            line = part[:-1] if part[-1] == _RETURN else part
            if line and (line[0] > _SPACE or not line.isspace()):
                lines.append(make(Line, (position, line, False)))
        position += size + 1
    return lines


def _oversized(offset: int, head: bytes, end: bytes, length: int) -> Line:
    """An oversized line as head, mark and end, cut where no word is cut in two.

    Half a secret would not be known for one.
    """
    trimmed = end.removesuffix(b"\r")
    length -= len(end) - len(trimmed)
    end = trimmed[-KEPT_BYTES:]
    cut = max((head.rfind(mark, -_WORD_BYTES) for mark in (b" ", b'"', b",", b"\\")), default=-1)
    head = head[:cut] if cut > 0 else head
    boundary = _BOUNDARY.search(end, 0, _WORD_BYTES)
    end = end[boundary.start() :] if boundary else end
    left_out = length - len(head) - len(end)
    return Line(offset, b"%b [... %d bytes left out ...] %b" % (head, left_out, end), True)
