"""Reading files that their agent rewrites whole: JSON files, one or several to a source.

    files ──opened──▶ bytes ──hash──▶ as before: nothing
                                 └──▶ changed: json_items ──records──▶ feed (the agent's) ──▶ Delta

Every change makes all of it be read anew; the store keeps what is the same. A file that is just
being written is no JSON: what is known then stays, and the next look reads again.

Limits: of more than `BYTES_LIMIT` altogether (`AT_ONCE_LIMIT` where the feed wants all of it in one
call), or of `json_items`' reach, the bytes are archived and give no records, counted as
`oversized`; what was known of its sessions stays. An item of more than `ITEM_LIMIT` is left out and
counted so. A source of more than `contents.REFUSED_BYTES` is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from opensession.parsers import container
from opensession.parsers.agent import SLICE_BYTES, Cursor, Delta, Source
from opensession.parsers.contents import (
    Content,
    Part,
    archived,
    contents_of,
    digest_of,
    piece_of,
)
from opensession.parsers.json_items import split
from opensession.parsers.jsonl import Fed
from opensession.parsers.stamps import Stamp, stamp_of

__all__ = ["Part", "Record", "RecordFeed", "archived_names", "read_parts"]

BYTES_LIMIT = 64 << 20
AT_ONCE_LIMIT = 32 << 20
ITEM_LIMIT = 16 << 20

_UNREAD = Stamp(0, 0, 0)
"""What no file is like: a cursor with it is read on at the next look."""


class Record(NamedTuple):
    """A piece of the part `name`: the item of that index in its list, or, as -1, all else.

    `data` is one JSON value, to be decoded with `decoding.decode_any`; it may be of any type and
    raise ValueError. Of a file of another shape than its part says, all is in the record -1.
    """

    name: str
    item: int
    data: bytes


RecordFeed: TypeAlias = Callable[[Source, bytes, list[Record]], Fed]
"""An agent's reading of records: a pure function of the source, the state after the records before
(`b""` at the beginning) and the records. However they are cut into calls, the events are the same.
"""


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor's `state` holds: the feed's own, and where in which content the read stopped.

    `content` is a hash of the bytes (of oversized ones: of what tells them from others),
    `following` the number of records taken. `finished` says that all was; `torn` is a hash of the
    torn files that were seen last.
    """

    state: bytes = b""
    content: bytes = b""
    following: int = 0
    finished: bool = False
    torn: bytes = b""


def read_parts(
    source: Source,
    cursor: Cursor | None,
    parts: Sequence[Part],
    feed: RecordFeed,
    *,
    at_once: bool = False,
    slice_bytes: int = SLICE_BYTES,
) -> Delta:
    """Reads a source of `parts`, the first of which is its own file; the others may be missing.

    Records come in the order of parts, a file's head before its items: as many as `slice_bytes`
    hold, or (`at_once`) all of them. The archived bytes are the file's own, or those of a
    `container` of several, also where only one of them is there. Of a source that is not known yet
    a torn file gives what is whole of it. One that is known waits; a torn file beside the first
    counts as it is when it is the same at a second look. Raises `SourceGone` if the first file is
    missing, `SourceRefused` or OSError.
    """
    paths = [part.path for part in parts]
    stamp = None if source.read_from else stamp_of(paths)
    place = _place(cursor)
    if cursor is not None and place.finished and stamp is not None and _fits(cursor, stamp):
        return Delta(cursor=cursor, raw_offset=cursor.offset)
    content = contents_of(source, parts, AT_ONCE_LIMIT if at_once else BYTES_LIMIT)
    stamp = stamp or _UNREAD
    same = cursor is not None and place.content == content.mark
    if cursor is not None and same and place.finished:
        return Delta(cursor=_cursor(cursor.offset, stamp, place), raw_offset=cursor.offset)
    offset, known = (cursor.offset, place) if cursor is not None and same else (0, _Place())
    restarted = cursor is not None and not same
    if content.raw is None:
        return _raw_alone(source, content, offset, stamp, slice_bytes, restarted=restarted)
    records = _records(content)
    skipped, torn = records.skipped, records.torn
    if torn and restarted and cursor is not None and cursor.offset and not source.read_from:
        waiting = _waiting(cursor, place, torn)
        if waiting is not None:
            return waiting
    limit = BYTES_LIMIT * 2 if at_once else slice_bytes
    taken, following, size, oversized = _some(records, known.following, limit)
    finished = following == len(records.found)
    if not finished:
        _warm[_warm_key(content)] = records
    end = len(content.raw) if finished else min(offset + size, len(content.raw))
    fed = feed(source, known.state, taken) if taken else Fed(sessions=[], state=known.state)
    skipped = {} if offset else dict(skipped)
    for counts in (fed.skipped, {"oversized": oversized} if oversized else {}):
        for reason, count in counts.items():
            skipped[reason] = skipped.get(reason, 0) + count
    after = _Place(fed.state, content.mark, following, finished, _torn_mark(torn))
    return Delta(
        cursor=_cursor(end, stamp if finished else _UNREAD, after),
        sessions=fed.sessions,
        raw=content.raw[offset:end],
        raw_offset=offset,
        restarted=restarted,
        skipped=skipped,
        unknown=fed.unknown,
        more=not finished,
        keeps=not records.found and "oversized" in skipped,
    )


