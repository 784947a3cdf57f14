from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import apsw
import pytest

from opensession.core.migrations import version_of
from opensession.daemon.archive import DiskFull
from opensession.daemon.store import connect, migrate
from opensession.daemon.store.connect import (
    CorruptDatabase,
    ForeignDatabase,
    NewerDatabase,
    all_or_nothing,
    open_index,
    open_reader,
    open_user,
)


def _state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


@pytest.mark.parametrize(("opener", "kind"), [(open_index, "index"), (open_user, "user")])
def test_a_new_database_is_ours_private_and_up_to_date(
    tmp_path: Path, opener: object, kind: connect.Kind
) -> None:
    """DECISIONS §2: both files carry an application_id and PRAGMA user_version."""
    path = tmp_path / "x.db"
    db = opener(path)  # type: ignore[operator]

    assert db.execute("PRAGMA application_id").get == connect.APPLICATION_IDS[kind]
    assert version_of(db) == migrate.latest(kind) >= 1
    assert db.execute("PRAGMA journal_mode").get == "wal"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {0o600}
    db.close()
    opener(path).close()  # type: ignore[operator]


def test_a_file_with_wide_modes_is_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    open_index(path).close()
    path.chmod(0o644)

    open_index(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_file_becomes_ours(tmp_path: Path) -> None:
    """What a crash right after the file was made leaves behind."""
    (tmp_path / "index.db").touch()

    open_index(tmp_path / "index.db").close()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_foreign_database_is_refused_and_not_touched(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "index.db"
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA journal_mode = {journal}")
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    before = _state(tmp_path)

    with pytest.raises(ForeignDatabase) as caught:
        open_index(path)

    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 5
    assert _state(tmp_path) == before


def test_the_user_database_is_no_index(tmp_path: Path) -> None:
    open_user(tmp_path / "user.db").close()

    with pytest.raises(ForeignDatabase):
        open_index(tmp_path / "user.db")


def test_a_link_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / "index.db").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ForeignDatabase):
        open_index(tmp_path / "index.db")


@pytest.mark.parametrize("checkpointed", [True, False])
def test_a_newer_database_is_refused_not_rebuilt(tmp_path: Path, checkpointed: bool) -> None:
    """DECISIONS §2: a database newer than the program is refused."""
    path = tmp_path / "index.db"
    db = open_index(path)
    db.execute(f"PRAGMA user_version = {migrate.latest('index') + 1}")
    db.execute("INSERT INTO meta VALUES ('kept', 'yes')")
    if checkpointed:
        db.close()

    with pytest.raises(NewerDatabase):
        open_index(path)

    again = apsw.Connection(str(path))
    assert again.execute("SELECT value FROM meta WHERE key = 'kept'").get == "yes"
    again.close()
    db.close()


def _damage(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_a_database_without_its_beginning_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    open_index(path).close()
    _damage(path, 0, b"\0" * 100)

    with pytest.raises(CorruptDatabase):
        open_index(path)
    with pytest.raises(CorruptDatabase):
        open_reader(path)


def test_damage_inside_is_found_by_the_check(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    db = open_index(path)
    db.executemany(
        "INSERT INTO meta VALUES (?, ?)", [(f"key {i}", "value " * 20) for i in range(2000)]
    )
    db.close()
    _damage(path, path.stat().st_size // 2, os.urandom(20000))

    with pytest.raises(CorruptDatabase):
        open_index(path, check=True)


def test_a_sound_database_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    open_index(path).close()

    open_index(path, check=True).close()


def test_moving_aside_keeps_everything_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(b"damaged")
    path.with_name("index.db-wal").write_bytes(b"journal")

    first = connect.move_aside(path)
    path.write_bytes(b"damaged again")
    second = connect.move_aside(path)

    assert first.name.startswith("index.db.corrupt-")
    assert first.read_bytes() == b"damaged"
    assert first.with_name(first.name + "-wal").read_bytes() == b"journal"
    assert second != first
    assert second.read_bytes() == b"damaged again"
    assert not path.exists()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    db = open_index(path)
    reader = open_reader(path)

    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("DELETE FROM event")

    reader.close()
    db.close()


def test_a_failed_migration_leaves_the_version_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.db"
    open_index(path).close()
    scripts = migrate.scripts("index")
    broken = (*scripts, "CREATE TABLE half (x); INSERT INTO nothing VALUES (1);")
    monkeypatch.setattr(migrate, "scripts", lambda kind: broken)

    with pytest.raises(apsw.SQLError):
        open_index(path)

    monkeypatch.undo()
    db = open_index(path)
    assert version_of(db) == len(scripts)
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").get == 0
    db.close()


def test_a_migration_is_run_once_on_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.db"
    db = open_index(path)
    db.execute("INSERT INTO meta VALUES ('kept', 'yes')")
    db.close()
    more = (*migrate.scripts("index"), "CREATE TABLE later (x)")
    monkeypatch.setattr(migrate, "scripts", lambda kind: more)

    open_index(path).close()
    db = open_index(path)

    assert version_of(db) == len(more)
    assert db.execute("SELECT value FROM meta WHERE key = 'kept'").get == "yes"
    db.close()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    db = open_index(tmp_path / "index.db")

    with (
        pytest.raises(ZeroDivisionError),
        connect.Transaction(db, tmp_path / "index.db"),
    ):
        db.execute("INSERT INTO meta VALUES ('a', 'b')")
        raise ZeroDivisionError

    assert db.execute("SELECT count(*) FROM meta").get == 0
    db.close()


def test_a_full_disk_is_told_from_other_errors(tmp_path: Path) -> None:
    db = open_index(tmp_path / "index.db")
    pages = db.execute("PRAGMA page_count").get
    db.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(DiskFull), connect.Transaction(db, tmp_path / "index.db"):
        db.execute("INSERT INTO meta VALUES ('a', ?)", ("x" * 100_000,))

    assert db.execute("SELECT count(*) FROM meta").get == 0
    db.close()


def test_every_setting_of_a_write_connection_holds(tmp_path: Path) -> None:
    """A statement that answers ends the execution of those behind it, unless it is read out."""
    names = ("journal_mode", "synchronous", "secure_delete", "trusted_schema", "temp_store")
    index, user = open_index(tmp_path / "index.db"), open_user(tmp_path / "user.db")
    assert [index.execute(f"PRAGMA {name}").get for name in names] == ["wal", 1, 2, 0, 2]
    assert [user.execute(f"PRAGMA {name}").get for name in names] == ["wal", 2, 1, 0, 2]
    index.close()
    user.close()


def test_a_full_disk_amid_a_transaction_is_told_as_such(tmp_path: Path) -> None:
    """What it wrote before is undone, also where it is a part of another."""
    db = open_user(tmp_path / "user.db")
    db.execute("CREATE TABLE held (x)")
    pages = db.execute("PRAGMA page_count").get
    assert db.execute(f"PRAGMA max_page_count = {pages + 20}").get == pages + 20
    with pytest.raises(apsw.FullError), all_or_nothing(db), all_or_nothing(db):
        for _ in range(500):
            db.execute("INSERT INTO held VALUES (zeroblob(4000))")
    assert not db.in_transaction
    assert db.execute("SELECT count(*) FROM held").get == 0
    with all_or_nothing(db):
        db.execute("INSERT INTO held VALUES (1)")
    assert db.execute("SELECT count(*) FROM held").get == 1
    db.close()
