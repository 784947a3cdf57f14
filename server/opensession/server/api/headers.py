"""Headers of every answer, and which pages of elsewhere may ask (CORS)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from opensession.core.hub import DEVICE_HEADER
from opensession.server.config import Config

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""What is not set by the handler itself; a page allows in its own policy what it needs."""

_ASKED = f"Authorization, Content-Type, Content-Encoding, Last-Event-ID, {DEVICE_HEADER}"
_METHODS = "GET, POST, PUT, DELETE"
_STRICT_SECONDS = 31_536_000

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def adding(config: Config) -> Signal:
    """What is called for every answer before its head is written."""

    async def add(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get("Origin", "")
        if origin in config.allowed_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
            response.headers.add("Vary", "Origin")
        put(response)
        if urlsplit(config.base_url).scheme == "https":
            response.headers["Strict-Transport-Security"] = f"max-age={_STRICT_SECONDS}"

    return add


def put(response: web.StreamResponse) -> None:
    """Adds what every answer has, and what is not there yet."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "opensession"


def answering_browsers(config: Config) -> Callable[..., Awaitable[web.StreamResponse]]:
    """The middleware that lets browsers ask first, for pages of `allowed_origins` only."""

    @web.middleware
    async def answer(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not asks or request.headers.get("Origin", "") not in config.allowed_origins:
            return await handler(request)
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Allow-Headers": _ASKED,
                "Access-Control-Max-Age": "600",
            },
        )

    return answer
