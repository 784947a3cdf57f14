"""sessions.*"""

from __future__ import annotations

import functools

import msgspec

from opensession.core.rpc.sessions import SessionDetail, SessionGetParams
from opensession.daemon.client import Client
from opensession.daemon.methods.reading import reading
from opensession.daemon.revive import takes_back
from opensession.daemon.state import App, Handler
from opensession.daemon.store import leaks
from opensession.daemon.store.events import export_lines, list_events
from opensession.daemon.store.resolve import resolve
from opensession.daemon.store.sessions import get_session, list_sessions
from opensession.parsers.agent import Source


async def get(app: App, params: SessionGetParams, client: Client) -> SessionDetail:
    """One session, whether its archive is still as its agent wrote it, and whether that takes it
    back. Raises NotFound.
    """
    found = await app.library.read(get_session, params)
    agent = next((each for each in app.library.agents if each.name == found.session.tool), None)
    if agent is not None:
        takes = takes_back(agent, Source(agent.name, "", found.session.source_path))
        found = msgspec.structs.replace(found, revivable=takes)
    if app.user is None:
        return found
    row = found.session
    altered = functools.partial(leaks.altered, agent=row.tool, native_id=row.id)
    return msgspec.structs.replace(found, altered_at=await app.user.run(altered))


HANDLERS: dict[str, Handler] = {
    "sessions.list": reading(list_sessions),
    "sessions.get": get,
    "sessions.events": reading(list_events),
    "sessions.export": reading(export_lines),
    "sessions.resolve": reading(resolve),
}
