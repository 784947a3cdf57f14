"""Making archive and index smaller: small frames are merged, the index gives back what it does not
use. In steps, so that what agents write meanwhile is taken in between them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import apsw

from opensession.core.paths import Paths
from opensession.core.rpc.storage import CompactResult
from opensession.daemon.facts import database_bytes
from opensession.daemon.library import Library
from opensession.daemon.store import overview, sources
from opensession.daemon.store.writer import Writer

STEP_PAGES = 500
"""Pages of the search index that are merged in one step."""

MOST_STEPS = 10_000

WASTE = 0.1
"""The share of the index that has to be unused before the whole of it is written anew."""


async def compact(
    library: Library, paths: Paths, told: Callable[[int, int, str], None]
) -> CompactResult:
    """Merges what can be merged and shrinks the index. Raises DiskFull or an error of SQLite's
    where there is no room; what was done until then stays done.
    """
    archive_before = (await library.query(overview.overview)).archive_bytes
    index_before = database_bytes(paths.index_db)
    ids = await library.query(_mergeable)
    merged = 0
    for number, source_id in enumerate(ids):
        freed = await library.write(functools.partial(Writer.merge, source_id=source_id))
        merged += freed > 0
        told(number + 1, len(ids) + 1, "archive")
    # The first step makes one merge of all pieces, the others go on with it.
    for step in range(MOST_STEPS):
        pages = STEP_PAGES if step else -STEP_PAGES
        if not await library.write(functools.partial(_merge_search, pages=pages)):
            break
    vacuumed = await library.write(_vacuum)
    told(len(ids) + 1, len(ids) + 1, "index")
    return CompactResult(
        merged_files=merged,
        archive_before=archive_before,
        archive_after=(await library.query(overview.overview)).archive_bytes,
        index_before=index_before,
        index_after=database_bytes(paths.index_db),
        vacuumed=vacuumed,
    )


def _mergeable(db: apsw.Connection) -> list[int]:
    return sources.ids_where(db, "archive_frames > 1 AND archive_size > 0 ORDER BY id")


def _merge_search(writer: Writer, pages: int) -> bool:
    """One step towards a search index of one piece; False once there is nothing to do."""
    db = writer.db
    before = db.total_changes()
    db.execute("INSERT INTO search (search, rank) VALUES ('merge', ?)", (pages,))
    return db.total_changes() - before > 1


def _vacuum(writer: Writer) -> bool:
    """Writes the index anew if much of it is unused and there is room; whether it did."""
    db = writer.db
    pages = int(str(db.pragma("page_count")))
    unused = int(str(db.pragma("freelist_count")))
    done = unused > pages * WASTE and _has_room(writer.index)
    if done:
        db.execute("VACUUM")
    db.execute("PRAGMA optimize")
    writer.checkpoint()
    return done


def _has_room(index: Path) -> bool:
    """Whether a second index, and its log, have room beside the first."""
    found = os.statvfs(index.parent)
    return found.f_bavail * found.f_frsize > 2 * index.stat().st_size + (1 << 30)