def archived_names(source: Source) -> list[str]:
    """The names of the files in a container that `source.read_from` is; none if it is no such.

    For agents whose parts are not known by name. Raises as `read_parts`.
    """
    if not source.read_from:
        return []
    content = archived(source, (), BYTES_LIMIT)
    try:
        return [name for name, _ in container.unpack(content.raw or b"")]
    except ValueError:
        return []


def _waiting(cursor: Cursor, place: _Place, torn: dict[int, bytes]) -> Delta | None:
    """What a known source gives while files of it are torn: nothing, and the next look reads again.

    None if it need not wait: the first file is whole, and the others were as torn at the last look.
    """
    mark = _torn_mark(torn)
    if place.finished and mark != place.torn:
        place = msgspec.structs.replace(place, torn=mark)
        return Delta(
            cursor=_cursor(cursor.offset, _UNREAD, place),
            raw_offset=cursor.offset,
            skipped={"torn": len(torn)},
        )
    if place.finished and 0 not in torn:
        return None
    return Delta(cursor=cursor, raw_offset=cursor.offset)


def _torn_mark(torn: dict[int, bytes]) -> bytes:
    if not torn:
        return b""
    return digest_of(b"".join(b"%d:%b;" % (number, mark) for number, mark in torn.items()))


def _fits(cursor: Cursor, stamp: Stamp) -> bool:
    return (cursor.size, cursor.mtime_ns, cursor.ino) == (stamp.size, stamp.mtime_ns, stamp.ino)


def _place(cursor: Cursor | None) -> _Place:
    if cursor is None or not cursor.state:
        return _Place()
    return msgspec.msgpack.decode(cursor.state, type=_Place)


def _cursor(offset: int, stamp: Stamp, place: _Place) -> Cursor:
    return Cursor(
        offset=offset,
        ino=stamp.ino,
        size=stamp.size,
        mtime_ns=stamp.mtime_ns,
        state=msgspec.msgpack.encode(place),
    )


class _Records(NamedTuple):
    """All records, what was skipped, and the hashes of the files that are torn by their number."""

    found: list[tuple[str, int, bytes | memoryview | msgspec.Raw]]
    skipped: dict[str, int]
    torn: dict[int, bytes]


_Key: TypeAlias = tuple[bytes, tuple[Part, ...]]

_warm: dict[_Key, _Records] = {}
"""At most the records of one content that was not read to its end: a shortcut for the next read of
it, which else would take it apart again. No result depends on it."""


def _records(content: Content) -> _Records:
    """The records of a content in memory."""
    warm = _warm.pop(_warm_key(content), None)
    _warm.clear()
    return warm or _taken_apart(content)


def _warm_key(content: Content) -> _Key:
    return content.mark, tuple(part for part, _ in content.files)


def _taken_apart(content: Content) -> _Records:
    records: list[tuple[str, int, bytes | memoryview | msgspec.Raw]] = []
    skipped = dict(content.skipped)
    torn: dict[int, bytes] = {}
    for number, (part, data) in enumerate(content.files):
        found = split(data, part.items)
        if found.head is not None:
            records.append((part.name, -1, found.head))
        records += [(part.name, index, item) for index, item in found.items]
        if found.torn:
            torn[number] = digest_of(data)
        if found.torn and data:
            skipped["torn"] = skipped.get("torn", 0) + 1
        if found.malformed:
            skipped["malformed"] = skipped.get("malformed", 0) + found.malformed
        if found.too_many:
            return _Records([], {**skipped, "oversized": 1}, {})
    return _Records(records, skipped, torn)


def _some(records: _Records, start: int, limit: int) -> tuple[list[Record], int, int, int]:
    """Records from number `start` on, of about `limit` bytes; the number of the next one, how many
    bytes they are, how many were left out.
    """
    taken: list[Record] = []
    size = oversized = 0
    following = start
    for name, item, data in itertools.islice(records.found, start, None):
        length = memoryview(data).nbytes
        if size and size + length > limit:
            break
        following += 1
        size += length
        if length > ITEM_LIMIT:
            oversized += 1
        else:
            taken.append(Record(name, item, bytes(data)))
    return taken, following, size, oversized


def _raw_alone(
    source: Source, content: Content, offset: int, stamp: Stamp, size: int, *, restarted: bool
) -> Delta:
    """The next piece of an oversized source, for the archive alone; what is known of it stays."""
    raw, finished = piece_of(source, content, offset, size)
    place = _Place(content=content.mark, finished=finished)
    return Delta(
        cursor=_cursor(offset + len(raw), stamp if finished else _UNREAD, place),
        raw=raw,
        raw_offset=offset,
        restarted=restarted,
        skipped={} if offset else {**content.skipped, "oversized": 1},
        more=not finished,
        keeps=True,
    )
