"""What people type as values, made into what the daemon takes."""

from __future__ import annotations

import time
from pathlib import Path

from opensession.client.connection import Daemon
from opensession.core.errors import UsageError


def moment(value: str, option: str) -> str:
    """RFC 3339 of a time as people give it (`3d`, `yesterday`, `2026-11-21`); empty stays empty.

    Raises UsageError with the option's name.
    """
    if not value:
        return ""
    from opensession.core.timeparse import format_time, parse_when

    time_us = parse_when(value, time.time_ns() // 1000)
    if time_us is None:
        raise UsageError(
            f"{option} is not a time: {value}", f"{option} 3d, '2 hours', yesterday, 2026-11-21"
        )
    return format_time(time_us)


def folder_or_name(value: str) -> str:
    """A project: a folder that is there becomes absolute, anything else is a repository's name."""
    if not value:
        return ""
    path = Path(value).expanduser()
    if value.startswith((".", "/", "~")) or ("/" in value and path.is_dir()):
        return str(path.resolve())
    return value


def file_path(value: str) -> str:
    """A file to look for: absolute where it is meant from here, else as it was given."""
    if value.startswith(("./", "../", "~")):
        return str(Path(value).expanduser().absolute())
    return value


def check_agent(daemon: Daemon, name: str) -> None:
    """Raise UsageError for an agent that is not known; asked only when nothing was found."""
    from opensession.core.rpc.index import AgentsListParams, AgentsListResult

    found = daemon.call("agents.list", AgentsListParams(scan=False), AgentsListResult)
    known = {row.name for row in found.agents}
    if name.replace("_", "-") not in known:
        raise UsageError(
            f"no such agent: {name}",
            "opensession discover        # the agents that are known, and what was found",
        )
