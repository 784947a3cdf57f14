"""`Hub`: what every handler is given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from opensession.server.api.errors import ApiError
from opensession.server.config import Config

if TYPE_CHECKING:
    from opensession.server.api.route import Route
    from opensession.server.auth.limits import Limits


class Hub:
    """One hub. It answers from its first moment; `storage` and `accounts` raise `unavailable`
    until they are open, so that `/api/ready` can say so while migrations run.
    """

    def __init__(self, config: Config, base_url: str, routes: tuple[Route, ...]) -> None:
        self.config = config
        self.base_url = base_url
        """Where people reach the hub, without a slash at the end; links begin with it."""
        self.routes = routes
        self.stopping = asyncio.Event()
        """Set when the hub ends; streams of events end with it."""
        self.ready = False
        self.limits: Limits
        self._storage: Any = None

    @property
    def public(self) -> bool:
        """Everyone may list and read sessions."""
        return self.config.public_feed_enabled

    @property
    def storage(self) -> Any:
        """The sessions; raises ApiError `unavailable` until they are open."""
        if self._storage is None:
            raise ApiError("unavailable", "the hub is starting", retry_after=1)
        return self._storage

    def opened(self, storage: Any) -> None:
        """Storage is open: from now on everything is answered."""
        self._storage = storage
        self.ready = True
