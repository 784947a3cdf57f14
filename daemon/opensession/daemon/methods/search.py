"""search.*"""

from __future__ import annotations

from opensession.daemon.methods.reading import reading
from opensession.daemon.state import Handler
from opensession.daemon.store.search import search

HANDLERS: dict[str, Handler] = {"search.query": reading(search)}
