"""The only wiring: what is started in which order, and ended in which.

    configuration, sockets          somebody can connect
    routes                          /api/health answers; the rest says `unavailable`
    storage                         migrations and recovery; then /api/ready is true

It ends in the opposite order: no new connections, streams end, requests finish, storage closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from aiohttp import web

from opensession.core.errors import Refused, UsageError
from opensession.core.paths import make_private
from opensession.server import config as configuration
from opensession.server import score
from opensession.server.api import headers
from opensession.server.api.caller import identify
from opensession.server.api.errors import speak_json
from opensession.server.api.route import JSON_LIMIT, adapted, expected
from opensession.server.api.table import ROUTES
from opensession.server.auth.limits import Limits
from opensession.server.auth.vault import Vault, signing_secret
from opensession.server.config import Config
from opensession.server.listening import bound, serve, url_of
from opensession.server.receiving.receiver import Receiver
from opensession.server.state import Hub
from opensession.server.storage import sqlite
from opensession.server.storage.connect import DATABASE
from opensession.server.storage.database import Database

SHUTDOWN_SECONDS = 10.0

log = logging.getLogger(__name__)


def run(environ: Mapping[str, str]) -> int:
    """Be the hub until it is stopped; the exit code. Raises OpenSessionError where it cannot."""
    config = configuration.load(environ)
    make_private(config.data)
    logging.basicConfig(
        level=getattr(logging, config.log.upper(), logging.INFO),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # Threads that compute must not keep the loop waiting at each of its many small writes.
    sys.setswitchinterval(0.0005)
    asyncio.run(_serve(config))
    return 0


async def _serve(config: Config) -> None:
    listening = bound(config)
    url = url_of(listening)
    hub = Hub(config, config.base_url.rstrip("/") or url, ROUTES)
    hub.limits = Limits(config.auth_attempts_per_minute)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as closing, contextlib.AsyncExitStack() as ending:
        closing.callback(os.close, _lock(config.data))
        runner = web.AppRunner(build(hub), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        ending.push_async_callback(runner.cleanup)
        ending.callback(hub.stopping.set)
        server = await serve(runner, listening)
        ending.callback(server.close)
        await _open(hub, closing)
        _say(hub, url)
        _notify("READY=1")
        await stop.wait()
        log.info("stops")
        _notify("STOPPING=1")


def _lock(data: Path) -> int:
    """Held for as long as the hub lives: two on one folder would each believe its own files."""
    descriptor = os.open(data / "hub.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        hint = "stop it, or set OPENSESSION_DATA_DIR to another folder"
        raise Refused(f"a hub is running on {data.absolute()}", hint) from error
    return descriptor


def _notify(state: str) -> None:
    """Tells systemd, where it started us and asked to be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending, contextlib.suppress(OSError):
        sending.sendto(state.encode(), address.replace("@", "\0", 1))


def _say(hub: Hub, url: str) -> None:
    """What a person who starts it needs to know."""
    said = [f"opensession-server: {url}"]
    if hub.vault.code:
        said.append(f"no account yet; next: opensession account login --server {hub.base_url}")
        said.append(f"from another machine the first account needs this code: {hub.vault.code}")
    sys.stdout.write("\n".join(said) + "\n")
    sys.stdout.flush()


def build(hub: Hub) -> web.Application:
    """The hub's routes as an application of the HTTP library."""
    application = web.Application(
        middlewares=[headers.answering_browsers(hub.config), speak_json],
        client_max_size=JSON_LIMIT,
    )
    application.on_response_prepare.append(headers.adding(hub.config))
    for route in hub.routes:
        handler = adapted(route, hub, identify)
        if route.method == "GET" and route.response is not None:  # HEAD of a stream has no end
            application.router.add_get(route.path, handler, expect_handler=expected)
        else:
            application.router.add_route(route.method, route.path, handler, expect_handler=expected)
    return application


async def _open(hub: Hub, ending: contextlib.AsyncExitStack) -> None:
    """Opens storage; what it leaves open is closed after the last request."""
    database = await asyncio.to_thread(Database, hub.config.data / DATABASE)
    ending.push_async_callback(asyncio.to_thread, database.close)
    vault = Vault(database, await asyncio.to_thread(signing_secret, hub.config))
    await vault.prepare()
    hub.score_plugins = tuple(score.names())
    if hub.config.session_score_plugin not in hub.score_plugins:
        raise UsageError(
            f"no such score plugin: {hub.config.session_score_plugin}",
            "OPENSESSION_SESSION_SCORE_PLUGIN is one of " + ", ".join(hub.score_plugins),
        )
    storage = await ending.enter_async_context(
        sqlite.opened(hub.config.data, database, hub.config.session_score_plugin)
    )
    receiver = await asyncio.to_thread(
        Receiver, hub.config.data, hub.config.max_body_bytes, hub.config.min_free_bytes
    )
    ending.push_async_callback(asyncio.to_thread, receiver.close)
    hub.opened(storage, receiver, vault)
