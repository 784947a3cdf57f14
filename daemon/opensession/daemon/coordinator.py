"""The thread that decides: what is looked at, what is read, and what its end means.

All decisions are made here, one after the other; what takes long runs elsewhere and comes back as
a message. Nothing here must be remembered over a crash: the index says how far each source is read,
and the first reconcile finds the rest.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import PurePath

import msgspec

from opensession.core.errors import OpenSessionError, Refused, Unreachable
from opensession.daemon import mounts, unrooted
from opensession.daemon.archive import DiskFull, archived_sources, file_for
from opensession.daemon.book import Entry
from opensession.daemon.custom_paths import Loose
from opensession.daemon.dispatch import Dispatch
from opensession.daemon.housekeeping import Housekeeping
from opensession.daemon.ingest_options import Options, Place
from opensession.daemon.pause_keeper import PauseKeeper
from opensession.daemon.pausing import Pauses
from opensession.daemon.reconcile import compare
from opensession.daemon.root_watch import RootWatch, Scanned, resolved
from opensession.daemon.store.connect import open_reader
from opensession.daemon.store.sources import AWAY
from opensession.daemon.waiting import Run, still_waiting
from opensession.daemon.workers import Freed
from opensession.daemon.writing import Answered, Closed, Fatal, Full, Outcome, Stored, Writing
from opensession.parsers.agent import Agent, Root, Source
from opensession.parsers.stamps import Stamp, stamp_of

log = logging.getLogger(__name__)

CLOCK_STEP_SECONDS = 60.0
"""If the wall clock moved by this much more than time went by, everything is looked at again."""

HINTED_PATHS = 5000
"""With more hinted paths than this below one root at once, the root is looked at as a whole."""

FULL_SAID = "the disk is full: nothing is read until there is room"
FULL_SECONDS = 60.0
"""How often it is tried again while the disk is full."""


class Asked(msgspec.Struct, frozen=True):
    """Somebody wants something of the thread; `do` gets the time."""

    do: Callable[[float], None]


Message = Scanned | Outcome | Asked


class Coordinator:
    """`post`, `hint` and `wake_to_end` may be called from any thread; what is asked for by `Asked`
    calls the other public methods. It is also the sink of the watcher. `looked` says that all that
    there was at the start was read, as far as it can be.
    """

    def __init__(
        self,
        place: Place,
        agents: Sequence[Agent],
        find_roots: Callable[[], list[Root]],
        options: Options,
        writing: Writing,
        *,
        on_fatal: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        pauses: Pauses | None = None,
    ) -> None:
        self.full = False
        self.archive_paused = False
        self.looked = False
        self._place = place
        self._agents = {agent.name: agent for agent in agents}
        self._find_roots = find_roots
        self._options = options
        self._writing = writing
        self._on_fatal = on_fatal
        self._clock = clock
        self._wall = wall
        self._offset = wall() - clock()
        self._news = threading.Condition()
        self._inbox: deque[Message] = deque()
        self._hints: dict[Root, set[str] | None] = {}
        self._stopping = False
        self._retry_at: float | None = None
        self._runs: list[Run] = []
        self._remote: dict[str, bool] = {}
        self._begun = False
        self.pausing = PauseKeeper(pauses, self._agents, wall)

    def use(self, dispatch: Dispatch, watching: RootWatch, keeping: Housekeeping) -> None:
        """Takes the parts that call back here; before `run`."""
        self._dispatch = dispatch
        self._watching = watching
        self._keeping = keeping
        self.pausing.use(dispatch, watching)

    # From any thread.

    def post(self, message: Message) -> None:
        """Hands the thread something to handle."""
        with self._news:
            self._inbox.append(message)
            self._news.notify()

    def hint(self, root: Root, paths: Collection[str]) -> None:
        """See `watch.Sink`."""
        with self._news:
            known = self._hints.setdefault(root, set())
            if known is not None:
                known.update(paths)
                if len(known) > HINTED_PATHS:
                    self._hints[root] = None
            self._news.notify()

    def rescan(self, root: Root | None) -> None:
        """See `watch.Sink`."""
        self.post(Asked(lambda now: self._watching.ask(root, now)))

    def end(self) -> None:
        """Makes `run` return after what it does now."""
        with self._news:
            self._stopping = True
            self._news.notify()

    # The thread.

    def run(self, *, history: bool) -> None:
        """Works until `end`. Without `history` nothing is looked at before a run is asked for."""
        index = None
        try:
            index = open_reader(self._place.index)
            self._dispatch.open(index, self._is_remote)
            if history:
                self._begin(self._clock())
            else:
                self.looked = True
            while self._turn():
                pass
        except Exception as error:
            self._ended(error)
        finally:
            self._dispatch.pool.kill()
            if index is not None:
                index.close()
            for waiting in self._runs:
                waiting.fail(Unreachable("the daemon is stopping", "opensession daemon start"))

    def _ended(self, error: Exception) -> None:
        if isinstance(error, Closed):
            if self._stopping:
                return
            error = self._writing.error or error
        log.error("nothing is read any more", exc_info=error)
        self._on_fatal(error)

    def _turn(self) -> bool:
        """Waits for something to do and does it; False at the end."""
        messages, hints = self._wait()
        if self._stopping:
            return False
        now = self._clock()
        self._notice_clock(now)
        steps: list[Callable[[], None]] = [partial(self._handle, each, now) for each in messages]
        steps += [partial(self._hinted, root, paths, now) for root, paths in hints.items()]
        steps.append(partial(self._do_due, now))
        for step in steps:
            try:
                step()
            except DiskFull:  # what was hinted is found again by the look that follows it
                self._disk_full(now)
        return True

    def _wait(self) -> tuple[list[Message], dict[Root, set[str] | None]]:
        with self._news:
            while not (self._stopping or self._inbox or self._hints):
                due = self._next_due()
                now = self._clock()
                if due is not None and due <= now:
                    break
                self._news.wait(None if due is None else due - now)
            messages = list(self._inbox)
            self._inbox.clear()
            hints, self._hints = self._hints, {}
        return messages, hints

    def _next_due(self) -> float | None:
        now = self._clock()
        idle = self._retry_at is None and self._dispatch.depth == 0
        times = [
            self._dispatch.next_due(now),
            self._watching.next_due(),
            self._retry_at,
            self.pausing.due,
            self._keeping.next_due() if idle else None,
        ]
        return min((due for due in times if due is not None and due < float("inf")), default=None)

    def _begin(self, now: float) -> None:
        """The first steps: sources that only the archive has, and those to be read again."""
        self._begun = True
        book = self._dispatch.book
        if len(book) == 0:
            self._enter_archived()
        self.refresh_roots(now)
        self.pausing.resume(now)
        for entry in book.entries():
            if entry.fresh and self.is_for_archive(entry):
                self._dispatch.from_archive.add(entry.id)
                self._dispatch.demand(entry, None, now)
        self._demand_unread(now)
        unrooted.look(self._dispatch, self._watching.roots, now)
        self._watching.ask(None, now)

    def _enter_archived(self) -> None:
        """The index is new: every source the archive has is entered in one step, so that a crash
        amid the reading of them forgets none.
        """
        known = [
            Source(found.agent, found.root, found.path)
            for found in archived_sources(self._place.archive)
            if found.agent in self._agents
        ]
        if known:
            self._enter(known)

    def is_for_archive(self, entry: Entry) -> bool:
        """Whether a source is to be read from the archive: it is gone or below no root any more, or
        it is a database, whose agent may have deleted rows. The database is read after it.
        """
        if entry.agent is None or entry.state == "refused":
            return False
        rooted = entry.source.root in self._remote and entry.storage != "rows"
        if rooted and (self._is_remote(entry) or entry.look() is not None):
            return False
        return file_for(self._place.archive, entry.source.agent, entry.source.path).exists()

    def _handle(self, message: Message, now: float) -> None:
        if isinstance(message, Stored):
            for job, size in message.bytes:
                self._dispatch.stored(job, size, now)
                self._keeping.stored(size, now)
                for run in self._runs:
                    run.stored(size)
            self.archive_paused = message.archive_paused
        elif isinstance(message, Answered):
            self._dispatch.answered(message, now)
        elif isinstance(message, Freed):
            self._dispatch.freed(message, now)
        elif isinstance(message, Scanned):
            self._scanned(message, now)
        elif isinstance(message, Full):
            self._disk_full(now)
        elif isinstance(message, Fatal):
            raise message.error
        else:
            message.do(now)

    def _do_due(self, now: float) -> None:
        if self._retry_at is not None and now >= self._retry_at:
            self._try_again()
            self._watching.ask(None, now)
        self.pausing.look(now)
        self._watching.start_due(now)
        self._dispatch.begin_jobs(now)
        if self._retry_at is None and self._dispatch.depth == 0:
            self._demand_unread(now)
            self._dispatch.begin_jobs(now)
            if self._dispatch.depth == 0 and not self._inbox:
                self.looked = self.looked or self._watching.all_looked_at
                self._keeping.rest(now)
                self._keeping.merge(now)
                self._keeping.close(now)
        self._look_after_runs(now)

    def _notice_clock(self, now: float) -> None:
        """DECISIONS §3: a step of the clock or a wake from sleep marks every root dirty."""
        offset = self._wall() - now
        if abs(offset - self._offset) > CLOCK_STEP_SECONDS:
            log.info("the clock moved by %.0f s: looking at everything", offset - self._offset)
            self._watching.ask(None, now)
        self._offset = offset

    # Roots and what is found in them.

    def refresh_roots(self, now: float) -> None:
        """Looks up the roots anew (DECISIONS §8: a root is resolved once, here). What waits of an
        agent that has none any more is dropped.
        """
        roots = resolved(self._find_roots())
        self._remote = {root.path: mounts.mount_at(root.path).network for root in roots}
        self._dispatch.agents = frozenset(root.agent for root in roots)
        dropped = {root.agent for root in self._watching.roots} - self._dispatch.agents
        self._watching.set_roots(roots, now)
        if dropped:
            for entry in self._dispatch.book.entries():
                if entry.source.agent in dropped:
                    self._dispatch.drop(entry)

    def look_at(self, root: Root | None, now: float) -> None:
        """Looks at a root, or at all, soon."""
        self.refresh_roots(now)
        if root is None:
            unrooted.look(self._dispatch, self._watching.roots, now)
        self._watching.ask(root, now)

    def take_up(self, options: Options, now: float) -> None:
        """Other settings count from now on; everything is looked at by them, and what is being read
        by those of before is read anew.
        """
        if options.setup != self._options.setup and self._dispatch.busy:
            self._dispatch.break_off()
        self._options = options
        self._dispatch.rules = options.setup.rules
        self._dispatch.pool.take_up(options.setup)
        self._dispatch.schedule.set_timing(options.timing)
        self._keeping.set_idle(options.idle, now)
        self._watching.set_pace(options.reconcile, options.poll)
        if self._begun:
            self.look_at(None, now)

    def _is_remote(self, entry: Entry) -> bool:
        return self._remote.get(entry.source.root, False)

    def _hinted(self, root: Root, paths: set[str] | None, now: float) -> None:
        if paths is None:
            self._watching.ask(root, now)
            return
        agent = self._agents[root.agent]
        book = self._dispatch.book
        known: dict[int, Entry] = {}
        new: dict[str, Source] = {}
        stamps: dict[str, Stamp] = {}
        for path in paths:
            source = agent.source_of(root, path)
            if source is None and isinstance(root, Loose):
                source = Source(root.agent, root.path, path)  # if it is not known, a scan decides
                if book.find(root.agent, path) is None:
                    continue
            if source is None:
                continue
            entry = book.find(source.agent, source.path)
            if entry is not None:
                known[entry.id] = entry
            elif (stamp := stamp_of(agent.files(source))) is not None:
                new[source.path] = source
                stamps[source.path] = stamp
        newest = int(self._wall() * 1e9)
        for entry in [*known.values(), *self._enter(list(new.values()))]:
            self._dispatch.hinted(entry, stamps.get(entry.source.path), now, newest)

    def _enter(self, found: list[Source]) -> list[Entry]:
        """The entries of sources; those that are not in the index yet are entered there."""
        book = self._dispatch.book
        new = [source for source in found if book.find(source.agent, source.path) is None]
        if new:
            ids = self._writing.call(lambda writer: writer.register(new))
            for number, source in zip(ids, new, strict=True):
                if number:
                    book.add(number, source)
        return [each for one in found if (each := book.find(one.agent, one.path)) is not None]

    def _scanned(self, scanned: Scanned, now: float) -> None:
        root, found = scanned.root, scanned.found
        first = not self._watching.was_seen(root)
        if not self._watching.finished(scanned, now) or found is None:
            return
        book = self._dispatch.book
        for entry in book.of_root(root.agent, root.path):
            present = found.sources.get(entry.source.path)
            entry.disk = present[1] if present else None
        known = book.known(root.agent, root.path, self._options.setup.rules)
        archived = {
            entry.source.path
            for entry in map(book.get, self._dispatch.from_archive)
            if entry.storage != "rows"
        }
        differences = compare({p: k for p, k in known.items() if p not in archived}, found)
        changed = [found.sources[path] for path in differences.changed]
        entries = self._enter([source for source, _ in changed])
        stamps = {source.path: stamp for source, stamp in changed}
        for entry in entries:
            if entry.storage != "rows":
                self._dispatch.from_archive.discard(entry.id)
            self._dispatch.demand(entry, stamps[entry.source.path], now)
            for run in self._runs:
                if root in run.scans:
                    run.need(entry.id, self._dispatch.next_job)
        if not first:
            self._watching.attend(
                root, {str(PurePath(entry.source.path).parent) for entry in entries}
            )
        for paths, reason in ((differences.gone, ""), (differences.vanished, AWAY)):
            gone = [book.find(root.agent, path) for path in paths]
            self._dispatch.mark_gone([entry for entry in gone if entry is not None], reason)
        self._watching.set_vanished(root, len(differences.vanished) if found.exists else 0)

    def missing(self, entry: Entry) -> None:
        """A source is not there: the reconcile decides whether it was deleted."""
        now = self._clock()
        for root in self._watching.roots:
            if (root.agent, root.path) == (entry.source.agent, entry.source.root):
                self._watching.ask(root, now)
                return
        self._dispatch.mark_gone([entry])

    def _demand_unread(self, now: float) -> None:
        """What the index asks to be read from its beginning."""
        for number in self._keeping.unread():
            entry = self._dispatch.book.get(number)
            entry.fresh = True
            if (stamp := entry.look()) is not None:
                self._dispatch.demand(entry, stamp, now)
                for run in self._runs:
                    run.need(number, self._dispatch.next_job)

    # Those who wait.

    def begin_run(self, run: Run, now: float) -> None:
        """Looks at everything now for somebody who waits, who may have made room on a full disk."""
        if self._dispatch.paused:
            run.fail(Refused("paused: nothing is taken in", "opensession pause --off"))
            return
        if self._retry_at is not None:
            self._try_again()
        if not self._begun:
            self._begin(now)
        else:
            self.refresh_roots(now)
            unrooted.look(self._dispatch, self._watching.roots, now)
        self._runs.append(run)
        for root in self._watching.roots:
            run.scans[root] = self._watching.start(root, now)
        for entry in self._dispatch.book.entries():
            if self._dispatch.schedule.is_pending(entry.id):
                self._dispatch.demand(entry, entry.look(), now)
                run.need(entry.id, self._dispatch.next_job)
            elif self._dispatch.schedule.is_flying(entry.id):
                run.need(entry.id, 0)

    def settled(self, source: int, job: int | None, failed: bool) -> None:
        """A read is over, or there was nothing to read."""
        for run in self._runs:
            run.settled(source, job, failed=failed)

    def _look_after_runs(self, now: float) -> None:
        self._runs = still_waiting(self._runs)
        for run in list(self._runs):
            over = [r for r, number in run.scans.items() if self._watching.reached(r, number)]
            for root in over:
                del run.scans[root]
            run.tell(self._dispatch.backlog.progress(now))
            if not run.scans and not run.needs:
                self._demand_unread(now)
            if not run.scans and not run.needs:
                self._runs.remove(run)
                run.end(now)

    def _try_again(self) -> None:
        """Reads as if the disk had room; if it has none, that shows at once."""
        self._retry_at = None
        self.full = self._dispatch.held = False

    def _disk_full(self, now: float) -> None:
        """DECISIONS §4: reads stop, cursors stay, all resumes by itself."""
        if not self.full:
            log.error("%s", FULL_SAID)
        self.full = self._dispatch.held = True
        self._retry_at = now + FULL_SECONDS
        self._dispatch.break_off()
        for run in self._runs:
            run.fail(OpenSessionError(FULL_SAID, "opensession daemon status"))
        self._runs = []
