"""The same words for the same things on every screen: cleaned text, models, projects, times.

Everything that comes from a session passes `line` or `lines` before it is printed.
"""

from __future__ import annotations

import datetime as dt

from opensession.core.rpc.sessions import SessionRow


def line(text: str) -> str:
    """Foreign text in one line, without anything a terminal would act on."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # nearly all text; what cleans the rest takes time to load

    from opensession.core.clean import safe_line

    return safe_line(text)


def lines(text: str) -> list[str]:
    """Foreign text line by line, without anything a terminal would act on."""
    from opensession.core.clean import safe

    return safe(text).split("\n")


def model_name(model: str) -> str:
    """A model as people say it: `opus-4.5` for `claude-opus-4-5-20251101`."""
    parts = line(model).rsplit("/", 1)[-1].removeprefix("claude-").split("-")
    if len(parts) > 1 and (parts[-1] == "latest" or _is_date(parts[-1])):
        parts.pop()
    if len(parts) > 2 and all(part.isdecimal() and len(part) < 3 for part in parts[-2:]):
        parts[-2:] = [".".join(parts[-2:])]
    return "-".join(parts)


def _is_date(text: str) -> bool:
    return len(text) == 8 and text.isdecimal() and text.startswith("20")


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
    moment = _moment(value) if value else None
    return round(moment.timestamp() * 1_000_000) if moment else None


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
    moment = _moment(value)
    return moment.astimezone() if moment else None


def _moment(value: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None


def near(path: str, folder: str) -> str:
    """A path as it is seen from a folder, if it lies below it."""
    inside = folder.rstrip("/") + "/"
    return path[len(inside) :] if folder and path.startswith(inside) else path


def tilde(path: str, home: str) -> str:
    """A path with the home folder as `~`."""
    if home and (path == home or path.startswith(home.rstrip("/") + "/")):
        return "~" + path[len(home.rstrip("/")) :]
    return path
