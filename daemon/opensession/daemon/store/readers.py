"""Reading the index beside the writer: a few threads, each call with a connection to itself.

A call sees one state of the index from its first statement to its last, has a deadline, and is
broken off when nobody waits for its answer any more. An index that was replaced (rebuilt) is
opened anew by the next call.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from opensession.core.errors import OpenSessionError, Unreachable
from opensession.daemon.store.connect import CorruptDatabase, open_reader

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

DEADLINE_SECONDS = 20.0
_STEPS = 20_000
_KEEP_SECONDS = 30.0


class TooSlow(OpenSessionError):
    """A query was broken off at its deadline."""


class DamagedIndex(OpenSessionError):
    """SQLite found the index damaged while reading it."""


class LostIndex(Unreachable):
    """The index's file is not there any more."""


class Readers:
    """Read connections to one index and the threads that use them.

    `count` bounds how many calls run at once; threads and connections are made when they are
    needed, and connections that were not needed for half a minute are closed. `on_damage` is
    called, in the loop's thread, for every call that finds the index damaged or removed.
    """

    def __init__(
        self,
        index_path: Path,
        count: int = 4,
        *,
        deadline: float = DEADLINE_SECONDS,
        on_damage: Callable[[], None] | None = None,
    ) -> None:
        self._path = index_path
        self._deadline = deadline
        self._on_damage = on_damage
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="reader")
        self._free: list[_Reader] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._used_at = 0.0
        self._resting: asyncio.TimerHandle | None = None

    async def run(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Calls `fn(db, *args)` in a thread. Raises what `fn` raises, `TooSlow`, `DamagedIndex`,
        or `Unreachable` while there is no index.
        """
        loop = asyncio.get_running_loop()
        given_up = threading.Event()
        call = loop.run_in_executor(
            self._threads, lambda: self._call(given_up, lambda db: fn(db, *args, **kwargs))
        )
        try:
            return await call
        except asyncio.CancelledError:
            given_up.set()
            raise
        except (DamagedIndex, LostIndex):
            if self._on_damage is not None:
                self._on_damage()
            raise
        finally:
            self._used_at = loop.time()
            if self._resting is None and not self._closing.is_set():
                self._resting = loop.call_later(_KEEP_SECONDS, self._rest, loop)

    def close(self) -> None:
        """Breaks off what runs, waits for it, and closes every connection."""
        self._closing.set()
        if self._resting is not None:
            self._resting.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._close_free()

    def _rest(self, loop: asyncio.AbstractEventLoop) -> None:
        """Closes connections once nothing was asked for some time."""
        self._resting = None
        due = self._used_at + _KEEP_SECONDS
        if loop.time() < due:
            self._resting = loop.call_at(due, self._rest, loop)
        else:
            self._close_free()

    def _call(self, given_up: threading.Event, work: Callable[[apsw.Connection], T]) -> T:
        until = time.monotonic() + self._deadline

        def stop() -> bool:
            return given_up.is_set() or self._closing.is_set() or time.monotonic() > until

        reader: _Reader | None = None
        try:
            reader = self._take()
            return reader.call(work, stop)
        except apsw.InterruptError as error:
            if self._closing.is_set():
                raise Unreachable("the daemon is stopping", "opensession daemon start") from error
            raise TooSlow(
                f"this took longer than {self._deadline:.0f} s and was broken off",
                "narrow it: a shorter period, a project, a smaller --limit",
            ) from error
        except (apsw.CorruptError, apsw.NotADBError, CorruptDatabase) as error:
            _log.error("the index is damaged: %s", type(error).__name__)
            raise DamagedIndex("the index is damaged", "opensession index --rebuild") from error
        except (apsw.CantOpenError, apsw.BusyError) as error:
            if not self._path.exists():
                raise LostIndex("the index is not ready", "opensession daemon status") from error
            raise Unreachable("the index is not ready", "opensession daemon status") from error
        finally:
            if reader is not None:
                self._give_back(reader)

    def _take(self) -> _Reader:
        """A free connection to the index as it is now, or a new one."""
        now = _identity(self._path)
        while True:
            with self._lock:
                reader = self._free.pop() if self._free else None
            if reader is None:
                return _Reader(self._path, now)
            if reader.identity == now:
                return reader
            reader.db.close()

    def _give_back(self, reader: _Reader) -> None:
        with self._lock:
            self._free.append(reader)

    def _close_free(self) -> None:
        with self._lock:
            closing, self._free = self._free, []
        for reader in closing:
            reader.db.close()


class _Reader:
    """One connection, and the file it was opened on."""

    def __init__(self, path: Path, identity: tuple[int, int]) -> None:
        self.identity = identity
        self.db = open_reader(path)

    def call(self, work: Callable[[apsw.Connection], T], stop: Callable[[], bool]) -> T:
        """`work` within one read transaction, until `stop` says so."""
        self.db.set_progress_handler(stop, _STEPS)
        try:
            self.db.execute("BEGIN")
            return work(self.db)
        finally:
            self.db.set_progress_handler(None)
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int]:
    """Device and inode; raises `apsw.CantOpenError` where there is no file."""
    try:
        stat = path.stat()
    except OSError as error:
        raise apsw.CantOpenError(error.strerror) from error
    return stat.st_dev, stat.st_ino
