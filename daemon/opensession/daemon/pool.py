"""Where jobs run: one after the other in a thread of the daemon, or in worker processes."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from opensession.core.privacy import Stripper
from opensession.daemon import reading
from opensession.daemon.reading import Ended, Got, Job, Setup
from opensession.daemon.schedule import BULK, LIVE
from opensession.daemon.workers import COMMAND, MEMORY_BYTES, Worker
from opensession.daemon.writing import Closed, Item

log = logging.getLogger(__name__)

MOST_WORKERS = 2

MOST_HERE = 8
"""Jobs of one lane that are given to the daemon's own thread at once, so that the writer can store
several in one transaction.
"""

_Here = tuple[Job, Setup, Stripper]


class Pool:
    """Used by one thread. `put(item, lane)` takes what jobs give and may wait or raise `Closed`."""

    def __init__(
        self,
        setup: Setup,
        scratch: Path,
        put: Callable[[Item, int], None],
        *,
        command: tuple[str, ...] = COMMAND,
        memory: int = MEMORY_BYTES,
    ) -> None:
        self._setup = setup
        self._scratch = scratch
        self._put = put
        self._command = command
        self._memory = memory
        self._stripper: Stripper | None = None
        self._workers: dict[int, Worker] = {}
        self._started = 0
        self._allowed = MOST_WORKERS
        self._here: dict[int, int] = {}
        self._queues: tuple[deque[_Here], deque[_Here]] = (deque(), deque())
        self._lock = threading.Lock()
        self._reading = False

    def take_up(self, setup: Setup) -> None:
        """Jobs from now on are read in another way; workers end after those they have."""
        if setup != self._setup:
            self._setup = setup
            self._stripper = None
            self.rest()

    def allow(self, workers: int) -> None:
        """So many workers may run from now on; more of them end after the jobs they have."""
        self._allowed = max(0, min(workers, MOST_WORKERS))
        for worker in list(self._workers.values())[self._allowed :]:
            worker.close()

    def room_here(self, lane: int) -> bool:
        """Whether the daemon's own thread takes another job of a lane."""
        return sum(each == lane for each in self._here.values()) < MOST_HERE

    @property
    def workers(self) -> list[int]:
        """The pids of the workers there are."""
        return [worker.pid for worker in self._workers.values()]

    @property
    def room(self) -> int:
        """How many jobs workers take now, counting those that may be started."""
        free = [worker.free for worker in self._workers.values()]
        return sum(free) + (1 if len(self._workers) < self._allowed else 0)

    def start_here(self, job: Job, lane: int) -> None:
        """Runs a job in a thread of this process, live ones first; the thread ends with them."""
        self._here[job.number] = lane
        if self._stripper is None:
            self._stripper = self._setup.stripper()
        with self._lock:
            self._queues[lane].append((job, self._setup, self._stripper))
            if self._reading:
                return
            self._reading = True
        threading.Thread(target=self._read_all, name="read", daemon=True).start()

    def start_in_worker(self, job: Job) -> bool:
        """Gives a job to the worker with the least to do, or a new one; False if none takes it.

        Raises OSError if no process can be started.
        """
        ready = [worker for worker in self._workers.values() if worker.free]
        ready.sort(key=lambda worker: worker.free, reverse=True)
        if len(self._workers) < self._allowed and all(worker.busy for worker in ready):
            ready.insert(0, self._start())
        return any(worker.take(job) for worker in ready)

    def over(self, job: int) -> None:
        """A job is over."""
        self._here.pop(job, None)

    def freed(self, worker: int) -> None:
        """A worker is gone."""
        self._workers.pop(worker, None)

    def patience(self) -> float | None:
        """In how many seconds `end_stuck` has something to do; None if no worker is waited for."""
        found = (worker.patience for worker in self._workers.values())
        return min((left for left in found if left is not None), default=None)

    def end_stuck(self) -> None:
        """Ends the workers that have not answered for too long."""
        for worker in list(self._workers.values()):
            left = worker.patience
            if left is not None and left <= 0:
                worker.give_up()

    def rest(self) -> None:
        """Lets all workers end once they are done."""
        for worker in list(self._workers.values()):
            worker.close()

    def kill(self) -> None:
        """Ends all workers at once; their jobs are free again."""
        for worker in list(self._workers.values()):
            worker.kill()

    def join(self, timeout: float) -> bool:
        """Waits for all workers to be gone; False if one is not in time."""
        return all(worker.join(timeout) for worker in list(self._workers.values()))

    def _start(self) -> Worker:
        self._started += 1
        worker = Worker(
            self._started,
            self._setup,
            self._scratch,
            self._deliver,
            command=self._command,
            memory=self._memory,
        )
        self._workers[worker.number] = worker
        log.debug("worker %d started", worker.number)
        return worker

    def _deliver(self, item: Item) -> None:
        try:
            self._put(item, BULK)
        except Closed:
            return  # the daemon is ending: the worker is killed, what it gave is read again

    def _read_all(self) -> None:
        while True:
            with self._lock:
                lane = LIVE if self._queues[LIVE] else BULK
                if not self._queues[lane]:
                    self._reading = False
                    return
                job, setup, stripper = self._queues[lane].popleft()
            try:
                self._read(job, setup, stripper, lane)
            except Closed:
                return  # the daemon is ending: what is not stored is read again

    def _read(self, job: Job, setup: Setup, stripper: Stripper, lane: int) -> None:
        try:
            for batch in reading.read(setup, stripper, job, self._scratch):
                self._put(Got(job.number, batch), lane)
            ended = Ended(job.number)
        except Closed:
            raise
        except Exception as error:
            ended = reading.ended(job, error)
        self._put(ended, lane)
