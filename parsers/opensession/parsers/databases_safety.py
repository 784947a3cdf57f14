"""Connections that can neither change nor be harmed by another program's database (DECISIONS §8).

What SQLite is allowed to do is listed here: everything else, and every table and column that was
not named, is refused when a statement is prepared. Credentials lie beside the transcripts.
"""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from opensession.parsers.agent import SourceRefused
from opensession.parsers.databases_files import copied

if TYPE_CHECKING:
    import apsw

Allowed: TypeAlias = Mapping[str, frozenset[str] | None]
"""The tables that may be read, and of each the columns (None: all)."""

VALUE_BYTES = 32 << 20
"""A longer text or blob is left out of its row."""

LARGEST_BYTES = 128 << 20
"""A database with a longer value among those that are asked for is refused."""

BUSY_SECONDS = 2.0
"""How long a read waits for a lock, before it is tried again another time."""

_BUSY_PAUSE = 0.002
"""Who commits without a pause leaves short gaps only. To wait keeps no one from anything."""

CACHE_KIB = 1024

DAMAGED = "a damaged database"
NO_DATABASE = "not a database"
VALUE_TOO_LARGE = "holds a value that is too large to be read"

_PROGRESS_STEPS = 5000
_MISSING = re.compile(r"no such (table|column): ([A-Za-z_][\w.]{0,127})")
_PROHIBITED = re.compile(r"access to ([\w.]{1,128}) is prohibited")
_ALWAYS = frozenset(("pragma_table_xinfo", "pragma_table_list", "sqlite_stat1", "sqlite_stat4"))
_PRAGMAS = frozenset(("data_version", "encoding", "schema_version", "table_xinfo", "table_list"))
_NO_FUNCTIONS = frozenset(("load_extension", "fts3_tokenizer", "sqlite_log"))
"""All others compute, within limits; any can be in a default of a column, so none can be missed."""

_JSON_EACH = frozenset(("json_each", "json_tree"))


def connect(path: str, allowed: Allowed, late: Callable[[], bool]) -> apsw.Connection:
    """A read-only connection; `late` is asked during long statements whether to give them up.

    Raises what apsw raises; call it inside `translated`.
    """
    import apsw

    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOFOLLOW
    connection = apsw.Connection(path, flags=flags)
    try:
        secure(connection)
        connection.set_busy_handler(_waiting())
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}; PRAGMA mmap_size=0")
        connection.execute("PRAGMA query_only=ON").fetchall()
        connection.set_progress_handler(late, _PROGRESS_STEPS)
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        connection.authorizer = _authorizer(allowed)
    except BaseException:
        connection.close(True)
        raise
    return connection


def connect_to_copy(path: str, allowed: Allowed, late: Callable[[], bool]) -> apsw.Connection:
    """A connection to a copy, whose files are gone as soon as it is open.

    What the write-ahead log or the journal of the copy holds is brought into it before.
    """
    import apsw

    with copied(path) as copy:
        writing = apsw.Connection(copy, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            secure(writing)
            writing.set_progress_handler(late, _PROGRESS_STEPS)
            writing.execute("PRAGMA journal_mode=DELETE").fetchall()
        finally:
            writing.close(True)
        return connect(copy, allowed, late)


def _waiting() -> Callable[[int], bool]:
    """What SQLite calls while another holds a lock, with how often it did: whether to go on."""
    until = 0.0

    def wait(tries: int) -> bool:
        nonlocal until
        now = time.monotonic()
        if tries == 0:
            until = now + BUSY_SECONDS
        time.sleep(_BUSY_PAUSE)
        return now < until

    return wait


def secure(connection: apsw.Connection) -> None:
    """Nothing that a file's content says is trusted, and nothing is written for its sake."""
    import apsw

    for option, value in (
        (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
        (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
        (apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1),
    ):
        connection.config(option, value)
    for limit, value in (
        (apsw.SQLITE_LIMIT_LENGTH, VALUE_BYTES),
        (apsw.SQLITE_LIMIT_SQL_LENGTH, 1 << 20),
        (apsw.SQLITE_LIMIT_ATTACHED, 0),
        (apsw.SQLITE_LIMIT_EXPR_DEPTH, 100),
        (apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (apsw.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (apsw.SQLITE_LIMIT_WORKER_THREADS, 0),
    ):
        connection.limit(limit, value)
    connection.execute("PRAGMA cell_size_check=ON").fetchall()


@contextmanager
def translated() -> Iterator[None]:
    """Raises what apsw raises as what a read may raise.

    A database that another holds locked, or a statement that takes too long, is an OSError: it is
    tried again. One that is damaged, or has not the tables and columns it should, is refused.
    """
    import apsw

    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise OSError(errno.EBUSY, "the database is locked") from error
    except apsw.InterruptError as error:
        raise OSError(errno.ETIMEDOUT, "the database took too long") from error
    except apsw.CorruptError as error:
        raise SourceRefused(DAMAGED) from error
    except apsw.NotADBError as error:
        raise SourceRefused(NO_DATABASE) from error
    except apsw.TooBigError as error:
        raise SourceRefused(VALUE_TOO_LARGE) from error
    except apsw.NoMemError as error:
        raise MemoryError from error
    except (apsw.SQLError, apsw.AuthError) as error:
        raise SourceRefused(_unexpected(str(error))) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError) as error:
        raise OSError(errno.EACCES, "the database cannot be opened") from error
    except apsw.Error as error:
        raise OSError(errno.EIO, "the database cannot be read") from error


def _unexpected(message: str) -> str:
    """What of a schema is not as it should be, in the names that we asked for."""
    missing = _MISSING.search(message)
    if missing:
        return f"not the expected database: no {missing[1]} {missing[2]}"
    prohibited = _PROHIBITED.search(message)
    if prohibited:
        return f"not the expected database: {prohibited[1]} may not be read"
    return "not the expected database"


def _authorizer(
    allowed: Allowed,
) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    import apsw

    tables: dict[str, frozenset[str] | None] = {}
    for table, names in allowed.items():
        if names is None:
            tables[table.lower()] = None
        else:  # "" is asked for by count(*), ROWID by whoever wants it
            tables[table.lower()] = frozenset(name.lower() for name in names) | {"", "rowid"}
    tables |= dict.fromkeys(_ALWAYS | _JSON_EACH)

    def may(
        action: int, first: str | None, second: str | None, _: str | None, __: str | None
    ) -> int:
        if action in (apsw.SQLITE_SELECT, apsw.SQLITE_TRANSACTION):
            return apsw.SQLITE_OK
        name = (first or "").lower()
        if action == apsw.SQLITE_READ:
            columns = tables.get(name, frozenset())
            good = columns is None or (second or "").lower() in columns
        elif action == apsw.SQLITE_FUNCTION:
            good = (second or "").lower() not in _NO_FUNCTIONS
        else:
            good = action == apsw.SQLITE_PRAGMA and name in _PRAGMAS
        return apsw.SQLITE_OK if good else apsw.SQLITE_DENY

    return may
