"""Every route of the hub."""

from __future__ import annotations

from opensession.server.api import auth, docs, feed, health, keys, sessions, upload
from opensession.server.api.route import Route

ROUTES: tuple[Route, ...] = (
    *health.ROUTES,
    *auth.ROUTES,
    *keys.ROUTES,
    *sessions.ROUTES,
    *upload.ROUTES,
    *feed.ROUTES,
    *docs.ROUTES,
)
