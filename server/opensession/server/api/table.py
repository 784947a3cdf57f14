"""Every route of the hub."""

from __future__ import annotations

from opensession.server.api import auth, docs, health, keys
from opensession.server.api.route import Route

ROUTES: tuple[Route, ...] = (*health.ROUTES, *auth.ROUTES, *keys.ROUTES, *docs.ROUTES)
