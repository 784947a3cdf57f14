"""The index while the daemon runs: reading it, keeping it up to date, making it anew.

The ingest can be ended and begun again at any time without losing anything. So an index that is
damaged, or is to be made anew, is put aside and the next one is filled from archive and sources,
while reads go on with what there is so far.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw
import msgspec

from opensession.core.config import Settings
from opensession.core.errors import OpenSessionError, Unreachable
from opensession.core.paths import Paths
from opensession.core.privacy import Stripper, load_key
from opensession.core.rpc.coverage import Unrecognised
from opensession.core.rpc.daemon import AgentStatus, Indexing
from opensession.core.rpc.envelope import Params
from opensession.daemon import custom_paths, guards, logs, roots, scrubbed, set_aside, tasks
from opensession.daemon.coverage import Facts
from opensession.daemon.custom_paths import Judged
from opensession.daemon.guards import Guards
from opensession.daemon.ingest import Ingest, Options
from opensession.daemon.native_names import NativeNames
from opensession.daemon.options import hand_over, options_of, place_of
from opensession.daemon.pace import Pace
from opensession.daemon.pausing import Pauses
from opensession.daemon.privacy_rules import machine_name, privacy_rules
from opensession.daemon.reading import Setup
from opensession.daemon.store import marks, overview
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import CorruptDatabase, move_aside
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.leaks_write import Leaks
from opensession.daemon.store.names import NO_NAMES
from opensession.daemon.store.prices import PriceBook
from opensession.daemon.store.readers import DamagedIndex, LostIndex, Readers, TooSlow
from opensession.daemon.store.writer import Writer
from opensession.daemon.tidying import Tidied, Tidying, tidy
from opensession.daemon.user_data import ExtraRoot
from opensession.parsers import registry
from opensession.parsers.agent import Agent, Environment, Root

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Q = TypeVar("Q", bound=Params)

MOST_RECOVERIES = 3
"""A disk that damages one index after another is not helped by a fourth."""


class Library:
    """`open`, `start`, `close`, in the loop's thread. Only reading works without `open`.

    `settings` and `told` (the folders that clients told of) are replaced by `take_up` and
    `take_roots`. `on_changes` is called in the loop's thread for what was committed.
    """

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        settings: Settings,
        told: Sequence[ExtraRoot] = (),
        *,
        on_changes: Callable[[Sequence[Change]], None] = lambda changes: None,
        leaks: Leaks | None = None,
        kept: Guards | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        self._leaks = leaks
        self.guards = kept
        self.links: dict[str, list[str]] = {}
        self.pauses = pauses
        self._paths = paths
        self._environ = environ
        self._settings = settings
        self._told = tuple(told)
        self._on_changes = on_changes
        self.agents = registry.agents(settings.watchers.commands)
        self._history = False
        self._started = False
        self._closing = False
        self._ingest: Ingest | None = None
        self._failed = ""
        self._moved: list[str] = []
        self._recoveries = 0
        self._replacing = asyncio.Lock()
        self._replaced: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._looking: asyncio.Task[None] | None = None
        self._tidying = Tidying(paths.index_db, self._tidy)
        self._native_names = NativeNames(self.agents)
        self._readers = Readers(paths.index_db, on_damage=self._on_damage)
        self._base = QueryContext(now_us=0, prices=PriceBook(), home=str(paths.home))
        self._pace = Pace(lambda: self.indexing().active, self._set_pace)

    # Opening and closing.

    async def open(self) -> None:
        """Open the index for writing; one that is damaged is moved aside and made anew.

        Raises Refused for the database of another program or of a newer version of this one.
        """
        try:
            self._ingest = await self._opened()
        except CorruptDatabase as error:
            self._move_aside(error)
            self._ingest = await self._opened()

    async def start(self, *, history: bool) -> None:
        """Begin to watch and to read; without `history` only once somebody asks for it."""
        self._history = history
        self._started = True
        if self._ingest is not None:
            self._ingest.start(history=history)
            self._tidying.begin(history)

    async def close(self) -> None:
        """End everything; what was not stored yet is read at the next start."""
        self._closing = True
        await self._pace.end()
        await self._tidying.cancel()
        await tasks.cancel([] if self._looking is None else [self._looking])
        self._readers.close()
        ingest, self._ingest = self._ingest, None
        if ingest is not None and not await asyncio.to_thread(ingest.stop):
            log.warning("the writer did not end in time")

    async def _opened(self) -> Ingest:
        loop = asyncio.get_running_loop()
        found: Ingest

        def changed(changes: list[Change]) -> None:
            tasks.call_soon(loop, self._changed, changes)

        def failed(error: Exception) -> None:
            tasks.call_soon(loop, self._on_fatal, found, error)

        found = Ingest(
            place_of(self._paths),
            self.agents,
            self.all_roots,
            await self._options(),
            on_changes=changed,
            on_fatal=failed,
            leaks=self._leaks,
            guards=self.guards,
            pauses=self.pauses,
        )
        await asyncio.to_thread(found.open)
        return found

    # Reading.

    async def query(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `fn(db, …)` gives, in a thread. Raises what `Readers.run` raises."""
        return await self._readers.run(fn, *args, **kwargs)

    async def read(self, query: Callable[[apsw.Connection, Q, QueryContext], T], params: Q) -> T:
        """What a query of the store answers."""
        return await self._readers.run(query, params, self.context())

    def context(self) -> QueryContext:
        """What a query has to know beside its parameters."""
        return msgspec.structs.replace(
            self._base,
            now_us=time.time_ns() // 1000,
            idle_secs=self._settings.daemon.session_end_idle_secs,
            indexing=self.indexing().fraction,
            stripper=self._stripper,
            links=self.links,
            may_leave=self._may_leave,
            native_names=functools.partial(self._native_names.of, self._stripper),
            names=NO_NAMES if self.guards is None else self.guards.names.names,
        )

    def _may_leave(self, agent: str, native_id: str, redactions: Mapping[str, int]) -> str:
        """See `guards.may_leave`."""
        blocked = marks.blocked(redactions)
        if self.guards is None:
            return guards.blocked_reason(blocked)
        return guards.may_leave(self.guards, agent, native_id, blocked)

    @functools.cached_property
    def _stripper(self) -> Stripper:
        """What takes out what must not leave; it knows the same key as the ingest's."""
        return Stripper(
            str(self._paths.home),
            load_key(self._paths.key_file),
            privacy_rules(self._settings.privacy),
            host=machine_name(),
        )

    # What is known.

    def indexing(self) -> Indexing:
        """How far the backlog is."""
        return Indexing() if self._ingest is None else self._ingest.progress()

    def queue_depth(self) -> int:
        """Sources that wait or are being read."""
        return 0 if self._ingest is None else self._ingest.queue_depth()

    async def agent_status(self, *, look: bool = False) -> dict[str, AgentStatus]:
        """Each agent, as its folders were when they were looked at last, or (`look`) are now; empty
        without an index.
        """
        ingest = self._ingest
        if ingest is None:
            return {}
        try:
            return await asyncio.to_thread(ingest.agent_status, look=look)
        except (apsw.Error, CorruptDatabase) as error:
            log.warning("the index cannot be asked: %s", type(error).__name__)
            return {}

    def obstacles(self) -> list[str]:
        """What keeps sessions from being taken in, or from being kept, in sentences."""
        said = [f"nothing is read any more: {self._failed}"] if self._failed else []
        return said if self._ingest is None else [*said, *self._ingest.notices()]

    def notices(self) -> list[str]:
        """What a person should know."""
        said = [f"the index was damaged and is made anew; {name} is kept" for name in self._moved]
        return said + self._tidying.done.told + self.obstacles()

    def left_behind(self) -> list[str]:
        """What the last rebuild could not make again, from neither archive nor source."""
        return self._tidying.done.left_behind

    # Settings and folders.

    def environment(self, agent: Agent, told: Sequence[ExtraRoot]) -> Environment:
        """Where to look for the sessions of an agent by default, and where clients told of."""
        return roots.environment(agent, self._plain, {}, told)

    def judged(self) -> dict[str, Judged]:
        """What the folders of the configuration are taken for; looks into them."""
        return {
            folder: custom_paths.judge(folder, self.agents, self._plain)
            for folder in self._settings.watchers.custom_paths
        }

    def roots_of(self, agents: Sequence[Agent]) -> list[list[Root]]:
        """The folders of each of these agents, enabled or not."""
        judged = self.judged()
        return [roots.roots_of(agent, self._plain, judged, self._told) for agent in agents]

    def unrecognised(self) -> list[Unrecognised]:
        """Folders of the configuration that nothing is read from; looks into them."""
        return custom_paths.unrecognised(self.judged())

    @property
    def _plain(self) -> Environment:
        return roots.plain_environment(self._paths, self._environ)

    def coverage_facts(self) -> Facts:
        """What is known of roots and sources; nothing without an index."""
        return Facts() if self._ingest is None else self._ingest.coverage()

    def all_roots(self) -> list[Root]:
        """The folders of every agent that is enabled; may be called from any thread."""
        enabled = self._settings.watchers.enabled
        watched = [agent for agent in self.agents if enabled(agent.name)]
        return [root for found in self.roots_of(watched) for root in found]

    async def take_up(self, settings: Settings) -> None:
        """Other settings count from now on."""
        archive = self._settings.archive.raw
        self._settings = settings
        self.__dict__.pop("_stripper", None)
        if self._ingest is None:
            return
        if settings.archive.raw != archive:
            await self._replace(lambda: None)  # the writer learns it when it is opened
        else:
            await hand_over(self._ingest, await self._options())

    def form_of(self, fingerprint: bytes, values: Sequence[str]) -> tuple[int, str]:
        """By what a scrubbed value is known again; see `scrubbed.form_of`."""
        return scrubbed.form_of(self._stripper, fingerprint, values)

    async def take_scrubbed(self) -> None:
        """Secrets were scrubbed: they are archived no more."""
        if self._ingest is not None:
            await hand_over(self._ingest, await self._options())

    async def setup(self) -> Setup:
        """How sources are read now."""
        return (await self._options()).setup

    async def _options(self) -> Options:
        key = await asyncio.to_thread(load_key, self._paths.key_file)
        options = options_of(self._settings, self._paths, key)
        if self._leaks is None:
            return options
        gone = await asyncio.to_thread(self._leaks.scrubbed)
        setup = msgspec.structs.replace(options.setup, scrubbed=gone)
        return msgspec.structs.replace(options, setup=setup)

    async def take_roots(self, told: Sequence[ExtraRoot]) -> None:
        """Clients told of these folders."""
        self._told = tuple(told)
        if self._ingest is not None and self._history:
            self._ingest.reconcile()

    # Work.

    async def reconcile(self) -> None:
        """Compare everything on disk with the index soon."""
        async with self._replacing:
            if self._history:
                self._open_ingest().reconcile()
            else:
                self._open_ingest().run_until_idle()

    async def run_until_idle(self, told: Callable[[Indexing], None]) -> dict[str, Any]:
        """Compare everything on disk with the index now, and wait until all of it is searchable,
        also where the index is replaced meanwhile; the numbers of the summary. `told` is called in
        the loop's thread.
        """
        loop = asyncio.get_running_loop()
        while True:
            async with self._replacing:
                waiting = self._open_ingest().run_until_idle(
                    lambda now: tasks.call_soon(loop, told, now)
                )
                replaced = self._replaced
            self._pace.begin()
            done = asyncio.wrap_future(waiting)
            try:
                await asyncio.wait((done, replaced), return_when=asyncio.FIRST_COMPLETED)
            finally:
                done.cancel()
            if not replaced.done():
                return msgspec.structs.asdict(done.result())
            await asyncio.gather(done, return_exceptions=True)

    async def forget(self, agent: str, native_id: str) -> list[Change]:
        """A session is forgotten; see `Ingest.forget`."""
        async with self._replacing:
            return await asyncio.to_thread(self._open_ingest().forget, agent, native_id)

    async def pause(self, seconds: float) -> None:
        """A pause begins, or (0) ends; see `Ingest.pause`."""
        async with self._replacing:
            await asyncio.to_thread(self._open_ingest().pause, seconds)

    async def take_again(self, native_id: str) -> int:
        """A private session is taken in again; see `Ingest.take_again`."""
        async with self._replacing:
            return await asyncio.to_thread(self._open_ingest().take_again, native_id)

    async def write(self, work: Callable[[Writer], T]) -> T:
        """The result of `work` in the writer's thread. Raises Unreachable where there is none."""
        async with self._replacing:
            return await asyncio.to_thread(self._open_ingest().write, work)

    async def read_again(self, ids: Sequence[int]) -> None:
        """Sources are read from their beginning, soon; see `Ingest.read_again`."""
        async with self._replacing:
            await asyncio.to_thread(self._open_ingest().read_again, ids)

    def tell(self, changes: Sequence[Change]) -> None:
        """Tells what `write` changed, in the loop's thread."""
        self._changed(changes)

    def hinted(self, agent: str, root: str, path: str) -> None:
        """A source of an agent changed, as somebody else noticed."""
        if self._ingest is not None and self._history:
            self._ingest.mark_dirty(Root(agent, root), path)

    async def rebuild(self) -> None:
        """Put the index aside and begin with an empty one, to be filled from archive and sources.

        The old one is removed when the new one is complete and lacks none of its sessions.
        """
        log.info("the index is made anew from archive and sources")
        await self._replace(functools.partial(set_aside.put_aside, self._paths.index_db))

    async def look_through(self) -> None:
        """Look for damage in the whole index, as after a stop that was not clean, and make it anew
        where there is any.
        """
        try:
            await self.query(overview.check)
        except DamagedIndex as error:
            await self._recover(error)
        except LostIndex:  # somebody removed the file; or it is being replaced just now
            async with self._replacing:
                lost = not self._paths.index_db.exists()
            if lost:
                await self._replace(lambda: log.error("the index was removed: it is made anew"))
        except (TooSlow, Unreachable) as error:
            log.info("the index was not looked through: %s", error)

    def _open_ingest(self) -> Ingest:
        if self._ingest is None or not self._started or self._failed:
            why = f": {self._failed}" if self._failed else ""
            raise Unreachable(f"the index is not being kept up{why}", "opensession daemon health")
        return self._ingest

    def _set_pace(self, workers: int) -> None:
        if self._ingest is not None:
            self._ingest.set_pace(workers)

    def _changed(self, changes: Sequence[Change]) -> None:
        self._on_changes(changes)
        if not self._closing and self.indexing().active:
            self._pace.begin()

    # Making it anew.

    async def _replace(self, between: Callable[[], object]) -> None:
        """End the ingest, do what needs the index to itself, and begin with what is there then."""
        async with self._replacing:
            if self._closing:
                return
            await self._tidying.cancel()
            ingest, self._ingest = self._ingest, None
            self._replaced.set_result(None)
            self._replaced = asyncio.get_running_loop().create_future()
            if ingest is not None:
                await asyncio.to_thread(ingest.stop)
            problem: OSError | None = None
            try:
                between()
            except OSError as error:
                problem = error
            try:
                self._ingest = await self._opened()
            except Exception as error:
                self._failed = logs.describe(error)
                raise
            self._failed = ""
            if self._started:
                self._ingest.start(history=self._history)
                self._tidying.begin(self._history)
        if problem is not None:
            raise OpenSessionError(
                f"the index could not be put aside: {problem.strerror}", "opensession daemon health"
            ) from problem

    def _on_damage(self) -> None:
        """A read came upon damage: look closer, once. Who only reads changes nothing: the index
        may be another process's.
        """
        if not self._started or self._closing:
            return
        if self._looking is None or self._looking.done():
            self._looking = tasks.spawn(self.look_through(), name="look through the index")

    def _on_fatal(self, ingest: Ingest, error: Exception) -> None:
        """The writer gave up."""
        if ingest is not self._ingest or self._closing:
            return
        if isinstance(error, CorruptDatabase):
            self._looking = tasks.spawn(self._recover(error), name="make the index anew")
        else:
            self._failed = logs.describe(error)

    async def _recover(self, error: Exception) -> None:
        """Move a damaged index aside and make it anew."""
        self._recoveries += 1
        if self._recoveries > MOST_RECOVERIES:
            self._failed = "one index after another is damaged; look after the disk"
            log.error("%s", self._failed)
            return
        await self._replace(functools.partial(self._move_aside, error))

    def _move_aside(self, error: Exception) -> None:
        kept = move_aside(self._paths.index_db)
        self._moved.append(str(kept))
        log.error("%s: it is kept as %s and made anew", error, kept)

    async def tidied(self) -> Tidied:
        """What the last rebuild could not make again; waits until that is known."""
        return await self._tidying.wait()

    async def _tidy(self) -> Tidied:
        await self.run_until_idle(lambda now: None)
        index, setup = self._paths.index_db, await self.setup()
        return await tidy(
            index, self.agents, setup, self.guards, self._leaks, self.write, self._changed
        )
