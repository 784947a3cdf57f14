"""Databases and trees of OpenCode, made by hand, or from those that it wrote itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import apsw
import msgspec

from opensession.parsers.agent import Cursor, Delta, Source
from opensession.parsers.opencode.feed import line_feed
from opensession.parsers.opencode.pull import ALLOWED, pull_slice
from opensession.parsers.rows import Slice, read_rows

RECORDED = "opencode/recorded/.local/share/opencode/opencode.db"
SUBAGENT = "opencode/recorded-subagent/opencode.db"
KILO = "kilo-code/recorded/.local/share/kilo/kilo.db"
KILO_SUBAGENT = "kilo-code/recorded-subagent/kilo.db"
DATABASES = (RECORDED, SUBAGENT, KILO, KILO_SUBAGENT)

START = 1_795_000_000_000
"""Milliseconds; when everything made by hand begins."""

_SCHEMA = """
CREATE TABLE account (id text PRIMARY KEY, access_token text NOT NULL);
CREATE TABLE session (id text PRIMARY KEY, project_id text, parent_id text, directory text NOT NULL,
  title text NOT NULL, version text NOT NULL, revert text, agent text, model text,
  time_created integer NOT NULL, time_updated integer NOT NULL, time_archived integer);
CREATE TABLE message (id text PRIMARY KEY, session_id text NOT NULL, time_created integer NOT NULL,
  time_updated integer NOT NULL, data text NOT NULL);
CREATE INDEX message_session ON message (session_id, time_created, id);
CREATE TABLE part (id text PRIMARY KEY, message_id text NOT NULL, session_id text NOT NULL,
  time_created integer NOT NULL, time_updated integer NOT NULL, data text NOT NULL);
CREATE INDEX part_session ON part (session_id);
CREATE INDEX part_message ON part (message_id, id);
"""
_EVENTS = """
CREATE TABLE event (id text PRIMARY KEY, aggregate_id text NOT NULL, seq integer NOT NULL,
  type text NOT NULL, data text NOT NULL);
