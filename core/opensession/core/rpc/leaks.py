"""leaks.*: the secrets that sessions hold, told by fingerprints; their values are nowhere."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.envelope import Params


class LeaksListParams(Params, frozen=True):
    """With `all` those that are resolved, and those that no session holds any more, come too."""

    all: bool = False


class LeakSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that a secret reached: `count` times in events `first_seq` to `last_seq`, of the
    `types` named; `files` are those that the events touched. `short` and `source_path` are empty
    while the session is not in the index. `altered_at`: its archive is no longer byte-identical.
    """

    tool: str
    id: str
    short: str
    title: str
    count: int
    first_seq: int
    last_seq: int
    types: list[str]
    files: list[str]
    source_path: str
    source_gone: bool
    altered_at: str | None = None


class LeakRow(msgspec.Struct, frozen=True, kw_only=True):
    """One distinct secret. `id` is the tag of its placeholders in the index. Times are RFC 3339,
    those of events. `published` names the copies that left this machine.
    """

    id: str
    kind: str
    set: str
    confidence: str
    first_seen: str
    last_seen: str
    count: int
    tools: list[str]
    sessions: list[LeakSession]
    published: list[str] = []
    resolved_at: str | None = None
    scrubbed_at: str | None = None


class LeaksListResult(msgspec.Struct, frozen=True, kw_only=True):
    """Last seen first. `unresolved` and `total` count all there are."""

    leaks: list[LeakRow]
    unresolved: int
    total: int


class LeaksResolveParams(Params, frozen=True, kw_only=True):
    """`ids` of secrets, or beginnings of 4 characters; with `undo` they are unresolved again."""

    ids: list[str]
    undo: bool = False


class LeaksResolveResult(msgspec.Struct, frozen=True):
    """The whole ids, and how many are unresolved now."""

    ids: list[str]
    unresolved: int


class LeaksScrubParams(Params, frozen=True, kw_only=True):
    """Takes a value out of the index, and with `archive` out of the archive, where a mask of equal
    length takes its place. Refused without `yes`. `jobs.progress` ends with a `ScrubReport`.
    """

    id: str
    archive: bool = False
    yes: bool = False


class ScrubReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. `events` and `titles` were changed in the index, `occurrences` masked in
    `archives` files of the archive. `holders` are files of agents that still hold the value, which
    are never written to; `problems` say in sentences what could not be done.
    """

    id: str
    found: bool
    events: int = 0
    titles: int = 0
    occurrences: int = 0
    archives: int = 0
    holders: list[str] = []
    problems: list[str] = []
