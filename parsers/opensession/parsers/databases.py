"""Reading the SQLite databases that other programs keep open (DECISIONS §8).

    with open_database("/home/a/.local/share/goose/sessions/sessions.db", ALLOWED) as database:
        if "parent_session_id" in database.columns("sessions"): ...
        for row in database.rows("SELECT id, name FROM sessions WHERE id > ?", (last,)): ...

Inside the `with` there is one read transaction, so all statements see the same state; keep it
short. Between two of them the connection stays open, as only an open one can tell cheaply that
nothing changed (`data_version`), but it holds no transaction and keeps no one from writing or
from checkpointing. No other code may open such a file in this process.
"""

from __future__ import annotations

import errno
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from opensession.parsers.databases_files import checked, stamp_of_database
from opensession.parsers.databases_safety import (
    LARGEST_BYTES,
    VALUE_BYTES,
    Allowed,
    connect,
    connect_to_copy,
    translated,
)
from opensession.parsers.stamps import Stamp

if TYPE_CHECKING:
    import apsw

__all__ = ["Allowed", "Database", "Row", "open_database"]

OPEN_DATABASES = 8
"""How many stay open; of more, the one that was not used for longest is closed."""

DEADLINE_SECONDS = 5.0
"""How long the statements of one transaction may run together."""

Row: TypeAlias = tuple[Any, ...]


class Database:
    """An open database of another program, for one thread at a time.

    `device` and `inode` are of its file, `used` is when it was last read (monotonic). `told`
    belongs to `rows`: what was pulled to its end, which sessions were there, at which
    `data_version`. `listed` belongs to the agent: sessions found in a value, with what tells that
    the value is the same.
    """

    def __init__(self, path: str, status: os.stat_result, allowed: Allowed) -> None:
        """Opens it where it is, or a copy where that is not possible. Raises what a read may."""
        import apsw

        self.path = path
        self.device, self.inode = status.st_dev, status.st_ino
        self.allowed = dict(allowed)
        self.copy_of: Stamp | None = None
        self.told: tuple[bytes, bytes, int] | None = None
        self.listed: dict[str, tuple[int, list[str]]] = {}
        self.used = time.monotonic()
        self._deadline = self.used + DEADLINE_SECONDS
        with translated():
            try:
                self._connection = connect(path, allowed, self._late)
            except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.IOError):
                # No -shm can be made or shared there, or a journal was left to be rolled back
                self.copy_of = stamp_of_database(path)
                self._connection = connect_to_copy(path, allowed, self._late)
        self._cursors: set[apsw.Cursor] = set()
        self._schema = -1
        self._columns: dict[str, frozenset[str]] = {}

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a SELECT over allowed tables: None, int, float, str and bytes.

        Invalid UTF-8 is mended with U+FFFD; of a text or blob over 32 MiB a short text says how
        many bytes were left out. Raises what a read may raise, at any row.
        """
        import apsw

        given = 0
        with translated():
            try:
                for row in self._stepped(sql, parameters):
                    yield row
                    given += 1
                return
            except (UnicodeDecodeError, apsw.TooBigError):
                mended = self._mended(sql, parameters)
            for number, row in enumerate(mended):
                if number >= given:
                    yield row

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; empty if there is no table (but, say, a view) of it."""
        version = self._number("PRAGMA schema_version")
        if version != self._schema:
            self._schema, self._columns = version, {}
        if table not in self._columns:
            kinds = list(self.rows("SELECT type FROM pragma_table_list WHERE name = ?", (table,)))
            names = self.rows("SELECT name FROM pragma_table_xinfo(?)", (table,))
            is_table = ("table",) in kinds
            self._columns[table] = frozenset(name for (name,) in names if is_table)
        return self._columns[table]

    @property
    def data_version(self) -> int:
        """Another number than before if another connection changed the database since."""
        return self._number("PRAGMA data_version")

    def fits(self, status: os.stat_result, allowed: Allowed) -> bool:
        """Whether this is still the database at its path, opened for the same tables."""
        if (self.device, self.inode) != (status.st_dev, status.st_ino) or self.allowed != allowed:
            return False
        return self.copy_of is None or self.copy_of == stamp_of_database(self.path)

    def begin(self) -> None:
        """Begins a read transaction, and the time it may take."""
        self.used = time.monotonic()
        self._deadline = self.used + DEADLINE_SECONDS
        with translated():
            self._connection.execute("BEGIN")

    def end(self) -> None:
        """Ends the transaction; rows that were not taken by then do not come any more."""
        with translated():
            for cursor in list(self._cursors):
                cursor.close(True)
            if self._connection.in_transaction:
                self._deadline = time.monotonic() + DEADLINE_SECONDS
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Closes the connection; nothing is written for it."""
        self._connection.close(True)

    def _number(self, pragma: str) -> int:
        with translated():
            value: Any = self._connection.execute(pragma).fetchall()[0][0]
            return int(value)

    def _late(self) -> bool:
        return time.monotonic() > self._deadline

    def _mended(self, sql: str, parameters: Sequence[Any]) -> Iterator[Row]:
        """The same rows, with texts taken as bytes and decoded here."""
        import apsw

        names = [f"c{number}" for number in range(self._width(sql, parameters))]
        values = ", ".join(
            f"typeof({name}), CASE WHEN octet_length({name}) > {VALUE_BYTES} THEN"
            f" octet_length({name}) WHEN typeof({name}) = 'text' THEN CAST({name} AS BLOB)"
            f" ELSE {name} END"
            for name in names
        )
        wrapped = f"WITH q({', '.join(names)}) AS ({sql}) SELECT {values} FROM q"  # noqa: S608
        self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, LARGEST_BYTES)
        try:
            encoding = self._encoding()
            for row in self._stepped(wrapped, parameters):
                pairs = zip(row[::2], row[1::2], strict=True)
                yield tuple(_value(kind, value, encoding) for kind, value in pairs)
        finally:
            self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, VALUE_BYTES)

    def _stepped(self, sql: str, parameters: Sequence[Any]) -> Iterator[Row]:
        cursor = self._connection.cursor()
        self._cursors.add(cursor)
        try:
            yield from cursor.execute(sql, parameters)
        finally:
            self._cursors.discard(cursor)
            cursor.close(True)

    def _encoding(self) -> str:
        name = str(self._connection.execute("PRAGMA encoding").fetchall()[0][0])
        return {"UTF-16le": "utf-16-le", "UTF-16be": "utf-16-be"}.get(name, "utf-8")

    def _width(self, sql: str, parameters: Sequence[Any]) -> int:
        """How many columns a statement gives; it is prepared and not run."""
        import apsw

        width = 0

        def look(cursor: apsw.Cursor, _: str, __: Any) -> bool:
            nonlocal width
            width = len(cursor.get_description())
            return False

        cursor = self._connection.cursor()
        cursor.exec_trace = look
        try:
            cursor.execute(sql, parameters)
        except apsw.ExecTraceAbort:
            pass
        finally:
            cursor.close(True)
        return width


def _value(kind: Any, value: Any, encoding: str) -> Any:
    """A value as `_mended` selects it: text as bytes, of what is too large the length."""
    if kind == "text" and isinstance(value, bytes):
        return value.decode(encoding, "replace")
    if kind in ("text", "blob") and isinstance(value, int):
        return f"[... {value} bytes left out ...]"
    return value


class _Held:
    """A kept-open database and who uses it now."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.database: Database | None = None

    def drop(self) -> None:
        if self.database is not None:
            self.database.close()
            self.database = None


