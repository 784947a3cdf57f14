"""stats.*"""

from __future__ import annotations

from opensession.daemon.methods.reading import reading
from opensession.daemon.state import Handler
from opensession.daemon.store.stats import stats

HANDLERS: dict[str, Handler] = {"stats.get": reading(stats)}