CREATE UNIQUE INDEX event_seq ON event (aggregate_id, seq);
CREATE INDEX event_type ON event (aggregate_id, type, seq);
"""


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


class Made:
    """A database that a test writes as OpenCode does: each change in the rows and as an event.

    `now` is its clock; each change takes it on by 10 ms. Without `events` only rows are written.
    """

    def __init__(self, path: Path, *, events: bool = True) -> None:
        self.path = path
        self.events = events
        self.now = START
        self._seq: dict[str, int] = {}
        self._number = 0
        self.db = apsw.Connection(str(path))
        path.chmod(0o600)
        self.db.execute("PRAGMA journal_mode=WAL").fetchall()
        self.db.execute(_SCHEMA + (_EVENTS if events else ""))

    @property
    def source(self) -> Source:
        return Source("opencode", str(self.path.parent), str(self.path))

    def session(self, session: str, **info: Any) -> None:
        """Makes a session, or changes it."""
        self._tick()
        time = {"created": START, "updated": self.now, **info.pop("time", {})}
        known = {"id": session, "directory": "/home/dev/acme-api", "title": "A title"}
        whole = {**known, "version": "1.18.33", **info, "time": time}
        kind = "session.updated.1" if session in self._seq else "session.created.1"
        self.event(session, kind, {"sessionID": session, "info": whole})
        self.db.execute(
            "INSERT OR REPLACE INTO session (id, project_id, parent_id, directory, title, version,"
            " revert, agent, model, time_created, time_updated, time_archived)"
            " VALUES (?, 'p', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session,
                whole.get("parentID"),
                whole["directory"],
                whole["title"],
                whole["version"],
                _json(whole["revert"]) if "revert" in whole else None,
                whole.get("agent"),
                _json(whole["model"]) if "model" in whole else None,
                time["created"],
                self.now,
                time.get("archived"),
            ),
        )

    def message(self, session: str, message: str, role: str, **info: Any) -> None:
        """Makes a message, or changes it; an assistant's has a model."""
        self._tick()
        known: dict[str, Any] = {"role": role}
        if role == "assistant":
            known |= {"modelID": "mock-model", "providerID": "mock"}
            known |= {"path": {"cwd": "/home/dev/acme-api", "root": "/home/dev/acme-api"}}
        created = self._created("message", message)
        data = {**known, **info, "time": {"created": created, **info.get("time", {})}}
        whole = {"id": message, "sessionID": session, **data}
        self.event(session, "message.updated.1", {"sessionID": session, "info": whole})
        self.db.execute(
            "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT DO UPDATE SET time_updated = ?4, data = ?5",
            (message, session, created, self.now, _json(data)),
        )

    def part(self, session: str, message: str, part: str, kind: str, **data: Any) -> None:
        """Makes a part, or changes it."""
        self._tick()
        data = {"type": kind, **data}
        whole = {"id": part, "sessionID": session, "messageID": message, **data}
        change = {"sessionID": session, "part": whole, "time": self.now}
        self.event(session, "message.part.updated.1", change)
        created = self._created("part", part)
        self.db.execute(
            "INSERT INTO part VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            " ON CONFLICT DO UPDATE SET time_updated = ?5, data = ?6",
            (part, message, session, created, self.now, _json(data)),
        )

    def event(self, session: str, kind: str, data: Any) -> None:
        """Writes one event as it is."""
        seq = self._seq[session] = self._seq.get(session, -1) + 1
        if not self.events:
            return
        self._number += 1
        written = data if isinstance(data, str) else _json(data)
        row = (f"evt_{self._number:08d}", session, seq, kind, written)
        self.db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?)", row)

    def prompt(self, session: str, number: int, said: str) -> None:
        """A prompt of a person."""
        message = f"msg_{number:012d}"
        self.message(session, message, "user")
        self.part(session, message, f"prt_{number:012d}", "text", text=said)

    def answer(self, session: str, number: int, said: str, **info: Any) -> None:
        """A whole response: its text and its step."""
        message = f"msg_{number:012d}"
        self.message(session, message, "assistant")
        start = self.now
        time = {"start": start, "end": start + 1}
        self.part(session, message, f"prt_{number:011d}a", "text", text=said, time=time)
        tokens = {"input": 10, "output": 5, "reasoning": 2, "cache": {"read": 3, "write": 1}}
        self.part(session, message, f"prt_{number:011d}b", "step-finish", tokens=tokens, cost=0.001)
        done = {"completed": self.now}
        self.message(session, message, "assistant", tokens=tokens, cost=0.001, time=done, **info)

    def delete(self, session: str) -> None:
        """Deletes a session as OpenCode does."""
        for table in ("session", "message", "part", *(["event"] if self.events else [])):
            column = {"session": "id", "event": "aggregate_id"}.get(table, "session_id")
            self.db.execute(f"DELETE FROM {table} WHERE {column} = ?", (session,))

    def _tick(self) -> None:
        self.now += 10

    def _created(self, table: str, row: str) -> int:
        query = f"SELECT time_created FROM {table} WHERE id = ?"
        found = self.db.execute(query, (row,)).fetchall()
        return int(str(found[0][0])) if found else self.now


def copied(corpus: Path, sample: str, folder: Path, *, events: bool = True) -> Source:
    """A database that OpenCode wrote, to be changed; without `events` as one from before these."""
    path = folder / Path(sample).name
    shutil.copy(corpus / sample, path)
    path.chmod(0o600)
    if not events:
        db = apsw.Connection(str(path))
        db.execute("DROP TABLE event")
        db.close()
    agent = "opencode" if path.name == "opencode.db" else "kilo-code"
    return Source(agent, str(folder), str(path))


def read_by(size: int) -> Any:
    """A read that takes about `size` bytes of the log at once."""

    def read(source: Source, cursor: Cursor | None) -> Delta:
        return read_rows(
            source,
            cursor,
            ALLOWED,
            lambda database, mark: pull_slice(database, mark, Slice(size)),
            line_feed(source.agent),
        )

    return read


def rows_of(source: Source, query: str) -> list[Any]:
    """What a database holds, looked up by other means."""
    db = apsw.Connection(source.path, flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def moved_to(source: Source, path: Path) -> Source:
    """The same database at another place."""
    shutil.copy(source.path, path)
    path.chmod(0o600)
    return msgspec.structs.replace(source, root=str(path.parent), path=str(path))
