"""Subscriptions: complete for those who read, bounded and counted for those who do not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from opensession.core.rpc.events import EventNotice
from opensession.core.rpc.sessions import EventRow
from opensession.daemon import bus
from opensession.daemon.bus import Bus
from opensession.daemon.store.change import Change


def change(first: int, last: int, session: int = 1, **more: Any) -> Change:
    return Change(
        session=session,
        native_id=f"s{session}",
        agent="codex",
        short="",
        title="",
        first_seq=first,
        last_seq=last,
        **more,
    )


async def fetch(wanted: Change) -> list[EventNotice]:
    """The events of a change as an index would give them; one without event if it has none."""
    seqs = list(range(wanted.first_seq, wanted.last_seq + 1)) if wanted.first_seq else []
    events: list[EventRow | None] = [
        EventRow(session_id=wanted.native_id, seq=seq, event_id=str(seq), timestamp="", type="X")
        for seq in seqs
    ]
    return [
        EventNotice(
            subscription="",
            session_id=wanted.native_id,
            short="",
            tool="",
            title="",
            project="",
            event=event,
        )
        for event in events or [None]
    ]


class Client:
    """A subscriber who can be made to hesitate."""

    client = "test"

    def __init__(self) -> None:
        self.told: list[EventNotice] = []
        self.actions: list[Callable[[], None]] = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.reading = asyncio.Event()

    async def notify(self, method: str, params: Any) -> None:
        assert method == "events.event"
        self.reading.set()
        await self.may_read.wait()
        self.told.append(params)

    def at_close(self, action: Callable[[], None]) -> None:
        self.actions.append(action)

    def not_at_close(self, action: Callable[[], None]) -> None:
        self.actions.remove(action)

    def seqs(self, session: str = "s1") -> list[int]:
        return [n.event.seq for n in self.told if n.event and n.session_id == session]

    async def until(self, count: int) -> None:
        """Wait until so many notifications came."""
        async with asyncio.timeout(30):
            while len(self.told) < count:
                await asyncio.sleep(0)


def everything(_: Change) -> bool:
    return True


def test_every_event_comes_once_and_in_order() -> None:
    """Whether changes come one by one, joined, or larger than a page."""

    async def main() -> list[int]:
        hub, client = Bus(), Client()
        name = hub.subscribe(client, everything, fetch)
        hub.publish([change(1, 1)])
        await client.until(1)
        hub.publish([change(2, 3), change(4, 4), change(1, 1, session=2)])
        hub.publish([change(5, 4 + 3 * bus.PAGE_EVENTS)])
        await client.until(5 + 3 * bus.PAGE_EVENTS)
        assert {notice.subscription for notice in client.told} == {name}
        assert {notice.lost for notice in client.told} == {0}
        await hub.close()
        return client.seqs()

    assert asyncio.run(main()) == list(range(1, 5 + 3 * bus.PAGE_EVENTS))


def test_a_change_without_events_is_told() -> None:
    """A rewind, a title: the event is null."""

    async def main() -> list[EventNotice]:
        hub, client = Bus(), Client()
        hub.subscribe(client, everything, fetch)
        hub.publish([change(0, 0), change(5, 4, rewound=True)])
        await client.until(2)
        await hub.close()
        return client.told

    assert [notice.event for notice in asyncio.run(main())] == [None, None]


def test_only_what_is_wanted_is_sent() -> None:
    """A subscription may be narrowed."""

    async def main() -> list[str]:
        hub, client = Bus(), Client()
        hub.subscribe(client, lambda found: found.session == 2, fetch)
        hub.publish([change(1, 3), change(1, 1, session=2)])
        await client.until(1)
        await hub.close()
        return [notice.session_id for notice in client.told]

    assert asyncio.run(main()) == ["s2"]


def test_who_does_not_read_loses_and_is_told_how_much() -> None:
    """Memory is bounded; `lost` counts what was missed, and the next one that comes says so."""

    async def main() -> tuple[int, int]:
        hub, client = Bus(), Client()
        hub.subscribe(client, everything, fetch)
        client.may_read.clear()
        hub.publish([change(1, 1)])
        await client.reading.wait()
        # Alternate, so that no two can be joined.
        for number in range(bus.WAITING_CHANGES):
            hub.publish([change(number + 2, number + 2, session=1 + number % 2)])
        hub.publish([change(1, 39, session=3), change(0, 0, session=4)])
        client.may_read.set()
        await client.until(1 + bus.WAITING_CHANGES)
        hub.publish([change(9000, 9000)])
        await client.until(2 + bus.WAITING_CHANGES)
        await hub.close()
        return client.told[-1].lost, sum(notice.lost for notice in client.told)

    assert asyncio.run(main()) == (40, 40)


def test_a_session_that_only_grows_takes_one_place() -> None:
    """A slow subscriber of one busy session misses nothing."""

    async def main() -> list[int]:
        hub, client = Bus(), Client()
        hub.subscribe(client, everything, fetch)
        client.may_read.clear()
        hub.publish([change(1, 1)])
        await client.reading.wait()
        for number in range(2, 3 * bus.WAITING_CHANGES):
            hub.publish([change(number, number)])
        client.may_read.set()
        await client.until(3 * bus.WAITING_CHANGES - 1)
        await hub.close()
        return client.seqs()

    assert asyncio.run(main()) == list(range(1, 3 * bus.WAITING_CHANGES))


def test_a_slow_subscriber_holds_up_nobody() -> None:
    """What one does not read, the other gets all the same."""

    async def main() -> None:
        hub, slow, quick = Bus(), Client(), Client()
        hub.subscribe(slow, everything, fetch)
        hub.subscribe(quick, everything, fetch)
        slow.may_read.clear()
        hub.publish([change(1, 50)])
        await quick.until(50)
        assert slow.told == []
        await hub.close()

    asyncio.run(main())


def test_a_subscription_ends_with_its_connection_or_on_request() -> None:
    """Afterwards nothing is sent, and nothing of it is kept."""

    async def main() -> list[bool]:
        hub, gone, other = Bus(), Client(), Client()
        hub.subscribe(gone, everything, fetch)
        name = hub.subscribe(other, everything, fetch)
        gone.actions[0]()
        found = [hub.unsubscribe(name), hub.unsubscribe(name)]
        hub.publish([change(1, 1)])
        async with asyncio.timeout(30):
            while gone.actions or other.actions:
                await asyncio.sleep(0)
        assert gone.told == other.told == []
        return found

    assert asyncio.run(main()) == [True, False]
