"""archive.backup: all that cannot be made again, in one file."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path
from typing import Any

import msgspec

from opensession.core.errors import Refused, Unreachable, UsageError
from opensession.core.rpc.backup import BackupParams
from opensession.core.rpc.index import JobResult, Progress
from opensession.daemon import audit, backup, jobs, verifying
from opensession.daemon.client import Client
from opensession.daemon.jobs import Report
from opensession.daemon.state import App, Handler

_UNARCHIVED = (
    "SELECT count(*) FROM session JOIN source ON source.id = session.source"
    " WHERE archived_len < offset OR archive_size = 0"
)


async def write(app: App, params: BackupParams, client: Client) -> JobResult:
    """Begin to write a backup. The job's end means that it is on the disk and was read back."""
    target = Path(params.path)
    if not target.is_absolute():
        raise UsageError("the path of a backup is absolute", "opensession backup FILE")
    if not target.parent.is_dir():
        raise Refused(f"{target.parent} is no folder", f"mkdir {target.parent}")
    return JobResult(jobs.start(client, functools.partial(_write, app, target)))


async def _write(app: App, target: Path, report: Report) -> dict[str, Any]:
    user, guards = app.user, app.library.guards
    if user is None or guards is None:
        raise Unreachable("no daemon watches", "opensession daemon start")
    loop = asyncio.get_running_loop()

    def snapshot(path: Path) -> None:
        user.read(lambda db: db.execute("VACUUM INTO ?", (str(path),)))
        path.chmod(0o600)

    def told(done: int, total: int, what: str) -> None:
        now = Progress(job="", done=done, total=total, detail=what)
        loop.call_soon_threadsafe(report, now)

    def looked(done: int, total: int, agent: str) -> None:
        report(Progress(job="", done=done, total=total, detail="looking for damage"))

    found = await verifying.verify(app.library, app.paths.archive_dir, looked, only=False)
    live = backup.Live(snapshot, lambda: guards.forgotten)
    written = await asyncio.to_thread(backup.write, target, app.paths, live, told)
    unarchived = await app.library.query(lambda db: db.execute(_UNARCHIVED).get)
    audit.record(app.paths, "archive.backup", "exit", files=written.files, bytes=written.bytes)
    report(Progress(job="", done=written.bytes, total=written.bytes))
    damaged = [verifying.sentence(frame) for frame in found.damaged]
    return {**msgspec.structs.asdict(written), "unarchived": unarchived, "damaged": damaged}


HANDLERS: dict[str, Handler] = {"archive.backup": write}
