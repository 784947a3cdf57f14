"""stats.*"""

from __future__ import annotations

from opensession.daemon.methods.reading import reading
from opensession.daemon.store.stats import stats

HANDLERS = {"stats.get": reading(stats)}
