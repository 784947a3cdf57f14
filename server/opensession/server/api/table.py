"""Every route of the hub."""

from __future__ import annotations

from opensession.server.api import health
from opensession.server.api.route import Route

ROUTES: tuple[Route, ...] = (*health.ROUTES,)
