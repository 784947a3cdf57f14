"""A database as an agent writes it, for the model: Goose, many sessions in one file."""

from __future__ import annotations

import json
import random
from pathlib import Path

import apsw

from tests.keep.agents import Chat
from tests.parsers.goose.making import START, V16


class Shelf:
    """Goose's database. Now and then Goose ends, which empties the log beside the database."""

    def __init__(self, home: Path) -> None:
        self.path = home / ".local/share/goose/sessions/sessions.db"
        self.clock = START
        self._db: apsw.Connection | None = None

    @property
    def db(self) -> apsw.Connection:
        """Goose's own connection; makes the database where there is none."""
        if self._db is None:
            new = not self.path.exists()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = apsw.Connection(str(self.path))
            self._db.execute("PRAGMA journal_mode = WAL").fetchall()
            if new:
                self._db.execute(V16)
        return self._db

    def close(self) -> None:
        """Goose ends."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def remove(self) -> None:
        """Goose ends, and its database is deleted; it makes a new one when it writes again."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def has(self, session: str) -> bool:
        """Whether the database is there and has a session."""
        if not self.path.exists():
            return False
        return self.db.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).get is not None


class RowChat(Chat):
    """A session that is rows of Goose's database."""

    in_rows = True

    def __init__(self, number: int, home: Path, shelf: Shelf) -> None:
        super().__init__("goose", number, home)
        self.id = f"20260102_{number % 100_000}"
        self.path = shelf.path
        self._shelf = shelf
        self._written: list[str] = []

    @property
    def there(self) -> bool:
        return self._shelf.has(self.id)

    def write(self, rng: random.Random) -> None:
        """Appends what is new; where anything before it is another one, all messages are deleted
        and inserted again with new ids, as Goose does when it compacts or an old one is edited.
        """
        db = self._shelf.db
        self._shelf.clock += 1
        db.execute("BEGIN IMMEDIATE")
        if not self.there:
            db.execute("INSERT INTO sessions (id, working_dir) VALUES (?, '/w/p')", (self.id,))
            self._written = []
        if self.lines[: len(self._written)] != self._written:
            db.execute("DELETE FROM messages WHERE session_id = ?", (self.id,))
            self._written = []
        for line in self.lines[len(self._written) :]:
            db.execute(
                "INSERT INTO messages (session_id, role, content_json, created_timestamp)"
                " VALUES (?, 'user', ?, ?)",
                (self.id, json.dumps([{"type": "text", "text": line}]), self._shelf.clock),
            )
        db.execute(
            "UPDATE sessions SET name = ?, updated_at = datetime(?, 'unixepoch') WHERE id = ?",
            (f"about {len(self.lines)} things", self._shelf.clock // 3, self.id),
        )
        db.execute("COMMIT")
        self._written = list(self.lines)
        if rng.random() < 0.3:
            self._shelf.close()

    def remove(self) -> None:
        """Has Goose delete it."""
        if self.there:
            db = self._shelf.db
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM messages WHERE session_id = ?", (self.id,))
            db.execute("DELETE FROM sessions WHERE id = ?", (self.id,))
            db.execute("COMMIT")
