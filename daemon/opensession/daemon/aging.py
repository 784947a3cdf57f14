"""Keeping to `archive.keep_days` by itself: looked at an hour after the start, then once a day, and
only while nothing is being read. Where nobody set it, and no agent was told to keep less than its
default, there is nothing to do and nothing is asked.
"""

from __future__ import annotations

import asyncio
import logging

import apsw

from opensession.core.errors import OpenSessionError
from opensession.core.rpc.storage import PruneParams
from opensession.daemon import storage
from opensession.daemon.state import App

log = logging.getLogger(__name__)

FIRST_SECONDS = 3600.0
EVERY_SECONDS = 86_400.0
BUSY_SECONDS = 300.0
"""How long after a look at a daemon that was reading the next one comes."""


async def keep_to_days(app: App) -> None:
    """Look now and then, until it is cancelled."""
    wait = FIRST_SECONDS
    while True:
        await asyncio.sleep(wait)
        if app.library.indexing().active:
            wait = BUSY_SECONDS
            continue
        wait = EVERY_SECONDS
        try:
            await _look(app)
        except (OpenSessionError, apsw.Error, OSError) as error:
            log.warning("what is past its time stays for now: %s", type(error).__name__)


async def _look(app: App) -> None:
    await app.refresh_config()
    keep = await storage.keep_days(app)
    if not any(keep.values()):
        return
    done = await storage.prune(app, PruneParams(really=True))
    sessions = sum(row.sessions for row in done.agents)
    if sessions:
        log.info("past archive.keep_days: %d sessions were taken away", sessions)
