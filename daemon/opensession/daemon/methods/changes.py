"""changes.*: what was changed outside our own folders, in `user.db`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import apsw

from opensession.core.paths import make_private
from opensession.core.rpc.changes import (
    Change,
    ChangesListResult,
    ChangesRecordParams,
    ChangesRecordResult,
    ChangesUndoneParams,
    ChangesUndoneResult,
)
from opensession.core.rpc.envelope import Nothing
from opensession.core.timeparse import format_time
from opensession.daemon.client import Client
from opensession.daemon.state import App, Handler
from opensession.daemon.user_data import UserData

T = TypeVar("T")


async def record(app: App, params: ChangesRecordParams, client: Client) -> ChangesRecordResult:
    """Remember a change."""

    def insert(db: apsw.Connection) -> int:
        db.execute(
            "INSERT INTO outside_change (kind, path, sha256_before, sha256_after, backup, made_us)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                params.kind,
                params.path,
                params.sha256_before,
                params.sha256_after,
                params.backup,
                time.time_ns() // 1000,
            ),
        )
        return db.last_insert_rowid()

    return ChangesRecordResult(await _run(app, insert))


async def list_(app: App, params: Nothing, client: Client) -> ChangesListResult:
    """What is not undone, the oldest first."""

    def select(db: apsw.Connection) -> list[Change]:
        rows = db.execute(
            "SELECT id, kind, path, sha256_before, sha256_after, backup, made_us"
            " FROM outside_change WHERE undone_us IS NULL ORDER BY id"
        )
        return [
            Change(
                id=int(number),
                kind=str(kind),
                path=str(path),
                sha256_before=str(before),
                sha256_after=str(after),
                backup=str(backup),
                made_at=format_time(int(made_us)),
            )
            for number, kind, path, before, after, backup, made_us in rows
        ]

    return ChangesListResult(await _run(app, select))


async def undone(app: App, params: ChangesUndoneParams, client: Client) -> ChangesUndoneResult:
    """Note that changes are undone."""

    def update(db: apsw.Connection) -> int:
        now = time.time_ns() // 1000
        db.executemany(
            "UPDATE outside_change SET undone_us = ? WHERE id = ? AND undone_us IS NULL",
            [(now, number) for number in params.ids],
        )
        return len(params.ids)

    return ChangesUndoneResult(await _run(app, update))


async def _run(app: App, work: Callable[[apsw.Connection], T]) -> T:
    """`work` on `user.db`, which is opened for it where no daemon holds it open."""
    if app.user is not None:
        return await app.user.run(work)
    make_private(app.paths.data_dir)
    user = UserData(app.paths.user_db)
    try:
        return await user.run(work)
    finally:
        user.close()


HANDLERS: dict[str, Handler] = {
    "changes.record": record,
    "changes.list": list_,
    "changes.undone": undone,
}
