"""Whether one file of a session went on from another that is not there any more.

A file that was moved, and then cut or rewritten, differs from what is archived of it where it was
before. While it was followed, that was one session; so it is in an index that is made anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import apsw

from opensession.daemon.archive import DamagedArchive, NewerArchive, extent, file_for, read, scan
from opensession.daemon.store import sources
from opensession.daemon.store.sources import SourceRow

EARLIER = (1 << 24) - 1
"""The `copy.seq` of a source that its session's went on from: no event has that number."""


def went_on(db: apsw.Connection, archive_dir: Path, old: SourceRow, new: SourceRow) -> bool:
    """Whether a source that is gone ended as another one was once, which went on from there; or as
    one of the same name that is gone too, from which that one went on.

    Where none of them was ever rewritten that is no question: one begins with the other.
    """
    if Path(old.path).exists():
        return False
    left = [row for row in _of_its_name(db, old) if row.id != new.id]
    if not any(len(_states(archive_dir, each)) > 1 for each in (new, *left)):
        return False
    reached = [old]
    while reached:
        one = reached.pop()
        if _follows(archive_dir, one, new):
            return True
        reached += [row for row in left if _follows(archive_dir, one, row)]
        left = [row for row in left if row not in reached]
    return False


def _of_its_name(db: apsw.Connection, old: SourceRow) -> list[SourceRow]:
    """Other sources whose files had the same name, and are gone."""
    name = old.path[old.path.rfind("/") :]
    found = sources.ids_where(
        db, "agent = ?1 AND id <> ?2 AND substr(path, -length(?3)) = ?3", (old.agent, old.id, name)
    )
    rows = [row for number in found if (row := sources.load(db, number)) is not None]
    return [row for row in rows if not Path(row.path).exists()]


def _follows(archive_dir: Path, old: SourceRow, new: SourceRow) -> bool:
    """Whether a state of a source begins with all that is archived of another."""
    before, after = (file_for(archive_dir, each.agent, each.path) for each in (old, new))
    with contextlib.suppress(OSError, NewerArchive, DamagedArchive):
        found = scan(before)
        length = extent(found.entries, found.generation)
        for state in _states(archive_dir, new):
            if 0 < length <= extent(scan(after).entries, state) and _begins(
                read(after, state), read(before, found.generation)
            ):
                return True
    return False


def _states(archive_dir: Path, row: SourceRow) -> set[int]:
    with contextlib.suppress(OSError, NewerArchive):
        entries = scan(file_for(archive_dir, row.agent, row.path)).entries
        return {entry.generation for entry in entries}
    return set()


def _begins(whole: Iterator[bytes], beginning: Iterator[bytes]) -> bool:
    one = other = b""
    while True:
        other = other or next(beginning, b"")
        if not other:
            return True
        one = one or next(whole, b"")
        size = min(len(one), len(other))
        if not size or one[:size] != other[:size]:
            return False
        one, other = one[size:], other[size:]
