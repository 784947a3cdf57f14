"""leaks.*: the secrets in `user.db`, resolving them, taking them out of what is ours."""

from __future__ import annotations

import apsw

from opensession.core.rpc.leaks import (
    LeaksListParams,
    LeaksListResult,
    LeaksResolveParams,
    LeaksResolveResult,
)
from opensession.daemon.client import Client
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
        return LeaksResolveResult(
            [leaks.tag(leak.fingerprint) for leak in found], leaks.counts(db)[0]
        )

    return await on_user(app, update)


HANDLERS: dict[str, Handler] = {"leaks.list": list_, "leaks.resolve": resolve}
