"""Forgetting sessions: what the index and the archive hold of them is taken away.

In the index they are gone at once; the bytes of their pages and search terms are overwritten when
`erase` ran (DECISIONS §4). The archive file of a source that holds nothing else is removed. A
database is archived as a log of rows: it is written anew with the rows that name the session as
spaces (`forgetting_archive`). Of a file that holds other sessions too the archive is removed, and
not begun again.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator
from pathlib import Path

import apsw

from opensession.core.errors import Refused
from opensession.daemon import set_aside
from opensession.daemon.store import sessions_write, sources
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import (
    CorruptDatabase,
    Transaction,
    emptied,
    open_index,
    open_reader,
)
from opensession.daemon.store.forgetting_archive import names_one
from opensession.daemon.store.sessions_write import Stored

_BLANK_BYTES = 8 << 20
"""What is overwritten in one transaction."""

_TELLING = 8
"""A shorter id may be part of anything."""

_log = logging.getLogger(__name__)


def family(db: apsw.Connection, agent: str, native_id: str) -> list[Stored]:
    """A session as it is stored, with its copies under other numbers and all below it."""
    found: dict[int, Stored] = {}
    waiting = [native_id]
    while waiting:
        name = waiting.pop()
        rows = [
            number
            for (number,) in db.execute(
                "SELECT id FROM session WHERE agent = ?1 AND (native_id = ?2 OR parent = ?2"
                " OR native_id GLOB ?2 || '.[0-9]*' AND NOT native_id GLOB ?2 || '.*[^0-9]*')",
                (agent, name),
            )
        ]
        for number in rows:
            session = sessions_write.load(db, number)
            if session is not None and number not in found:
                found[number] = session
                waiting.append(session.native_id)
    return list(found.values())


def sources_of(db: apsw.Connection, sessions: Collection[Stored]) -> list[int]:
    """The sources that hold one of these sessions, their own or as a copy."""
    found = {session.source for session in sessions}
    for session in sessions:
        found.update(
            source
            for (source,) in db.execute("SELECT source FROM copy WHERE session = ?", (session.id,))
        )
    return sorted(found)


def folders_of(db: apsw.Connection, index: Path, sessions: Collection[Stored]) -> list[str]:
    """The folders that these sessions were begun in, and none else, here or in an index that lies
    beside this one.
    """
    own = {(session.agent, session.native_id) for session in sessions}
    found = {sessions_write.info_of(session).cwd for session in sessions}
    for other in (db, *_aside(index)):
        try:
            found -= {folder for folder in found if _others_in(other, folder, own)}
        finally:
            if other is not db:
                other.close()
    return sorted(found)


def _aside(index: Path) -> Iterator[apsw.Connection]:
    for path in set_aside.all_aside(index):
        with contextlib.suppress(apsw.Error, CorruptDatabase):
            yield open_reader(path)


def _others_in(db: apsw.Connection, folder: str, own: Collection[tuple[str, str]]) -> bool:
    rows = db.execute("SELECT agent, native_id FROM session WHERE cwd = ?", (folder,))
    return any((str(agent), str(name)) not in own for agent, name in rows)


def left_behind(
    db: apsw.Connection, archive_dir: Path, agent: str, ids: Collection[str]
) -> list[int]:
    """Sources that are gone and hold nothing that is listed, and whose archive names one of these
    sessions: files that were moved, whose sessions other sources have since.
    """
    marks = [name.encode() for name in ids if len(name) >= _TELLING]
    found = sources.ids_where(
        db,
        "agent = ? AND archive_size > 0 AND state = 'gone'"
        " AND id NOT IN (SELECT source FROM session) AND id NOT IN (SELECT source FROM copy)",
        (agent,),
    )
    rows = [row for number in found if (row := sources.load(db, number)) is not None]
    return [row.id for row in rows if marks and names_one(archive_dir, row, marks)]


def delete(db: apsw.Connection, sessions: Collection[Stored]) -> list[Change]:
    """Takes sessions away, within a transaction; what that changed."""
    for session in sessions:
        sessions_write.delete(db, session)
    return [
        Change(
            session=session.id,
            native_id=session.native_id,
            agent=session.agent,
            short=session.short,
            title="",
            first_seq=1,
            last_seq=0,
            rewound=True,
            new=False,
            gone=True,
        )
        for session in sessions
    ]


def give_up(db: apsw.Connection, source_id: int, reason: str) -> None:
    """A source is not read any more, and nothing of it is kept. What is gone takes no room."""
    db.execute(
        "UPDATE source SET cursor = NULL, offset = 0, generation = 1, archived_len = 0,"
        " archive_size = 0, archive_frames = 0, archive_gap = 0,"
        " size = iif(state = 'gone', 0, size), state = 'refused', error = ?"
        " WHERE id = ?",
        (reason, source_id),
    )


def erase(db: apsw.Connection) -> bool:
    """Overwrites what deleted rows and search terms left behind (DECISIONS §4), also before they
    were deleted: where a merge or a rewind gave pages back. False where the log of the database
    could not be emptied, since somebody reads.
    """
    db.execute("PRAGMA secure_delete = ON")
    db.execute("INSERT INTO search (search) VALUES ('optimize')")
    db.execute("PRAGMA secure_delete = FAST")
    _overwrite_free_pages(db)
    return emptied(db)


def _overwrite_free_pages(db: apsw.Connection) -> None:
    """Fills all pages that nothing stands in, and gives them back."""
    size = db.pragma("page_size")
    db.execute("DROP TABLE IF EXISTS blank; CREATE TABLE blank (bytes BLOB)")
    while free := db.pragma("freelist_count"):
        db.execute("INSERT INTO blank VALUES (zeroblob(?))", (min(free * size, _BLANK_BYTES),))
    db.execute("DROP TABLE blank")


def forget_aside(index: Path, agent: str, ids: Collection[str]) -> None:
    """Takes sessions out of all that lies beside `index`. What is kept because it is damaged can be
    mended by nobody, so it is removed.
    """
    for path in sorted(index.parent.glob(f"{index.name}.corrupt-*")):
        _log.info("%s may hold what is forgotten: it is removed", path.name)
        path.unlink(missing_ok=True)
    delete_aside(index, agent, ids)


def delete_aside(index: Path, agent: str, ids: Collection[str]) -> None:
    """Takes sessions out of the indexes that were put aside while `index` was made."""
    for path in sorted(index.parent.glob(f"{index.name}.old*")):
        if path.name.endswith(("-wal", "-shm")):
            continue
        try:
            _forget_in(path, agent, ids)
        except CorruptDatabase:
            _log.warning("%s is damaged, and may hold what is forgotten: it is removed", path.name)
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
        except (apsw.Error, Refused) as error:
            _log.error("%s may hold what is forgotten: %s", path, type(error).__name__)


def _forget_in(path: Path, agent: str, ids: Collection[str]) -> None:
    db = open_index(path)
    try:
        found = {each.id: each for name in ids for each in family(db, agent, name)}
        if found:
            db.execute("PRAGMA secure_delete = ON")
            with Transaction(db, path):
                delete(db, list(found.values()))
            erase(db)
    finally:
        db.close()
