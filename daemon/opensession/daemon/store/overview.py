"""Sums over the whole index that `status` and `health` show."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec

from opensession.daemon.store import marks
from opensession.daemon.store.connect import quick_check


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """`archive_bytes` are bytes on disk; `redacted` counts what was taken out, by kind, `warned`
    what was found and left, by set, and `blocked` the sessions that hold something of a set, by it.
    """

    archive_bytes: int = 0
    redacted: dict[str, int] = {}
    warned: dict[str, int] = {}
    blocked: dict[str, int] = {}


def overview(db: apsw.Connection) -> Overview:
    """The sums as they are now."""
    archive = db.execute("SELECT coalesce(sum(archive_size), 0) FROM source").get
    found = db.execute(
        "SELECT kind.key, sum(kind.value), count(*)"
        " FROM session, json_each(session.redactions) AS kind"
        " WHERE session.redactions <> '{}' GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    sums = {}
    sessions = {}
    for kind, count, of in found:
        sums[str(kind)], sessions[str(kind)] = int(count), int(of)
    return Overview(
        archive_bytes=archive,
        redacted=marks.replaced(sums),
        warned=marks.warned(sums),
        blocked={name: sessions[marks.BLOCK + name] for name in marks.blocked(sums)},
    )


def check(db: apsw.Connection) -> None:
    """Raises `CorruptDatabase` if SQLite finds the index damaged in a quick check."""
    quick_check(db, Path(db.filename))
