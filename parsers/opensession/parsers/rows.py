"""Reading databases row by row: what changed since the last read, as lines of a log.

    database ──pull (the agent's own)──▶ lines of JSON ──feed (the agent's own)──▶ Delta

The rows pulled are a log that only grows: each row as it was when it was read, a later version of
it as another line. The log is what is archived, and what `Cursor.offset` counts. Read from there,
by the same feed, it gives the same events as the database gave; so the agent may delete its rows.

    def pull(database: Database, mark: bytes) -> Pulled:
        last = int(mark or b"0")
        taken = Slice()
        for row, name in database.rows("SELECT id, name FROM t WHERE id > ? ORDER BY id", (last,)):
            last = row
            if not taken.add({"table": "t", "id": row, "name": name}):
                return taken.pulled(b"%d" % last, more=True)
        return taken.pulled(b"%d" % last)
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import msgspec

from opensession.core import ids
from opensession.parsers.agent import (
    SLICE_BYTES,
    Cursor,
    Delta,
    Source,
    SourceGone,
    SourceRefused,
)
from opensession.parsers.databases import Allowed, Database, open_database
from opensession.parsers.jsonl import Fed, Feed, lines_of, read_lines
from opensession.parsers.stamps import stamp_of

_encoder = msgspec.json.Encoder()


SETTLED_SECONDS = 2.0
"""A database writes a commit to its log before others see it: on a slow disk, some time before. So
what is younger may not have been all there was to read, although no file changes any more.
"""


class Replaced(Exception):
    """For a pull to raise: its mark is of another database than the one at this path now.

    An agent that deletes its database and makes a new one can be given the same inode again.
    """


class Pulled(NamedTuple):
    """What a pull took: a line for each row, the mark to go on from, and whether there is more."""

    lines: list[bytes]
    mark: bytes
    more: bool


Pull: TypeAlias = Callable[[Database, bytes], Pulled]
"""An agent's taking of rows that changed since `mark` (`b""`: all), about `SLICE_BYTES` at most.

