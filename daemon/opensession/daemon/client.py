"""Who asks, as the handlers see it: a connection, or nobody who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Client(Protocol):
    """`client` is what it calls itself in `daemon.hello`."""

    client: str

    async def notify(self, method: str, params: Any) -> None:
        """Send a notification; returns when there is room for more. Raises ConnectionError."""
        ...

    def at_close(self, action: Callable[[], None]) -> None:
        """Have `action` called when the client goes away (at once if it has)."""
        ...

    def not_at_close(self, action: Callable[[], None]) -> None:
        """Take back what `at_close` was given."""
        ...


class Nobody:
    """The client of a method that is run without a daemon: it ends with the process."""

    client = "call"

    async def notify(self, method: str, params: Any) -> None:
        """Nobody listens."""

    def at_close(self, action: Callable[[], None]) -> None:
        """Nothing lives long enough to be ended."""

    def not_at_close(self, action: Callable[[], None]) -> None:
        """Nothing was kept."""
