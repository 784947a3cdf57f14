"""From a change on disk to a stored session: the parts, and what others may ask of them.

watcher ──hints──┐                      ┌─▶ pool (a thread, worker processes) ─┐
scans ──found────┼─▶ coordinator ──job──┤                                      │ batches
people ──runs────┘       ▲              └──────────────────────────────────────▼
                         └─────── outcome ◀──── writing (the writer's thread) ─┘
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

import apsw

from opensession.core.errors import NotFound
from opensession.core.privacy import STRIP_VERSION
from opensession.core.rpc.daemon import AgentStatus, Indexing
from opensession.daemon import agent_status, prepare
from opensession.daemon.coordinator import Asked, Coordinator
from opensession.daemon.coverage import Facts
from opensession.daemon.dispatch import Dispatch
from opensession.daemon.guards import Guards
from opensession.daemon.housekeeping import Housekeeping
from opensession.daemon.ingest_options import Options, Place
from opensession.daemon.pausing import Pauses
from opensession.daemon.pool import Pool
from opensession.daemon.privacy_rules import fingerprint
from opensession.daemon.reading import Setup
from opensession.daemon.reconcile import scan
from opensession.daemon.root_watch import RootWatch
from opensession.daemon.store import restrip
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import open_reader
from opensession.daemon.store.leaks_write import Leaks
from opensession.daemon.store.sources import restart
from opensession.daemon.store.writer import Writer
from opensession.daemon.waiting import Run, Summary
from opensession.daemon.watch import RootState, Sink, Watcher, make_watcher
from opensession.daemon.workers import COMMAND, MEMORY_BYTES
from opensession.daemon.writing import Closed, Writing
from opensession.parsers.agent import Agent, Root
from opensession.parsers.databases import close_databases

__all__ = ["Ingest", "Options", "Place", "Summary"]

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSE_SECONDS = 60.0
"""How long a pause may take to begin or to end: every folder is looked at."""

STOP_SECONDS = 3.0
"""How long a stop waits for the transaction at hand."""


class Ingest:
    """`open`, then `start`, then `stop`; the other methods may be called from any thread in
    between. `find_roots` is asked for the roots now and then; `on_changes` and `on_fatal` (the
    index cannot be written any more, nothing is read from now on) are called from threads of ours.
    """

    def __init__(
        self,
        place: Place,
        agents: Sequence[Agent],
        find_roots: Callable[[], list[Root]],
        options: Options,
        *,
        on_changes: Callable[[list[Change]], None],
        on_fatal: Callable[[Exception], None],
        make_watcher: Callable[[Sink], Watcher] = make_watcher,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        worker: tuple[str, ...] = COMMAND,
        worker_memory: int = MEMORY_BYTES,
        leaks: Leaks | None = None,
        guards: Guards | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        self._leaks = leaks
        self._guards = guards
        self._on_changes = on_changes
        self._place = place
        self._agents = list(agents)
        self._options = options
        self._make_watcher = make_watcher
        self._clock = clock
        self._check = False
        self._watching: RootWatch | None = None
        self._thread: threading.Thread | None = None
        self._writing = Writing(
            self._make_writer,
            on_changes=on_changes,
            on_outcome=lambda outcome: self._coordinator.post(outcome),
        )
        self._coordinator = Coordinator(
            place, agents, find_roots, options, self._writing,
            on_fatal=on_fatal, clock=clock, wall=wall, pauses=pauses,
        )  # fmt: skip
        pool = Pool(
            options.setup,
            place.scratch,
            self._writing.put,
            command=worker,
            memory=worker_memory,
        )
        self._dispatch = Dispatch(
            self._writing,
            pool,
            self._agents,
            options.timing,
            place.archive,
            rules=options.setup.rules,
            settled=self._coordinator.settled,
            missing=self._coordinator.missing,
            pauses=pauses,
        )

    def open(self, *, check: bool = False) -> None:
        """Opens the index for writing and brings it and the archive together; with `check` it is
        looked through for damage first. Raises what `Writer` raises.
        """
        self._check = check
        self._place.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_over in self._place.scratch.glob("archived-*"):
            left_over.unlink(missing_ok=True)
        self._writing.open()
        versions = {agent.name: agent.parser_version for agent in self._agents}
        rules = fingerprint(self._options.setup.privacy)
        recovery = self._writing.call(lambda writer: writer.recover(versions, STRIP_VERSION, rules))
        self._dispatch.book.load(self._writing.call(lambda writer: writer.sources()))
        if recovery.outdated:
            log.info("%d sources are read again by newer rules", recovery.outdated)
        if recovery.missing:
            log.warning("%d sources had bytes that are in no file any more", recovery.missing)

    def start(self, *, history: bool = True) -> None:
        """Begins to watch and to read. Without `history` nothing is watched, and nothing looked at
        until `run_until_idle` asks for it.
        """
        watcher = self._make_watcher(self._coordinator) if history else None
        self._watching = RootWatch(
            self._agents,
            watcher,
            self._coordinator.post,
            reconcile=self._options.reconcile,
            poll=self._options.poll,
        )
        self._keeping = Housekeeping(self._writing, self._options.idle)
        self._coordinator.use(self._dispatch, self._watching, self._keeping)
        self._thread = threading.Thread(
            target=self._coordinator.run, kwargs={"history": history}, name="ingest", daemon=True
        )
        self._strip_lost()
        self._thread.start()

    def stop(self) -> bool:
        """Ends everything; what is not stored is read again at the next start. False if the writer
        did not end in time.
        """
        self._coordinator.end()
        if self._watching is not None:
            self._watching.stop()
        self._dispatch.pool.kill()
        # First: its read connection would keep the writer from removing the write-ahead log.
        self._join(0.5)
        closed = self._writing.close(STOP_SECONDS)
        self._join(1.0)
        self._dispatch.pool.kill()
        self._dispatch.pool.join(1.0)
        close_databases()
        return closed

    def mark_dirty(self, root: Root, path: str) -> None:
        """A path below a root changed."""
        self._coordinator.hint(root, [path])

    def reconcile(self, root: Root | None = None) -> None:
        """Looks at a root, or at all, soon; the roots themselves are looked up anew."""
        self._ask(lambda now: self._coordinator.look_at(root, now))

    def run_until_idle(self, told: Callable[[Indexing], None] = lambda _: None) -> Future[Summary]:
        """Looks at everything now; the future is done when all that was found is searchable.
        `told` is called from a thread of ours as it goes on. Cancelling the future ends the
        waiting, not the reading. It fails with an OpenSessionError where the disk is full or the
        daemon ends.
        """
        run = Run(told, self._clock())
        self._ask(lambda now: self._coordinator.begin_run(run, now))
        return run.future

    def take_up(self, options: Options) -> Future[None]:
        """Other settings count from now on; everything is looked at by them. With other rules of
        stripping all that is stored is read again, newest first. Once the future is done, nothing
        is stored any more that was read by the settings of before.
        """
        done: Future[None] = Future()

        def work(now: float) -> None:
            self._coordinator.take_up(options, now)
            done.set_result(None)

        before, self._options = self._options, options
        self._ask(work)
        rules = fingerprint(options.setup.privacy)
        if rules != fingerprint(before.setup.privacy):
            self._ask(lambda now: self._strip_again(rules, now))
        return done

    def _strip_again(self, rules: str, now: float) -> None:
        versions = {agent.name: agent.parser_version for agent in self._agents}
        found = self._writing.call(lambda writer: writer.recover(versions, STRIP_VERSION, rules))
        log.info("other rules: %d sources are read again", found.outdated)
        self._strip_lost()
        self._read_again([*found.again, *found.from_archive], now)

    def _strip_lost(self) -> None:
        """Strips what cannot be read again as it is stored, in a thread of its own. Before any is
        read by these rules: a database has them for all its sessions then.
        """
        setup = self._options.setup
        rules = fingerprint(setup.privacy)
        lost = self._writing.call(lambda writer: restrip.lost(writer.db, rules))
        if lost:
            threading.Thread(
                target=self._strip_stored, args=(setup, rules, lost), name="strip", daemon=True
            ).start()

    def _strip_stored(self, setup: Setup, rules: str, lost: Sequence[int]) -> None:
        db = open_reader(self._place.index)
        try:
            taking = setup.taking(setup.stripper())
            for source in lost:
                found = restrip.restripped(db, source, partial(prepare.restripped, taking=taking))
                work = partial(Writer.store_restripped, source_id=source, rules=rules, found=found)
                self._on_changes(self._writing.call(work))
        except (Closed, apsw.Error) as error:
            log.info("stripping stored sessions ended early: %s", type(error).__name__)
        finally:
            db.close()

    def write(self, work: Callable[[Writer], T]) -> T:
        """The result of `work` in the writer's thread, before any waiting batch. Waits."""
        return self._writing.call(work)

    def set_pace(self, workers: int) -> None:
        """So many worker processes may run; with 0 a backlog waits, small appends go on."""
        self._ask(lambda now: self._dispatch.allow_workers(workers))

    def progress(self) -> Indexing:
        """How far the backlog is that is being read; before everything was looked at once, nobody
        knows how much there is.
        """
        found = self._dispatch.backlog.progress(self._clock())
        unknown = not found.active and self._thread is not None and not self._coordinator.looked
        return Indexing(active=True, fraction=0.0) if unknown else found

    def queue_depth(self) -> int:
        """Sources that wait or are being read."""
        return self._dispatch.depth

    def agent_status(self, *, look: bool = False) -> dict[str, AgentStatus]:
        """Each agent, as it was when its roots were looked at last; with `look` they are looked at
        now, so that a change that nobody noticed shows. Reads the index, and with `look` the
        folders: not for a thread that must not wait.
        """
        db = open_reader(self._place.index)
        try:
            numbers = agent_status.counts(db)
        finally:
            db.close()
        entries = self._dispatch.book.entries()
        states: dict[str, list[RootState]] = {}
        newest: dict[str, int] = {}
        if self._watching is not None:
            for root in self._watching.roots:
                states.setdefault(root.agent, []).append(self._watching.state(root))
                if look:
                    newest[root.agent] = max(newest.get(root.agent, 0), self._newest(root))
        return agent_status.statuses(
            self._agents, states, entries, self._dispatch.waiting(entries), numbers, newest
        )

    def coverage(self) -> Facts:
        """What is known of roots and sources; may be called from any thread."""
        entries = self._dispatch.book.entries()
        watching = self._watching
        return Facts(
            states={root: watching.state(root) for root in watching.roots} if watching else {},
            entries={entry.id: entry for entry in entries},
            waiting=self._dispatch.waiting(entries),
        )

    def _newest(self, root: Root) -> int:
        """The newest change below a root, by stat alone; what is kept out does not count."""
        agent = next(agent for agent in self._agents if agent.name == root.agent)
        found = scan(agent, root, agents=self._agents)
        book = self._dispatch.book
        return max(
            (
                stamp.mtime_ns
                for path, (_, stamp) in (found.sources.items() if found else ())
                if (entry := book.find(root.agent, path)) is None
                or not agent_status.is_left_out(entry)
            ),
            default=0,
        )

    def forget(self, agent: str, native_id: str) -> list[Change]:
        """What is stored of a session is taken away, and it is taken in no more. Waits."""
        changes = self._writing.call(lambda writer: writer.forget(agent, native_id))
        self._ask(self._keeping.forgot)
        self._on_changes(changes)
        return changes

    def take_again(self, native_id: str) -> int:
        """A private session of this id is taken in again (`unforget`); of how many sources. Raises
        NotFound if none of this id is private. Waits: not for the loop's thread.
        """
        names = [agent.name for agent in self._agents]
        ids = self._writing.call(lambda writer: writer.take_again(names, native_id))
        if ids is None:
            raise NotFound(f"no forgotten session has the id {native_id}", "give its whole id")
        self._ask(lambda now: self._read_again(ids, now))
        return len(ids)

    def read_again(self, ids: Sequence[int]) -> None:
        """Sources are read from their beginning, soon; what is stored of them stays until then.
        Waits: not for the loop's thread.
        """
        self._writing.call(lambda writer: restart(writer.db, ids))
        self._ask(lambda now: self._read_again(ids, now))

    def pause(self, seconds: float) -> None:
        """Takes in nothing for so long; with 0 goes on at once. Waits until that is on the disk:
        not for the loop's thread.
        """
        done: Future[None] = Future()

        def work(now: float) -> None:
            try:
                self._coordinator.refresh_roots(now)
                if seconds > 0:
                    self._coordinator.pausing.begin(seconds, now)
                else:
                    self._coordinator.pausing.end(now)
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        self._ask(work)
        done.result(PAUSE_SECONDS)

    def notices(self) -> list[str]:
        """What a person should know now, in sentences."""
        if self._coordinator.full:
            return ["the disk is full: nothing is read until there is room"]
        if self._coordinator.archive_paused:
            return ["the disk is nearly full: archiving pauses until there is room"]
        return []

    def _read_again(self, ids: Sequence[int], now: float) -> None:
        self._dispatch.read_again(ids, now, self._coordinator.is_for_archive)

    def _ask(self, do: Callable[[float], None]) -> None:
        self._coordinator.post(Asked(do))

    def _join(self, seconds: float) -> None:
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _make_writer(self) -> Writer:
        return Writer(
            self._place.index,
            self._place.archive,
            archive=self._options.setup.archive,
            check=self._check,
            leaks=self._leaks,
            guards=self._guards,
        )
