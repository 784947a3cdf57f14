"""Slows a backlog down while the machine has it hard; looks only while there is a backlog."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from opensession.daemon import budget, tasks
from opensession.daemon.budget import Strain
from opensession.daemon.pool import MOST_WORKERS

log = logging.getLogger(__name__)

SAMPLE_SECONDS = 1.0


class Pace:
    """`begin` whenever work came; it ends by itself when `active` says that the backlog is done.

    `set_pace` is told how many workers may run, whenever that changes.
    """

    def __init__(
        self,
        active: Callable[[], bool],
        set_pace: Callable[[int], None],
        strain: Callable[[], Strain] = budget.strain,
        seconds: float = SAMPLE_SECONDS,
    ) -> None:
        self._active = active
        self._set_pace = set_pace
        self._strain = strain
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """There may be a backlog now."""
        if self._task is None or self._task.done():
            self._task = tasks.spawn(self._watch(), name="pace of the backlog")

    async def end(self) -> None:
        """Nothing is slowed down any more."""
        if self._task is not None:
            await tasks.cancel([self._task])

    async def _watch(self) -> None:
        allowed = MOST_WORKERS
        while self._active():
            found = await asyncio.to_thread(self._strain)
            now = budget.workers_allowed(MOST_WORKERS, allowed, found)
            if now != allowed:
                log.info(
                    "the backlog is read by %d workers (memory %d MiB, pressure %.0f %%%s)",
                    now,
                    found.memory >> 20,
                    found.memory_pressure,
                    ", on battery" if found.on_battery else "",
                )
                self._set_pace(now)
                allowed = now
            await asyncio.sleep(self._seconds)
        if allowed != MOST_WORKERS:
            self._set_pace(MOST_WORKERS)
