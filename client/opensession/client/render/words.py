"""The same words for the same things on every screen: cleaned text, models, projects, times.

Everything that comes from a session passes `line` or `lines` before it is printed.
"""

from __future__ import annotations

import datetime as dt
import re

from opensession.core.clean import safe, safe_line
from opensession.core.rpc.sessions import SessionRow
from opensession.core.timeparse import parse_time

_DATE = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d|latest)\Z")
_VERSION = re.compile(r"-(\d{1,2})-(\d{1,2})\Z")


def line(text: str) -> str:
    """Foreign text in one line, without anything a terminal would act on."""
    return safe_line(text)


def lines(text: str) -> list[str]:
    """Foreign text line by line, without anything a terminal would act on."""
    return safe(text).split("\n")


def model_name(model: str) -> str:
    """A model as people say it: `opus-4.5` for `claude-opus-4-5-20251101`."""
    name = _DATE.sub("", line(model).rsplit("/", 1)[-1]).removeprefix("claude-")
    return _VERSION.sub(r"-\1.\2", name)


def project_name(row: SessionRow) -> str:
    """`repository@branch`, else the folder's name."""
    name = row.git_repo_name or row.working_directory.rstrip("/").rsplit("/", 1)[-1]
    if row.git_branch and name:
        return line(f"{name}@{row.git_branch}")
    return line(name)


def speaker(tool: str) -> str:
    """Who answers in a session of an agent: `claude`, `codex`."""
    return line(tool).split("-")[0] or "agent"


def time_us(value: str | None) -> int | None:
    """Microseconds UTC of a time in an answer."""
    return parse_time(value) if value else None


def clock(value: str) -> str:
    """The local time of day of an RFC 3339 time: `14:02`."""
    moment = _local(value)
    return moment.strftime("%H:%M") if moment else "--:--"


def day_and_clock(value: str) -> str:
    """The local day and time: `2026-11-21 14:02:07`."""
    moment = _local(value)
    return moment.strftime("%Y-%m-%d %H:%M:%S") if moment else line(value)


def day(value: str) -> str:
    """The local day: `2026-11-21`."""
    moment = _local(value)
    return moment.strftime("%Y-%m-%d") if moment else ""


def _local(value: str) -> dt.datetime | None:
    moment = parse_time(value)
    if moment is None:
        return None
    return dt.datetime.fromtimestamp(moment / 1_000_000, tz=dt.UTC).astimezone()


def tilde(path: str, home: str) -> str:
    """A path with the home folder as `~`."""
    if home and (path == home or path.startswith(home.rstrip("/") + "/")):
        return "~" + path[len(home.rstrip("/")) :]
    return path
