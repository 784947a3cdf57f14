"""Who sends when: at most four sessions at once, each in order, after changes and timers.

Without a hub it does nothing at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import apsw

from opensession.core.errors import OpenSessionError, Refused
from opensession.core.hints import Hint
from opensession.daemon import tasks
from opensession.daemon.publish import policy, records, session
from opensession.daemon.publish.ends import LOOK_US
from opensession.daemon.publish.hints import HintWatch
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.policy import Stream
from opensession.daemon.publish.recalling import take_back
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.sending import Sender
from opensession.daemon.publish.server import server_of
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.standing import Standing, judge
from opensession.daemon.store.change import Change

log = logging.getLogger(__name__)

Key = tuple[str, str]

LANES = 4
GATHER_SECONDS = 0.5
"""A session that just was sent waits so long for more."""

FAILED_SECONDS = 60.0
"""How long a session waits whose sending failed for a reason of this machine."""

FAR_FUTURE = 86_400.0


class Publisher:
    """`start` once, then `close`; all methods in the loop's thread."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._sender = Sender(parts)
        self._waiting: dict[Key, None] = {}
        self._lanes: dict[Key, asyncio.Task[None]] = {}
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._ran: dict[Key, float] = {}
        self._held: asyncio.TimerHandle | None = None
        self._scanning: asyncio.Task[None] | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._closing = False
        self._started = False
        self.given_key = ""
        self._hints = HintWatch(parts.paths.hints_dir, self._hinted)

    # Beginning, end, settings.

    async def start(self) -> None:
        """Take up what is due."""
        self._started = True
        await self.take_up()

    async def close(self) -> None:
        """End every lane; what was not acknowledged is sent again at the next start."""
        self._closing = True
        timers = [*self._timers.values(), self._held, self._looking]
        for timer in timers:
            if timer is not None:
                timer.cancel()
        running = [*self._lanes.values(), *([self._scanning] if self._scanning else [])]
        await tasks.cancel(running)
        await self._hints.stop()
        await self.parts.link.close()

    async def take_up(self) -> None:
        """Settings may have changed: another hub, another key, another policy."""
        server = await server_of(self.parts.loaded(), self.given_key, self.parts.environ)
        news = await self.parts.link.use(server)
        if news:
            await tasks.cancel(list(self._lanes.values()))
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
        await self.read_streams()
        if self._started:
            if server.url:
                await self._hints.start()
            await self._scan_again()

    async def read_streams(self) -> None:
        """Bring the configuration's policy up to date, and read all."""
        mode = self.parts.settings().daemon.publish_on if self.parts.link.server.url else "manual"

        def work(db: apsw.Connection) -> list[Stream]:
            policy.of_config(db, mode, records.now_us())
            return policy.streams(db)

        self.parts.streams = await self.parts.user.run(work)

    # What happened.

    def changed(self, changes: Sequence[Change]) -> None:
        """What was committed."""
        if not self.parts.link.server.url:
            return
        for change in changes:
            key = (change.agent, change.native_id)
            if change.gone:
                self.parts.ends.forget(key)
                tasks.spawn(self._gone(key), name="a session that is gone")
            else:
                self.touch(key)

    def _hinted(self, hint: Hint) -> None:
        tasks.spawn(self._take_hint(hint), name="a hint of a hook")

    async def _take_hint(self, hint: Hint) -> None:
        """An agent's hook says that its session went on, or ended."""
        with contextlib.suppress(OpenSessionError):
            name = hint.session_id or await self.parts.query(session.newest_of, hint.agent)
            place = await self.parts.query(session.place_of, hint.agent, name)
            if place is None:
                return
            self.parts.library.hinted(hint.agent, *place)
            if hint.happened == "end":
                self.parts.ends.hinted(hint.agent, name, records.now_us())
                self.touch((hint.agent, name))
                for child in await self.parts.query(session.children, hint.agent, name):
                    self.touch(child)

    def touch(self, key: Key) -> None:
        """Look at a session soon: at once, or where it was just sent when more was gathered."""
        if self._closing or not self._started:
            return
        if key in self._lanes:
            self._again.add(key)
            return
        loop = asyncio.get_running_loop()
        due = self._ran.get(key, 0.0) + GATHER_SECONDS
        if due > loop.time():
            self._at(key, due)
            return
        self._waiting[key] = None
        self._pump()

    async def look_again(self) -> None:
        """A policy or a decision changed: everything is looked at."""
        await self._scan_again()

    def is_sending(self, key: Key) -> bool:
        """Whether a lane works on a session."""
        return key in self._lanes

    async def idle(self, key: Key) -> None:
        """Wait until no lane works on a session."""
        while (task := self._lanes.get(key)) is not None:
            await asyncio.wait([task])
            await asyncio.sleep(0)

    # Lanes.

    def _at(self, key: Key, when: float) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_at(when, self._due, key)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.touch(key)

    def _pump(self) -> None:
        """Begin lanes as long as there is room and the hub is not held."""
        loop = asyncio.get_running_loop()
        link = self.parts.link
        if self._closing or not link.usable:
            return
        if link.held_until > loop.time():
            if self._held is None:
                self._held = loop.call_at(link.held_until, self._released)
            return
        while self._waiting and len(self._lanes) < LANES:
            key = next(iter(self._waiting))
            del self._waiting[key]
            timer = self._timers.pop(key, None)
            if timer is not None:
                timer.cancel()
            task = tasks.spawn(self._lane(key), name="a session's lane")
            self._lanes[key] = task
            task.add_done_callback(lambda _, key=key: self._over(key))  # type: ignore[misc]

    def _released(self) -> None:
        self._held = None
        self._pump()

    async def _lane(self, key: Key) -> None:
        loop = asyncio.get_running_loop()
        wait: float | None
        try:
            wait = await take_back(self.parts, key)
            if wait is None:
                wait = await self._sender.run(key)
        except OpenSessionError as error:  # the index is being made anew, or too slow now
            log.info("a session is sent later: %s", error)
            wait = FAILED_SECONDS / 10
        except (apsw.Error, OSError) as error:
            log.warning("a session is sent later: %s", type(error).__name__)
            wait = FAILED_SECONDS
        self._ran[key] = loop.time()
        if self.parts.link.held_until > loop.time():
            self._waiting[key] = None
        elif wait is not None:
            self._at(key, loop.time() + min(wait, FAR_FUTURE))
            self._look_at_processes()

    def _over(self, key: Key) -> None:
        self._lanes.pop(key, None)
        if self._closing:
            return
        if key in self._again:
            self._again.discard(key)
            self.touch(key)
        else:
            self._forget_old()
        self._pump()

    def _forget_old(self) -> None:
        """What ran long ago needs no gathering."""
        if len(self._ran) > 1000:
            self._ran = dict(list(self._ran.items())[-100:])

    # Everything at once.

    async def _scan_again(self) -> None:
        if self._closing or not self.parts.link.server.url:
            return
        if self._scanning is not None:
            await tasks.cancel([self._scanning])
        self._scanning = tasks.spawn(self._scan(), name="what is to be published")

    async def _scan(self) -> None:
        with contextlib.suppress(OpenSessionError):
            await self._mark_private()
            now_us = records.now_us()
            for found, made, standing in await self.standings(now_us):
                if standing.due and (standing.state is not None or _is_open(made)):
                    self.touch(found.session.key)
                elif standing.at_us:
                    loop = asyncio.get_running_loop()
                    wait = max(0.05, (standing.at_us - now_us) / 1e6)
                    self._at(found.session.key, loop.time() + min(wait, FAR_FUTURE))
            for made in await self.parts.record(records.everything):
                if made.recall_us > made.recalled_us and made.hub == self.parts.link.hub.url:
                    self.touch(made.key)
            self._look_at_processes()

    async def _gone(self, key: Key) -> None:
        """A session is not here any more: where a person said so, nor shall it be on the hub."""
        guards = self.parts.library.guards
        if guards is None or not guards.is_private(*key):
            return
        made = await self.parts.record(records.find, self.parts.link.hub, *key)
        if made is not None and made.attempted and not made.recall_us:
            await self.parts.record(records.change, made.id, recall_us=records.now_us())
            self.touch(key)

    async def _mark_private(self) -> None:
        """Sessions that became private while nobody looked are taken back."""
        guards = self.parts.library.guards
        if guards is None or not guards.knows_private:
            return
        now_us = records.now_us()
        for made in await self.parts.record(records.everything):
            private = guards.is_private(made.agent, made.native_id)
            if private and made.attempted and not made.recall_us:
                await self.parts.record(records.change, made.id, recall_us=now_us)

    async def standings(self, now_us: int) -> list[tuple[Family, Publication | None, Standing]]:
        """How every session stands that a policy covers, or of which there is a record."""
        parts = self.parts
        made = {one.key: one for one in await parts.record(records.of_hub, parts.link.hub)}
        publishing = [row.since_us for row in parts.streams if row.mode != "manual"]
        here = parts.circumstances(now_us)

        def work(
            db: apsw.Connection,
        ) -> list[tuple[Family, Publication | None, Standing]]:
            found = session.active_since(db, min(publishing)) if publishing else []
            there = {one.session.key for one in found}
            found += session.several(db, [key for key in made if key not in there])
            return [
                (one, made.get(one.session.key), judge(one, made.get(one.session.key), here))
                for one in found
            ]

        return await parts.query(work)

    # Processes of agents.

    def _look_at_processes(self) -> None:
        """Begin to look whether agents' processes end, while sessions wait for that."""
        if self._looking is None and self._timers and not self._closing:
            if not any(row.mode == "session_end" for row in self.parts.streams):
                return
            loop = asyncio.get_running_loop()
            self._looking = loop.call_later(
                LOOK_US / 1e6, lambda: tasks.spawn(self._look(), name="agents' processes")
            )

    async def _look(self) -> None:
        from opensession.daemon.publish import processes

        self._looking = None
        with contextlib.suppress(OpenSessionError):
            waiting = await self.parts.query(session.several, list(self._timers))
            working = await asyncio.to_thread(processes.working)
            for found in waiting:
                root = found.root
                alive = any((root.agent, place) in working for place in (root.cwd, root.last_cwd))
                if self.parts.ends.process(root, alive=alive, now_us=records.now_us()):
                    self.touch(found.session.key)
        self._look_at_processes()

    def check_usable(self) -> None:
        """Raises Refused where nothing can be sent, with what to do."""
        link = self.parts.link
        if not link.server.url:
            raise Refused("no hub is set", "opensession config --server https://…")
        if link.problem is not None:
            raise link.problem
        if not link.server.key:
            raise Refused("there is no key for the hub", "opensession account login")


def _is_open(made: Publication | None) -> bool:
    return made is not None and bool(made.wanted)
