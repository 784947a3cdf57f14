"""Which source is read next and where: small appends here and at once, a backlog in workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import apsw
import msgspec

from opensession.daemon.admission import Rules
from opensession.daemon.archive import (
    DamagedArchive,
    DiskFull,
    NewerArchive,
    extent,
    file_for,
    scan,
)
from opensession.daemon.backlog import Backlog
from opensession.daemon.batch import Failure
from opensession.daemon.book import SETTLE_TRIES, Book, Entry
from opensession.daemon.pausing import NOTHING, Pauses
from opensession.daemon.pool import Pool
from opensession.daemon.reading import Job, versioned
from opensession.daemon.schedule import BULK, LIVE, Schedule, Timing
from opensession.daemon.store import sources
from opensession.daemon.workers import Freed
from opensession.daemon.writing import Answered, Writing
from opensession.parsers.agent import Agent
from opensession.parsers.rows import SETTLED_SECONDS
from opensession.parsers.stamps import Stamp

log = logging.getLogger(__name__)

SMALL_BYTES = 2 << 20
"""What there is to read of one source at most for it to be read in this process."""

BACKLOG_BYTES = 8 << 20
"""What there is to read of all sources from which on workers are started."""

HEAVY_BYTES = 16 << 20
"""From this size on a file that is read whole is read while nothing else of a backlog begins: it
takes several times its size in memory.
"""

NO_WORKER_SECONDS = 5.0
"""How long a backlog waits after no worker could be started."""

DAMAGED = "its archive is damaged, and its file is gone"
UNSETTLED = "does not settle: it differs each time it is read"


class Flight(msgspec.Struct, frozen=True):
    """A job that is under way, and what its source looked like when it began."""

    job: Job
    stamp: Stamp | None
    lane: int


class Dispatch:
    """Used by one thread. `settled(source, job, failed)` is called when a job is over (job None:
    there was nothing to read), `missing(entry)` when a source that changed is not there. Only of
    `agents` files are read; the archive is, of all.
    """

    def __init__(
        self,
        writing: Writing,
        pool: Pool,
        agents: Sequence[Agent],
        timing: Timing,
        archive_dir: Path,
        *,
        rules: Rules,
        settled: Callable[[int, int | None, bool], None],
        missing: Callable[[Entry], None],
        pauses: Pauses | None = None,
    ) -> None:
        self.book = Book(agents)
        self.backlog = Backlog()
        self.schedule: Schedule[int] = Schedule(timing)
        self.pool = pool
        self.from_archive: set[int] = set()
        self.held = False
        self.paused = False
        self.next_job = 1
        self._writing = writing
        self._archive_dir = archive_dir
        self._settled = settled
        self._missing = missing
        self._flights: dict[int, Flight] = {}
        self._remote: Callable[[Entry], bool] = lambda entry: False
        self._index: apsw.Connection | None = None
        self._workers_allowed = True
        self._bulk_from = 0.0
        self.rules = rules
        self.pauses = pauses
        self.agents: frozenset[str] = frozenset()

    def open(self, index: apsw.Connection, remote: Callable[[Entry], bool]) -> None:
        """Begins: `index` is a read connection of this thread; a `remote` source is never read in
        this process, which its file system could hold up.
        """
        self._index = index
        self._remote = remote

    def hinted(self, entry: Entry, stamp: Stamp | None, now: float, newest: int) -> None:
        """A source changed at time `newest` (ns); `stamp` is what it is, of one that is new."""
        if stamp is not None:
            self.backlog.found(entry.id, stamp.size, entry.source.agent)
        self.schedule.changed(entry.id, now, newest)

    def demand(self, entry: Entry, stamp: Stamp | None, now: float) -> None:
        """A source is to be read at once; `stamp` is what it is on disk (None: archived only)."""
        if stamp is not None:
            entry.disk = stamp
        self.backlog.found(entry.id, entry.left(stamp) if stamp else 0, entry.source.agent)
        self.schedule.demand(entry.id, now, stamp.mtime_ns if stamp else 0)

    def read_again(self, ids: Iterable[int], now: float, archived: Callable[[Entry], bool]) -> None:
        """Sources are to be read from their beginning, whatever they were thought to be; those that
        are `archived` from the archive.
        """
        for number in ids:
            entry = self.book.get(number)
            entry.fresh, entry.reason = True, ""
            entry.state = "new" if entry.state == "new" else "ok"
            stamp = entry.look()
            if archived(entry):
                self.from_archive.add(entry.id)
                self.demand(entry, stamp, now)
            elif stamp is not None:
                self.demand(entry, stamp, now)

    def drop(self, entry: Entry) -> None:
        """A source is not to be read (now)."""
        self.schedule.forget(entry.id)
        self._settle(entry, None, failed=False)

    def mark_gone(self, entries: Iterable[Entry], reason: str = "") -> None:
        """Sources are not there; those that are being read, or of which that is known for this
        reason, are left out.
        """
        found = [
            entry
            for entry in entries
            if not self.schedule.is_flying(entry.id)
            and (entry.state, entry.reason) != ("gone", reason)
        ]
        if not found:
            return
        ids = [entry.id for entry in found]
        self._writing.call(lambda writer: writer.mark_gone(ids, reason))
        for entry in found:
            entry.state, entry.reason = "gone", reason

    def allow_workers(self, count: int) -> None:
        """So many workers may run; with 0 a backlog waits."""
        self._workers_allowed = count > 0
        self.pool.allow(count)

    @property
    def busy(self) -> bool:
        """Whether jobs are under way."""
        return bool(self._flights)

    @property
    def depth(self) -> int:
        """Sources that are waiting or being read."""
        return self.schedule.pending_count + len(self._flights)

    def waiting(self, entries: Iterable[Entry]) -> set[int]:
        """Those of these sources that wait or are being read; may be called from any thread."""
        schedule = self.schedule
        return {
            entry.id
            for entry in entries
            if schedule.is_pending(entry.id) or schedule.is_flying(entry.id)
        }

    def stored(self, job: int, size: int, now: float) -> None:
        """Bytes of a job were stored."""
        flight = self._flights.get(job)
        if flight is not None:
            self.backlog.read(flight.job.source_id, size, now)

    def begin_jobs(self, now: float) -> None:
        """Begins every job for which there is something due and room."""
        self.pool.end_stuck()
        if self.held or self.paused:
            return
        while self.pool.room_here(LIVE):
            key = self.schedule.take(now, LIVE)
            if key is None:
                break
            self._begin(self.book.get(key), LIVE, now)
        while now >= self._bulk_from and self._takes_bulk():
            key = self.schedule.take(now, BULK)
            if key is None:
                break
            if not self._begin(self.book.get(key), BULK, now):
                break
        if not self._flights and self.schedule.pending_count == 0:
            self.pool.rest()

    def next_due(self, now: float) -> float | None:
        """When `begin_jobs` has something to do, if nothing else happens before."""
        due = None if self.held or self.paused else self._next_job_due(now)
        left = self.pool.patience()
        times = [each for each in (due, None if left is None else now + left) if each is not None]
        return min(times, default=None)

    def _next_job_due(self, now: float) -> float | None:
        lanes = (LIVE,) if self.pool.room_here(LIVE) else ()
        if not self._takes_bulk():
            return self.schedule.next_due(now, lanes)
        if now >= self._bulk_from:
            return self.schedule.next_due(now, (*lanes, BULK))
        due = self.schedule.next_due(now, lanes)
        return self._bulk_from if due is None else min(due, self._bulk_from)

    def _in_workers(self) -> bool:
        return bool(self.pool.workers) or self.backlog.bytes_left > BACKLOG_BYTES

    def _takes_bulk(self) -> bool:
        if not self._workers_allowed or any(_heavy(each.job) for each in self._flights.values()):
            return False
        return self.pool.room > 0 if self._in_workers() else self.pool.room_here(BULK)

    def _begin(self, entry: Entry, lane: int, now: float) -> bool:
        """Begins the read of a taken source, if there is something to read; False if it has to
        wait for a worker.
        """
        if entry.id in self.from_archive:
            job = self._archived_job(entry)
            if job is not None:
                apart = job.size > SMALL_BYTES or (entry.agent is not None and entry.agent.foreign)
                return self._start(entry, job, None, BULK, apart=apart, now=now)
        remote = self._remote(entry)
        stamp = entry.disk if remote else entry.look()
        entry.disk = stamp
        if stamp is None:
            self._nothing_to_read(entry, now)
            self._missing(entry)
            return True
        unchanged = stamp == entry.stamp and not entry.fresh and entry.state == "ok"
        if unchanged or entry.source.agent not in self.agents or entry.kept_out(self.rules):
            self._nothing_to_read(entry, now)
            return True
        size = entry.left(stamp)
        self.backlog.found(entry.id, size, entry.source.agent)
        flood = entry.fresh and self.backlog.bytes_left > BACKLOG_BYTES
        apart = size > SMALL_BYTES or flood or entry.state == "error" or remote
        apart = apart or (entry.agent is not None and entry.agent.foreign)
        if lane == LIVE and apart:
            self.schedule.released(entry.id, now, lane=BULK)
            return True
        return self._start(entry, self._job(entry, size), stamp, lane, apart=apart, now=now)

    def _archived_job(self, entry: Entry) -> Job | None:
        """The job that reads a source from the archive; None if that cannot be read.

        Of a database older generations are read as well where the index holds nothing of it: they
        have what its agent deleted before the latest one began.
        """
        file = file_for(self._archive_dir, entry.source.agent, entry.source.path)
        try:
            found = scan(file)
        except (OSError, NewerArchive) as error:
            log.warning("an archive file cannot be read: %s", type(error).__name__)
            self.from_archive.discard(entry.id)
            return None
        generations = {each.generation for each in found.entries} - {found.generation}
        older = generations if entry.storage == "rows" and entry.state == "new" else set()
        size = extent(found.entries, found.generation)
        self.backlog.found(entry.id, size, entry.source.agent)
        return msgspec.structs.replace(
            self._job(entry, size),
            archive_file=str(file),
            generation=found.generation,
            older=tuple(sorted(older)),
            torn=entry.torn,
        )

    def _job(self, entry: Entry, size: int) -> Job:
        assert self._index is not None  # noqa: S101 - `open` comes first
        row = sources.load(self._index, entry.id)
        cursor = row.cursor if row is not None else None
        storage = entry.storage
        skips = NOTHING
        if self.pauses is not None:
            ino = entry.disk.ino if entry.disk is not None else 0
            skips = self.pauses.skips(entry.source, ino, storage)
        return Job(
            self.next_job, entry.id, entry.source, cursor, size, skips=skips, storage=storage
        )

    def _start(
        self, entry: Entry, job: Job, stamp: Stamp | None, lane: int, *, apart: bool, now: float
    ) -> bool:
        self._flights[job.number] = Flight(job, stamp, lane)
        self.next_job += 1
        self.backlog.reading(entry.source.agent)
        if lane == LIVE or not (apart or self._in_workers()):
            self.pool.start_here(job, lane)
            return True
        try:
            taken = self.pool.start_in_worker(job)
        except OSError as error:
            log.error("no worker can be started: %s", error.strerror)
            self._bulk_from = now + NO_WORKER_SECONDS
            taken = False
        if not taken:
            del self._flights[job.number]
            self.schedule.released(entry.id, now, lane=BULK)
        return taken

    def _nothing_to_read(self, entry: Entry, now: float) -> None:
        self.schedule.finished(entry.id, now)
        self._settle(entry, None, failed=False)

    def _settle(self, entry: Entry, job: int | None, *, failed: bool) -> None:
        if not self.schedule.is_pending(entry.id):
            self.backlog.settled(entry.id)
        self._settled(entry.id, job, failed)

    def answered(self, answer: Answered, now: float) -> None:
        """A job is over."""
        flight = self._flights.pop(answer.ended.job, None)
        if flight is None:
            return
        self.pool.over(flight.job.number)
        entry = self.book.get(flight.job.source_id)
        try:
            if answer.void:
                self.schedule.released(entry.id, now, lane=flight.lane)
            elif answer.ended.failure is not None:
                self._failed(entry, flight, answer, answer.ended.failure, now)
            else:
                self._read(entry, flight, answer, now)
        except DiskFull:
            if self.schedule.is_flying(entry.id):
                self.schedule.released(entry.id, now, lane=flight.lane)
            raise

    def _read(self, entry: Entry, flight: Flight, answer: Answered, now: float) -> None:
        """A job came to its end: does the index hold what it gave?"""
        assert self._index is not None  # noqa: S101 - `open` comes first
        row = sources.load(self._index, entry.id)
        if row is None:
            raise apsw.NotFoundError("a source that was read is not in the index")
        entry.take(row)
        job = flight.job.number
        if row.state == "error":
            self._note_failure(entry, flight.stamp, row.error, "")
            self.schedule.failed(entry.id, now, retry=False)
            self._settle(entry, job, failed=True)
        elif row.state == "refused":
            self.from_archive.discard(entry.id)
            entry.tried = flight.stamp
            self.schedule.finished(entry.id, now)
            self._settle(entry, job, failed=False)
        elif row.cursor is None or row.offset != answer.offset:
            self._read_again(entry, flight, now)
        else:
            entry.again = 0
            if flight.job.archive_file:
                self.from_archive.discard(entry.id)
                entry.torn = False
                if self._remote(entry) or entry.look() is not None:
                    self.schedule.finished(entry.id, now)
                    self.schedule.demand(entry.id, now, 0)
                    return
                self._writing.call(lambda writer: writer.mark_gone([entry.id]))
                entry.state, entry.reason = "gone", ""
            self.schedule.finished(entry.id, now)
            self._settle(entry, job, failed=False)
            if flight.stamp is not None and entry.storage == "rows" and entry.stamp != flight.stamp:
                self.schedule.look_again(entry.id, now, SETTLED_SECONDS)

    def _read_again(self, entry: Entry, flight: Flight, now: float) -> None:
        """What was read did not fit what is stored; the index asks for it from its beginning."""
        entry.again += 1
        if entry.again > SETTLE_TRIES:
            self._fail(entry, flight, Failure(entry.id, "error", UNSETTLED), "")
            self.schedule.failed(entry.id, now, retry=False)
            self._settle(entry, flight.job.number, failed=True)
            return
        self.schedule.finished(entry.id, now)
        self.schedule.demand(entry.id, now, entry.stamp.mtime_ns if entry.stamp else 0)

    def _failed(
        self, entry: Entry, flight: Flight, answer: Answered, failure: Failure, now: float
    ) -> None:
        number = flight.job.number
        if failure.state == "gone" and entry.look() is None:
            self.from_archive.discard(entry.id)
            self.schedule.finished(entry.id, now)
            self._settle(entry, number, failed=False)
            self._missing(entry)
            return
        if flight.job.archive_file and failure.reason == DamagedArchive.__name__:
            self._damaged(entry, flight, now)
            return
        if failure.state == "gone":  # there, and not to be opened: as it changes just now
            failure = Failure(entry.id, "error", "not there when it was to be read")
        self._fail(entry, flight, failure, answer.ended.place)
        retry = answer.ended.retry or answer.ended.failure is not failure
        if not retry:
            self.from_archive.discard(entry.id)
        if failure.state == "refused":
            self.schedule.finished(entry.id, now)  # cheap to ask again, at the next change
        else:
            self.schedule.failed(entry.id, now, retry=retry)
        self._settle(entry, number, failed=failure.state == "error")

    def _damaged(self, entry: Entry, flight: Flight, now: float) -> None:
        """A source cannot be read from its archive. Where the index holds nothing of it, it gets
        what is left; else what it holds is more, and stays. A source that is there is read itself.
        """
        number = flight.job.number
        if entry.state == "new" and not flight.job.torn:
            log.warning("the archive of %s source %d is damaged", entry.source.agent, entry.id)
            entry.torn = True
            self.schedule.finished(entry.id, now)
            self.schedule.demand(entry.id, now, 0)
            return
        self.from_archive.discard(entry.id)
        if self._remote(entry) or entry.look() is not None:
            self.schedule.finished(entry.id, now)
            self.schedule.demand(entry.id, now, 0)
            return
        self._fail(entry, flight, Failure(entry.id, "error", DAMAGED), "")
        self.schedule.failed(entry.id, now, retry=False)
        self._settle(entry, number, failed=True)

    def _fail(self, entry: Entry, flight: Flight, failure: Failure, place: str) -> None:
        known = versioned(failure, entry.source.agent)
        self._writing.call(lambda writer: writer.fail(known))
        entry.state = failure.state
        self._note_failure(entry, flight.stamp, failure.reason, place)

    def _note_failure(self, entry: Entry, stamp: Stamp | None, reason: str, place: str) -> None:
        said = reason != entry.reason
        entry.reason = reason
        entry.tried = stamp
        if said and entry.state == "error":
            where = f" at {place}" if place else ""
            log.warning("%s source %d: %s%s", entry.source.agent, entry.id, reason, where)

    def freed(self, freed: Freed, now: float) -> None:
        """A worker is gone; what it did not answer is due again."""
        self.pool.freed(freed.worker)
        for number in freed.jobs:
            flight = self._flights.pop(number, None)
            if flight is not None:
                self.schedule.released(flight.job.source_id, now, lane=BULK)

    def break_off(self) -> None:
        """Nothing of what is under way will be stored (the disk is full, or other rules count)."""
        self._writing.void(list(self._flights))
        self.pool.kill()


def _heavy(job: Job) -> bool:
    return job.storage == "whole" and job.size > HEAVY_BYTES
