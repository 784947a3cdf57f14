"""changes.*: what was changed outside our own folders, in `user.db`."""

from __future__ import annotations

import time

import apsw

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
from opensession.daemon.methods.on_user import on_user
from opensession.daemon.state import App, Handler


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

    return ChangesRecordResult(await on_user(app, insert))


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

    return ChangesListResult(await on_user(app, select))


async def undone(app: App, params: ChangesUndoneParams, client: Client) -> ChangesUndoneResult:
    """Note that changes are undone."""

    def update(db: apsw.Connection) -> int:
        now = time.time_ns() // 1000
        db.executemany(
            "UPDATE outside_change SET undone_us = ? WHERE id = ? AND undone_us IS NULL",
            [(now, number) for number in params.ids],
        )
        return len(params.ids)

    return ChangesUndoneResult(await on_user(app, update))


HANDLERS: dict[str, Handler] = {
    "changes.record": record,
    "changes.list": list_,
    "changes.undone": undone,
}
