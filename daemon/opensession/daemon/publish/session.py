"""What the index says of a session, as far as it matters for whether and when it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw
import msgspec

_SELECT = """
SELECT s.id, s.agent, s.native_id, s.short, s.title, s.role, s.parent, s.cwd, s.last_cwd,
  s.git_root, s.git_branch, s.updated_us, s.ended, s.event_count, s.redactions, s.settled_us,
  s.parser_version, coalesce(o.rules, ''), coalesce(o.mtime_ns, 0) / 1000, coalesce(o.path, '')
FROM session s LEFT JOIN source o ON o.id = s.source
WHERE s.origin = 'local'"""

_MOST_PARENTS = 16


class Session(msgspec.Struct, frozen=True):
    """A session of this machine; times are microseconds. `changed_us` is its file's."""

    id: int
    agent: str
    native_id: str
    short: str
    title: str
    role: str
    parent: str
    cwd: str
    last_cwd: str
    git_root: str
    git_branch: str
    updated_us: int
    ended: int
    event_count: int
    redactions: str
    settled_us: int
    parser_version: int
    rules: str
    changed_us: int
    path: str

    @property
    def key(self) -> tuple[str, str]:
        """Agent and id."""
        return self.agent, self.native_id

    @property
    def active_us(self) -> int:
        """When it was last active: by its events, or where these have no times by its file."""
        return self.updated_us or self.changed_us

    def blocked(self) -> dict[str, int]:
        """What was found in it, by kind."""
        return msgspec.json.decode(self.redactions, type=dict[str, int])


class Family(msgspec.Struct, frozen=True):
    """A session, and the one it belongs to: itself, or of a subagent the outermost parent."""

    session: Session
    root: Session


def family(db: apsw.Connection, agent: str, native_id: str) -> Family | None:
    """A session with its root; None if it is not there."""
    session = _one(db, agent, native_id)
    return None if session is None else Family(session, _root(db, session))


def active_since(db: apsw.Connection, since_us: int, limit: int = -1) -> list[Family]:
    """Sessions with events after a time, the latest first; those without times by their file."""
    rows = db.execute(
        f"{_SELECT} AND s.event_count > 0 AND (s.updated_us > ?1"
        " OR (s.updated_us = 0 AND coalesce(o.mtime_ns, 0) / 1000 > ?1))"
        " ORDER BY s.updated_us DESC LIMIT ?2",
        (since_us, limit),
    )
    found = [Session(*row) for row in list(rows)]
    return [Family(each, _root(db, each)) for each in found]


def several(db: apsw.Connection, keys: Iterable[tuple[str, str]]) -> list[Family]:
    """Those of these sessions that are there."""
    found = (family(db, agent, native_id) for agent, native_id in keys)
    return [each for each in found if each is not None]


def children(db: apsw.Connection, agent: str, native_id: str) -> list[tuple[str, str]]:
    """The subagents of a session, theirs as well."""
    rows = db.execute(
        "WITH RECURSIVE below (id) AS (SELECT ?1 UNION SELECT s.native_id FROM below JOIN session s"
        " ON s.origin = 'local' AND s.agent = ?2 AND s.parent = below.id AND s.role = 'auxiliary')"
        " SELECT id FROM below WHERE id <> ?1",
        (native_id, agent),
    )
    return [(agent, str(name)) for (name,) in rows]


def place_of(db: apsw.Connection, agent: str, native_id: str) -> tuple[str, str] | None:
    """Root and path of the source that a session is made of."""
    row = db.execute(
        "SELECT o.root, o.path FROM session s JOIN source o ON o.id = s.source"
        " WHERE s.origin = 'local' AND s.agent = ? AND s.native_id = ?",
        (agent, native_id),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def newest_of(db: apsw.Connection, agent: str) -> str:
    """The id of the session that an agent last wrote in; empty if there is none."""
    found: Any = db.execute(
        "SELECT native_id FROM session WHERE origin = 'local' AND role = 'primary' AND agent = ?"
        " ORDER BY updated_us DESC LIMIT 1",
        (agent,),
    ).get
    return found or ""


def newest_agent(db: apsw.Connection, folder: str) -> str:
    """The agent that last wrote in a folder or below it; empty if none did."""
    found: Any = db.execute(
        "SELECT agent FROM session WHERE origin = 'local' AND role = 'primary' AND"
        " (cwd = ?1 OR last_cwd = ?1 OR git_root = ?1 OR substr(cwd, 1, length(?1) + 1) = ?1 || '/'"
        " OR (git_root <> '' AND substr(?1, 1, length(git_root) + 1) = git_root || '/'))"
        " ORDER BY updated_us DESC LIMIT 1",
        (folder.rstrip("/") or "/",),
    ).get
    return found or ""


def _one(db: apsw.Connection, agent: str, native_id: str) -> Session | None:
    query = f"{_SELECT} AND s.agent = ? AND s.native_id = ?"
    row = db.execute(query, (agent, native_id)).fetchone()
    return None if row is None else Session(*row)


def _root(db: apsw.Connection, session: Session) -> Session:
    """Parents may be missing and may be a circle; both end the search."""
    at = session
    for _ in range(_MOST_PARENTS):
        if at.role != "auxiliary" or not at.parent:
            break
        above = _one(db, at.agent, at.parent)
        if above is None or above.id == session.id:
            break
        at = above
    return at
