"""How far a backlog is: bytes found to read against bytes read, and at what pace."""

from __future__ import annotations

from collections import deque

from opensession.core.rpc.daemon import Indexing

WINDOW_SECONDS = 5.0
"""The pace is that of the last few seconds."""

SHOWN_BYTES = 4 << 20
"""A backlog smaller than this is not worth telling: it is over at once."""


class Backlog:
    """One backlog after another: each begins with the first source that is found to be read and
    ends when nothing is left. Times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._left: dict[int, int] = {}
        self._bytes_left = 0
        self._done = 0
        self._agent = ""
        self._recent: deque[tuple[float, int]] = deque()

    def found(self, source: int, size: int, agent: str) -> None:
        """A source has about `size` bytes to read, in place of what was thought before."""
        self.settled(source, keep=True)
        self._left[source] = size
        self._bytes_left += size
        self._agent = self._agent or agent

    def read(self, source: int, size: int, now: float) -> None:
        """Bytes of a source were stored."""
        left = self._left.get(source, 0)
        taken = min(left, size)
        if source in self._left:
            self._left[source] = left - taken
        self._bytes_left -= taken
        self._done += size
        self._recent.append((now, size))
        while self._recent and self._recent[0][0] < now - WINDOW_SECONDS:
            self._recent.popleft()

    def settled(self, source: int, *, keep: bool = False) -> None:
        """Nothing more is to be read of a source. The last one ends the backlog, unless `keep`."""
        self._bytes_left -= self._left.pop(source, 0)
        if not self._left and not keep:
            self._done = 0
            self._agent = ""
            self._recent.clear()

    def reading(self, agent: str) -> None:
        """A source of this agent is being read now."""
        self._agent = agent

    @property
    def bytes_left(self) -> int:
        """Bytes that are still to be read."""
        return self._bytes_left

    @property
    def done(self) -> int:
        """Bytes read since this backlog began."""
        return self._done

    @property
    def files_left(self) -> int:
        """Sources that are still to be read."""
        return len(self._left)

    def rate(self, now: float) -> float:
        """Bytes per second, lately; 0 where nothing is known."""
        if not self._recent:
            return 0.0
        return sum(size for _, size in self._recent) / max(now - self._recent[0][0], 0.25)

    def progress(self, now: float) -> Indexing:
        """How far it is. A small backlog is not told of."""
        total = self._done + self._bytes_left
        if not self._left or total < SHOWN_BYTES:
            return Indexing()
        return Indexing(
            active=True,
            fraction=self._done / total,
            files_left=len(self._left),
            bytes_left=self._bytes_left,
            bytes_total=total,
            bytes_per_second=round(self.rate(now), 1),
            agent=self._agent,
        )
