"""Who sends when: at most four sessions at once, each in order, after changes and timers.

Without a hub it does nothing at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import apsw

from opensession.core.errors import OpenSessionError, Refused
from opensession.core.hints import Hint
from opensession.daemon import tasks
from opensession.daemon.publish import policy, records, session
from opensession.daemon.publish.backoff import delay
from opensession.daemon.publish.health_watch import HealthWatch
from opensession.daemon.publish.hints import HintWatch
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.policy import Stream
from opensession.daemon.publish.process_watch import ProcessWatch
from opensession.daemon.publish.recalling import elsewhere as take_back_elsewhere
from opensession.daemon.publish.recalling import (
    is_elsewhere,
    mark_gone,
    mark_private,
    take_back,
)
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.sending import Sender
from opensession.daemon.publish.server import server_of
from opensession.daemon.publish.standings import standings
from opensession.daemon.store.change import Change

log = logging.getLogger(__name__)

Key = tuple[str, str]
T = TypeVar("T")

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
        self._lanes: dict[Key, asyncio.Task[Any]] = {}
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._ran: dict[Key, float] = {}
        self._held: asyncio.TimerHandle | None = None
        self._scanning: asyncio.Task[None] | None = None
        self._elsewhere: asyncio.Task[None] | None = None
        self._elsewhere_again = False
        self._closing = False
        self._started = False
        self.ready = asyncio.Event()
        self.given_key = ""
        self._hints = HintWatch(parts.paths.hints_dir, self._hinted)
        self._processes = ProcessWatch(parts, self.touch)
        self._health = HealthWatch(parts, self._verified)

    # Beginning, end, settings.

    async def start(self) -> None:
        """Take up what is due; then `ready` is set."""
        self._started = True
        try:
            await self.take_up()
        finally:
            self.ready.set()

    async def close(self) -> None:
        """End every lane; what was not acknowledged is sent again at the next start."""
        self._closing = True
        self._processes.stop()
        self._health.stop()
        timers = [*self._timers.values(), self._held]
        for timer in timers:
            if timer is not None:
                timer.cancel()
        beside = [task for task in (self._scanning, self._elsewhere) if task is not None]
        await tasks.cancel([*self._lanes.values(), *beside])
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
            self._health.start()
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
        for change in changes:
            key = (change.agent, change.native_id)
            if change.gone:
                self.parts.ends.forget(key)
                tasks.spawn(self._gone(key), name="a session that is gone")
            elif self.parts.link.server.url:
                self.touch(key)

    async def _gone(self, key: Key) -> None:
        if await mark_gone(self.parts, key):
            self.touch(key)
            self.look_elsewhere()

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

    async def _verified(self, news: bool) -> None:
        """The hub was asked how it is; `news`: it takes the key again."""
        self._pump()
        if not self.parts.link.server.key:
            await self.take_up()  # a keyring that was locked may answer now
        elif news:
            await self._scan_again()
        self.look_elsewhere()

    async def look_again(self) -> None:
        """A policy or a decision changed: everything is looked at."""
        await self._scan_again()

    def is_sending(self, key: Key) -> bool:
        """Whether a lane works on a session."""
        return key in self._lanes

    async def alone(self, key: Key, work: Callable[[Key], Awaitable[T]]) -> T | None:
        """What `work` gives, done in the place of the session's lane; None if it was ended, since
        there is another hub now, or none.
        """
        while (task := self._lanes.get(key)) is not None:
            await asyncio.wait([task])
            await asyncio.sleep(0)
        mine = tasks.spawn(_awaited(work(key)), name="a session's upload")
        self._lanes[key] = mine
        mine.add_done_callback(lambda _: self._over(key))
        try:
            await asyncio.wait([mine])
        finally:
            mine.cancel()
        return None if mine.cancelled() else mine.result()

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
            self._processes.look(self._timers)

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
            await mark_private(self.parts)
            now_us = records.now_us()
            for found, made, standing in await standings(self.parts, now_us):
                if standing.due and (standing.state is not None or _is_open(made)):
                    self.touch(found.session.key)
                elif standing.at_us:
                    loop = asyncio.get_running_loop()
                    wait = max(0.05, (standing.at_us - now_us) / 1e6)
                    self._at(found.session.key, loop.time() + min(wait, FAR_FUTURE))
            for made in await self.parts.record(records.everything):
                if is_elsewhere(self.parts, made):
                    self.look_elsewhere()
                elif made.recall_us > made.recalled_us:
                    self.touch(made.key)
            self._processes.look(self._timers)

    def look_elsewhere(self) -> None:
        """Sessions are to be taken back from hubs that were used before: try it soon."""
        ready = self._started and not self._closing and self.parts.link.server.url
        self._elsewhere_again = True
        if self._elsewhere is None and ready:
            self._elsewhere = tasks.spawn(self._take_back_elsewhere(), name="hubs of before")

    async def _take_back_elsewhere(self) -> None:
        failures = 0
        try:
            while self._elsewhere_again:
                self._elsewhere_again = False
                if await take_back_elsewhere(self.parts):
                    self._elsewhere_again = True
                    failures += 1
                    await asyncio.sleep(max(1.0, delay(failures)))
        finally:
            self._elsewhere = None

    def check_usable(self) -> None:
        """Raises Refused where nothing can be sent, with what to do."""
        link = self.parts.link
        if not link.server.url:
            raise Refused("no hub is set", "opensession config --server https://…")
        if link.problem is not None:
            raise link.problem
        if not link.server.key:
            raise Refused("there is no key for the hub", "opensession account login")


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _is_open(made: Publication | None) -> bool:
    return made is not None and bool(made.wanted)
