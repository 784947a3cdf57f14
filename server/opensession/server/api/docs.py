"""The hub describes itself: `/api/openapi.json`, `/docs`, `/llms.txt`."""

from __future__ import annotations

import msgspec
from aiohttp import web

from opensession.server.access import Caller
from opensession.server.api import openapi, pages
from opensession.server.api.route import Route
from opensession.server.state import Hub

_CACHED = {"Cache-Control": "public, max-age=300"}


async def openapi_document(hub: Hub, _caller: Caller, _request: web.Request) -> web.Response:
    """The OpenAPI document."""
    made = openapi.document(hub.routes, hub.base_url)
    return web.Response(
        body=msgspec.json.encode(made), content_type="application/json", headers=_CACHED
    )


async def docs_page(hub: Hub, _caller: Caller, request: web.Request) -> web.Response:
    """The routes as a page, or as markdown for who asks for that."""
    text = pages.markdown(hub.routes, hub.base_url)
    headers = {**_CACHED, "Vary": "Accept"}
    if "text/markdown" in request.headers.get("Accept", ""):
        return web.Response(text=text, content_type="text/markdown", headers=headers)
    headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{pages.STYLE_HASH}'; frame-ancestors 'none'"
    )
    return web.Response(text=pages.page(text), content_type="text/html", headers=headers)


async def llms_text(hub: Hub, _caller: Caller, _request: web.Request) -> web.Response:
    """The routes as markdown."""
    text = pages.markdown(hub.routes, hub.base_url)
    return web.Response(text=text, content_type="text/plain", headers=_CACHED)


async def front_page(_hub: Hub, _caller: Caller, _request: web.Request) -> web.Response:
    """Whoever opens the address in a browser is led to the description."""
    return web.Response(status=302, headers={"Location": "/docs"})


ROUTES = (
    Route(
        method="GET",
        path="/api/openapi.json",
        handler=openapi_document,
        action="hub.look",
        doc="This description as an OpenAPI 3.1 document.",
    ),
    Route(
        method="GET",
        path="/docs",
        handler=docs_page,
        action="hub.look",
        gives="text/html",
        doc="This description as a page; as markdown with `Accept: text/markdown`.",
    ),
    Route(
        method="GET",
        path="/llms.txt",
        handler=llms_text,
        action="hub.look",
        gives="text/plain",
        doc="This description as markdown.",
    ),
    Route(
        method="GET",
        path="/",
        handler=front_page,
        action="hub.look",
        status=302,
        doc="Leads to `/docs`.",
    ),
)
