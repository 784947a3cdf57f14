"""The daemon's own use of `user.db`: what was said once, and the folders that clients told of.

The one write connection lives in a thread of its own, since a commit waits for the disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw
import msgspec

from opensession.daemon.store.connect import open_user

T = TypeVar("T")

NOT_WRITTEN = (apsw.FullError, apsw.ReadOnlyError, apsw.IOError)
"""What a write raises where the disk takes nothing."""


class ExtraRoot(msgspec.Struct, frozen=True):
    """A folder of an agent, and the variable that named it."""

    agent: str
    path: str
    variable: str


class UserData:
    """`user.db`, open for writing until `close`."""

    def __init__(self, path: Path, *, check: bool = False) -> None:
        """Raises what `open_user` raises."""
        self._thread = ThreadPoolExecutor(1, "user.db")
        try:
            self._db = self._thread.submit(open_user, path, check=check).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """The result of `work` in the connection's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._db)

    def read(self, work: Callable[[apsw.Connection], T]) -> T:
        """As `run`, for before and after the loop: waits."""
        return self._thread.submit(work, self._db).result()

    def close(self) -> None:
        self._thread.submit(self._db.close)
        self._thread.shutdown()


def times_said(db: apsw.Connection, what: str) -> int:
    """How often `what` was said before; it is counted as said once more.

    0 where nothing can be written, as on a full disk: it is better said again than not at all.
    """
    try:
        count = db.execute(
            "INSERT INTO setting (key, value) VALUES (?, '1')"
            " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"
            " RETURNING CAST(value AS INTEGER)",
            ("said." + what,),
        ).get
    except NOT_WRITTEN:
        return 0
    assert isinstance(count, int)  # noqa: S101 - as cast
    return count - 1


def remember_root(db: apsw.Connection, root: ExtraRoot) -> bool:
    """Keep a folder that a client told of; reports whether it was new.

    False as well where nothing can be written: the next client tells of it again.
    """
    try:
        db.execute(
            "INSERT OR IGNORE INTO extra_root (agent, path, variable, first_seen_us)"
            " VALUES (?, ?, ?, ?)",
            (root.agent, root.path, root.variable, time.time_ns() // 1000),
        )
    except NOT_WRITTEN:
        return False
    return db.changes() == 1


def extra_roots(db: apsw.Connection) -> list[ExtraRoot]:
    """All folders that clients told of, the oldest first."""
    rows = db.execute("SELECT agent, path, variable FROM extra_root ORDER BY first_seen_us, path")
    return [ExtraRoot(str(agent), str(path), str(variable)) for agent, path, variable in rows]
