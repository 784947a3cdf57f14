"""The only wiring: what is started in which order, and ended in which.

    configuration, sockets          somebody can connect
    routes                          /api/health answers; the rest says `unavailable`
    storage                         migrations and recovery; then /api/ready is true

It ends in the opposite order: no new connections, streams end, requests finish, storage closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping

from aiohttp import web

from opensession.core.errors import Refused
from opensession.core.paths import make_private
from opensession.server import config as configuration
from opensession.server.api import headers
from opensession.server.api.caller import identify
from opensession.server.api.errors import speak_json
from opensession.server.api.route import JSON_LIMIT, adapted
from opensession.server.api.table import ROUTES
from opensession.server.auth.limits import Limits
from opensession.server.auth.vault import Vault, signing_secret
from opensession.server.config import Config
from opensession.server.state import Hub
from opensession.server.storage.connect import DATABASE
from opensession.server.storage.database import Database

SHUTDOWN_SECONDS = 10.0
KEEPALIVE_SECONDS = 75.0

log = logging.getLogger(__name__)


def run(environ: Mapping[str, str]) -> int:
    """Be the hub until it is stopped; the exit code. Raises OpenSessionError where it cannot."""
    config = configuration.load(environ)
    make_private(config.data)
    logging.basicConfig(
        level=getattr(logging, config.log.upper(), logging.INFO),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    asyncio.run(_serve(config))
    return 0


async def _serve(config: Config) -> None:
    listening = _listen(config)
    hub = Hub(config, config.base_url.rstrip("/") or _url_of(listening), ROUTES)
    hub.limits = Limits(config.auth_attempts_per_minute)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as closing, contextlib.AsyncExitStack() as ending:
        runner = web.AppRunner(
            build(hub),
            access_log=None,
            auto_decompress=False,  # limits count decoded bytes, so handlers decode themselves
            keepalive_timeout=KEEPALIVE_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        ending.push_async_callback(runner.cleanup)
        ending.callback(hub.stopping.set)
        await web.SockSite(runner, listening).start()
        await _open(hub, closing)
        _say(hub, _url_of(listening))
        await stop.wait()
        log.info("stops")


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
    application = web.Application(middlewares=[speak_json], client_max_size=JSON_LIMIT)
    application.on_response_prepare.append(headers.add)
    for route in hub.routes:
        handler = adapted(route, hub, identify)
        if route.method == "GET" and route.response is not None:  # HEAD of a stream has no end
            application.router.add_get(route.path, handler)
        else:
            application.router.add_route(route.method, route.path, handler)
    return application


async def _open(hub: Hub, ending: contextlib.AsyncExitStack) -> None:
    """Opens storage; what it leaves open is closed after the last request."""
    database = await asyncio.to_thread(Database, hub.config.data / DATABASE)
    ending.push_async_callback(asyncio.to_thread, database.close)
    vault = Vault(database, await asyncio.to_thread(signing_secret, hub.config))
    await vault.prepare()
    hub.opened(None, vault)


def _listen(config: Config) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            config.host or None, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(found[0][0], socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(found[0][4])
        listening.listen(1024)
    except OSError as error:
        where = f"{config.host}:{config.port}"
        said = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
        raise Refused(f"cannot listen on {where}: {said}", "choose another with PORT") from error
    return listening


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
