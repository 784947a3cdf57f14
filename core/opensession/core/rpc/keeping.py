"""archive.forget, archive.forgettable, archive.forgotten, privacy.allow, privacy.pause: what a
person says of what is kept.
"""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params


class ForgetParams(Params, frozen=True):
    """A session, or several in `refs`; with `undo` their whole ids, since nothing else of them is
    known. With `also_source` the agent's own files of them are removed first.
    """

    ref: str = ""
    refs: list[str] = []
    also_source: bool = False
    undo: bool = False


class ForgetResult(msgspec.Struct, frozen=True, kw_only=True):
    """`ids` are the sessions that are gone, subagents included; `recalled` how many of them a hub
    has, which is asked to delete them. `removed` are files of their agents, `left` those that hold
    more than these sessions or could not be removed, and `kept` the sessions in those. They are
    hidden from now on; that their bytes are overwritten, `archive.forgotten` tells. `sources` (of
    `undo`) counts the files that are read again.
    """

    ids: list[str] = []
    recalled: int = 0
    removed: list[str] = []
    left: list[str] = []
    kept: list[str] = []
    sources: int = 0


class ForgettableParams(Params, frozen=True):
    """What is asked about: sessions by `refs`, or all of a `project`, or without activity since
    `before` (RFC 3339), or both. `scope` and `all` as in `sessions.list`.
    """

    refs: list[str] = []
    project: str = ""
    before: str = ""
    scope: str = ""
    all: bool = False


class ForgettableSession(msgspec.Struct, frozen=True, kw_only=True):
    """One session that would be forgotten; `ref` names it and no other."""

    ref: str
    id: str
    short: str
    tool: str
    title: str
    updated_at: str
    children: int
    running: bool
    source_gone: bool


class Forgettable(msgspec.Struct, frozen=True, kw_only=True):
    """What would be forgotten, newest first, with `subagents` and `events` in all. `bytes` are
    those of archive files that go, with what they hold of `beside` other sessions, and about those
    of rows of databases; `named` counts the sessions with an alias, a tag, a note or a star; `gone`
    those whose file their agent has deleted, which there is no way back for; `published`
    those that a hub has. `files` (of `file_bytes`) are what `also_source` would remove; `shared`
    counts the sessions whose file holds others too.
    """

    sessions: list[ForgettableSession]
    subagents: int
    events: int
    bytes: int
    gone: int
    published: int
    files: list[str]
    file_bytes: int
    shared: int
    beside: int = 0
    named: int = 0


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """`sessions` are not taken in any more. While `erasing`, bytes of some are still to be
    overwritten; `recalls` counts publications that hubs are still to delete.
    """

    sessions: int
    erasing: bool
    recalls: int


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
