"""Opening the hub's database: what is ours is told from what is foreign or newer.

One connection writes (`open_writer`), in one thread of one process; everyone else reads through
`open_reader`. Every commit is on the disk before it returns.
"""

from __future__ import annotations

import os
from pathlib import Path

import apsw

from opensession.core.errors import Refused
from opensession.core.migrations import migrate as run_migrations
from opensession.server.storage import migrate

DATABASE = "hub.db"
APPLICATION_ID = 0x4F535348
"""What `PRAGMA application_id` holds: `OSSH`."""

_MAGIC = b"SQLite format 3\0"
_BUSY_MS = 5000
_CACHE_KIB = 16384
_WAL_PAGES = 2000


class ForeignDatabase(Refused):
    """At our path lies something that is not a hub's database; it was not touched."""


class NewerDatabase(Refused):
    """The database was written by a newer hub; it was not touched."""


def open_writer(path: Path) -> apsw.Connection:
    """The write connection, made (0600) and migrated where needed.

    Raises `ForeignDatabase` or `NewerDatabase`.
    """
    fresh = _inspect(path)
    db = apsw.Connection(_uri(path, "rw"), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
    try:
        db.set_busy_timeout(_BUSY_MS)
        if fresh:
            # Before WAL, so that the id is in the file itself from its first page on.
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            f"PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA wal_autocheckpoint = {_WAL_PAGES};"
            f"PRAGMA journal_size_limit = {2 * _WAL_PAGES * 4096}; PRAGMA temp_store = MEMORY;"
            "PRAGMA trusted_schema = 0; PRAGMA secure_delete = ON"
        ).fetchall()  # one that answers stops there until it is asked for the rest
        run_migrations(db, migrate.scripts())
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> apsw.Connection:
    """A connection that only reads; it sees the last commit at the start of each statement."""
    db = apsw.Connection(_uri(path, "ro"), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        db.set_busy_timeout(_BUSY_MS)
        db.execute(
            f"PRAGMA query_only = 1; PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA trusted_schema = 0;"
            "PRAGMA temp_store = MEMORY; PRAGMA schema_version"
        )
    except BaseException:
        db.close()
        raise
    return db


def _inspect(path: Path) -> bool:
    """Judges the file by its first bytes, creating it if absent; True if it is empty."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise ForeignDatabase(f"{path} is a symbolic link", "OPENSESSION_DATA_DIR") from error
        raise
    try:
        head = os.read(descriptor, 100)
        if not head:
            os.fchmod(descriptor, 0o600)
            return True
        if not head.startswith(_MAGIC) or int.from_bytes(head[68:72], "big") != APPLICATION_ID:
            raise ForeignDatabase(
                f"{path} is no database of a hub",
                "move it away, or set OPENSESSION_DATA_DIR to another folder",
            )
        version = int.from_bytes(head[60:64], "big")
        if version > migrate.latest():
            raise NewerDatabase(
                f"{path} was written by a newer hub"
                f" (version {version}, this one knows {migrate.latest()})",
                "update opensession",
            )
    finally:
        os.close(descriptor)
    return False


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"
