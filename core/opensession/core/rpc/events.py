"""events.*: what is committed, as it is committed."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params
from opensession.core.rpc.sessions import EventRow


class SubscribeParams(Params, frozen=True):
    """Narrow by agent, session or folder; empty means everything. `scope` as in `sessions.list`."""

    tool: str = ""
    session: str = ""
    scope: str = ""
    all: bool = True


class SubscribeResult(msgspec.Struct, frozen=True):
    subscription: str


class UnsubscribeParams(Params, frozen=True):
    subscription: str


class UnsubscribeResult(msgspec.Struct, frozen=True):
    removed: bool


class EventNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Params of `events.event`: one committed change. `lost` counts events a slow subscriber
    missed before this one; `event` is null for a change that added none (a rewind, a title).
    """

    subscription: str
    session_id: str
    short: str
    tool: str
    title: str
    project: str
    event: EventRow | None
    lost: int = 0
