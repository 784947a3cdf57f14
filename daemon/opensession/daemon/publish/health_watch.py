"""Asking the hub now and then whether it is there and takes the key, while nothing else asks it.

So `health` knows of a hub that went away before something is to be sent, and a key that is good
again is taken up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from opensession.core.errors import OpenSessionError
from opensession.core.hub import HubHealth
from opensession.daemon import tasks
from opensession.daemon.publish.parts import Parts

LEAST_SECONDS = 1.0


class HealthWatch:
    """Asks every `daemon.health_check_interval_secs` (0: never) from `start` to `stop`, and calls
    `verified` with whether the key is taken again that was not before.
    """

    def __init__(self, parts: Parts, verified: Callable[[bool], Awaitable[None]]) -> None:
        self._parts = parts
        self._verified = verified
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, or take up another interval."""
        self.stop()
        seconds = self._parts.settings().daemon.health_check_interval_secs
        if seconds and self._parts.link.server.url:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(seconds, LEAST_SECONDS), self._begin)

    def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = None

    def _begin(self) -> None:
        self._task = tasks.spawn(self._ask(), name="the hub's health")

    async def _ask(self) -> None:
        link = self._parts.link
        if link.held_seconds == 0.0:
            with contextlib.suppress(OpenSessionError):  # the index is being made anew
                await self._verified(await verify(self._parts))
        self._task = None
        self.start()


async def verify(parts: Parts) -> bool:
    """Ask the hub how it is and whose the key is; whether it takes a key that it did not before."""
    link = parts.link
    if link.problem is not None or not link.server.url or not link.server.key:
        return False
    health = await link.client().health()
    if isinstance(health, HubHealth):
        link.version = health.version
    refused = link.stranger is not None
    return await link.verify() and refused
