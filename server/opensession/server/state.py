"""`Hub`: what every handler is given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from opensession.server.api.errors import ApiError
from opensession.server.config import Config

if TYPE_CHECKING:
    from opensession.server.api.route import Route
    from opensession.server.auth.limits import Limits
    from opensession.server.auth.vault import Vault
    from opensession.server.receiving.receiver import Receiver
    from opensession.server.storage.interface import Storage


class Hub:
    """One hub. It answers from its first moment; `storage` and `vault` raise `unavailable`
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
        self.score_plugins: tuple[str, ...] = ()
        self._storage: Storage | None = None
        self._receiver: Receiver | None = None
        self._vault: Vault | None = None

    @property
    def public(self) -> bool:
        """Everyone may list and read sessions."""
        return self.config.public_feed_enabled

    @property
    def storage(self) -> Storage:
        """The sessions; raises ApiError `unavailable` until they are open."""
        if self._storage is None:
            raise ApiError("unavailable", "the hub is starting", retry_after=1)
        return self._storage

    @property
    def vault(self) -> Vault:
        """The accounts; raises ApiError `unavailable` until they are open."""
        if self._vault is None:
            raise ApiError("unavailable", "the hub is starting", retry_after=1)
        return self._vault

    @property
    def receiver(self) -> Receiver:
        """Where bodies are received; raises ApiError `unavailable` until it is there."""
        if self._receiver is None:
            raise ApiError("unavailable", "the hub is starting", retry_after=1)
        return self._receiver

    def opened(self, storage: Storage, receiver: Receiver, vault: Vault) -> None:
        """Storage is open: from now on everything is answered."""
        self._storage = storage
        self._receiver = receiver
        self._vault = vault
        self.ready = True
