"""agents.*, index.*, jobs.*: what is found on disk, and reading it now."""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.core.rpc.envelope import Params


class AgentsListParams(Params, frozen=True):
    """`scan` counts the files on disk anew; without it the daemon's last count is given."""

    scan: bool = True


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as `discover` and `watcher list` show it."""

    name: str
    label: str
    color: str
    enabled: bool
    folders: list[str]
    existing: list[str]
    sources: int
    bytes: int
    watching: str
    variables: list[str]
    retention_days: int | None


class AgentsListResult(msgspec.Struct, frozen=True):
    agents: list[AgentRow]


class IndexRunParams(Params, frozen=True):
    """With `wait`, `jobs.progress` notifications follow until everything found is searchable."""

    wait: bool = False


class JobResult(msgspec.Struct, frozen=True):
    """Long work: its progress comes as `jobs.progress`; closing the connection cancels it."""

    job: str


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Params of `jobs.progress`. With `finished`, `error` is empty or says what went wrong, with
    `code` and `hint` as the error of a call has them, and `result` holds the numbers of the summary
    line.
    """

    job: str
    done: int
    total: int
    unit: str = "bytes"
    detail: str = ""
    per_second: float = 0.0
    seconds_left: float | None = None
    finished: bool = False
    error: str = ""
    code: int = 0
    hint: str = ""
    result: dict[str, Any] = {}
