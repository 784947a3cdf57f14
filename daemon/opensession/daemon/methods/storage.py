"""archive.storage, archive.verify, archive.prune, archive.compact."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import msgspec

from opensession.core.errors import UsageError
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.index import JobResult, Progress
from opensession.core.rpc.storage import PruneParams, PruneResult, StorageResult, VerifyParams
from opensession.daemon import compacting, doctor_checks, jobs, storage, verifying
from opensession.daemon.client import Client
from opensession.daemon.jobs import Report
from opensession.daemon.state import App, Handler


async def held(app: App, params: Nothing, client: Client) -> StorageResult:
    """What is kept of each agent, and what it takes."""
    await app.refresh_config()
    return await storage.storage(app)


async def verify(app: App, params: VerifyParams, client: Client) -> JobResult:
    """Begin to look through the archive, as a job."""
    return JobResult(jobs.start(client, functools.partial(_verify, app, params)))


async def prune(app: App, params: PruneParams, client: Client) -> PruneResult:
    """Take away what is older than it is to be kept, or tell what that would be."""
    if params.keep_days is not None and not 0 <= params.keep_days <= 36_500:
        raise UsageError("keep_days is a number of days", "opensession storage prune --help")
    await app.refresh_config()
    return await storage.prune(app, params)


async def compact(app: App, params: Nothing, client: Client) -> JobResult:
    """Begin to make archive and index smaller, as a job."""
    return JobResult(jobs.start(client, functools.partial(_compact, app)))


async def _verify(app: App, params: VerifyParams, report: Report) -> dict[str, Any]:
    archive_dir = app.paths.archive_dir
    tell = _telling(report, "bytes")
    found = await verifying.verify(app.library, archive_dir, tell, only=params.sample)
    if params.mend and found.damaged:
        found = await verifying.mend(app.library, archive_dir, found)
    findings = doctor_checks.check_archive(found)
    if not params.sample:
        check = functools.partial(doctor_checks.check_databases, app.paths, deep=True)
        findings = [*await asyncio.to_thread(check), *findings]
    return _built(msgspec.structs.replace(found, findings=findings))


async def _compact(app: App, report: Report) -> dict[str, Any]:
    return _built(await compacting.compact(app.library, app.paths, _telling(report, "steps")))


def _telling(report: Report, unit: str) -> Callable[[int, int, str], None]:
    def tell(done: int, total: int, detail: str) -> None:
        report(Progress(job="", done=done, total=total, unit=unit, detail=detail))

    return tell


def _built(value: object) -> dict[str, Any]:
    found = msgspec.to_builtins(value)
    assert isinstance(found, dict)  # noqa: S101 - a Struct
    return found


HANDLERS: dict[str, Handler] = {
    "archive.storage": held,
    "archive.verify": verify,
    "archive.prune": prune,
    "archive.compact": compact,
}
