"""People who wait until everything that is on disk now is searchable (`index --wait`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future

import msgspec

from opensession.core.rpc.daemon import Indexing
from opensession.parsers.agent import Root


class Summary(msgspec.Struct, frozen=True):
    """What a run did: sources and bytes read, sources that could not be read, seconds."""

    sources: int
    bytes: int
    failed: int
    seconds: float


class Run:
    """One who waits: first for the scans of all roots, then for a read of each source found.

    Only a job that was begun after the source was found to have changed counts, since an earlier
    one may have passed the change by.
    """

    def __init__(self, told: Callable[[Indexing], None], now: float) -> None:
        self.future: Future[Summary] = Future()
        self.scans: dict[Root, int] = {}
        self.needs: dict[int, int] = {}
        self._told = told
        self._began = now
        self._sources = 0
        self._bytes = 0
        self._failed = 0

    def need(self, source: int, job: int) -> None:
        """Waits for a job numbered `job` or later to read a source."""
        self.needs[source] = max(job, self.needs.get(source, 0))

    def stored(self, size: int) -> None:
        """Bytes were stored meanwhile."""
        self._bytes += size

    def settled(self, source: int, job: int | None, *, failed: bool) -> None:
        """A job of a source is over (None: it turned out that there is nothing to read)."""
        wanted = self.needs.get(source)
        if wanted is None or (job is not None and job < wanted):
            return
        del self.needs[source]
        self._sources += job is not None
        self._failed += failed

    def tell(self, progress: Indexing) -> None:
        """Says how far it is."""
        self._told(progress)

    def end(self, now: float) -> None:
        """Nothing is left to wait for."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(
                Summary(self._sources, self._bytes, self._failed, round(now - self._began, 3))
            )

    def fail(self, error: Exception) -> None:
        """It will not be reached."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


def still_waiting(runs: Iterable[Run]) -> list[Run]:
    """Those that nobody gave up."""
    return [run for run in runs if not run.future.cancelled()]
