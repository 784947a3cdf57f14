"""The `source` table: what is read, how far, and how that went."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import apsw
import msgspec

from opensession.daemon.archive import Archived
from opensession.daemon.batch import Batch, Failure
from opensession.parsers.agent import Cursor, Source

AWAY = "its folder is away, or half of what was in it"
"""The reason with which a source is `gone` of which nobody knows that it was deleted."""


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it is stored. `cursor` None: it is to be read from its beginning.

    `state` is `new`, `ok`, `gone`, `refused` or `error`; `error` is a reason without any text of
    the source. `skipped` and `unknown` count lines and record types since its beginning.
    """

    id: int
    agent: str
    root: str
    path: str
    dev: int = 0
    ino: int = 0
    size: int = 0
    mtime_ns: int = 0
    offset: int = 0
    cursor: Cursor | None = None
    generation: int = 1
    archived_len: int = 0
    archive_size: int = 0
    archive_frames: int = 0
    archive_gap: bool = False
    parser_version: int = 0
    strip_version: int = 0
    state: str = "new"
    error: str = ""
    retries: int = 0
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}
    missing_bytes: int = 0
    suffix: int = 1
    first_seen_us: int = 0
    read_us: int = 0
    rules: str = ""

    @property
    def source(self) -> Source:
        """The source to read."""
        return Source(self.agent, self.root, self.path)

    @property
    def archived(self) -> Archived:
        """How far it is archived."""
        return Archived(self.generation, self.archived_len, self.archive_size, self.archive_frames)


_FIELDS = tuple(SourceRow.__struct_fields__)
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM source"  # noqa: S608 - names of our own
_PARTS = [_FIELDS.index(name) for name in ("cursor", "skipped", "unknown", "archive_gap")]
_CURSOR, _SKIPPED, _UNKNOWN, _GAP = _PARTS
_cursors = msgspec.msgpack.Decoder(Cursor)
_counts = msgspec.json.Decoder(dict[str, int])


def now_us() -> int:
    """The time, in microseconds UTC."""
    return time.time_ns() // 1000


def load(db: apsw.Connection, source_id: int) -> SourceRow | None:
    """One source."""
    for row in db.execute(f"{_SELECT} WHERE id = ?", (source_id,)):
        return _decode(row)
    return None


def load_all(db: apsw.Connection) -> list[SourceRow]:
    """Every source."""
    return [_decode(row) for row in db.execute(_SELECT)]


def ids_where(db: apsw.Connection, condition: str, values: tuple[int | str, ...] = ()) -> list[int]:
    """The ids of sources by a fixed condition of ours."""
    query = f"SELECT id FROM source WHERE {condition}"  # noqa: S608 - never anything foreign
    return [source_id for (source_id,) in db.execute(query, values)]


def register(db: apsw.Connection, found: Iterable[Source]) -> list[int]:
    """The ids of sources, in their order; those not known yet are added.

    A source whose path is not valid UTF-8 cannot be stored and gets 0.
    """
    ids: list[int] = []
    now = now_us()
    for source in found:
        key = (source.agent, source.path)
        try:
            known = db.execute("SELECT id, root FROM source WHERE agent = ? AND path = ?", key).get
            if known is None:
                known = db.execute(
                    "INSERT INTO source (agent, root, path, first_seen_us) VALUES (?, ?, ?, ?)"
                    " RETURNING id, root",
                    (source.agent, source.root, source.path, now),
                ).get
            elif known[1] != source.root:
                db.execute("UPDATE source SET root = ? WHERE id = ?", (source.root, known[0]))
        except UnicodeEncodeError:
            ids.append(0)
            continue
        ids.append(known[0])
    return ids


