"""Changes as they are made, for those who follow them: the last ones in memory, older from rows."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from opensession.server.storage.interface import Event, Visible

REMEMBERED = 4096


class Feed:
    """Lives on the event loop. The writer's thread calls `tell`, in the order of numbers."""

    def __init__(self, last: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._numbers = last
        self._last = last
        self._missing_until = last
        self._recent: deque[Event] = deque(maxlen=REMEMBERED)
        self._followers: set[asyncio.Event] = set()

    @property
    def last(self) -> int:
        """The number of the last change."""
        return self._last

    def number(self) -> int:
        """The next number; the writer's thread alone asks."""
        self._numbers += 1
        return self._numbers

    def tell(self, event: Event) -> None:
        """A change was committed."""
        self._loop.call_soon_threadsafe(self._add, event)

    async def follow(
        self,
        after: int,
        who: Visible,
        earlier: Callable[[int, int, Visible], Awaitable[list[Event]]],
    ) -> AsyncGenerator[Event, None]:
        """Every visible change after a number; `earlier(after, until)` asks the database for those
        that are not remembered here.
        """
        woken = asyncio.Event()
        self._followers.add(woken)
        try:
            while True:
                woken.clear()
                if after < self._missing_until:
                    until = self._missing_until
                    for event in await earlier(after, until, who):
                        yield event
                    after = until
                    continue  # others may have been forgotten meanwhile
                for event in [one for one in self._recent if one.number > after]:
                    after = event.number
                    if who.everyone or (who.owner and event.key.owner == who.owner):
                        yield event
                if after >= self._last:
                    await woken.wait()
        finally:
            self._followers.discard(woken)

    def _add(self, event: Event) -> None:
        if len(self._recent) == REMEMBERED:
            self._missing_until = self._recent[0].number
        self._recent.append(event)
        self._last = event.number
        for woken in self._followers:
            woken.set()
