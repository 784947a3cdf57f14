"""What is sent of a session: a header and its events, a canonical line each, as stripped as can be.

The lines of the same stored events are the same every time, so they can be compared with what was
sent by their hashes, and the hub can tell a repeat from something new.
"""

from __future__ import annotations

import hashlib

import apsw
import msgspec

from opensession.core import hail_lines
from opensession.core.hail import Event
from opensession.core.hub import MAX_BATCH_BYTES, MAX_BATCH_EVENTS
from opensession.core.privacy import Stripper
from opensession.daemon.store import body
from opensession.daemon.store.export import header_line
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK
from opensession.daemon.store.timeline import Member

HASH_BYTES = 8

_HEAD = (
    "SELECT s.id, s.native_id, s.title, s.event_count, s.settled_us, s.parser_version,"
    " coalesce(o.rules, ''), s.reread IS NOT NULL"
    " FROM session s LEFT JOIN source o ON o.id = s.source"
    " WHERE s.origin = 'local' AND s.agent = ? AND s.native_id = ?"
)


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a session: `lines` are those of seq `first` and on, `total` is its last seq now.

    `settled_us` and `parser_version` tell of which state of the session they are. Of one that is
    `rereading` they may change in a moment.
    """

    header: bytes
    first: int
    lines: list[bytes]
    total: int
    settled_us: int
    parser_version: int
    rules: str
    rereading: bool

    @property
    def last(self) -> int:
        """The seq of the last line; one less than `first` where there is none."""
        return self.first + len(self.lines) - 1


def read_lines(
    db: apsw.Connection,
    agent: str,
    native_id: str,
    first: int,
    stripper: Stripper,
    *,
    most_events: int = MAX_BATCH_EVENTS,
    most_bytes: int = MAX_BATCH_BYTES,
) -> Lines | None:
    """The lines from seq `first` on that make a batch: at least one, if there is one. None if the
    session is not there.
    """
    found = db.execute(_HEAD, (agent, native_id)).fetchone()
    if found is None:
        return None
    key, name, title, total, settled_us, parser_version, rules, rereading = found
    header = header_line(db, key, [Member(key, 0, name, title, total)], stripper)
    lines: list[bytes] = []
    size = 0
    last = min(total, first + most_events - 1)
    for row in db.execute(
        "SELECT id, event_id, time_us, type, task, body FROM event WHERE id BETWEEN ? AND ?"
        " ORDER BY id",
        (key << SEQ_BITS | first, key << SEQ_BITS | last),
    ):
        if row[0] & SEQ_MASK != first + len(lines):
            break  # a re-read is about to put it there
        line = line_of(stripper, body.decode(*row[1:]))
        size += len(line) + 1
        if size > most_bytes and lines:
            break
        lines.append(line)
    return Lines(
        header=header,
        first=first,
        lines=lines,
        total=total,
        settled_us=settled_us,
        parser_version=parser_version,
        rules=rules,
        rereading=bool(rereading),
    )


def line_of(stripper: Stripper, event: Event) -> bytes:
    """An event as it is sent, without a line feed."""
    return hail_lines.canonical(stripper.strip_outgoing(event))


def line_hash(line: bytes) -> bytes:
    """What tells whether a line is the one that was sent."""
    return hashlib.sha256(line).digest()[:HASH_BYTES]