def record_read(
    db: apsw.Connection, row: SourceRow, batch: Batch, archived: Archived, gap: bool
) -> None:
    """Records that `batch` was stored: the cursor, the archived length, the counts. What is read
    partly has no cursor: who begins again begins anew.
    """
    fresh = batch.restarted or batch.expected_offset == 0
    cursor = batch.cursor
    db.execute(
        "UPDATE source SET dev = ?, ino = ?, size = ?, mtime_ns = ?, offset = ?, cursor = ?,"
        " generation = ?, archived_len = ?, archive_size = ?, archive_frames = ?, archive_gap = ?,"
        " parser_version = ?, strip_version = ?, rules = ?, state = iif(?, state, 'ok'),"
        " error = '', retries = 0, skipped = ?, unknown = ?, missing_bytes = ?, read_us = ?"
        " WHERE id = ?",
        (
            _signed(cursor.dev),
            _signed(cursor.ino),
            cursor.size,
            cursor.mtime_ns,
            cursor.offset,
            None if batch.partly else msgspec.msgpack.encode(cursor),
            archived.generation,
            archived.length,
            archived.size,
            archived.frames,
            gap,
            batch.parser_version,
            batch.strip_version,
            batch.rules,
            batch.partly,
            _added({} if fresh else row.skipped, batch.skipped),
            _added({} if fresh else row.unknown, batch.unknown),
            batch.lost or (0 if fresh else row.missing_bytes),
            now_us(),
            row.id,
        ),
    )


def record_archived(db: apsw.Connection, source_id: int, archived: Archived) -> None:
    """Records what is in the archive, where nothing was read."""
    db.execute(
        "UPDATE source SET generation = ?, archived_len = ?, archive_size = ?, archive_frames = ?"
        " WHERE id = ?",
        (archived.generation, archived.length, archived.size, archived.frames, source_id),
    )


def restart(db: apsw.Connection, ids: Sequence[int]) -> None:
    """The sources are to be read from their beginning; what is stored stays until then. Of one that
    was never read whole (`new`) that says nothing: older states are read as well.
    """
    db.executemany(
        "UPDATE source SET cursor = NULL, offset = 0, archive_gap = 0 WHERE id = ?",
        [(source_id,) for source_id in ids],
    )


def record_found(db: apsw.Connection, source_id: int) -> None:
    """The source is there and can be read, whatever it was thought to be."""
    db.execute("UPDATE source SET state = 'ok', error = '', retries = 0 WHERE id = ?", (source_id,))


def raise_suffix(db: apsw.Connection, source_id: int) -> None:
    """The sessions of a source get the next suffix, since they are not those that have this one."""
    db.execute("UPDATE source SET suffix = suffix + 1 WHERE id = ?", (source_id,))


def record_state(db: apsw.Connection, source_id: int, state: str, reason: str) -> None:
    """Records why a source gave nothing; each time in a row counts as a retry."""
    db.execute(
        "UPDATE source SET state = ?, error = ?, retries = retries + 1 WHERE id = ?",
        (state, reason, source_id),
    )


def record_tried(db: apsw.Connection, failure: Failure) -> None:
    """Records by which versions a source that was never read could not be read."""
    db.execute(
        "UPDATE source SET parser_version = ?, strip_version = ? WHERE id = ? AND read_us = 0",
        (failure.parser_version, failure.strip_version, failure.source_id),
    )


def _decode(row: Sequence[object]) -> SourceRow:
    values = list(row)
    cursor = values[_CURSOR]
    values[_CURSOR] = _cursors.decode(cursor) if isinstance(cursor, bytes) else None
    values[_SKIPPED] = _counts.decode(str(values[_SKIPPED]))
    values[_UNKNOWN] = _counts.decode(str(values[_UNKNOWN]))
    values[_GAP] = bool(values[_GAP])
    return SourceRow(**dict(zip(_FIELDS, values, strict=True)))  # type: ignore[arg-type]


def _added(one: dict[str, int], other: dict[str, int]) -> str:
    total = dict(one)
    for name, count in other.items():
        total[name] = total.get(name, 0) + count
    return msgspec.json.encode(total).decode()


def _signed(number: int) -> int:
    """An unsigned 64-bit number (devices, inodes of some file systems) as SQLite can hold it."""
    return number - 2**64 if number >= 2**63 else number
