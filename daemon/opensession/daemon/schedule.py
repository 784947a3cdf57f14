"""When each changed source is read: debounced, newest first, one read at a time.

Pure bookkeeping; the caller gives the time (monotonic seconds) and acts on the answers:

    changed ──► waiting ──due──► ready ──take──► in flight ──finished──► forgotten
                   ▲                                 │
                   └── changed meanwhile, failed ◄───┘

There are two lanes, so that a small append never waits behind a backlog.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

Key = TypeVar("Key", bound=Hashable)

LIVE = 0
BULK = 1

RETRY_SECONDS = (10.0, 60.0, 300.0, 1800.0)
"""Waits before a failed source is read again by itself, once each; afterwards only a change or a
reconcile that is asked for brings it back.
"""


class Timing(msgspec.Struct, frozen=True):
    """A source is due `quiet` seconds after its last change, and at the latest `longest` seconds
    after its first unread change.
    """

    quiet: float = 0.5
    longest: float = 5.0


class _Entry:
    """What is known of a source that is waiting, ready, in flight, or failing."""

    __slots__ = (
        "attempts", "due", "first", "flying", "lane", "newest", "not_before", "pending",
        "ticket", "urgent",
    )  # fmt: skip

    def __init__(self) -> None:
        self.pending = False
        self.flying = False
        self.urgent = False
        self.lane = LIVE
        self.first = 0.0
        self.due = 0.0
        self.newest = 0
        self.attempts = 0
        self.not_before = 0.0
        self.ticket = 0


class Schedule(Generic[Key]):
    """The sources to read. It holds at most one entry for each source, however often that changes.

    Not thread-safe. A later `now` is never smaller than an earlier one.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._entries: dict[Key, _Entry] = {}
        self._waiting: list[tuple[float, int, Key]] = []
        self._ready: tuple[list[tuple[int, int, Key]], ...] = ([], [])
        self._tickets = 0
        self._pending = 0

    def set_timing(self, timing: Timing) -> None:
        """Takes up other waits, for changes from now on."""
        self._timing = timing

    def changed(self, key: Key, now: float, newest: int = 0) -> None:
        """A source changed at `now`; `newest` is its time of change, by which ready sources are
        ordered. While it is being read, it becomes due again after that read. It is taken for live;
        who takes it may find that it belongs to the backlog.
        """
        entry = self._pend(key, now, newest)
        entry.lane = LIVE
        if not entry.urgent:
            due = min(now + self._timing.quiet, entry.first + self._timing.longest)
            entry.due = max(due, entry.not_before)
        self._queue(key, entry)

    def demand(self, key: Key, now: float, newest: int = 0, *, lane: int = BULK) -> None:
        """A source is to be read at once (found by a reconcile, or a person waits for it); also one
        that failed, whatever its wait. One that waits already keeps its lane.
        """
        waiting = self.is_pending(key)
        entry = self._pend(key, now, newest)
        if not waiting:
            entry.lane = lane
        entry.urgent = True
        entry.not_before = now
        entry.due = now
        self._queue(key, entry)

    def look_again(self, key: Key, now: float, wait: float) -> None:
        """A source that is not being read is to be read after `wait` seconds, if it does not change
        before.
        """
        if not self.is_pending(key):
            entry = self._pend(key, now, 0)
            entry.due = now + wait
            self._queue(key, entry)

    def take(self, now: float, lane: int) -> Key | None:
        """Takes the newest ready source of a lane: its read begins, and covers all its changes so
        far. None if no source of that lane is due.
        """
        self._promote(now)
        ready = self._ready[lane]
        while ready:
            _, ticket, key = heapq.heappop(ready)
            entry = self._standing(key, ticket)
            if entry is not None:
                entry.pending = entry.urgent = False
                entry.flying = True
                self._pending -= 1
                return key
        return None

    def finished(self, key: Key, now: float) -> None:
        """The read of a source ended well; if it changed meanwhile, it is due by the usual rule."""
        entry = self._land(key)
        entry.attempts = 0
        entry.not_before = now
        entry.lane = LIVE
        if entry.pending:
            self._queue(key, entry)
        else:
            del self._entries[key]

    def failed(self, key: Key, now: float, *, retry: bool) -> float | None:
        """The read of a source failed. With `retry` it is due again by itself after a wait that
        grows, and the seconds of that wait are returned; without, or once the waits are used up,
        only a change makes it due, and not before the wait is over (None is returned). A demand
        made during the read is met at once.
        """
        entry = self._land(key)
        wait = RETRY_SECONDS[min(entry.attempts, len(RETRY_SECONDS) - 1)]
        again = retry and entry.attempts < len(RETRY_SECONDS)
        entry.attempts += 1
        entry.not_before = now + wait
        entry.lane = BULK
        if again:
            self._pend(key, now, entry.newest)
        if entry.pending:
            entry.due = now if entry.urgent else entry.not_before
            self._queue(key, entry)
        return wait if again else None

    def released(self, key: Key, now: float, *, lane: int) -> None:
        """The read of a source was not made or broken off through no fault of its own: it is due at
        once, in `lane`.
        """
        entry = self._land(key)
        self._pend(key, now, entry.newest)
        entry.lane = lane
        entry.due = max(now, entry.not_before)
        self._queue(key, entry)

    def forget(self, key: Key) -> None:
        """Drops a source that is not being read (its root is no longer watched)."""
        entry = self._entries.get(key)
        if entry is not None and not entry.flying:
            self._pending -= entry.pending
            del self._entries[key]

    def next_due(self, now: float, lanes: tuple[int, ...] = (LIVE, BULK)) -> float | None:
        """The time at which a source of these lanes becomes ready (`now` if one is), or None: then
        no timer is needed until something else happens.
        """
        self._promote(now)
        for lane in lanes:
            ready = self._ready[lane]
            while ready and self._standing(ready[0][2], ready[0][1]) is None:
                heapq.heappop(ready)
            if ready:
                return now
        while self._waiting:
            due, ticket, key = self._waiting[0]
            if self._standing(key, ticket) is not None:
                return due
            heapq.heappop(self._waiting)
        return None

    @property
    def pending_count(self) -> int:
        """How many sources have changes that no read covers yet."""
        return self._pending

    def is_pending(self, key: Key) -> bool:
        """Reports whether a source has changes that no read covers yet."""
        entry = self._entries.get(key)
        return entry is not None and entry.pending

    def is_flying(self, key: Key) -> bool:
        """Reports whether a source is being read."""
        entry = self._entries.get(key)
        return entry is not None and entry.flying

    def _pend(self, key: Key, now: float, newest: int) -> _Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
        if not entry.pending:
            entry.pending = True
            entry.first = now
            self._pending += 1
        entry.newest = max(entry.newest, newest)
        return entry

    def _queue(self, key: Key, entry: _Entry) -> None:
        """Puts an entry among the waiting; older places of it in the heaps are void by ticket."""
        if entry.flying:
            return
        self._tickets += 1
        entry.ticket = self._tickets
        heapq.heappush(self._waiting, (entry.due, entry.ticket, key))
        places = len(self._waiting) + sum(map(len, self._ready))
        if places > 64 + 4 * len(self._entries):
            self._drop_void_places()

    def _drop_void_places(self) -> None:
        """Keeps the heaps small, whatever number of changes one source has before it is read."""
        for ready in self._ready:
            ready.clear()
        self._waiting = [
            (entry.due, entry.ticket, key)
            for key, entry in self._entries.items()
            if entry.pending and not entry.flying
        ]
        heapq.heapify(self._waiting)

    def _promote(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, ticket, key = heapq.heappop(self._waiting)
            entry = self._standing(key, ticket)
            if entry is not None:
                heapq.heappush(self._ready[entry.lane], (-entry.newest, ticket, key))

    def _standing(self, key: Key, ticket: int) -> _Entry | None:
        """The entry a place in a heap stands for, or None if that place is void."""
        entry = self._entries.get(key)
        if entry is None or entry.ticket != ticket or not entry.pending or entry.flying:
            return None
        return entry

    def _land(self, key: Key) -> _Entry:
        entry = self._entries[key]
        if not entry.flying:
            raise ValueError("the source is not being read")
        entry.flying = False
        return entry
