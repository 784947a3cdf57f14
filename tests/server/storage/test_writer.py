"""Writes that share a commit: each counts for itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from opensession.server.storage.connect import (
    DATABASE,
    ForeignDatabase,
    NewerDatabase,
    open_writer,
)
from opensession.server.storage.database import Database


def test_what_one_write_raises_costs_no_other_of_its_commit(tmp_path: Path) -> None:
    def write(number: int) -> int:
        if number % 3 == 0:
            raise ValueError(str(number))
        return number

    def change(number: int, db: apsw.Connection) -> int:
        db.execute("INSERT INTO login (id, account, created_us) VALUES (?, 'a', 0)", (str(number),))
        return write(number)

    async def run() -> None:
        database = await asyncio.to_thread(Database, tmp_path / DATABASE)
        await database.write(
            lambda db: db.execute("INSERT INTO account VALUES ('a', NULL, 'a', NULL, 0, 0)")
        )
        outcomes = await asyncio.gather(
            *(database.write(lambda db, n=n: change(n, db)) for n in range(30)),  # type: ignore[misc]
            return_exceptions=True,
        )
        stored = await database.read(lambda db: db.execute("SELECT id FROM login").fetchall())
        await asyncio.to_thread(database.close)
        assert [one for one in outcomes if not isinstance(one, ValueError)] == [
            number for number in range(30) if number % 3
        ]
        assert {int(str(row[0])) for row in stored} == {n for n in range(30) if n % 3}

    asyncio.run(run())


def test_a_database_of_another_program_or_a_newer_hub_is_not_touched(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    apsw.Connection(str(foreign)).execute("CREATE TABLE t (x)")
    before = foreign.read_bytes()
    with pytest.raises(ForeignDatabase):
        open_writer(foreign)
    assert foreign.read_bytes() == before

    newer = tmp_path / DATABASE
    db = open_writer(newer)
    db.execute("PRAGMA user_version = 9999; PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with pytest.raises(NewerDatabase):
        open_writer(newer)


def test_every_setting_of_the_write_connection_holds(tmp_path: Path) -> None:
    """A statement that answers ends the execution of those behind it, unless it is read out."""
    db = open_writer(tmp_path / DATABASE)
    names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "trusted_schema")
    assert [db.execute(f"PRAGMA {name}").get for name in names] == ["wal", 2, 1, 1, 0]
    db.close()
