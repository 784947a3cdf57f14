"""The writer's thread: order, room, priority, and what becomes of everything at the end."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, cast

import apsw
import pytest

from opensession.daemon import writing
from opensession.daemon.archive import DiskFull
from opensession.daemon.batch import Batch
from opensession.daemon.reading import Ended, Got
from opensession.daemon.schedule import BULK, LIVE
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import CorruptDatabase
from opensession.daemon.store.writer import Writer
from opensession.daemon.workers import Freed
from opensession.daemon.writing import Answered, Closed, Fatal, Full, Outcome, Stored, Writing
from opensession.parsers.agent import Cursor

PATIENCE = 20.0
MIB = 1 << 20


class Recording:
    """A writer that notes what it is given, and waits while `gate` is closed."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.errors: list[Exception] = []
        self.archive_paused = False
        self.closed = False

    def apply(self, batches: list[Batch]) -> list[Change]:
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        if self.errors:
            raise self.errors.pop(0)
        self.groups.append([batch.source_id for batch in batches])
        return []

    def close(self) -> None:
        self.closed = True


def got(job: int, size: int = 10, end: int = 10) -> Got:
    batch = Batch(job, 0, False, None, size, [], Cursor(offset=end), 1, 1, {}, {}, False)
    return Got(job, batch)


class Bench:
    def __init__(self) -> None:
        self.writer = Recording()
        self.outcomes: queue.Queue[Outcome] = queue.Queue()
        self.writing = Writing(
            lambda: cast(Writer, self.writer),
            on_changes=lambda changes: None,
            on_outcome=self.outcomes.put,
        )
        self.writing.open()

    def next(self, kind: type[Any]) -> Any:
        while not isinstance(outcome := self.outcomes.get(timeout=PATIENCE), kind):
            pass
        return outcome

    def block(self) -> None:
        """Has the writer stand still amid a transaction."""
        self.writer.gate.clear()
        self.writer.entered.clear()
        self.writing.put(got(99), BULK)
        assert self.writer.entered.wait(PATIENCE)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.writer.gate.set()
    made.writing.close(PATIENCE)


def test_what_waits_goes_into_one_transaction(bench: Bench) -> None:
    bench.block()
    for job in range(5):
        bench.writing.put(got(job), BULK)
    bench.writer.gate.set()
    bench.writing.put(Ended(4), BULK)
    bench.next(Answered)
    assert bench.writer.groups == [[99], [0, 1, 2, 3, 4]]


def test_a_transaction_has_a_size(bench: Bench) -> None:
    bench.block()
    for job in range(4):
        bench.writing.put(got(job, 4 * MIB), BULK)
    bench.writing.put(Ended(3), BULK)
    bench.writer.gate.set()
    bench.next(Answered)
    assert bench.writer.groups == [[99], [0, 1], [2, 3]]


def test_a_live_append_comes_before_the_backlog(bench: Bench) -> None:
    bench.block()
    bench.writing.put(got(1), BULK)
    bench.writing.put(got(2), LIVE)
    bench.writing.put(Ended(1), BULK)
    bench.writer.gate.set()
    bench.next(Answered)
    assert bench.writer.groups == [[99], [2], [1]]


