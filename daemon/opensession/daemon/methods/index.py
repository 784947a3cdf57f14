"""index.*: compare everything on disk with the index now, or make the index anew."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from opensession.core.rpc.daemon import Indexing
from opensession.core.rpc.index import IndexRunParams, JobResult, Progress
from opensession.daemon import jobs
from opensession.daemon.client import Client
from opensession.daemon.jobs import Report
from opensession.daemon.state import App, Handler


async def run(app: App, params: IndexRunParams, client: Client) -> JobResult:
    """Begin now. With `wait` a job, whose end means that everything found is searchable; without,
    there is nothing to wait for and `job` is empty.
    """
    if not params.wait:
        await app.library.reconcile()
        return JobResult("")

    return JobResult(jobs.start(client, functools.partial(_until_idle, app)))


async def rebuild(app: App, params: IndexRunParams, client: Client) -> JobResult:
    """Put the index aside and make it from archive and sources; reads go on with what there is so
    far. The old index is removed once the new one is complete. It goes on if the client leaves.
    """
    await app.library.rebuild()
    if not params.wait:
        return JobResult("")
    return JobResult(jobs.start(client, functools.partial(_until_made, app)))


async def _until_made(app: App, report: Report) -> dict[str, Any]:
    """What `_until_idle` tells, how many sessions nothing but the index of before had, and how many
    it alone has still.
    """
    result = await _until_idle(app, report)
    tidied = await app.library.tidied()
    return {**result, "carried": tidied.carried, "left_behind": tidied.left}


async def _until_idle(app: App, report: Report) -> dict[str, Any]:
    result = await app.library.run_until_idle(telling(report))
    await app.library.tidied()  # what an old index alone has is found only then
    size = int(result["bytes"])
    pace = size / max(float(result["seconds"]), 0.001)
    report(Progress(job="", done=size, total=size, per_second=pace))
    return result


def telling(report: Report) -> Callable[[Indexing], None]:
    """What turns the progress of a backlog into that of a job."""
    began = time.monotonic()

    def tell(now: Indexing) -> None:
        done = now.bytes_total - now.bytes_left
        seconds = time.monotonic() - began
        pace = now.bytes_per_second or (done / seconds if seconds > 1 else 0.0)
        report(
            Progress(
                job="",
                done=done,
                total=now.bytes_total,
                detail=now.agent,
                per_second=pace,
                seconds_left=now.bytes_left / pace if pace else None,
            )
        )

    return tell


HANDLERS: dict[str, Handler] = {"index.run": run, "index.rebuild": rebuild}
