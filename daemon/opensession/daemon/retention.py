"""How long agents keep their own sessions, as their settings say, and what they will delete soon.

    Claude Code   `cleanupPeriodDays`, by the age of the file: the machine's managed settings, else
                  ~/.claude/settings.json; a project's .claude/settings.json or settings.local.json
                  counts for all sessions while Claude Code runs there, so the shortest is told
    Gemini CLI    `general.sessionRetention` of ~/.gemini/settings.json, by the session's last time

Other agents delete nothing by age that is known of. Settings are read, never written.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from opensession.core.rpc.retention import Forecast
from opensession.parsers.agent import Agent, Root

SOON_DAYS = 3
MOST_PROJECTS = 300
_MOST_BYTES = 1 << 20
_DAY_US = 86_400_000_000
_MANAGED = (
    "/etc/claude-code/managed-settings.json",
    "/Library/Application Support/ClaudeCode/managed-settings.json",
)
_SYSTEM_GEMINI = (
    "/etc/gemini-cli/settings.json",
    "/Library/Application Support/GeminiCli/settings.json",
)
_PERIOD = re.compile(r"([1-9]\d{0,5})([hdwm])\Z")
_PERIOD_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.0}
_COMMENT = re.compile(rb"(?m)^\s*//.*$")


class Retention(msgspec.Struct, frozen=True):
    """`days` that an agent keeps a session (None: for ever), `default` those it keeps one unless
    told otherwise. `origin` is the file that says so, empty for the default. `by_file` says that
    the file's time counts, else the session's own last one.
    """

    days: float | None
    default: float | None
    origin: str = ""
    by_file: bool = True


class Kept(msgspec.Struct, frozen=True):
    """A session whose file is there: when it and its file changed last (µs), whether the archive
    has all of it.
    """

    root: str
    file_us: int
    session_us: int
    archived: bool


def of_root(
    agent: Agent,
    root: Root,
    projects: Iterable[str] = (),
    *,
    managed: Sequence[str] = _MANAGED,
    system: Sequence[str] = _SYSTEM_GEMINI,
) -> Retention:
    """What holds for the sessions below a root. `projects` are folders that were worked in. Reads
    the agent's settings; what cannot be read or means nothing is as if it were not there.
    """
    default = None if agent.retention_days is None else float(agent.retention_days)
    if agent.name == "claude-code":
        return _claude(default, Path(root.path).parent, projects, managed)
    if agent.name == "gemini":
        return _gemini(default, Path(root.path).parent, system)
    return Retention(default, default)


def keep_days(retention: Retention, configured: float, *, chosen: bool) -> float:
    """How long we keep the sessions of an agent (0: for ever; DECISIONS §4): what the user chose
    for us, else what the user chose for the agent where that is less than its default.
    """
    if chosen:
        return configured
    shorter = (
        retention.origin
        and retention.days is not None
        and (retention.default is None or retention.days < retention.default)
    )
    return retention.days or 0.0 if shorter else configured


def kept(db: apsw.Connection, agent: str) -> list[Kept]:
    """The sessions of an agent whose files are there."""
    rows = db.execute(
        "SELECT o.root, o.mtime_ns / 1000, s.updated_us,"
        " o.archived_len > 0 AND o.archived_len >= o.offset"
        " FROM session s JOIN source o ON o.id = s.source"
        " WHERE s.agent = ? AND s.role = 'primary' AND o.state = 'ok'",
        (agent,),
    )
    return [Kept(str(root), int(file), int(last), bool(held)) for root, file, last, held in rows]


def folders(db: apsw.Connection, agent: str) -> list[str]:
    """The folders that an agent worked in lately."""
    rows = db.execute(
        "SELECT cwd FROM session WHERE agent = ? AND cwd <> ''"
        " GROUP BY cwd ORDER BY max(updated_us) DESC LIMIT ?",
        (agent, MOST_PROJECTS),
    )
    return [str(cwd) for (cwd,) in rows]


def forecast(
    agent: str, by_root: Mapping[str, Retention], sessions: Iterable[Kept], now_us: int
) -> Forecast | None:
    """What an agent will delete within `SOON_DAYS`; None for one that deletes nothing by age."""
    limited = [each for each in by_root.values() if each.days is not None]
    if not limited:
        return None
    shortest = min(limited, key=lambda each: each.days or 0.0)
    until = now_us + SOON_DAYS * _DAY_US
    due = [each for each in sessions if _ends(each, by_root.get(each.root)) < until]
    return Forecast(
        tool=agent,
        days=shortest.days or 0.0,
        default_days=shortest.default,
        origin=shortest.origin,
        within_days=SOON_DAYS,
        sessions=len(due),
        archived=sum(each.archived for each in due),
    )


def sentence(found: Forecast) -> str:
    """A forecast for a person; empty where nothing will be deleted."""
    if not found.sessions:
        return ""
    one = found.sessions == 1
    said = f"{found.tool} will delete {found.sessions} session{'' if one else 's'}"
    if found.archived == found.sessions:
        held = "it is archived" if one else "all are archived"
    elif found.archived:
        held = f"{found.archived} of them are archived"
    else:
        held = "it is not archived" if one else "none of them is archived"
    return f"{said} in the next {found.within_days} days; {held}"


def _ends(session: Kept, retention: Retention | None) -> float:
    if retention is None or retention.days is None:
        return float("inf")
    return (session.file_us if retention.by_file else session.session_us) + (
        retention.days * _DAY_US
    )


def _claude(
    default: float | None, home: Path, projects: Iterable[str], managed: Sequence[str]
) -> Retention:
    for path in managed:
        days = _positive(_settings(Path(path)).get("cleanupPeriodDays"))
        if days is not None:
            return Retention(days, default, path)
    own = home / "settings.json"
    days = _positive(_settings(own).get("cleanupPeriodDays"))
    found = Retention(default, default) if days is None else Retention(days, default, str(own))
    for project in projects:
        for name in ("settings.json", "settings.local.json"):
            path = str(Path(project, ".claude", name))
            days = _positive(_settings(Path(path)).get("cleanupPeriodDays"))
            if days is not None and path != str(own) and days < (found.days or float("inf")):
                found = Retention(days, default, path)
    return found


def _gemini(default: float | None, home: Path, system: Sequence[str]) -> Retention:
    for path in (*system, str(home / "settings.json")):
        general = _settings(Path(path)).get("general")
        said = general.get("sessionRetention") if isinstance(general, dict) else None
        if not isinstance(said, dict):
            continue
        if said.get("enabled") is False:
            return Retention(None, default, path, by_file=False)
        match = _PERIOD.match(str(said.get("maxAge", "")))
        if match:
            days = int(match[1]) * _PERIOD_DAYS[match[2]]
            return Retention(days, default, path, by_file=False)
    return Retention(default, default, by_file=False)


def _positive(value: Any) -> float | None:
    """A number of days; what is none (0, a text, a truth) counts as not said."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        return None
    return float(value)


def _settings(path: Path) -> dict[str, Any]:
    """A settings file; empty where there is none that can be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return {}
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return {}
        data = os.read(descriptor, _MOST_BYTES)
    except OSError:
        return {}
    finally:
        os.close(descriptor)
    try:
        found = msgspec.json.decode(_COMMENT.sub(b"", data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
