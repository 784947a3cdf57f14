"""What is committed, passed on to those who subscribed.

Nothing waits for a subscriber: each has a bounded queue of changes, and one that does not keep up
misses some and is told how many events it missed. The events themselves are read from the index
when their turn comes, so the queue holds only what changed where.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from opensession.core.rpc.events import EventNotice
from opensession.daemon import tasks
from opensession.daemon.client import Client
from opensession.daemon.store.change import Change

log = logging.getLogger(__name__)

WAITING_CHANGES = 256
"""Changes that may wait for one subscriber; a session that only grows takes one place."""

PAGE_EVENTS = 100
"""Events that are read and sent at a time."""

Fetch = Callable[[Change], Awaitable[list[EventNotice]]]
"""What to send of a change, at most a page of events; `subscription` and `lost` are filled in."""


class Subscription:
    """One subscriber: what waits for it, and the task that sends it. `wants` must be quick."""

    def __init__(self, client: Client, wants: Callable[[Change], bool], fetch: Fetch) -> None:
        self.name = secrets.token_hex(4)
        self._client = client
        self._wants = wants
        self._fetch = fetch
        self._waiting: deque[Change] = deque()
        self._lost_before: deque[int] = deque()
        self._lost = 0
        self._news = asyncio.Event()

    def add(self, change: Change) -> None:
        """Have a change sent, joined with the one before it where it goes on from there."""
        if not self._wants(change):
            return
        last = self._waiting[-1] if self._waiting else None
        if last is not None and _goes_on(last, change):
            self._waiting[-1] = msgspec.structs.replace(
                last, last_seq=change.last_seq, title=change.title
            )
        elif len(self._waiting) < WAITING_CHANGES:
            self._waiting.append(change)
            self._lost_before.append(self._lost)
            self._lost = 0
        else:
            self._lost += max(1, count(change))
        self._news.set()

    async def send(self) -> None:
        """Send what waits, for ever. Raises ConnectionError once the client is gone."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                change = self._waiting.popleft()
                await self._send_change(change, self._lost_before.popleft())

    async def _send_change(self, change: Change, lost: int) -> None:
        first = change.first_seq
        while True:
            last = min(change.last_seq, first + PAGE_EVENTS - 1)
            page = msgspec.structs.replace(change, first_seq=first, last_seq=last)
            for notice in await self._fetch(page):
                await self._client.notify(
                    "events.event",
                    msgspec.structs.replace(notice, subscription=self.name, lost=lost),
                )
                lost = 0
            first = last + 1
            if first > change.last_seq:
                self._lost += lost  # nothing was sent that could have told it
                return


class Bus:
    """The subscriptions there are. All its methods belong to the loop's thread."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, tuple[Subscription, asyncio.Task[None]]] = {}

    def publish(self, changes: Sequence[Change]) -> None:
        """Pass on what one transaction changed."""
        for subscription, _ in self._subscriptions.values():
            for change in changes:
                subscription.add(change)

    def subscribe(self, client: Client, wants: Callable[[Change], bool], fetch: Fetch) -> str:
        """Send changes from now on, until the client unsubscribes or goes away."""
        subscription = Subscription(client, wants, fetch)
        name = subscription.name
        task = tasks.spawn(self._run(subscription), name=f"subscription {name}")
        self._subscriptions[name] = (subscription, task)

        def stop() -> None:
            self.unsubscribe(name)

        client.at_close(stop)
        task.add_done_callback(lambda _: client.not_at_close(stop))
        return name

    def unsubscribe(self, name: str) -> bool:
        """End a subscription; reports whether there was one."""
        found = self._subscriptions.pop(name, None)
        if found is None:
            return False
        found[1].cancel()
        return True

    async def close(self) -> None:
        """End every subscription."""
        await tasks.cancel([task for _, task in self._subscriptions.values()])
        self._subscriptions.clear()

    async def _run(self, subscription: Subscription) -> None:
        try:
            await subscription.send()
        except ConnectionError:
            log.debug("subscription %s: its client went away", subscription.name)
        finally:
            self._subscriptions.pop(subscription.name, None)


def count(change: Change) -> int:
    """How many events a change brought."""
    return change.last_seq - change.first_seq + 1 if change.first_seq else 0


def _goes_on(last: Change, change: Change) -> bool:
    """Reports whether `change` only adds events right after those of `last`."""
    return (
        last.session == change.session
        and count(last) > 0
        and count(change) > 0
        and change.first_seq == last.last_seq + 1
        and not (change.rewound or change.new or change.gone or last.gone)
    )
