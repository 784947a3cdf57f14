"""The roots while the daemon runs: when each is looked at next, and what was found there last."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from opensession.daemon.mounts import mount_at
from opensession.daemon.reconcile import Found, scan
from opensession.daemon.watch import RootState, Watcher
from opensession.parsers.agent import Agent, Root

log = logging.getLogger(__name__)

RESCAN_SECONDS = 0.25
"""A rescan that is asked for waits so long for others to join it."""


def resolved(roots: Iterable[Root]) -> list[Root]:
    """Roots without links, so that each folder has one name; one that lies in another of the same
    agent is left out, for its sources are found there. What lies on another machine is not touched.
    """
    real = [
        root
        if mount_at(os.path.normpath(root.path)).network
        else msgspec.structs.replace(root, path=os.path.realpath(root.path))
        for root in roots
    ]
    found: list[Root] = []
    for root in sorted(real, key=lambda root: len(root.path)):
        inside = any(
            root.agent == outer.agent
            and (root.path == outer.path or root.path.startswith(outer.path.rstrip("/") + "/"))
            for outer in found
        )
        if not inside:
            found.append(root)
    return found


class Scanned(msgspec.Struct, frozen=True):
    """A root was looked at: scan `number` of it. `found` None: broken off."""

    root: Root
    number: int
    found: Found | None


class _Looked:
    """One root."""

    def __init__(self) -> None:
        self.due = 0.0
        self.started = 0
        self.finished = 0
        self.running = False
        self.exists = True
        self.vanished = 0
        self.seen = False


class RootWatch:
    """The roots, the watcher that hints at changes in them, and the scans that find the rest.

    Used by one thread, except `state`. Each scan runs in a thread of its own, so that a file
    system that hangs holds up nobody else; `deliver` is called from there.
    """

    def __init__(
        self,
        agents: Sequence[Agent],
        watcher: Watcher | None,
        deliver: Callable[[Scanned], None],
        *,
        reconcile: float,
        poll: float,
    ) -> None:
        self._agents: Mapping[str, Agent] = {agent.name: agent for agent in agents}
        self._watcher = watcher
        self._deliver = deliver
        self._reconcile = reconcile
        self._poll = poll
        self._roots: dict[Root, _Looked] = {}
        self._stopping = threading.Event()

    @property
    def roots(self) -> list[Root]:
        """All roots; may be called from any thread."""
        return list(self._roots)

    def set_pace(self, reconcile: float, poll: float) -> None:
        """Seconds between looks at roots that are watched, and at those that are polled."""
        self._reconcile = reconcile
        self._poll = poll

    def set_roots(self, roots: Sequence[Root], now: float) -> None:
        """Watches exactly these; new ones are looked at at once."""
        before = self._roots
        self._roots = {root: before.get(root, _Looked()) for root in roots}
        for root, looked in self._roots.items():
            if root not in before:
                looked.due = now if self._watcher is not None else float("inf")
        if self._watcher is not None:
            self._watcher.watch(list(self._roots))

    def start(self, root: Root, now: float) -> int:
        """Looks at a root now; the number of the scan that sees everything from now on. One that
        runs already may have passed by: then another follows it.
        """
        looked = self._roots[root]
        if looked.running:
            looked.due = now
            return looked.started + 1
        looked.running = True
        looked.started += 1
        looked.due = float("inf")
        threading.Thread(
            target=self._scan, args=(root, looked.started), name="scan", daemon=True
        ).start()
        return looked.started

    def ask(self, root: Root | None, now: float) -> None:
        """Looks at a root (None: at all) soon, if there is any watching at all."""
        if self._watcher is None:
            return
        for each, looked in self._roots.items():
            if root is None or each == root:
                looked.due = min(looked.due, now + RESCAN_SECONDS)

    def finished(self, scanned: Scanned, now: float) -> bool:
        """Takes note of a scan; False if it says nothing (broken off, or the root was dropped)."""
        looked = self._roots.get(scanned.root)
        if looked is None:
            return False
        looked.running = False
        looked.finished = scanned.number
        looked.due = min(looked.due, now + self._interval(scanned.root))
        if scanned.found is None:
            return False
        looked.seen = True
        looked.exists = scanned.found.exists
        return True

    def reached(self, root: Root, number: int) -> bool:
        """Whether that scan of a root, or a later one, is over; a dropped root needs none."""
        looked = self._roots.get(root)
        return looked is None or looked.finished >= number

    def set_vanished(self, root: Root, count: int) -> None:
        """So many files of a root are gone at once, and count as not reachable."""
        self._roots[root].vanished = count

    def start_due(self, now: float) -> None:
        """Looks at the roots whose time has come."""
        due = [r for r, looked in self._roots.items() if looked.due <= now and not looked.running]
        if due and self._watcher is not None:
            self._watcher.check()
        for root in due:
            self.start(root, now)

    def next_due(self) -> float | None:
        """When `start_due` has something to do."""
        times = [looked.due for looked in self._roots.values() if not looked.running]
        return min(times, default=None)

    def attend(self, root: Root, folders: Iterable[str]) -> None:
        """Changes were found in these folders that no event told of."""
        if self._watcher is not None:
            for folder in folders:
                self._watcher.attend(root, folder)

    def was_seen(self, root: Root) -> bool:
        """Whether a root was looked at before."""
        looked = self._roots.get(root)
        return looked is not None and looked.seen

    @property
    def all_looked_at(self) -> bool:
        """Whether every root was looked at."""
        return all(looked.finished for looked in self._roots.values())

    def state(self, root: Root) -> RootState:
        """How a root is watched, and what to say of it."""
        looked = self._roots.get(root)
        if looked is None:
            return RootState("off")
        state = self._watcher.state(root) if self._watcher is not None else RootState("off")
        notes = [state.note] if state.note else []
        if looked.vanished:
            notes.append(f"{looked.vanished} files are gone at once, and are kept as they were")
        return RootState(state.mode, "; ".join(notes), looked.exists)

    def stop(self) -> None:
        """Ends watching and all scans."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.stop()

    def _interval(self, root: Root) -> float:
        if self._watcher is None:
            return float("inf")
        return self._poll if self._watcher.state(root).mode == "polling" else self._reconcile

    def _scan(self, root: Root, number: int) -> None:
        found: Found | None = None
        try:
            agents = tuple(self._agents.values())
            found = scan(self._agents[root.agent], root, self._stopping.is_set, agents)
        except Exception:
            log.exception("a folder of %s could not be looked through", root.agent)
        self._deliver(Scanned(root, number, found))
