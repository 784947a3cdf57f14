"""search.*"""

from __future__ import annotations

from opensession.daemon.methods.reading import reading
from opensession.daemon.store.search import search

HANDLERS = {"search.query": reading(search)}
