"""Goose's database as it writes it itself, made by hand: schemas 5 and 16."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw
import msgspec

from opensession.core.hail import Event, Usage
from opensession.parsers.agent import Cursor, Delta, Source
from opensession.parsers.goose.feed import feed_rows
from opensession.parsers.goose.pull import ALLOWED, pull
from opensession.parsers.rows import read_rows

V5 = """
CREATE TABLE schema_version (version INTEGER PRIMARY KEY,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
INSERT INTO schema_version (version) VALUES (5);
CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '', user_set_name BOOLEAN DEFAULT FALSE,
    session_type TEXT NOT NULL DEFAULT 'user', working_dir TEXT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    extension_data TEXT DEFAULT '{}', total_tokens INTEGER, input_tokens INTEGER,
    output_tokens INTEGER, accumulated_total_tokens INTEGER, accumulated_input_tokens INTEGER,
    accumulated_output_tokens INTEGER, schedule_id TEXT, recipe_json TEXT,
    user_recipe_values_json TEXT);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions(id), role TEXT NOT NULL,
    content_json TEXT NOT NULL, created_timestamp INTEGER NOT NULL,
    timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP, tokens INTEGER, metadata_json TEXT);
CREATE INDEX idx_messages_session ON messages(session_id);
CREATE INDEX idx_sessions_updated ON sessions(updated_at DESC);
"""

V16 = (
    V5
    + """
INSERT INTO schema_version (version) VALUES (16);
ALTER TABLE sessions ADD COLUMN cache_read_tokens INTEGER;
ALTER TABLE sessions ADD COLUMN accumulated_cache_read_tokens INTEGER;
ALTER TABLE sessions ADD COLUMN accumulated_cache_write_tokens INTEGER;
ALTER TABLE sessions ADD COLUMN accumulated_cost REAL;
ALTER TABLE sessions ADD COLUMN provider_name TEXT;
ALTER TABLE sessions ADD COLUMN model_config_json TEXT;
ALTER TABLE sessions ADD COLUMN parent_session_id TEXT;
ALTER TABLE messages ADD COLUMN message_id TEXT;
CREATE TABLE usage_ledger (id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL,
    created_timestamp INTEGER NOT NULL, model TEXT, input_tokens INTEGER, output_tokens INTEGER,
    total_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, cost REAL,
    cost_source TEXT, is_compaction INTEGER DEFAULT 0);
