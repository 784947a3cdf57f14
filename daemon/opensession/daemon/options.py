"""From settings to what the ingest needs to know."""

from __future__ import annotations

import asyncio
import contextlib

from opensession.core.config import Settings
from opensession.core.paths import Paths
from opensession.daemon import admission
from opensession.daemon.ingest import Ingest, Options, Place
from opensession.daemon.reading import Setup
from opensession.daemon.schedule import Timing

TAKE_UP_SECONDS = 5.0
"""How long a change of settings waits for an ingest that is busy."""


def place_of(paths: Paths) -> Place:
    """Where the ingest writes."""
    return Place(index=paths.index_db, archive=paths.archive_dir, scratch=paths.state_dir / "work")


def options_of(settings: Settings, paths: Paths, key: bytes) -> Options:
    """How the ingest works under `settings`."""
    daemon = settings.daemon
    return Options(
        setup=Setup(
            home=str(paths.home),
            key=key,
            privacy=settings.privacy,
            archive=settings.archive.raw,
            rules=admission.rules_of(settings),
            commands=settings.watchers.commands,
        ),
        timing=Timing(
            quiet=min(daemon.realtime_debounce_ms / 1000, daemon.debounce_secs),
            longest=daemon.debounce_secs,
        ),
        reconcile=daemon.reconcile_secs,
        poll=daemon.poll_secs,
        idle=daemon.session_end_idle_secs,
    )


async def hand_over(ingest: Ingest, options: Options) -> None:
    """Gives an ingest other settings, and waits for a moment until nothing is stored any more that
    was read by those of before.
    """
    done = asyncio.wrap_future(ingest.take_up(options))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(done, TAKE_UP_SECONDS)
