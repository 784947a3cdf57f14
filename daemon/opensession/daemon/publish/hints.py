"""The files that agents' hooks drop: each is taken up once, and removed.

The folder is watched as agents' folders are, so an idle daemon waits in the kernel.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection
from pathlib import Path

from opensession.core.hints import Hint, read_hint
from opensession.core.paths import make_private
from opensession.daemon.watch import Watcher, make_watcher
from opensession.parsers.agent import Root

log = logging.getLogger(__name__)

MOST_HINTS = 10_000


class HintWatch:
    """Calls `taken` in the loop's thread for every hint, from `start` to `stop`."""

    def __init__(self, folder: Path, taken: Callable[[Hint], None]) -> None:
        self._folder = folder
        self._taken = taken
        self._loop = asyncio.get_running_loop()
        self._watcher: Watcher | None = None

    async def start(self) -> None:
        """Begin; what lies there already is taken up."""
        if self._watcher is None:
            self._watcher = await asyncio.to_thread(self._begin)
            self._take()

    async def stop(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            await asyncio.to_thread(watcher.stop)

    def hint(self, root: Root, paths: Collection[str]) -> None:
        """Called from the watcher's thread."""
        self._soon()

    def rescan(self, root: Root | None) -> None:
        """Called from the watcher's thread."""
        self._soon()

    def _begin(self) -> Watcher:
        make_private(self._folder)
        watcher = make_watcher(self)
        watcher.watch([Root("hints", str(self._folder))])
        return watcher

    def _soon(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._take)
        except RuntimeError:
            log.debug("a hint after the end")

    def _take(self) -> None:
        for hint in take_hints(self._folder):
            self._taken(hint)


def take_hints(folder: Path) -> list[Hint]:
    """What hooks said since the last time; each hint is removed before it counts, so that one that
    is written again meanwhile counts again.
    """
    found = []
    try:
        names = sorted(os.listdir(folder))[:MOST_HINTS]  # noqa: PTH208 - names only
    except OSError:
        return []
    for name in names:
        hint = read_hint(name)
        if hint is None:
            continue
        try:
            (folder / name).unlink()
        except OSError:
            continue
        found.append(hint)
    return found
