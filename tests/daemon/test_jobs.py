"""Jobs: progress that is bounded, one last word, and an end with the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from opensession.core.errors import Refused
from opensession.core.rpc.index import Progress
from opensession.daemon import jobs
from opensession.daemon.jobs import Report


class Client:
    """A client that keeps what it is told."""

    client = "test"

    def __init__(self) -> None:
        self.told: list[Progress] = []
        self.actions: list[Callable[[], None]] = []
        self.finished = asyncio.Event()
        self.gone = False

    async def notify(self, method: str, params: Any) -> None:
        assert method == "jobs.progress"
        if self.gone:
            raise ConnectionResetError
        self.told.append(params)
        if params.finished:
            self.finished.set()

    def at_close(self, action: Callable[[], None]) -> None:
        self.actions.append(action)

    def not_at_close(self, action: Callable[[], None]) -> None:
        self.actions.remove(action)


def run(work: jobs.Work) -> tuple[str, list[Progress], Client]:
    """A job from start to end."""

    async def main() -> tuple[str, list[Progress], Client]:
        client = Client()
        name = jobs.start(client, work)
        assert client.told == []  # the answer of the call comes first
        async with asyncio.timeout(30):
            await client.finished.wait()
            while client.actions:
                await asyncio.sleep(0)
        return name, client.told, client

    return asyncio.run(main())


def test_the_last_word_carries_the_result() -> None:
    """A job that did its work says `finished` with the numbers of the summary, at 100 %."""

    async def work(report: Report) -> dict[str, Any]:
        report(Progress(job="", done=3, total=10, unit="files"))
        return {"sessions": 7}

    name, told, client = run(work)

    assert told[-1] == Progress(
        job=name, done=10, total=10, unit="files", finished=True, result={"sessions": 7}
    )
    assert client.actions == []


def test_progress_is_thinned_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most ten notifications a second, of a thousand reports: the latest ones."""

    async def work(report: Report) -> dict[str, Any]:
        for done in range(1000):
            report(Progress(job="", done=done, total=1000))
            await asyncio.sleep(0)
        return {}

    _, told, _ = run(work)

    assert len(told) < 100


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Refused("not now"), "not now"),
        (ValueError("a private line"), "ValueError"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
    ],
)
def test_a_job_that_fails_says_why(error: Exception, said: str) -> None:
    """In one line, without what a foreign error quotes."""

    async def work(report: Report) -> dict[str, Any]:
        report(Progress(job="", done=3, total=10))
        raise error

    _, told, _ = run(work)

    assert told[-1].finished
    assert told[-1].error == said
    assert told[-1].code == getattr(error, "code", 0)
    assert told[-1].done == 3


def test_the_end_of_the_connection_ends_the_work() -> None:
    """DECISIONS §7: closing the connection cancels it."""

    async def main() -> None:
        client = Client()
        began, ended = asyncio.Event(), asyncio.Event()

        async def work(report: Report) -> dict[str, Any]:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return {}

        jobs.start(client, work)
        async with asyncio.timeout(30):
            await began.wait()
            for action in client.actions:
                action()
            await ended.wait()
        assert client.told == []

    asyncio.run(main())


def test_a_client_that_vanished_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A notification that reaches nobody ends the job without a word in the log."""

    async def main() -> None:
        client = Client()
        client.gone = True

        async def work(report: Report) -> dict[str, Any]:
            return {}

        jobs.start(client, work)
        async with asyncio.timeout(30):
            while client.actions:
                await asyncio.sleep(0)

    asyncio.run(main())

    assert caplog.records == []