def test_a_call_comes_before_everything_and_its_error_goes_to_the_caller(bench: Bench) -> None:
    assert bench.writing.call(lambda writer: 7) == 7
    with pytest.raises(ZeroDivisionError):
        bench.writing.call(lambda writer: 1 // 0)
    assert bench.writing.call(lambda writer: 8) == 8


def test_a_read_that_is_ahead_waits_and_takes_no_memory(bench: Bench) -> None:
    bench.block()
    passed: list[int] = []

    def read() -> None:
        for job in range(8):
            bench.writing.put(got(job, 4 * MIB), BULK)
            passed.append(job)

    thread = threading.Thread(target=read)
    thread.start()
    bench.writing.put(got(50), LIVE)  # another lane has room of its own
    with bench.writing._news:
        assert bench.writing._news.wait_for(lambda: bench.writing._waiting[BULK] == 16 * MIB, 20)
    assert thread.is_alive()
    bench.writer.gate.set()
    thread.join(PATIENCE)
    assert passed == list(range(8))


def test_one_batch_larger_than_the_lane_passes(bench: Bench) -> None:
    bench.writing.put(got(1, 100 * MIB), BULK)
    assert bench.next(Stored).bytes == [(1, 100 * MIB)]


def test_answers_come_after_what_they_answer_and_say_how_far_it_is(bench: Bench) -> None:
    bench.writing.put(got(1, 5, end=5), LIVE)
    bench.writing.put(got(1, 7, end=12), LIVE)
    bench.writing.put(Ended(1), LIVE)
    assert bench.next(Answered) == Answered(Ended(1), 12, False)


def test_void_jobs_are_dropped_and_said_to_be(bench: Bench) -> None:
    bench.block()
    bench.writing.put(got(1), BULK)
    bench.writing.put(got(2), BULK)
    bench.writing.put(Ended(1), BULK)
    bench.writing.void([1])
    bench.writer.gate.set()
    assert bench.next(Answered).void
    assert bench.writer.groups == [[99], [2]]


def test_a_full_disk_drops_the_group_and_what_belongs_to_it(bench: Bench) -> None:
    bench.writer.errors.append(DiskFull("no room"))
    bench.writing.put(got(1), BULK)
    bench.next(Full)
    bench.writing.put(got(1), BULK)
    bench.writing.put(Ended(1), BULK)
    assert bench.next(Answered) == Answered(Ended(1), None, True)
    assert bench.writer.groups == []


def test_a_lock_of_another_program_is_waited_for(bench: Bench) -> None:
    bench.writer.errors += [apsw.BusyError("locked"), apsw.BusyError("locked")]
    bench.writing.put(got(1), BULK)
    bench.next(Stored)
    assert bench.writer.groups == [[1]]


def test_a_worker_that_is_gone_is_told_after_what_it_gave(bench: Bench) -> None:
    bench.writing.put(got(1), BULK)
    bench.writing.put(Freed(3, [1]), BULK)
    assert bench.next(Freed) == Freed(3, [1])
    assert bench.writer.groups == [[1]]


def test_a_damaged_index_ends_it_and_nobody_waits_for_ever(bench: Bench) -> None:
    from pathlib import Path

    bench.writer.errors.append(CorruptDatabase(Path("index.db"), "for a test"))
    bench.writing.put(got(1), BULK)
    assert isinstance(bench.next(Fatal).error, CorruptDatabase)
    with pytest.raises(Closed):
        bench.writing.call(lambda writer: 1)
    assert bench.writing.close(PATIENCE)
    assert bench.writer.closed


def test_the_end_frees_a_read_that_waits_and_closes_the_index(bench: Bench) -> None:
    bench.block()
    bench.writing.put(got(1, 16 * MIB), BULK)
    refused: queue.Queue[bool] = queue.Queue()

    def read() -> None:
        try:
            bench.writing.put(got(2, MIB), BULK)
        except Closed:
            refused.put(True)

    thread = threading.Thread(target=read)
    thread.start()
    assert not bench.writing.close(0.0)
    assert refused.get(timeout=PATIENCE)
    bench.writer.gate.set()
    assert bench.writing.close(PATIENCE)
    assert bench.writer.closed
    assert bench.writer.groups == [[99]]
    thread.join()


def test_an_index_that_cannot_be_opened_is_told_at_once() -> None:
    def make() -> Writer:
        raise RuntimeError("no")

    made = Writing(make, on_changes=lambda changes: None, on_outcome=lambda outcome: None)
    with pytest.raises(RuntimeError, match="no"):
        made.open()
    with pytest.raises(Closed):
        made.call(lambda writer: 1)
    assert made.close(PATIENCE)


def test_lanes_are_what_the_schedule_calls_them() -> None:
    assert (LIVE, BULK) == (0, 1)
    assert len(writing.LANE_BYTES) == 2