_held: OrderedDict[str, _Held] = OrderedDict()
_held_lock = threading.Lock()


@contextmanager
def open_database(path: str, allowed: Allowed, *, root: str = "") -> Iterator[Database]:
    """The database at `path` in a read transaction, of which only `allowed` can be read.

    Its folder must lie below `root` once both are resolved (empty: the folder itself). Other
    threads that want the same database wait. Raises `SourceGone`, `SourceRefused` with the reason,
    and OSError where another time may do better: locked, too slow, changing while it is copied.
    """
    real, status = checked(path, root)
    held = _take(real)
    try:
        if held.database is not None and not held.database.fits(status, allowed):
            held.drop()
        if held.database is None:
            held.database = Database(real, status, allowed)
            if held.database.copy_of is None and checked(path, root)[1].st_ino != status.st_ino:
                held.drop()
                raise OSError(errno.EBUSY, "the database was replaced while it was opened")
        database = held.database
        try:
            database.begin()
            yield database
            database.end()
        except BaseException:
            held.drop()  # whatever it was: the next read begins with a new connection
            raise
    finally:
        held.lock.release()


def close_databases(unused_for: float = 0.0) -> None:
    """Closes every database that no one reads at the moment, or did within so many seconds.

    As long as one with a write-ahead log is open here, the program that ends leaves that log
    beside it, where it would have brought it into the file and removed it.
    """
    before = time.monotonic() - unused_for
    with _held_lock:
        for path in list(_held):
            _close_idle(path, before)


def databases_open() -> bool:
    """Whether `close_databases` may have something to close."""
    return bool(_held)


def _take(path: str) -> _Held:
    """The place of a database, locked; the least used beyond the limit are closed."""
    while True:
        with _held_lock:
            held = _held.setdefault(path, _Held())
            _held.move_to_end(path)
        held.lock.acquire()
        with _held_lock:
            if _held.get(path) is not held:  # closed while we waited
                held.lock.release()
                continue
            for other in list(_held)[: max(0, len(_held) - OPEN_DATABASES)]:
                _close_idle(other)
            return held


def _close_idle(path: str, before: float = math.inf) -> None:
    held = _held[path]
    if held.lock.acquire(blocking=False):
        try:
            if held.database is None or held.database.used <= before:
                held.drop()
                del _held[path]
        finally:
            held.lock.release()
