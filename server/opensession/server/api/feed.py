"""Server-sent events: sessions as they change."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
from aiohttp import web

from opensession.server.access import Caller, whose
from opensession.server.api.errors import ApiError
from opensession.server.api.route import Route
from opensession.server.state import Hub
from opensession.server.storage.interface import Event, Visible

COMMENT_SECONDS = 15.0
_MIME = "text/event-stream"


class SessionEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The data of an event `session`; `kind` is created, updated, rewound or deleted."""

    id: str
    device: str
    tool: str
    owner: str
    kind: str
    seq: int
    generation: int


async def follow_events(hub: Hub, caller: Caller, request: web.Request) -> web.StreamResponse:
    """Changes of the sessions that the caller may see, until it leaves or the hub ends."""
    found = whose("feed.follow", caller, public=hub.public)
    storage = hub.storage
    last = await storage.last_change()
    after = min(_resumed(request.headers.get("Last-Event-ID", ""), last), last)
    response = web.StreamResponse(
        headers={"Content-Type": _MIME, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    await response.prepare(request)
    await response.write(b"retry: 2000\n\n")
    changes = storage.changes(after, Visible(found.account, found.everyone))
    stopping = asyncio.ensure_future(hub.stopping.wait())
    coming: asyncio.Future[Event] = asyncio.ensure_future(anext(changes))
    try:
        while not stopping.done():
            await asyncio.wait(
                (coming, stopping), timeout=COMMENT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            if coming.done():
                await response.write(_written(coming.result()))
                coming = asyncio.ensure_future(anext(changes))
            elif not stopping.done():
                await response.write(b": still here\n\n")
    except ConnectionError:
        pass  # it left
    finally:
        for one in (coming, stopping):
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await one
        await changes.aclose()
    return response


def _resumed(text: str, last: int) -> int:
    if not text:
        return last
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ApiError("bad_request", "Last-Event-ID is none of ours")
    return int(text)


def _written(event: Event) -> bytes:
    data = SessionEvent(
        id=event.key.id,
        device=event.key.device,
        tool=event.key.agent,
        owner=event.key.owner,
        kind=event.kind,
        seq=event.seq,
        generation=event.generation,
    )
    return b"id: %d\nevent: session\ndata: %s\n\n" % (event.number, msgspec.json.encode(data))


ROUTES = (
    Route(
        method="GET",
        path="/api/events",
        handler=follow_events,
        action="feed.follow",
        gives=_MIME,
        doc="Changes of sessions as server-sent events, for as long as the connection lasts. Events"
        " are called `session`; `Last-Event-ID` goes on after one. A session that changed several"
        " times meanwhile is told once, as it is now.",
    ),
)
