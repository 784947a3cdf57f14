"""archive.forget, privacy.allow, privacy.pause: what a person says of what is kept."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params


class ForgetParams(Params, frozen=True):
    """A session; with `undo` its whole id, since nothing else of it is known."""

    ref: str
    undo: bool = False


class ForgetResult(msgspec.Struct, frozen=True, kw_only=True):
    """`ids` are the sessions that are gone; `sources` (of `undo`) the files that are read again."""

    ids: list[str] = []
    sources: int = 0


class AllowParams(Params, frozen=True):
    """A session that holds something of a blocked set; with `undo` it is kept in again."""

    ref: str
    undo: bool = False


class AllowResult(msgspec.Struct, frozen=True, kw_only=True):
    """`blocked` are the sets it holds something of; `changed` says whether this is new."""

    id: str
    tool: str
    blocked: list[str]
    allowed: bool
    changed: bool


class PauseParams(Params, frozen=True):
    """Begins a pause of so many seconds, or makes the one that is end then; `off` ends it. With
    neither, tells what is.
    """

    seconds: float = 0
    off: bool = False


class PauseResult(msgspec.Struct, frozen=True, kw_only=True):
    """Times are RFC 3339, empty where there is no pause."""

    paused: bool
    since: str = ""
    until: str = ""
