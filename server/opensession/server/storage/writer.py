"""The one thread that writes: it takes all that waits at once, so that one commit serves many.

A `Change` goes three ways: `stage` writes files and says what is to be on the disk before the
transaction; `apply` is its part of the transaction; `done` cleans up, after the commit or without
one. What a change raises is raised where it was handed in, and costs no other change anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

import apsw

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

GROUP = 256
"""Changes that share a commit, at most."""

_SYNCS = 8
_SYNC_LOT = 4
"""So many files a thread: to hand one over costs as much as to wait for it."""


class Change(Protocol[T_co]):
    """Something to be written. Changes of one `lane` (None: of none) never share a commit, so
    `stage` may read what the one before it left.
    """

    lane: Hashable

    def stage(self, db: apsw.Connection) -> Sequence[int]:
        """Writes files; the descriptors that must reach the disk before the transaction."""
        ...

    def apply(self, db: apsw.Connection) -> T_co:
        """Its part of the transaction."""
        ...

    def done(self, committed: bool) -> None:
        """Called once, whatever happened."""
        ...


class Plain(Generic[T]):
    """A change of the database alone."""

    lane: Hashable = None

    def __init__(self, change: Callable[[apsw.Connection], T], done: Callable[[], None]) -> None:
        self._change = change
        self._done = done

    def stage(self, db: apsw.Connection) -> Sequence[int]:
        """Nothing."""
        return ()

    def apply(self, db: apsw.Connection) -> T:
        """Calls the function."""
        return self._change(db)

    def done(self, committed: bool) -> None:
        """Calls the other one, also where nothing was written."""
        self._done()


class _Job:
    """A change with who waits for it."""

    def __init__(self, change: Change[Any], future: asyncio.Future[Any]) -> None:
        self.change = change
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Owns the write connection. `close` writes what waits, and ends the thread."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._waiting: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._ending = False
        self._syncing = ThreadPoolExecutor(_SYNCS, "hub-sync")
        self._thread = threading.Thread(target=self._run, name="hub-writer")
        self._thread.start()

    async def write(self, change: Change[T]) -> T:
        """What the change gives, once it is on the disk."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._ending:
                raise RuntimeError("the storage is closed")
            self._waiting.append(_Job(change, future))
            self._wake.notify()
        # Whoever waits may go away: what was handed in is written all the same.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Returns when all is written; nothing can be handed in after that."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        self._thread.join()
        self._syncing.shutdown()
        self._db.close()

    def _run(self) -> None:
        while group := self._next():
            _write(self._db, group, self._sync)
            _tell(group)

    def _next(self) -> list[_Job]:
        """What waits, at most one of a lane; empty when the writer is to end."""
        with self._wake:
            while not self._waiting and not self._ending:
                self._wake.wait()
            group: list[_Job] = []
            later: list[_Job] = []
            lanes: set[Hashable] = set()
            while self._waiting and len(group) < GROUP:
                job = self._waiting.popleft()
                lane = job.change.lane
                (later if lane in lanes else group).append(job)
                if lane is not None:
                    lanes.add(lane)
            self._waiting.extendleft(reversed(later))
            return group

    def _sync(self, descriptors: Sequence[int]) -> list[OSError | None]:
        if len(descriptors) <= _SYNC_LOT:
            return [_synced(descriptor) for descriptor in descriptors]
        size = max(_SYNC_LOT, -(-len(descriptors) // _SYNCS))
        lots = [descriptors[at : at + size] for at in range(0, len(descriptors), size)]
        return list(itertools.chain.from_iterable(self._syncing.map(_all_synced, lots)))


def _write(
    db: apsw.Connection,
    group: list[_Job],
    sync: Callable[[Sequence[int]], list[OSError | None]],
) -> None:
    """Runs a group; every job has its result or its error after it."""
    staged: list[tuple[_Job, int]] = []
    for job in group:
        try:
            staged += [(job, descriptor) for descriptor in job.change.stage(db)]
        except BaseException as error:
            job.error = _as_os_error(error)
    failures = sync([descriptor for _, descriptor in staged])
    for (job, _), failed in zip(staged, failures, strict=True):
        job.error = job.error or failed
    try:
        _transact(db, [job for job in group if job.error is None])
    except BaseException as error:
        for job in group:
            job.error = job.error or _as_os_error(error)
    for job in group:
        try:
            job.change.done(job.error is None)
        except Exception as error:
            job.error = job.error or error


def _transact(db: apsw.Connection, jobs: list[_Job]) -> None:
    if not jobs:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for job in jobs:
            db.execute("SAVEPOINT change")
            try:
                job.result = job.change.apply(db)
            except (apsw.FullError, apsw.IOError):
                raise  # they have rolled back the whole transaction, or are about to
            except Exception as error:
                job.error = error
                db.execute("ROLLBACK TO change")
            db.execute("RELEASE change")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _tell(group: list[_Job]) -> None:
    """Hands the results to the loops that wait, each woken once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop ended: nobody waits
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.cancelled():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
            job.future.exception()  # seen, also where nobody waits any more
        else:
            job.future.set_result(job.result)


def _all_synced(descriptors: Sequence[int]) -> list[OSError | None]:
    return [_synced(descriptor) for descriptor in descriptors]


def _synced(descriptor: int) -> OSError | None:
    try:
        if hasattr(fcntl, "F_FULLFSYNC"):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(descriptor)
    except OSError as error:
        return error
    return None


def _as_os_error(error: BaseException) -> BaseException:
    """A full disk as the system says it, whoever met it."""
    if isinstance(error, apsw.FullError):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return error
