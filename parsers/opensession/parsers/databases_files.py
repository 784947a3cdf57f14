"""The files of another program's database: whether they are ours to read, and copies of them.

Nothing here opens a database that SQLite holds open in this process: closing any descriptor of a
file gives up all POSIX locks that the process holds on it, SQLite's among them.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from opensession.parsers.agent import SourceGone, SourceRefused
from opensession.parsers.opening import FOREIGN, LINK, NOT_REGULAR, OUTSIDE, UNREADABLE
from opensession.parsers.stamps import Stamp, stamp_of

BESIDE = ("-wal", "-journal")
"""What holds a part of a database beside its file, by the ending of the name."""

COPY_BYTES = 1 << 30
"""A database that has to be copied is refused beyond this size."""

TOO_LARGE = "cannot be read where it is, and is too large to be copied"

_COPY_ATTEMPTS = 3


def checked(path: str, root: str) -> tuple[str, os.stat_result]:
    """Where the database really is, and its status; looked at by name alone, never opened.

    Raises `SourceGone` where there is no such file, `SourceRefused` with the reason where it is
    none of ours to read (see `opening`), OSError for everything else.
    """
    try:
        folder, name = os.path.split(path)
        real_folder = os.path.realpath(folder)
        real_root = os.path.realpath(root or folder)
        if real_folder != real_root and not real_folder.startswith(real_root.rstrip("/") + "/"):
            raise SourceRefused(OUTSIDE)
        real = f"{real_folder.rstrip('/')}/{name}"
        status = os.lstat(real)
        _require_own(status)
        for ending in (*BESIDE, "-shm"):
            try:
                _require_own(os.lstat(real + ending))
            except FileNotFoundError:
                continue
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise SourceGone(path) from error
    except PermissionError as error:
        raise SourceRefused(UNREADABLE) from error
    return real, status


def _require_own(status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise SourceRefused(LINK)
    if not stat.S_ISREG(status.st_mode):
        raise SourceRefused(NOT_REGULAR)
    if status.st_uid != os.geteuid():
        raise SourceRefused(FOREIGN)


def stamp_of_database(path: str) -> Stamp | None:
    """The stamp of all files that a database's content is in."""
    return stamp_of((path, *(path + ending for ending in BESIDE)))


@contextmanager
def copied(path: str) -> Iterator[str]:
    """A copy of a database with its write-ahead log or journal, in a folder of ours that is gone
    afterwards. Raises OSError, also where the database changed while it was copied.
    """
    with tempfile.TemporaryDirectory(prefix="opensession-") as folder:  # mode 0700
        copy = f"{folder}/copy.db"
        for _ in range(_COPY_ATTEMPTS):
            stamp = stamp_of_database(path)
            if stamp is None:
                raise SourceGone(path)
            if stamp.size > COPY_BYTES:
                raise SourceRefused(TOO_LARGE)
            _copy(path, copy)
            for ending in BESIDE:
                try:
                    _copy(path + ending, copy + ending)
                except FileNotFoundError:
                    if os.path.lexists(copy + ending):
                        os.unlink(copy + ending)  # noqa: PTH108 - all paths here are strings
            if stamp_of_database(path) == stamp:
                yield copy
                return
        raise OSError(errno.EBUSY, "the database changes too fast to be copied")


def _copy(path: str, copy: str) -> None:
    source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(source, "rb") as reading, open(copy, "wb") as writing:  # noqa: PTH123
        shutil.copyfileobj(reading, writing, 1 << 20)