The mark is bounded, and says all that is needed to find changed rows by an index. Lines are JSON
without line breaks. `more` is for rows that were there and were left for the next read.
"""

Present: TypeAlias = Callable[[Database, bytes], list[str] | None]
"""An agent's own ids of all sessions that a database holds at the end of a pull, in the order of an
index; None where that cannot be told. It gets the pull's mark. It is asked after each change, so it
reads an index alone (`texts`).
"""

_DIGEST_BYTES = 8


class Slice:
    """The lines of one pull, up to a size."""

    def __init__(self, limit: int = SLICE_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self.lines: list[bytes] = []

    def add(self, record: dict[str, Any]) -> bool:
        """Takes a row (bytes become base64); False if it is the last that there is room for."""
        line = _encoder.encode(record)
        self.lines.append(line)
        self._size += len(line) + 1
        return not self.full

    @property
    def full(self) -> bool:
        """Whether the pull is to end here."""
        return self._size >= self._limit

    def pulled(self, mark: bytes, *, more: bool = False) -> Pulled:
        """What the pull gives."""
        return Pulled(self.lines, mark, more)


class _Place(msgspec.Struct, frozen=True, array_like=True, tag="rows"):
    """What a cursor's `state` holds: whose file it is of, the mark, and the feed's own.

    `finished` says that all there was had been pulled, `listed` is a hash of the sessions that were
    there then.
    """

    device: int
    inode: int
    mark: bytes = b""
    state: bytes = b""
    finished: bool = False
    listed: bytes = b""


def texts(database: Database, query: str) -> list[str] | None:
    """The texts that a query gives as `SELECT count(…), group_concat(…, char(10))`, which costs a
    tenth of taking a row for each; None where they cannot be told apart.
    """
    for count, joined in database.rows(query):
        found = joined.split("\n") if isinstance(joined, str) else []
        return found if len(found) == count else None
    return None


def read_rows(
    source: Source,
    cursor: Cursor | None,
    allowed: Allowed,
    pull: Pull,
    feed: Feed,
    present: Present | None = None,
) -> Delta:
    """Pulls what changed in a database since `cursor`, and feeds it. At the end of a pull it is
    asked which sessions are `present`, in the same transaction.

    Where no other connection wrote since the last read of this process, nothing is queried. A
    database that was replaced is read from its beginning (`restarted`). One that changed just now
    gets a cursor that is of none of its states (`mtime_ns` 0), so that it is looked at once more.
    Raises `SourceGone`, `SourceRefused` or OSError.
    """
    if source.read_from:
        return _read_log(source, cursor, feed)
    stamp = stamp_of((source.path, source.path + "-wal"))
    if stamp is None:
        raise SourceGone(source.path)
    age_ns = time.time_ns() - stamp.mtime_ns
    with open_database(source.path, allowed, root=source.root) as database:
        version = database.data_version
        place = _place_in(cursor, database)
        names = None
        if place is not None and place.finished and database.told == (*_known(place), version):
            pulled = Pulled([], place.mark, False)
        else:
            place, pulled = _pull(database, place, pull)
            names = present(database, pulled.mark) if present and not pulled.more else None
        listed = place.listed if place is not None else b""
        if names is not None:
            before, listed = listed, _digest(names)
            names = None if listed == before else names
        database.told = None if pulled.more else (pulled.mark, listed, version)
        now = _Place(database.device, database.inode, listed=listed)
    restarted = cursor is not None and place is None
    offset = cursor.offset if cursor is not None and place is not None else 0
    state = place.state if place is not None else b""
    raw = b"".join(line.replace(b"\n", b" ") + b"\n" for line in pulled.lines)
    fed = feed(source, state, lines_of(raw, offset)) if raw else Fed(sessions=[], state=state)
    now = msgspec.structs.replace(now, mark=pulled.mark, state=fed.state, finished=not pulled.more)
    return Delta(
        cursor=Cursor(
            offset=offset + len(raw),
            dev=now.device,
            ino=stamp.ino,
            size=stamp.size,
            mtime_ns=0 if 0 <= age_ns < SETTLED_SECONDS * 1e9 else stamp.mtime_ns,
            state=msgspec.msgpack.encode(now),
        ),
        sessions=fed.sessions,
        raw=raw,
        raw_offset=offset,
        restarted=restarted,
        skipped=fed.skipped,
        unknown=fed.unknown,
        more=pulled.more,
        keeps=True,
        present=None if names is None else [ids.fit(source.agent, name) for name in names],
    )


def _pull(database: Database, place: _Place | None, pull: Pull) -> tuple[_Place | None, Pulled]:
    """What a pull gives from `place` on, or where that does not fit, from the beginning (None)."""
    mark = place.mark if place is not None else b""
    try:
        pulled = pull(database, mark)
    except Replaced:
        if not mark:
            raise SourceRefused("not the expected database") from None
        place, mark, pulled = None, b"", pull(database, b"")
    if pulled.more and not pulled.lines and pulled.mark == mark:
        pulled = pulled._replace(more=False)  # it would never end
    return place, pulled


def _known(place: _Place) -> tuple[bytes, bytes]:
    return place.mark, place.listed


def _digest(names: list[str]) -> bytes:
    """A hash of names, which is not empty."""
    told = "\n".join(names).encode(errors="surrogatepass")
    return hashlib.blake2b(told, digest_size=_DIGEST_BYTES).digest()


def _place_in(cursor: Cursor | None, database: Database) -> _Place | None:
    """Where the last read stopped; None if that was not in this database."""
    place = _place(cursor)
    if place is None or (place.device, place.inode) != (database.device, database.inode):
        return None
    return place


def _place(cursor: Cursor | None) -> _Place | None:
    """What a cursor of a database holds; None for any other."""
    try:
        return None if cursor is None else msgspec.msgpack.decode(cursor.state, type=_Place)
    except msgspec.MsgspecError:
        return None


def _read_log(source: Source, cursor: Cursor | None, feed: Feed) -> Delta:
    """Reads the rows as they were archived; a cursor of the database itself does not fit there."""
    if _place(cursor) is None:
        delta = read_lines(source, cursor, feed)
        return msgspec.structs.replace(delta, keeps=True)
    delta = read_lines(source, None, feed)
    return msgspec.structs.replace(delta, restarted=True, keeps=True)
