"""When a pause begins, goes on over a restart, and ends; in the ingest's thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from opensession.daemon.dispatch import Dispatch
from opensession.daemon.pausing import Pauses
from opensession.daemon.reconcile import scan
from opensession.daemon.root_watch import RootWatch
from opensession.parsers.agent import Agent, Source
from opensession.parsers.stamps import Stamp

log = logging.getLogger(__name__)


class PauseKeeper:
    """Holds and releases `dispatch`. `due` is the monotonic time at which `look` has something to
    do (None: never). Without `pauses` there are none.
    """

    def __init__(
        self, pauses: Pauses | None, agents: Mapping[str, Agent], wall: Callable[[], float]
    ) -> None:
        self._pauses = pauses
        self._agents = agents
        self._wall = wall
        self.due: float | None = None

    def use(self, dispatch: Dispatch, watching: RootWatch) -> None:
        """Takes the parts that it holds up and looks at."""
        self._dispatch = dispatch
        self._watching = watching

    def begin(self, seconds: float, now: float) -> None:
        """Nothing is read from now on; what is under way is not stored (see `pausing`)."""
        if self._pauses is None:
            return
        self._dispatch.paused = True
        if self._dispatch.busy:
            self._dispatch.break_off()
        try:
            self._pauses.begin(seconds, self._survey())
        finally:
            self._dispatch.paused = self._pauses.current is not None
        self.due = now + seconds

    def end(self, now: float) -> None:
        """What was written in the pause is known for ever; reading goes on."""
        if self._pauses is not None and self._pauses.current is not None:
            self._pauses.end(self._survey(), self._grows)
            log.info("the pause is over")
        self.due = None
        self._dispatch.paused = False
        self._watching.ask(None, now)

    def resume(self, now: float) -> None:
        """A pause that a restart broke into goes on, or ends soon if its time is over."""
        if self._pauses is None or self._pauses.current is None:
            return
        self._dispatch.paused = True
        self.due = now + max(0.0, self._pauses.current.until_us / 1e6 - self._wall())

    def look(self, now: float) -> None:
        """Ends the pause if its time is over by the wall clock, which is what it was told in."""
        if self.due is None or now < self.due:
            return
        if self._pauses is not None and self._pauses.current is not None:
            left = self._pauses.current.until_us / 1e6 - self._wall()
            if left > 0:
                self.due = now + left
                return
        self.end(now)

    def _grows(self, source: Source) -> bool:
        """Whether a source is a file of lines that only grows, as it lies there."""
        agent = self._agents[source.agent]
        return agent.storage(source) == "lines" and not source.path.endswith(".zst")

    def _survey(self) -> list[tuple[Source, Stamp]]:
        """All sources as they are on disk now."""
        agents = list(self._agents.values())
        roots = self._watching.roots
        found = [scan(self._agents[root.agent], root, agents=agents) for root in roots]
        return [known for each in found if each is not None for known in each.sources.values()]
