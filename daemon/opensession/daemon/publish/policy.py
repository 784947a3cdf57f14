"""Which sessions are published by themselves, and when: rows of agent and folder with a mode.

The most specific row that fits a session counts: agent and folder, folder, agent, the
configuration's. A row covers sessions with events after it was made: never the backlog.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from opensession.daemon.publish.session import Session


class Stream(msgspec.Struct, frozen=True):
    """A row of `stream`. `agent` and `repo` may be empty: all, everywhere."""

    agent: str
    repo: str
    mode: str
    since_us: int
    origin: str


def streams(db: apsw.Connection) -> list[Stream]:
    """All rows."""
    rows = db.execute(
        "SELECT agent, repo, mode, since_us, origin FROM stream ORDER BY origin, repo, agent"
    )
    return [Stream(*row) for row in rows]


def put(db: apsw.Connection, row: Stream) -> Stream:
    """Makes or changes a row."""
    row = as_put(db, row)
    db.execute(
        "INSERT OR REPLACE INTO stream (agent, repo, mode, since_us, origin)"
        " VALUES (?, ?, ?, ?, ?)",
        msgspec.structs.astuple(row),
    )
    return row


def as_put(db: apsw.Connection, row: Stream) -> Stream:
    """The row that `put` would make: one that publishes already covers what it covered."""
    name = (row.agent, row.repo, row.origin)
    before = [one for one in streams(db) if (one.agent, one.repo, one.origin) == name]
    if before and before[0].mode != "manual" and row.mode != "manual":
        return msgspec.structs.replace(row, since_us=before[0].since_us)
    return row


def take_away(db: apsw.Connection, agent: str, repo: str, origin: str) -> Stream | None:
    """Removes a row; what it was."""
    found = [
        row for row in streams(db) if (row.agent, row.repo, row.origin) == (agent, repo, origin)
    ]
    db.execute(
        "DELETE FROM stream WHERE agent = ? AND repo = ? AND origin = ?", (agent, repo, origin)
    )
    return found[0] if found else None


def of_config(db: apsw.Connection, mode: str, now_us: int) -> None:
    """Brings the configuration's row up to date: it is made when its mode is first seen."""
    if mode == "manual":
        take_away(db, "", "", "config")
    else:
        put(db, Stream("", "", mode, now_us, "config"))


def row_for(rows: Sequence[Stream], root: Session) -> Stream | None:
    """The row that counts for a session (of a subagent: for its root)."""
    fitting = [row for row in rows if _fits(row, root)]
    return max(fitting, key=_weight, default=None)


def covers(row: Stream | None, session: Session, root: Session) -> bool:
    """Whether a session is published by itself."""
    if row is None or row.mode == "manual":
        return False
    return max(session.active_us, root.active_us) > row.since_us


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _fits(row: Stream, root: Session) -> bool:
    if row.agent and row.agent != root.agent:
        return False
    places = (root.git_root, root.cwd, root.last_cwd)
    return not row.repo or any(place and is_below(place, row.repo) for place in places)


def _weight(row: Stream) -> tuple[bool, int, bool, bool]:
    return bool(row.repo), len(row.repo), bool(row.agent), row.origin == "stream"
