"""leaks.*: the secrets in `user.db`, resolving them, taking them out of what is ours."""

from __future__ import annotations

import functools
from typing import Any

import apsw

from opensession.core.errors import Refused
from opensession.core.rpc.index import JobResult
from opensession.core.rpc.leaks import (
    LeaksListParams,
    LeaksListResult,
    LeaksResolveParams,
    LeaksResolveResult,
    LeaksScrubParams,
)
from opensession.daemon import jobs, scrubbing
from opensession.daemon.client import Client
from opensession.daemon.findings import tag
from opensession.daemon.jobs import Report
from opensession.daemon.methods.on_user import on_user
from opensession.daemon.state import App, Handler
from opensession.daemon.store import leaks, leaks_write


async def list_(app: App, params: LeaksListParams, client: Client) -> LeaksListResult:
    """What is unresolved, or all."""

    def load(db: apsw.Connection) -> tuple[list[leaks.Leak], tuple[int, int]]:
        return leaks.load(db, everything=params.all), leaks.counts(db)

    found, (unresolved, total) = await on_user(app, load)
    known = await app.library.query(leaks.describe, found) if found else {}
    rows = [leaks.row_of(each, known) for each in found]
    return LeaksListResult(leaks=rows, unresolved=unresolved, total=total)


async def resolve(app: App, params: LeaksResolveParams, client: Client) -> LeaksResolveResult:
    """Mark secrets. Raises NotFound, with nothing marked, for an id that names none."""

    def update(db: apsw.Connection) -> LeaksResolveResult:
        found = [leaks.find(db, name) for name in params.ids]
        leaks_write.resolve(db, [leak.number for leak in found], undo=params.undo)
        return LeaksResolveResult([tag(leak.fingerprint) for leak in found], leaks.counts(db)[0])

    return await on_user(app, update)


async def scrub(app: App, params: LeaksScrubParams, client: Client) -> JobResult:
    """Take a value out, as a job. Raises NotFound, and Refused where nobody said `yes`."""
    leak = await on_user(app, functools.partial(leaks.find, name=params.id))
    if not params.yes:
        raise Refused("this overwrites data and was not confirmed", "set yes to true")
    work = functools.partial(_scrub, app, leak, params.archive)
    return JobResult(jobs.start(client, work))


async def _scrub(app: App, leak: leaks.Leak, archive: bool, report: Report) -> dict[str, Any]:
    return await scrubbing.run(app, leak, archive=archive, report=report)


HANDLERS: dict[str, Handler] = {
    "leaks.list": list_,
    "leaks.resolve": resolve,
    "leaks.scrub": scrub,
}
