"""What the handlers work with: the parts of the running daemon, and its configuration."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from opensession.core import config
from opensession.core.config import Loaded
from opensession.core.paths import Paths
from opensession.daemon import logs
from opensession.daemon.bus import Bus
from opensession.daemon.client import Client
from opensession.daemon.library import Library
from opensession.daemon.publish.publisher import Publisher
from opensession.daemon.user_data import UserData
from opensession.parsers.registry import AGENTS

log = logging.getLogger(__name__)


class App:
    """The parts of the daemon, made by `app`. `notices` are told in `status`, by a key each;
    `refused` says what is wrong with the configuration as it is on disk, in place of which the
    last good one (`loaded`) counts.
    """

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        loaded: Loaded,
        *,
        socket: Path,
        instance: str,
        library: Library,
        bus: Bus,
        user: UserData | None,
    ) -> None:
        self.paths = paths
        self.environ = environ
        self.loaded = loaded
        self.socket = socket
        self.instance = instance
        self.library = library
        self.bus = bus
        self.user = user
        self.publisher: Publisher | None = None
        self.refused: list[str] = []
        self.notices: dict[str, str] = {}
        self.stopping = asyncio.Event()
        self.started = time.monotonic()
        self._first_settings = loaded.settings
        self._seen = config_state(paths)

    @property
    def restart_due(self) -> list[str]:
        """Settings that changed since the start and are taken up at the next one only."""
        return config.restart_due(self._first_settings, self.loaded.settings)

    async def refresh_config(self, *, force: bool = False) -> None:
        """Take up the configuration if its files changed (or `force`). With a bad value in it,
        the last good one stays.
        """
        now = config_state(self.paths)
        if now == self._seen and not force:
            return
        self._seen = now
        loaded = load_config(self.paths, self.environ)
        if loaded.errors:
            if loaded.errors != self.refused:
                log.error("the configuration is not taken up: %s", "; ".join(loaded.errors))
            self.refused = loaded.errors
            return
        self.refused = []
        changed = config.changed_keys(self.loaded.settings, loaded.settings)
        self.loaded = loaded
        if changed:
            log.info("configuration taken up: %s", ", ".join(changed))
            logs.set_level(loaded.settings.daemon.log_level)
            await self.library.take_up(loaded.settings)
            if self.publisher is not None:
                await self.publisher.take_up()


Handler: TypeAlias = Callable[[App, Any, Client], Awaitable[Any]]


def load_config(paths: Paths, environ: Mapping[str, str]) -> Loaded:
    """The configuration as it stands, with the names of our agents."""
    return config.load(paths, environ, agents=[agent.name for agent in AGENTS])


def config_state(paths: Paths) -> tuple[object, ...]:
    """What differs when a file of the configuration was written."""
    found: list[object] = []
    for path in (paths.config_file, paths.login_file):
        try:
            stat = path.stat()
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
        except OSError:
            found.append(None)
    return tuple(found)
