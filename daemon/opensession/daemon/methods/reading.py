"""Methods that only read the index: a function of the store, run beside the writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import apsw

from opensession.core.rpc.envelope import Params
from opensession.daemon.client import Client
from opensession.daemon.state import App, Handler
from opensession.daemon.store.context import QueryContext

P = TypeVar("P", bound=Params)


def reading(query: Callable[[apsw.Connection, P, QueryContext], Any]) -> Handler:
    """The handler that answers with what `query` gives."""

    async def handler(app: App, params: P, client: Client) -> Any:
        return await app.library.read(query, params)

    return handler
