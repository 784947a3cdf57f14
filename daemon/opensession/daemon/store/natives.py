"""Which native bytes the sessions of the index are made of, to be read once more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from opensession.daemon.archive import file_for
from opensession.daemon.native import Native
from opensession.daemon.store import sources
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.resolve import resolve_one
from opensession.daemon.store.sessions_write import ORIGIN
from opensession.daemon.store.sources import SourceRow


class Chosen(NamedTuple):
    """A session that a reference names, and what it is made of (None: bytes of nobody)."""

    agent: str
    native_id: str
    short: str
    seq: int | None
    native: Native | None


def of_ref(
    db: apsw.Connection, ref: str, scope: str, everything: bool, archive: Path, ctx: QueryContext
) -> Chosen:
    """The session of a reference. Raises NotFound."""
    target = resolve_one(db, ref, scope, everything, ctx)
    query = "SELECT source, absent FROM session WHERE id = ?"
    source, absent = db.execute(query, (target.id,)).fetchone() or (None, 0)
    row = sources.load(db, int(source)) if source is not None else None
    native = None
    if row is not None:
        native = archived(row, archive) if absent else native_of(row, archive)
    return Chosen(target.agent, target.native_id, target.short, target.seq, native)


def all_natives(db: apsw.Connection, archive: Path) -> list[Native]:
    """Every source that was read, newest first."""
    rows = [row for row in sources.load_all(db) if row.read_us]
    rows.sort(key=lambda row: -row.mtime_ns)
    found = (native_of(row, archive) for row in rows)
    return [native for native in found if native is not None]


def sources_of(db: apsw.Connection, keys: Sequence[tuple[str, str]]) -> list[SourceRow]:
    """The sources that hold these sessions (agent, native id), copies included."""
    found: dict[int, SourceRow] = {}
    for agent, native_id in keys:
        for (source,) in db.execute(
            "SELECT source FROM session WHERE origin = ?1 AND agent = ?2 AND native_id = ?3"
            " UNION SELECT copy.source FROM copy JOIN session ON session.id = copy.session"
            " WHERE origin = ?1 AND agent = ?2 AND native_id = ?3",
            (ORIGIN, agent, native_id),
        ):
            row = sources.load(db, source) if source is not None else None
            if row is not None:
                found[row.id] = row
    return list(found.values())


def native_of(row: SourceRow, archive: Path) -> Native | None:
    """The bytes of a source: the file, else what the archive has; None if there is neither."""
    if row.state != "gone" and Path(row.path).exists():
        return Native(row.source, row.size, suffix=row.suffix)
    return archived(row, archive)


def archived(row: SourceRow, archive: Path) -> Native | None:
    """The bytes of a source as they are archived, None if they are not."""
    file = file_for(archive, row.agent, row.path)
    if not row.archived_len or not file.exists():
        return None
    return Native(row.source, row.archived_len, str(file), row.generation, row.suffix)
