"""Headers of every answer."""

from __future__ import annotations

from aiohttp import web

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""What is not set by the handler itself; a page allows in its own policy what it needs."""


async def add(_request: web.Request, response: web.StreamResponse) -> None:
    """Called for every answer before its head is written."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "opensession"