"""
)

START = 1786854320
"""2026-08-16T04:25:20Z"""


def said(words: str) -> list[dict[str, Any]]:
    """The content of a message that is one text."""
    return [{"type": "text", "text": words}]


def called(call_id: str, name: str, **arguments: Any) -> dict[str, Any]:
    """A call of a tool."""
    value = {"name": name, "arguments": arguments}
    return {"type": "toolRequest", "id": call_id, "toolCall": {"status": "success", "value": value}}


def answered(call_id: str, value: Any) -> dict[str, Any]:
    """What a tool gave."""
    result = {"status": "success", "value": value}
    return {"type": "toolResponse", "id": call_id, "toolResult": result}


class Goose:
    """Does to a database what Goose does."""

    def __init__(self, folder: Path, schema: str = V16) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "sessions.db"
        self.named = "message_id" in schema
        self.db = apsw.Connection(str(self.path))
        self.db.execute("PRAGMA journal_mode=WAL").fetchall()
        self.db.execute(schema)
        self.clock = START

    def session(self, session: str, **columns: Any) -> None:
        self._insert("sessions", id=session, working_dir="/home/dev/demo", **columns)
        self._updated(session)

    def message(
        self, session: str, role: str, content: Any, *, message_id: str = "", **metadata: Any
    ) -> None:
        self.clock += 1
        named = {"message_id": message_id or f"m{self.clock}"} if self.named else {}
        self._insert(
            "messages",
            session_id=session,
            role=role,
            content_json=json.dumps(content),
            created_timestamp=self.clock,
            metadata_json=json.dumps({"userVisible": True, "agentVisible": True, **metadata}),
            **named,
        )
        self._updated(session)

    def ledger(self, session: str, **columns: Any) -> None:
        self._insert("usage_ledger", session_id=session, created_timestamp=self.clock, **columns)

    def rename(self, session: str, name: str) -> None:
        self.db.execute("UPDATE sessions SET name = ? WHERE id = ?", (name, session))
        self._updated(session)

    def replace(self, session: str, keep: int) -> None:
        """All messages are deleted, and the first `keep` inserted again with new ids; like Goose
        it does not say so in `updated_at`.
        """
        names = "session_id, role, content_json, created_timestamp, metadata_json"
        names += ", message_id" if self.named else ""
        rows = self.db.execute(
            f"SELECT {names} FROM messages WHERE session_id = ? ORDER BY id LIMIT ?",
            (session, keep),
        ).fetchall()
        self.db.execute("BEGIN; DELETE FROM messages WHERE session_id = ?", (session,))
        for row in rows:
            marks = ", ".join("?" * len(row))
            self.db.execute(f"INSERT INTO messages ({names}) VALUES ({marks})", row)
        self.db.execute("COMMIT")

    def truncate(self, session: str, keep: int) -> None:
        """The messages after the first `keep` are deleted, as when one is edited."""
        self.db.execute(
            "DELETE FROM messages WHERE session_id = ?1 AND id NOT IN"
            " (SELECT id FROM messages WHERE session_id = ?1 ORDER BY id LIMIT ?2)",
            (session, keep),
        )

    def _updated(self, session: str) -> None:
        self.db.execute(
            "UPDATE sessions SET updated_at = datetime(?, 'unixepoch') WHERE id = ?",
            (self.clock // 3, session),  # several changes within a second
        )

    def _insert(self, table: str, **columns: Any) -> None:
        marks = ", ".join("?" * len(columns))
        self.db.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
        )


class Reader:
    """Reads a database of Goose, and puts together what the reads give as the store does."""

    def __init__(self, path: Path, limit: int = 4 << 20) -> None:
        self.source = Source("goose", str(path.parent), str(path))
        self.limit = limit
        self.cursor: Cursor | None = None
        self.sessions: dict[str, list[Event]] = {}
        self.usage: dict[str, dict[str, Usage]] = {}
        self.deltas: list[Delta] = []
        self.raw = b""

    def read(self, read_from: str = "") -> Reader:
        """Reads to the end."""
        source = msgspec.structs.replace(self.source, read_from=read_from)
        self.deltas = []
        while not self.deltas or self.deltas[-1].more:
            delta = read_rows(
                source,
                self.cursor,
                ALLOWED,
                lambda database, mark: pull(database, mark, limit=self.limit),
                feed_rows,
            )
            self.cursor = delta.cursor
            if delta.restarted:
                self.raw = b""
            assert delta.raw_offset == len(self.raw)
            self.raw += delta.raw
            self.deltas.append(delta)
            for session in delta.sessions:
                name = session.info.id
                events = self.sessions.setdefault(name, [])
                assert session.keep <= len(events)
                events[session.keep :] = session.events
                kept = {
                    key: usage
                    for key, usage in self.usage.get(name, {}).items()
                    if usage.seq <= session.keep
                }
                self.usage[name] = kept | {usage.message_id: usage for usage in session.usage}
        return self

    @property
    def told(self) -> dict[str, int]:
        """Of which session the last read told how many events."""
        found: dict[str, int] = {}
        for delta in self.deltas:
            for session in delta.sessions:
                count = found.get(session.info.id, 0)
                found[session.info.id] = count + len(session.events)
        return found

    def words(self, session: str) -> list[str]:
        """The texts of a session."""
        return [str(event.blocks[0].get("text")) for event in self.sessions[session]]
