"""Whether the processes of agents end, looked at only while sessions wait for that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection

from opensession.core.errors import OpenSessionError
from opensession.daemon import tasks
from opensession.daemon.publish import records, session
from opensession.daemon.publish.ends import LOOK_US
from opensession.daemon.publish.parts import Parts

Key = tuple[str, str]


class ProcessWatch:
    """Calls `ended` for a session whose agent has no process in its folder any more."""

    def __init__(self, parts: Parts, ended: Callable[[Key], None]) -> None:
        self._parts = parts
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: Collection[Key] = ()
        self._stopped = False

    def look(self, waiting: Collection[Key]) -> None:
        """Begin to look, as long as `waiting` (which changes meanwhile) holds sessions."""
        self._waiting = waiting
        if self._timer is not None or not waiting or self._stopped:
            return
        if any(row.mode == "session_end" for row in self._parts.streams):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LOOK_US / 1e6, self._begin)

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> None:
        tasks.spawn(self._look(), name="agents' processes")

    async def _look(self) -> None:
        from opensession.daemon.publish import processes  # brings psutil

        with contextlib.suppress(OpenSessionError):
            found = await self._parts.query(session.several, list(self._waiting))
            working = await asyncio.to_thread(processes.working)
            now_us = records.now_us()
            for one in found:
                root = one.root
                alive = any((root.agent, place) in working for place in (root.cwd, root.last_cwd))
                if self._parts.ends.process(root, alive=alive, now_us=now_us):
                    self._ended(one.session.key)
        self._timer = None
        self.look(self._waiting)
