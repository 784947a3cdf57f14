"""Long work for a client: it runs beside the calls, tells how far it is, ends with its connection.

The call that starts a job returns its name at once; `jobs.progress` notifications follow, at most
ten a second, and a last one with `finished`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from opensession.core.errors import OpenSessionError
from opensession.core.rpc.index import Progress
from opensession.daemon import logs, tasks
from opensession.daemon.client import Client

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.1

Report = Callable[[Progress], None]
"""What a job tells its progress to, as often as it likes; `job` is filled in."""

Work = Callable[[Report], Awaitable[dict[str, Any]]]
"""The work of a job: the numbers of its summary are its result."""


class _Job:
    def __init__(self, connection: Client) -> None:
        self.name = secrets.token_hex(4)
        self._connection = connection
        self._latest: Progress | None = None
        self._news = asyncio.Event()

    def report(self, progress: Progress) -> None:
        self._latest = progress
        self._news.set()

    async def tell(self) -> None:
        """Send the latest progress whenever there is a new one, with a pause after each."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._latest is not None:
                await self.send(self._latest)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def send(self, progress: Progress) -> None:
        named = msgspec.structs.replace(progress, job=self.name)
        await self._connection.notify("jobs.progress", named)

    async def run(self, work: Work) -> None:
        teller = tasks.spawn(self.tell(), name=f"progress of job {self.name}")
        try:
            last = await self._outcome(work)
        finally:
            await tasks.cancel([teller])
        await self.send(last)

    async def _outcome(self, work: Work) -> Progress:
        """What the last notification says: the result, or in one line why there is none."""
        error = hint = ""
        code = 0
        result: dict[str, Any] = {}
        try:
            result = await work(self.report)
        except OpenSessionError as known:
            error, code, hint = str(known), known.code, known.hint
        except Exception as unknown:
            log.error("job %s failed", self.name, exc_info=unknown)
            error = logs.describe(unknown)
        latest = self._latest or Progress(job=self.name, done=0, total=0)
        done = latest.done if error else latest.total
        return msgspec.structs.replace(
            latest,
            done=done,
            seconds_left=None,
            finished=True,
            error=error,
            code=code,
            hint=hint,
            result=result,
        )


def start(connection: Client, work: Work) -> str:
    """Start a job for a connection and return its name. The first notification comes after the
    answer of the call that started it; if the connection closes, the work is cancelled.
    """
    job = _Job(connection)
    task = tasks.spawn(_until_gone(job, work), name=f"job {job.name}")

    def stop() -> None:
        task.cancel()

    connection.at_close(stop)
    task.add_done_callback(lambda _: connection.not_at_close(stop))
    return job.name


async def _until_gone(job: _Job, work: Work) -> None:
    try:
        await job.run(work)
    except ConnectionError:
        log.debug("job %s: its client went away", job.name)
