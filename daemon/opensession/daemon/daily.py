"""What is done an hour after the daemon's start, then once a day, and only while nothing is being
read: `archive.keep_days` is kept to, a sample of the archive is looked through, so that damage is
known while the agent may still have its file, and folders that no session is of are forgotten.

Where nobody set `archive.keep_days`, and no agent was told to keep less than its default, nothing
goes and nothing is asked.
"""

from __future__ import annotations

import asyncio
import logging

import apsw

from opensession.core.errors import OpenSessionError
from opensession.core.rpc.storage import PruneParams
from opensession.daemon import set_aside, storage, verifying
from opensession.daemon.state import App

log = logging.getLogger(__name__)

FIRST_SECONDS = 3600.0
EVERY_SECONDS = 86_400.0
BUSY_SECONDS = 300.0
"""How long after a look at a daemon that was reading the next one comes."""


async def every_day(app: App) -> None:
    """Does it now and then, until it is cancelled."""
    wait = FIRST_SECONDS
    while True:
        await asyncio.sleep(wait)
        if app.library.indexing().active:
            wait = BUSY_SECONDS
            continue
        wait = EVERY_SECONDS
        for chore in (_keep_to_days, _look_through, _forget_folders):
            try:
                await chore(app)
            except (OpenSessionError, apsw.Error, OSError) as error:
                log.warning("%s is left for now: %s", chore.__name__[1:], type(error).__name__)


async def _keep_to_days(app: App) -> None:
    await app.refresh_config()
    keep = await storage.keep_days(app)
    if not any(keep.values()):
        return
    done = await storage.prune(app, PruneParams(really=True))
    sessions = sum(row.sessions for row in done.agents)
    if sessions:
        log.info("past archive.keep_days: %d sessions were taken away", sessions)


async def _look_through(app: App) -> None:
    found = await verifying.verify(
        app.library, app.paths.archive_dir, lambda done, total, detail: None, only=True
    )
    for file in sorted({frame.file for frame in found.damaged}):
        log.warning("damage in the archive: %s", file)


async def _forget_folders(app: App) -> None:
    """What is remembered of repositories goes with the last session that was begun in them; while
    an index waits aside, nobody knows which these are.
    """
    guards = app.library.guards
    if guards is not None and not set_aside.all_aside(app.paths.index_db):
        await app.library.write(lambda writer: guards.repositories.keep_only(writer.db))
