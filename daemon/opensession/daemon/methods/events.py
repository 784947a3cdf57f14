"""events.*: what is committed, as it is committed."""

from __future__ import annotations

import asyncio

from opensession.core.config import agent_name
from opensession.core.rpc.events import (
    EventNotice,
    SubscribeParams,
    SubscribeResult,
    UnsubscribeParams,
    UnsubscribeResult,
)
from opensession.core.rpc.sessions import ResolveParams
from opensession.daemon.client import Client
from opensession.daemon.state import App, Handler
from opensession.daemon.store import following
from opensession.daemon.store.change import Change
from opensession.daemon.store.resolve import resolve
from opensession.daemon.store.scope import EVERYTHING, scope_of


async def subscribe(app: App, params: SubscribeParams, client: Client) -> SubscribeResult:
    """Send what is committed from now on. Raises NotFound for a session that is not there."""
    tool = agent_name(params.tool)
    sessions: set[tuple[str, str]] = set()
    if params.session:
        ref = ResolveParams(ref=params.session, scope=params.scope, all=params.all)
        found = await app.library.read(resolve, ref)
        sessions = set(zip(found.tools, found.ids, strict=True))
    where = EVERYTHING
    if params.scope and not params.all:
        where = (await asyncio.to_thread(scope_of, params.scope)).condition

    def wants(change: Change) -> bool:
        named = (change.agent, change.native_id)
        return (not tool or change.agent == tool) and (not sessions or named in sessions)

    async def fetch(change: Change) -> list[EventNotice]:
        return await app.library.query(following.notices, change, where)

    return SubscribeResult(app.bus.subscribe(client, wants, fetch))


async def unsubscribe(app: App, params: UnsubscribeParams, client: Client) -> UnsubscribeResult:
    """End a subscription."""
    return UnsubscribeResult(app.bus.unsubscribe(params.subscription))


HANDLERS: dict[str, Handler] = {
    "events.subscribe": subscribe,
    "events.unsubscribe": unsubscribe,
}
