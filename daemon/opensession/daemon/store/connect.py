"""Opening our two databases: what is ours is told from what is foreign, newer or damaged.

`index.db` can be made again, `user.db` cannot. Both are opened for writing by one connection in
one process; everyone else reads through `open_reader`. A file that is not ours is refused before
SQLite sees it, so nothing beside it is created or changed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

import apsw

from opensession.core.errors import Refused
from opensession.core.migrations import migrate as run_migrations
from opensession.core.migrations import version_of
from opensession.daemon.archive.space import DiskFull
from opensession.daemon.store import migrate

Kind = Literal["index", "user"]

APPLICATION_IDS: dict[Kind, int] = {"index": 0x4F535358, "user": 0x4F535355}
"""What `PRAGMA application_id` holds: `OSSX` and `OSSU`."""

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_BUSY_MS = 5000
_CACHE_KIB = 8192
_WAL_PAGES = 1000


class ForeignDatabase(Refused):
    """At our path lies a database of another program; it was not touched."""


class NewerDatabase(Refused):
    """The database was written by a newer OpenSession; it was not touched."""


class CorruptDatabase(Exception):
    """The database is damaged. The index is then moved aside (`move_aside`) and made again."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} is damaged: {reason}")
        self.path = path


def open_index(path: Path, *, check: bool = False) -> apsw.Connection:
    """The write connection to the index, made and migrated where needed.

    `check` runs a quick check first, as after a stop that was not clean. Raises `ForeignDatabase`,
    `NewerDatabase` or `CorruptDatabase`.
    """
    return _open_writer(path, "index", check)


def open_user(path: Path, *, check: bool = False) -> apsw.Connection:
    """The write connection to what cannot be made again: every commit is durable at once, and
    nothing that was deleted stays in the file.
    """
    db = _open_writer(path, "user", check)
    db.execute("PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
    return db


def open_reader(path: Path) -> apsw.Connection:
    """A connection that only reads; it sees the last commit at the start of each statement.

    Raises `CorruptDatabase`, or `apsw.CantOpenError` where there is no database yet.
    """
    db = apsw.Connection(_uri(path, "ro"), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        db.set_busy_timeout(_BUSY_MS)
        db.execute(
            f"PRAGMA query_only = 1; PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA trusted_schema = 0;"
            "PRAGMA temp_store = MEMORY; PRAGMA schema_version"
        )
    except (apsw.CorruptError, apsw.NotADBError) as error:
        db.close()
        raise CorruptDatabase(path, _reason(error)) from error
    except BaseException:
        db.close()
        raise
    return db


def quick_check(db: apsw.Connection, path: Path) -> None:
    """Raises `CorruptDatabase` if SQLite finds the file damaged."""
    try:
        found = db.execute("PRAGMA quick_check(1)").get
    except (apsw.CorruptError, apsw.NotADBError) as error:
        raise CorruptDatabase(path, _reason(error)) from error
    if found != "ok":
        raise CorruptDatabase(path, str(found).splitlines()[0][:200])


def move_aside(path: Path) -> Path:
    """Renames a damaged database and its journal to `<name>.corrupt-<time>`; returns the path."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = path.with_name(f"{path.name}.corrupt-{stamp}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.corrupt-{stamp}-{number}")
    path.rename(target)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(target.with_name(target.name + suffix))
    return target


def emptied(db: apsw.Connection) -> bool:
    """Moves the write-ahead log into the database and empties it; reports whether it could."""
    found = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return found is not None and found[0] == 0


@contextlib.contextmanager
def all_or_nothing(db: apsw.Connection) -> Iterator[None]:
    """A transaction, or a part of the one that is open; what is raised within is raised again.

    Not `with db:`: where a full disk has ended the transaction, its own undo fails with another
    error than the one that tells of it.
    """
    if db.in_transaction:
        yield
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


class Transaction:
    """`with Transaction(db, path):` is all or nothing, committed at its end.

    Raises `DiskFull` where there is no room, `CorruptDatabase` where the file is damaged; whatever
    is raised, nothing of it is stored.
    """

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self._path = path

    def __enter__(self) -> None:
        with self._translated():
            self._db.execute("BEGIN IMMEDIATE")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with self._translated():
                if error is not None:
                    raise error
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except apsw.FullError as error:
            raise DiskFull("no room for the index") from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise CorruptDatabase(self._path, _reason(error)) from error


def _open_writer(path: Path, kind: Kind, check: bool) -> apsw.Connection:
    fresh = _inspect(path, kind)
    db = apsw.Connection(_uri(path, "rw"), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_URI)
    try:
        db.set_busy_timeout(_BUSY_MS)
        if fresh:
            # Before WAL, so that the id is in the file itself from its first page on.
            db.execute(f"PRAGMA application_id = {APPLICATION_IDS[kind]}")
        db.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
            f"PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA wal_autocheckpoint = {_WAL_PAGES};"
            f"PRAGMA journal_size_limit = {2 * _WAL_PAGES * 4096}; PRAGMA temp_store = MEMORY;"
            "PRAGMA trusted_schema = 0; PRAGMA secure_delete = FAST"
        ).fetchall()  # one that answers stops there until it is asked for the rest
        if check:
            quick_check(db, path)
        version = version_of(db)
        if version > migrate.latest(kind):
            raise _newer(path, version, kind)
        run_migrations(db, migrate.scripts(kind))
    except (apsw.CorruptError, apsw.NotADBError) as error:
        db.close()
        raise CorruptDatabase(path, _reason(error)) from error
    except BaseException:
        db.close()
        raise
    return db


def _inspect(path: Path, kind: Kind) -> bool:
    """Judges the file by its first bytes, creating it (0600) if absent; True if it is empty."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise ForeignDatabase(
                f"{path} is a symbolic link", "put the data folder elsewhere with OPENSESSION_HOME"
            ) from error
        raise
    try:
        head = os.read(descriptor, _HEADER_BYTES)
        if head.startswith(_MAGIC) and len(head) == _HEADER_BYTES:
            if int.from_bytes(head[68:72], "big") != APPLICATION_IDS[kind]:
                raise ForeignDatabase(
                    f"{path} is the database of another program",
                    "move it away, or set OPENSESSION_HOME to another folder",
                )
            version = int.from_bytes(head[60:64], "big")
            if version > migrate.latest(kind):
                raise _newer(path, version, kind)
        elif head:
            raise CorruptDatabase(path, "it does not begin as a database does")
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return not head


def _newer(path: Path, version: int, kind: Kind) -> NewerDatabase:
    return NewerDatabase(
        f"{path} was written by a newer OpenSession"
        f" (version {version}, this one knows {migrate.latest(kind)})",
        "update opensession",
    )


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _reason(error: apsw.Error) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
