"""How long agents keep their own sessions, and what they will delete soon."""

from __future__ import annotations

import msgspec


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """An agent deletes sessions after `days` (`default_days` unless told otherwise; null: never),
    as the settings file `origin` says (empty: nothing does). Within `within_days` it will delete so
    many `sessions`, of which `archived` can be revived. `keep_days` is how long the archive keeps
    its sessions, 0 for ever.
    """

    tool: str
    days: float
    default_days: float | None
    origin: str
    within_days: int
    sessions: int
    archived: int
    keep_days: float = 0.0
