"""daemon.*: who answers, how it is, stop, reload, logs."""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.rpc.envelope import Params
from opensession.core.rpc.retention import Forecast

State = Literal["ok", "warn", "red"]
Watching = Literal["events", "polling", "off"]


class HelloParams(Params, frozen=True):
    """`env` holds the variables that relocate agents' folders, as this client sees them."""

    client: str = ""
    protocol: int = 0
    env: dict[str, str] = {}


class Hello(msgspec.Struct, frozen=True, kw_only=True):
    """`instance` is new for every start of a daemon."""

    version: str
    protocol: int
    pid: int
    instance: str
    features: list[str]


class Paths(msgspec.Struct, frozen=True):
    """Where everything of ours lies."""

    index: str
    user: str
    archive: str
    config: str
    socket: str
    log: str


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. Times are RFC 3339 or null; `newest_change` is the newest mtime on disk,
    `newest_indexed` the mtime of the newest source that is completely read. `read_bytes` were read
    of the sources there are; `reasons` say why sources cannot be read, with how many.
    """

    sources: int = 0
    sessions: int = 0
    events: int = 0
    bytes: int = 0
    newest_change: str | None = None
    newest_indexed: str | None = None
    watching: Watching = "off"
    skipped_lines: int = 0
    unknown_records: int = 0
    failed_sources: int = 0
    refused_sources: int = 0
    pending_sources: int = 0
    note: str = ""
    read_bytes: int = 0
    reasons: dict[str, int] = {}


class Indexing(msgspec.Struct, frozen=True, kw_only=True):
    """A backlog that is being read; `fraction` is 0 to 1, by bytes."""

    active: bool = False
    fraction: float = 1.0
    files_left: int = 0
    bytes_left: int = 0
    bytes_total: int = 0
    bytes_per_second: float = 0.0
    agent: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """`daemon status --json`. Sizes in bytes; `pss_bytes` covers the daemon and its children
    (null where the platform does not tell). `redacted` counts what was replaced, by kind, `warned`
    what was found and left, by set, `blocked` the sessions that do not leave, by set; those that
    `privacy allow` released count as well. `outdated_sessions` wait to be stripped by other rules.
    """

    running: bool
    pid: int
    version: str
    protocol: int
    uptime_seconds: float
    socket: str
    queue_depth: int
    rss_bytes: int
    cpu_seconds: float
    index_bytes: int
    archive_bytes: int
    children: int
    pss_bytes: int | None
    paths: Paths
    agents: dict[str, AgentStatus]
    indexing: Indexing
    network: str = "none"
    redacted: dict[str, int] = {}
    warned: dict[str, int] = {}
    blocked: dict[str, int] = {}
    paused_until: str = ""
    private_sessions: int = 0
    outdated_sessions: int = 0
    restart_due: list[str] = []
    retention: list[Forecast] = []
    notices: list[str] = []


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One finding; `name` is stable (`agent.codex.lag`), `hint` the command that mends it."""

    name: str
    state: State
    message: str
    hint: str = ""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`healthy` is false when any check is red."""

    healthy: bool
    checks: list[Check]


class StopResult(msgspec.Struct, frozen=True):
    stopping: bool


class ReloadResult(msgspec.Struct, frozen=True, kw_only=True):
    """`restart_due` names the settings that are taken up at the next start only."""

    changed: list[str]
    restart_due: list[str]
    warnings: list[str]


class LogsParams(Params, frozen=True):
    lines: int = 100


class LogsResult(msgspec.Struct, frozen=True):
    path: str
    lines: list[str]
