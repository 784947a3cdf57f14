"""Secrets planted in the files of every agent: a value of each kind, in texts of every record."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from tests.helpers.canary_samples import samples

EACH = 6
"""So many secrets are put into one text."""

_TEXTS = (".jsonl", ".json", ".md", ".history")
_DATABASES = (".db", ".vscdb")
_PLAIN = re.compile(r'[^"\\\n]+')
_FIELDS = frozenset(
    ("text", "content", "output", "stdout", "stderr", "command", "message", "prompt", "title")
)


class Planting:
    """Hands out lines with secrets in turn, and remembers their values."""

    def __init__(self, seed: int, user: str) -> None:
        self.lines: list[tuple[str, str]] = [
            (one.text, one.secrets[0])
            for one in samples(random.Random(seed), user)
            if _PLAIN.fullmatch(one.text) and len(one.secrets[0]) >= 10
        ]
        self.planted: set[str] = set()
        self._next = 0

    def text(self, before: str) -> str:
        """The text with the next secrets below it."""
        found = []
        for _ in range(EACH):
            line, value = self.lines[self._next % len(self.lines)]
            self._next += 1
            self.planted.add(value)
            found.append(line)
        return "\n".join([before, *found, "end"])

    def tree(self, value: Any, field: str = "") -> Any:
        """A JSON value with secrets in the texts that people read; JSON in a text stays JSON."""
        if isinstance(value, dict):
            return {key: self.tree(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.tree(item, field) for item in value]
        if isinstance(value, str) and field in _FIELDS and " " in value.strip():
            return value if value.startswith(("{", "[")) else self.text(value)
        return value

    def plant(self, home: Path) -> None:
        """Plants in every file of a home."""
        for path in sorted(home.rglob("*")):
            if path.is_file() and path.name.endswith(_TEXTS):
                path.write_bytes(self._file(path))
            elif path.is_file() and path.name.endswith(_DATABASES):
                self._database(path)

    def _file(self, path: Path) -> bytes:
        data = path.read_text("utf-8", "surrogateescape")
        if path.suffix == ".json":
            return self._line(data).encode("utf-8", "surrogateescape")
        if path.suffix != ".jsonl":
            return data.replace("greeting", self.text("greeting")).encode("utf-8", "replace")
        return "".join(self._line(line) for line in data.splitlines(keepends=True)).encode()

    def _line(self, line: str) -> str:
        try:
            return json.dumps(self.tree(json.loads(line))) + "\n"
        except ValueError:
            return line

    def _database(self, path: Path) -> None:
        db = apsw.Connection(str(path))
        tables = [name for (name,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )]  # fmt: skip
        for table in tables:
            for column, changed in list(self._changed(db, table)):
                db.execute(
                    f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?',
                    (changed[1], changed[0]),
                )
        db.close()

    def _changed(
        self, db: apsw.Connection, table: str
    ) -> Iterator[tuple[str, tuple[int, str | bytes]]]:
        try:
            columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
            rows = list(db.execute(f'SELECT rowid, * FROM "{table}"'))
        except apsw.SQLError:
            return
        for rowid, *values in rows:
            for column, value in zip(columns, values, strict=True):
                words = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
                if isinstance(words, str) and words.startswith(("{", "[")):
                    try:
                        changed = json.dumps(self.tree(json.loads(words)))
                    except ValueError:
                        continue
                    if changed != words:
                        kept = changed.encode() if isinstance(value, bytes) else changed
                        yield column, (rowid, kept)
