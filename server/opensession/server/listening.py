"""The hub's socket, and the protocol on it: what is not even HTTP gets an error of our shape."""

from __future__ import annotations

import asyncio
import logging
import os
import socket

from aiohttp import web

from opensession.core.errors import Refused
from opensession.server.api import headers
from opensession.server.api.errors import ApiError, answer
from opensession.server.config import Config

KEEPALIVE_SECONDS = 75.0
BACKLOG = 1024

log = logging.getLogger(__name__)


class Speaker(web.RequestHandler):
    """One connection. The library's own errors would tell of what was sent, in text and log."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what is no request, or whose handling failed outside of all handlers."""
        if request.writer is not None and request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        if status >= 500:
            log.error("a request failed: %s", type(exc).__name__)
            response = answer(ApiError("internal", "the hub failed; its log says where"))
        else:
            response = answer(ApiError("bad_request", "this is no HTTP request"))
        headers.put(response)
        response.force_close()
        return response


async def serve(
    runner: web.AppRunner, listening: socket.socket, keepalive: float = KEEPALIVE_SECONDS
) -> asyncio.Server:
    """Answers on a socket; `runner` is set up. The head of a request has to be there `keepalive`
    seconds after the connection, or after the answer before.
    """
    loop, manager = asyncio.get_running_loop(), runner.server
    assert manager is not None  # noqa: S101 - it is set up

    def connected() -> Speaker:
        return Speaker(
            manager,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # as AppRunner gives it: no log of requests
            auto_decompress=False,  # limits count decoded bytes, so handlers decode themselves
            keepalive_timeout=keepalive,
        )

    return await loop.create_server(connected, sock=listening, backlog=BACKLOG)


def bound(config: Config) -> socket.socket:
    """A socket on the configured address; raises Refused where that cannot be had."""
    listening: socket.socket | None = None
    try:
        found = socket.getaddrinfo(
            config.host or None, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listening = socket.socket(found[0][0], socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(found[0][4])
    except OSError as error:
        if listening is not None:
            listening.close()
        where = f"{config.host}:{config.port}"
        said = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
        raise Refused(f"cannot listen on {where}: {said}", "choose another with PORT") from error
    return listening


def url_of(listening: socket.socket) -> str:
    """The address to type on this machine."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
