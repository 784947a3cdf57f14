"""Bringing index, archive and sources together when the daemon starts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import apsw
import msgspec

from opensession.daemon.admission import PRIVATE
from opensession.daemon.archive import Archived, extent, file_for, scan
from opensession.daemon.store import losses, sources
from opensession.parsers.agent import Source

_log = logging.getLogger(__name__)


class Recovery(msgspec.Struct, frozen=True):
    """What was found. `from_archive` are sources whose file is gone and whose archive holds more
    than was indexed, or whose events are outdated: they are to be read from the archive. Those in
    `again` are there, and are to be read from their beginning.
    """

    from_archive: list[int]
    again: list[int] = []
    outdated: int = 0
    refetched: int = 0
    missing: int = 0


def recover(
    db: apsw.Connection,
    archive_dir: Path,
    archive: bool,
    versions: Mapping[str, int],
    strip_version: int,
    rules: str = "",
) -> Recovery:
    """Looks at every archive file's size, and into those that are not as recorded (DECISIONS §4).

    Longer than recorded: what is ahead is found again when the source is read on. Shorter: the
    source is read from its beginning; if that is gone, its row says how many bytes are missing, as
    long as the file is not back.
    Sources made by an older parser or by other rules (`rules` tells which) are to be read again;
    their events stay until then. A private source stays refused. An error of an older version is
    forgotten.
    """
    from_archive: list[int] = []
    again: list[int] = []
    outdated = refetched = missing = 0
    for row in sources.load_all(db):
        archived = row.archived
        if row.archive_size or row.missing_bytes:
            archived = archived_now(archive_dir, row.source, row.archived)
            if archived != row.archived:
                sources.record_archived(db, row.id, archived)
            if row.archived_len < row.offset <= archived.length:
                losses.found_again(db, row.id)
        exists = Path(row.path).exists()
        old = row.parser_version < versions.get(row.agent, 0) or row.strip_version < strip_version
        stale = (old or (rules != "" and row.rules != rules)) and row.read_us > 0
        short = archived.length < row.archived_len
        if short and not exists:
            lost = max(row.offset - archived.length, 0)
            db.execute("UPDATE source SET missing_bytes = ? WHERE id = ?", (lost, row.id))
            missing += lost > 0
        if exists:
            if stale or short:
                sources.restart(db, [row.id])
                again.append(row.id)
        elif archived.length and (stale or archived.length > row.offset) and not short:
            sources.restart(db, [row.id])
            from_archive.append(row.id)
        outdated += stale
        refetched += short and exists
        if old and row.state in ("error", "refused") and row.error != PRIVATE:
            db.execute("UPDATE source SET state = 'ok', retries = 0 WHERE id = ?", (row.id,))
    if archive:
        refetched += refetch_gaps(db)
    return Recovery(from_archive, again, outdated, refetched, missing)


def refetch_gaps(db: apsw.Connection) -> int:
    """Marks the sources of which frames were left out to be read again, if they are there; returns
    how many.
    """
    missed = db.execute("SELECT id, path FROM source WHERE archive_gap = 1 AND state = 'ok'")
    found = [number for number, path in list(missed) if Path(path).exists()]
    sources.restart(db, found)
    return len(found)


def archived_now(archive_dir: Path, source: Source, known: Archived) -> Archived:
    """The state of a source's archive file: as known if its size is, else as it says itself."""
    path = file_for(archive_dir, source.agent, source.path)
    try:
        if path.stat().st_size == known.size:
            return known
        found = scan(path)
    except FileNotFoundError:
        return Archived(known.generation, 0, 0, 0)
    except OSError as error:  # one file is not worth a daemon that does not start
        _log.error("archive file %s/%s: %s", path.parent.name, path.name, error.strerror)
        return known
    generation = found.generation or known.generation
    length = extent(found.entries, generation)
    whole = found.end == found.size and found.identity is not None
    return Archived(generation, length, found.size if whole else 0, len(found.entries))
