"""The handlers of the socket's methods, one module per namespace.

A handler is `async def name(app, params, client) -> result`; the types of its parameters and result
are those of the method's row in `core.rpc.methods`, and a test holds the two lists together.
"""

from __future__ import annotations

from collections.abc import Mapping

from opensession.daemon.methods import (
    agents,
    backup,
    changes,
    config,
    daemon,
    doctor,
    events,
    hub,
    index,
    keeping,
    leaks,
    names,
    privacy,
    projects,
    publish,
    revive,
    search,
    sessions,
    stats,
    storage,
)
from opensession.daemon.state import Handler

HANDLERS: Mapping[str, Handler] = {
    **daemon.HANDLERS,
    **agents.HANDLERS,
    **index.HANDLERS,
    **sessions.HANDLERS,
    **search.HANDLERS,
    **stats.HANDLERS,
    **config.HANDLERS,
    **events.HANDLERS,
    **changes.HANDLERS,
    **privacy.HANDLERS,
    **leaks.HANDLERS,
    **keeping.HANDLERS,
    **backup.HANDLERS,
    **revive.HANDLERS,
    **storage.HANDLERS,
    **doctor.HANDLERS,
    **names.HANDLERS,
    **projects.HANDLERS,
    **names.HANDLERS,
    **publish.HANDLERS,
    **hub.HANDLERS,
}
