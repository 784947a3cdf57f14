"""sessions.*"""

from __future__ import annotations

from opensession.daemon.methods.reading import reading
from opensession.daemon.state import Handler
from opensession.daemon.store.events import export_lines, list_events
from opensession.daemon.store.resolve import resolve
from opensession.daemon.store.sessions import get_session, list_sessions

HANDLERS: dict[str, Handler] = {
    "sessions.list": reading(list_sessions),
    "sessions.get": reading(get_session),
    "sessions.events": reading(list_events),
    "sessions.export": reading(export_lines),
    "sessions.resolve": reading(resolve),
}
