"""Erasing what was forgotten from a database."""

from __future__ import annotations

from pathlib import Path

from opensession.daemon.store import forgetting
from opensession.daemon.store.connect import open_index

WORD = "Zwetschgendatschi"


def test_pages_that_were_given_back_before_are_overwritten(tmp_path: Path) -> None:
    """A merge of the search index or a rewind of long ago left a copy in a page of nobody."""
    path = tmp_path / "index.db"
    db = open_index(path)
    db.execute("CREATE TABLE passing (said TEXT)")
    for number in range(200):
        db.execute("INSERT INTO passing VALUES (?)", (f"{number} {WORD} " * 100,))
    db.execute("DROP TABLE passing; PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert WORD.encode() in path.read_bytes()
    size = path.stat().st_size

    assert forgetting.erase(db)

    assert WORD.encode() not in path.read_bytes()
    assert path.stat().st_size <= size + 4 * 4096
    assert db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'blank'").get is None
    db.close()
