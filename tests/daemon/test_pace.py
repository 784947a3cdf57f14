"""A backlog is slowed down while the machine has it hard, and only then."""

from __future__ import annotations

import asyncio

from opensession.daemon.budget import Strain
from opensession.daemon.pace import Pace

MB = 1 << 20


def follow(strains: list[Strain]) -> list[int]:
    """What the ingest is told while a backlog meets these strains, one after the other."""
    told: list[int] = []
    left = iter(strains)
    remaining = len(strains)

    def strain() -> Strain:
        nonlocal remaining
        remaining -= 1
        return next(left)

    async def main() -> None:
        pace = Pace(lambda: remaining > 0, told.append, strain, seconds=0)
        pace.begin()
        pace.begin()  # once is enough
        task = pace._task
        assert task is not None
        async with asyncio.timeout(30):
            await task

    asyncio.run(main())
    return told


def test_a_machine_at_ease_is_used() -> None:
    """Nothing is said where nothing changes."""
    assert follow([Strain(memory=50 * MB)] * 3) == []


def test_too_much_memory_pauses_and_goes_on() -> None:
    """Above the cap no worker, well below it all of them again."""
    strains = [Strain(memory=n * MB) for n in (100, 300, 250, 200, 100)]

    assert follow(strains) == [0, 2]


def test_a_battery_halves_and_the_end_sets_free() -> None:
    """What the next backlog begins with is not what this one ended with."""
    assert follow([Strain(memory=MB, on_battery=True)] * 2) == [1, 2]


def test_it_ends_when_the_daemon_does() -> None:
    """No task of it stays behind."""

    async def main() -> bool:
        pace = Pace(lambda: True, lambda workers: None, lambda: Strain(memory=0), seconds=60)
        pace.begin()
        await asyncio.sleep(0)
        await pace.end()
        return pace._task is not None and pace._task.done()

    assert asyncio.run(main())
