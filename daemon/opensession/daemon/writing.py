"""The writer's thread: takes what reads give, groups it into transactions, tells what came of it.

    reads ──put──▶ lane LIVE (first) ─┐
                   lane BULK          ├─▶ Writer.apply ──▶ on_changes, on_outcome
    call ─────────▶ before either     ┘

A lane holds only so many bytes; a read that is ahead waits in `put`.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import apsw
import msgspec

from opensession.daemon.archive import DiskFull
from opensession.daemon.reading import Ended, Got
from opensession.daemon.schedule import BULK, LIVE
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import CorruptDatabase
from opensession.daemon.store.writer import Writer
from opensession.daemon.workers import Freed

log = logging.getLogger(__name__)

T = TypeVar("T")

GROUP_BYTES = 8 << 20
"""Source bytes of one transaction, unless nothing more is waiting."""

LANE_BYTES = (8 << 20, 16 << 20)
"""Source bytes that may wait in a lane (live, bulk) before reads have to wait."""

ROW_BYTES = 64
"""What a batch counts for at least, for those that bring hardly any bytes."""

Item = Got | Ended | Freed


class Stored(msgspec.Struct, frozen=True):
    """So many source bytes were stored, as (job, bytes). `archive_paused`: without their frames,
    for lack of room.
    """

    bytes: list[tuple[int, int]]
    archive_paused: bool = False


class Answered(msgspec.Struct, frozen=True):
    """A job is over and all its batches are handled. `offset` is where its last batch ended (None:
    there was none); with `void` what it gave was dropped on the way.
    """

    ended: Ended
    offset: int | None
    void: bool


class Full(msgspec.Struct, frozen=True):
    """The disk is full: nothing of the jobs that are under way will be stored."""


class Fatal(msgspec.Struct, frozen=True):
    """The index cannot be written any more."""

    error: Exception


Outcome = Stored | Answered | Freed | Full | Fatal


class Closed(Exception):
    """The writer takes nothing more."""


class Writing:
    """The thread and its queues. `on_changes` and `on_outcome` are called in it, and must not wait
    for it.
    """

    def __init__(
        self,
        make_writer: Callable[[], Writer],
        *,
        on_changes: Callable[[list[Change]], None],
        on_outcome: Callable[[Outcome], None],
    ) -> None:
        self._make_writer = make_writer
        self._on_changes = on_changes
        self._on_outcome = on_outcome
        self._news = threading.Condition()
        self._lanes: tuple[deque[Item], deque[Item]] = (deque(), deque())
        self._waiting = [0, 0]
        self._calls: deque[tuple[Callable[[Writer], Any], Future[Any]]] = deque()
        self._offsets: dict[int, int] = {}
        self._void: set[int] = set()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._opened: Future[None] = Future()
        self.error: Exception | None = None

    def open(self) -> None:
        """Starts the thread and opens the index in it. Raises what `Writer` raises."""
        self._thread.start()
        self._opened.result()

    def put(self, item: Item, lane: int) -> None:
        """Hands over what a read gave; waits while the lane is full. Raises `Closed`."""
        size = _size(item)
        with self._news:
            while (
                size
                and not self._closing
                and self._waiting[lane]
                and self._waiting[lane] + size > LANE_BYTES[lane]
            ):
                self._news.wait()
            if self._closing:
                raise Closed
            self._lanes[lane].append(item)
            self._waiting[lane] += size
            self._news.notify_all()

    def call(self, work: Callable[[Writer], T]) -> T:
        """The result of `work`, which is done before any waiting batch. Raises what it raises, or
        `Closed`.
        """
        future: Future[T] = Future()
        with self._news:
            if self._closing:
                raise Closed
            self._calls.append((work, future))
            self._news.notify_all()
        return future.result()

    def void(self, jobs: list[int]) -> None:
        """Drops what these jobs gave and will give, as far as it is not stored."""
        with self._news:
            self._void.update(jobs)

    def close(self, timeout: float) -> bool:
        """Stores nothing more, ends the transaction at hand, closes the index; False if that took
        longer than `timeout` seconds.
        """
        with self._news:
            self._closing = True
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            writer = self._make_writer()
        except Exception as error:
            with self._news:
                self._closing = True
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while self._turn(writer):
                pass
        except Exception as error:
            log.exception("the writer ended")
            self.error = error
            self._on_outcome(Fatal(error))
        finally:
            self._refuse_the_rest()
            _close(writer)

    def _turn(self, writer: Writer) -> bool:
        """One round: all calls, then one transaction. False at the end."""
        with self._news:
            while not (self._closing or self._calls or self._lanes[LIVE] or self._lanes[BULK]):
                self._news.wait()
            if self._closing:
                return False
            calls = list(self._calls)
            self._calls.clear()
            items = [] if calls else self._take_group()
        for work, future in calls:
            _answer(writer, work, future, lambda: self._closing)
        if items:
            self._store(writer, items)
        return True

    def _take_group(self) -> list[Item]:
        lane = LIVE if self._lanes[LIVE] else BULK
        queue = self._lanes[lane]
        items: list[Item] = []
        taken = 0
        while queue and taken < GROUP_BYTES:
            item = queue.popleft()
            items.append(item)
            taken += _size(item)
        self._waiting[lane] -= taken
        self._news.notify_all()
        return items

    def _store(self, writer: Writer, items: list[Item]) -> None:
        with self._news:
            void = set(self._void)
        got = [item for item in items if isinstance(item, Got) and item.job not in void]
        try:
            batches = [item.batch for item in got]
            changes: list[Change] = []
            if batches:
                changes = _insisting(lambda: writer.apply(batches), lambda: self._closing)
        except DiskFull:
            self.void([item.job for item in got])
            self._on_outcome(Full())
        else:
            for one in got:
                self._offsets[one.job] = one.batch.cursor.offset
            if changes:
                self._on_changes(changes)
            if got:
                stored = [(one.job, one.batch.raw_bytes) for one in got]
                self._on_outcome(Stored(stored, writer.archive_paused))
        for item in items:
            if isinstance(item, Ended):
                with self._news:
                    dropped = item.job in self._void
                    self._void.discard(item.job)
                self._on_outcome(Answered(item, self._offsets.pop(item.job, None), dropped))
            elif isinstance(item, Freed):
                with self._news:
                    self._void.difference_update(item.jobs)
                for job in item.jobs:
                    self._offsets.pop(job, None)
                self._on_outcome(item)

    def _refuse_the_rest(self) -> None:
        with self._news:
            self._closing = True
            calls = list(self._calls)
            self._calls.clear()
            self._news.notify_all()
        for _, future in calls:
            future.set_exception(Closed())


def _insisting(work: Callable[[], T], stopped: Callable[[], bool]) -> T:
    """The result of `work`, done again while another program holds the index."""
    while True:
        try:
            return work()
        except apsw.BusyError:
            if stopped():
                raise
            log.warning("another program holds a lock on the index: trying again")


def _answer(
    writer: Writer, work: Callable[[Writer], T], future: Future[T], stopped: Callable[[], bool]
) -> None:
    try:
        result = _insisting(lambda: work(writer), stopped)
    except CorruptDatabase as error:
        future.set_exception(error)
        raise
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def _close(writer: Writer) -> None:
    try:
        writer.close()
    except Exception:
        # What is committed is committed; an index that is damaged or a disk that is full must not
        # keep the daemon from ending.
        log.exception("the index could not be closed in good order")


def _size(item: Item) -> int:
    return max(item.batch.raw_bytes, ROW_BYTES) if isinstance(item, Got) else 0
