"""What a query has to know beside its parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import msgspec

from opensession.core.privacy import Stripper
from opensession.daemon.store.names import NO_NAMES, Names
from opensession.daemon.store.prices import PriceBook
from opensession.daemon.store.source_marks import Links


class QueryContext(msgspec.Struct, frozen=True, kw_only=True):
    """Made for every call; what is dear in it (`prices`, `slow`) is shared by all calls.

    `now_us` is the time of the call, `idle_secs` how long a session may be silent and still runs,
    `indexing` the fraction of known bytes that is searchable, `zone` the IANA name of the user's
    time zone (empty: the machine's). `stripper` takes out what must not leave the machine; nothing
    leaves without one. `may_leave(agent, id, redactions)` is why a session must not, or empty.
    `names` is what people call their sessions, `native_names(agent, root)` what an agent calls
    those below a root apart from them, by id. `links` are folders that were moved. `slow` bounds
    how many long scans run at once.
    """

    now_us: int
    prices: PriceBook
    home: str = ""
    idle_secs: float = 300.0
    indexing: float = 1.0
    zone: str = ""
    stripper: Stripper | None = None
    may_leave: Callable[[str, str, Mapping[str, int]], str] = lambda agent, native_id, found: ""
    names: Names = NO_NAMES
    native_names: Callable[[str, str], Mapping[str, str]] = lambda agent, root: {}
    links: Links = {}
    slow: threading.Semaphore = msgspec.field(default_factory=lambda: threading.Semaphore(2))
