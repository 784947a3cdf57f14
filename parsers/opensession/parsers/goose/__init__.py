"""Goose: one database for all sessions, and before October 2025 a file for each.

~/.local/share/goose/sessions/sessions.db, ~/.local/share/goose/sessions/20250801_101500.jsonl
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from opensession.parsers.agent import (
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    Source,
    Storage,
)
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.goose.feed import NAME, feed_lines, feed_rows
from opensession.parsers.goose.pull import ALLOWED, present, pull
from opensession.parsers.jsonl import read_lines
from opensession.parsers.places import absolute, config_home, data_home
from opensession.parsers.rows import read_rows

DATABASE = "sessions.db"


class Goose(Agent):
    """The row of Goose; it holds no state."""

    name = NAME
    label = "Goose"
    color = "#8a8d91"
    parser_version = 1
    variables: tuple[str, ...] = ("GOOSE_PATH_ROOT",)
    retention_days: int | None = None
    resume: tuple[str, ...] = ("goose", "session", "--resume", "--session-id", "{id}")
    ids = "the session's row in the database, of older sessions the name of the file"

    def roots(self, env: Environment) -> list[Root]:
        """The folder of sessions, where Goose was told to keep it or where it does so itself."""
        found = []
        moved = absolute(env.variables.get("GOOSE_PATH_ROOT", ""))
        if moved:
            found.append(f"{moved}/data/sessions")
        for folder in env.extra:
            place = absolute(folder)
            if place.endswith("/sessions"):
                found.append(place)
            elif place:
                found += [f"{place}/sessions", f"{place}/data/sessions"]
        if env.platform == "win32":
            found.append(f"{config_home(env)}/Block/goose/data/sessions")
        else:
            found.append(f"{data_home(env)}/goose/sessions")
        return [Root(self.name, path, 0) for path in dict.fromkeys(found)]

    def sources(self, root: Root) -> Iterator[Source]:
        """The database, and the files of older sessions beside it."""
        try:
            names = sorted(os.listdir(root.path))  # noqa: PTH208 - thousands of plain names
        except OSError:
            return
        for name in names:
            if _is_source(name):
                yield Source(self.name, root.path, f"{root.path.rstrip('/')}/{name}")

    def source_of(self, root: Root, path: str) -> Source | None:
        """The database for it and its write-ahead log, a file of a session for itself."""
        folder, _, name = path.rpartition("/")
        if folder != root.path.rstrip("/"):
            return None
        if name == f"{DATABASE}-wal":
            name = DATABASE
        return Source(self.name, root.path, f"{folder}/{name}") if _is_source(name) else None

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on: changed rows of the database, lines of a file."""
        if _is_database(source):
            return read_rows(source, cursor, ALLOWED, pull, feed_rows, present)
        return read_lines(source, cursor, feed_lines)

    def files(self, source: Source) -> tuple[str, ...]:
        """The database and its write-ahead log."""
        if _is_database(source):
            return (source.path, f"{source.path}-wal")
        return (source.path,)

    def storage(self, source: Source) -> Storage:
        """Rows in the database, lines in files."""
        return "rows" if _is_database(source) else "lines"

    def recognises(self, path: str, head: bytes) -> float:
        """By the tables of the database, or by the first line of a file."""
        if head.startswith(b"SQLite format 3\0"):
            tables = (b"schema_version", b"content_json", b"created_timestamp")
            return 0.95 if all(table in head for table in tables) else 0.0
        if begins_with_keys(head, "working_dir", "message_count"):
            return 0.9
        return 0.5 if begins_with_keys(head, "role", "created", "content") else 0.0


def _is_source(name: str) -> bool:
    return name == DATABASE or name.endswith(".jsonl")


def _is_database(source: Source) -> bool:
    return source.path.endswith(".db")


AGENT: Agent = Goose()
