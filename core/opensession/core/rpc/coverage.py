"""agents.coverage: what was found of each agent, and what came of it."""

from __future__ import annotations

import msgspec

from opensession.core.rpc.daemon import AgentStatus, Check, Indexing, Watching
from opensession.core.rpc.envelope import Params

SOURCES = 20
"""Sources of an agent that one answer has, unless it is asked for another number."""

MOST_SOURCES = 10_000


class CoverageParams(Params, frozen=True, kw_only=True):
    """`agent` names one (empty: all). Of each agent's sources those come first of which something
    is to be said, and without `all` only these; `limit` and `offset` page through them.
    """

    agent: str = ""
    all: bool = False
    limit: int = SOURCES
    offset: int = 0


class RootCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that is looked in. `sources` are those found there, `note` is what keeps it from
    being watched as it should be.
    """

    path: str
    exists: bool
    watching: Watching
    sources: int
    note: str = ""


class SourceCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """A file or database. `state` is `new`, `ok`, `gone`, `refused` or `error`, `reason` why it is
    not read. `bytes` are on disk, `read_bytes` were read (of a database: of its rows); `sessions`
    and `events` are made of it. Times are RFC 3339 or null; `changed` is its change on disk,
    `indexed` the one that was read. `skipped` counts lines by reason, `unknown` records by type.
    """

    path: str
    state: str
    reason: str = ""
    pending: bool = False
    bytes: int = 0
    read_bytes: int = 0
    sessions: int = 0
    events: int = 0
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}
    missing_bytes: int = 0
    changed: str | None = None
    indexed: str | None = None


class AgentCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. `status` is what `daemon.status` says of it; `refused` and `failed` count sources
    by the reason why they are not read, `gone` those that the agent deleted since. `checks` are
    those of `daemon.health`. `total` counts the sources that `sources` is a page of.
    """

    name: str
    label: str
    enabled: bool
    status: AgentStatus
    read_bytes: int = 0
    auxiliary: int = 0
    gone: int = 0
    refused: dict[str, int] = {}
    failed: dict[str, int] = {}
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}
    roots: list[RootCoverage] = []
    checks: list[Check] = []
    sources: list[SourceCoverage] = []
    total: int = 0


class Unrecognised(msgspec.Struct, frozen=True):
    """A folder of `watchers.custom_paths` that nothing is read from, and why."""

    path: str
    reason: str


class CoverageResult(msgspec.Struct, frozen=True, kw_only=True):
    """`problems` are agents of other distributions that could not be loaded, `ignored` the keys of
    repositories' own configuration that do not count, in sentences.
    """

    agents: list[AgentCoverage]
    unrecognised: list[Unrecognised] = []
    problems: list[str] = []
    ignored: list[str] = []
    indexing: Indexing = Indexing()
