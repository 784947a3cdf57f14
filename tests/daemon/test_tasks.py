"""Tasks that cannot get lost."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from opensession.daemon import tasks


def test_a_task_nobody_holds_is_kept_alive() -> None:
    """asyncio itself holds tasks weakly: one that waits only for itself would be collected."""

    async def main() -> bool:
        async def work() -> None:
            await asyncio.get_running_loop().create_future()

        found = weakref.ref(tasks.spawn(work(), name="work"))
        await asyncio.sleep(0)
        gc.collect()
        task = found()
        if task is None:
            return False
        await tasks.cancel([task])
        return True

    assert asyncio.run(main())


def test_the_error_of_a_task_is_logged_under_its_name(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody has to await it."""

    async def fail() -> None:
        raise ValueError

    async def main() -> None:
        await asyncio.wait([tasks.spawn(fail(), name="the tester")])
        await asyncio.sleep(0)

    asyncio.run(main())

    assert [record.getMessage() for record in caplog.records] == ["the tester failed"]


def test_cancel_waits_until_each_has_ended() -> None:
    """Also for those that clean up, fail meanwhile, or are the caller itself."""

    async def main() -> list[str]:
        ended: list[str] = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append("work")

        async def stop_all() -> None:
            await tasks.cancel([*running, asyncio.current_task()])  # type: ignore[list-item]
            ended.append("stopper")

        running = [tasks.spawn(work(), name="one"), tasks.spawn(work(), name="two")]
        await asyncio.sleep(0)
        await tasks.spawn(stop_all(), name="stopper")
        return ended

    assert asyncio.run(main()) == ["work", "work", "stopper"]
