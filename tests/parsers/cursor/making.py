"""Databases made by hand after the layout that Cursor's have, and readers that count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest

from opensession.core.hail import Event
from opensession.parsers.agent import Cursor, Delta, Source
from opensession.parsers.cursor import AGENT
from opensession.parsers.databases import Database, Row
from tests.helpers.lines import Whole, read_all

FIRST_MS = 1_784_278_800_000
_REPLACING = "(key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)"


class Store:
    """An editor's database and the editor that writes to it, made by hand.

    `in_place` makes it a writer that updates rows where they are.
    """

    def __init__(self, path: Path, *, in_place: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.in_place = in_place
        self.db = apsw.Connection(str(path))
        self.db.execute("PRAGMA journal_mode=WAL").fetchall()
        self.db.execute("PRAGMA synchronous=OFF").fetchall()
        for table in ("ItemTable", "cursorDiskKV"):
            self.db.execute(f"CREATE TABLE IF NOT EXISTS {table} {_REPLACING}")
        self.headers: dict[str, list[dict[str, Any]]] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.now = FIRST_MS
        path.chmod(0o600)

    @property
    def source(self) -> Source:
        return Source("cursor", str(self.path.parent), str(self.path))

    def put(self, key: str, value: Any, table: str = "cursorDiskKV") -> None:
        """Writes a row; a str or bytes value as it is, all else as JSON."""
        if value is not None and not isinstance(value, (str, bytes)):
            value = json.dumps(value)
        sql = f"INSERT INTO {table} VALUES (?, ?)"
        if self.in_place:
            sql += " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        self.db.execute(sql, (key, value))

    def drop(self, key: str) -> None:
        self.db.execute("DELETE FROM cursorDiskKV WHERE key = ?", (key,))

    def composer(self, name: str, /, **fields: Any) -> None:
        """Writes a conversation's row as it is now."""
        self.now += 1000
        row = self.rows.setdefault(name, {"_v": 13, "composerId": name, "createdAt": self.now})
        row.update(fields)
        headers = self.headers.setdefault(name, [])
        self.put(
            f"composerData:{name}",
            {**row, "lastUpdatedAt": self.now, "fullConversationHeadersOnly": headers},
        )

    def bubble(
        self, name: str, bubble: str, kind: int = 2, *, listed: bool = True, **fields: Any
    ) -> None:
        """Writes a bubble, and lists it in the conversation's row."""
        self.now += 1000
        value = {"_v": 3, "type": kind, "bubbleId": bubble, "createdAt": FIRST_MS, **fields}
        self.put(f"bubbleId:{name}:{bubble}", value)
        headers = self.headers.setdefault(name, [])
        if listed:
            if all(header["bubbleId"] != bubble for header in headers):
                headers.append({"bubbleId": bubble, "type": kind})
            self.composer(name)

    def turn(self, name: str, number: int) -> None:
        """A prompt and its answer."""
        self.bubble(name, f"{name}-{number}-u", 1, text=f"prompt {number}")
        self.bubble(name, f"{name}-{number}-a", 2, text=f"answer {number}")


def tool(call: str, name: str, arguments: Any, result: Any = None, **fields: Any) -> dict[str, Any]:
    """The fields of a bubble that calls a tool."""
    data = {"tool": 0, "toolCallId": call, "name": name, "rawArgs": json.dumps(arguments)}
    data["status"] = "loading" if result is None else "completed"
    if result is not None:
        data["result"] = json.dumps(result)
    return {"capabilityType": 15, "toolFormerData": {**data, **fields}}


class Reader:
    """Reads a source again and again, as the daemon does."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.whole = Whole()
        self.cursor: Cursor | None = None
        self.deltas: list[Delta] = []

    def read(self) -> list[Delta]:
        """Reads all there is now; the deltas that it gave."""
        found: list[Delta] = []

        def noted(source: Source, cursor: Cursor | None) -> Delta:
            delta = AGENT.read(source, cursor)
            found.append(delta)
            return delta

        self.whole, self.cursor = read_all(noted, self.source, self.cursor, self.whole)
        return found

    def lines(self) -> list[dict[str, Any]]:
        """The lines that reading gave now."""
        return [json.loads(line) for delta in self.read() for line in delta.raw.splitlines()]

    def texts(self, session: str) -> list[str]:
        return texts(self.whole.sessions[session])


def fresh(source: Source) -> Whole:
    """What one read of the whole gives."""
    return read_all(AGENT.read, source)[0]


def texts(events: Sequence[Event]) -> list[str]:
    """What the events say, one string each."""
    return [
        " ".join(str(block.get("text", block.get("code", ""))) for block in event.blocks)
        for event in events
    ]


def count_rows(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of every row that is taken from a database from now on."""
    taken: list[str] = []
    plain = Database.rows

    def counted(self: Database, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        for row in plain(self, sql, parameters):
            taken.append(sql)
            yield row

    monkeypatch.setattr(Database, "rows", counted)
    return taken


class Chat:
    """A database of the command line, made by hand."""

    def __init__(self, folder: Path, name: str = "chat-1") -> None:
        self.path = folder / "chats" / ("0" * 32) / name / "store.db"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.db = apsw.Connection(str(self.path))
        self.db.execute("PRAGMA journal_mode=WAL").fetchall()
        self.db.execute("CREATE TABLE blobs (id TEXT PRIMARY KEY, data BLOB)")
        self.db.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)")
        self.path.chmod(0o600)
        self.messages: list[str] = []

    @property
    def source(self) -> Source:
        return Source("cursor", str(self.path.parents[2]), str(self.path))

    def blob(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self.db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (name, data))
        return name

    def say(self, role: str, content: Any, **fields: Any) -> str:
        """Writes a message and links it from the next root."""
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        name = self.blob(json.dumps({"role": role, "content": blocks, **fields}).encode())
        self.messages.append(name)
        return name

    def root(self, messages: Sequence[str] | None = None, **fields: Any) -> None:
        """Writes a root of the messages, and that it is the latest."""
        linked = self.messages if messages is None else messages
        name = self.blob(b"".join(b"\x0a\x20" + bytes.fromhex(one) for one in linked))
        meta = {"agentId": "chat-1", "latestRootBlobId": name, "name": "New Agent", **fields}
        self.db.execute(
            "INSERT OR REPLACE INTO meta VALUES ('0', ?)", (json.dumps(meta).encode().hex(),)
        )
