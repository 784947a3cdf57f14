"""How the hub is, and what it offers."""

from __future__ import annotations

import shutil

import msgspec
from aiohttp import web

from opensession.core import __version__
from opensession.core.hub import Capabilities, HubHealth
from opensession.server.access import Caller
from opensession.server.api.errors import ApiError
from opensession.server.api.route import Route
from opensession.server.state import Hub


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """GET /api/ready: the hub takes sessions in."""

    ready: bool
    free_bytes: int


async def health(_hub: Hub, _caller: Caller, _request: web.Request) -> HubHealth:
    """Alive."""
    return HubHealth(status="ok", version=__version__)


async def ready(hub: Hub, _caller: Caller, _request: web.Request) -> Ready:
    """Whether sessions can be taken in."""
    if not hub.ready:
        raise ApiError("unavailable", "the hub is starting", retry_after=1)
    free = shutil.disk_usage(hub.config.data).free
    if free < hub.config.min_free_bytes:
        raise ApiError("unavailable", f"{free >> 20} MiB are free on the hub's disk, which is "
                       "below its limit", "make room on the hub", retry_after=60)  # fmt: skip
    return Ready(ready=True, free_bytes=free)


async def capabilities(hub: Hub, _caller: Caller, _request: web.Request) -> Capabilities:
    """What this hub offers."""
    return Capabilities(
        auth_enabled=True,
        upload_enabled=True,
        parse_preview_enabled=False,
        register_targets=["local"],
        share_modes=["json"],
        registration="first" if hub.vault.code else hub.config.registration,
        public_feed=hub.public,
        encodings=["identity", "gzip", "zstd"],
        max_body_bytes=hub.config.max_body_bytes,
        score_plugins=list(hub.score_plugins),
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/health",
        handler=health,
        action="hub.look",
        response=HubHealth,
        doc="The hub is alive. It says nothing about storage: see `/api/ready`.",
    ),
    Route(
        method="GET",
        path="/api/ready",
        handler=ready,
        action="hub.look",
        response=Ready,
        also=(503,),
        doc="The hub takes sessions in. 503 while it starts, and when its disk is too full.",
    ),
    Route(
        method="GET",
        path="/api/capabilities",
        handler=capabilities,
        action="hub.look",
        response=Capabilities,
        also=(503,),
        doc="What this hub offers. `registration` is `first` as long as there is no account.",
    ),
)
