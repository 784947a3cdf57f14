"""Reading other programs' databases: what is let through, what is not, and who is disturbed."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.parsers import databases, databases_files, databases_safety
from opensession.parsers.agent import SourceGone, SourceRefused
from opensession.parsers.databases import close_databases, open_database

ALLOWED = {"t": frozenset(("id", "a")), "all_of_it": None}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


def open_files() -> list[str]:
    """What this process has open, by name."""
    return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


def make(path: Path, *, wal: bool = True) -> apsw.Connection:
    """A database made by hand, open for writing, with rows 1 to 3 and a secret."""
    db = apsw.Connection(str(path))
    db.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}").fetchall()
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, secret)")
    db.execute("CREATE TABLE all_of_it (x)")
    db.execute("CREATE TABLE account (token)")
    db.execute("INSERT INTO t VALUES (1, 'one', 's'), (2, 'two', 's'), (3, 'three', 's')")
    db.execute("INSERT INTO account VALUES ('sk-1')")
    return db


def texts(path: Path) -> list[Any]:
    with open_database(str(path), ALLOWED) as database:
        return [a for (a,) in database.rows("SELECT a FROM t ORDER BY id")]


@pytest.mark.parametrize("wal", [True, False])
def test_reads_what_a_running_program_committed(tmp_path: Path, wal: bool) -> None:
    writer = make(tmp_path / "x.db", wal=wal)
    assert texts(tmp_path / "x.db") == ["one", "two", "three"]
    writer.execute("INSERT INTO t VALUES (4, 'four', '')")
    assert texts(tmp_path / "x.db") == ["one", "two", "three", "four"]


def test_rows_that_are_only_in_the_log_of_a_program_that_ended(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    left = tmp_path / "left"
    left.mkdir()
    for name in ("x.db", "x.db-wal"):
        shutil.copy(tmp_path / name, left / name)
    writer.close()
    assert texts(left / "x.db") == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT secret FROM t", "t.secret"),
        ("SELECT token FROM account", "account.token"),
        ("SELECT count(*) FROM account", "expected"),
        ("SELECT sql FROM sqlite_schema", "expected"),
        ("SELECT load_extension('x')", "expected"),
        ("SELECT none_such FROM t", "none_such"),
        ("SELECT a FROM nowhere", "nowhere"),
        ("DELETE FROM t", "expected"),
        ("PRAGMA wal_checkpoint", "expected"),
        ("ATTACH '/tmp/y.db' AS y", "expected"),
    ],
)
def test_only_what_is_listed_can_be_asked_for(tmp_path: Path, sql: str, named: str) -> None:
    make(tmp_path / "x.db")
    with (
        pytest.raises(SourceRefused, match=named),
        open_database(str(tmp_path / "x.db"), ALLOWED) as database,
    ):
        list(database.rows(sql))
    assert texts(tmp_path / "x.db") == ["one", "two", "three"]


def test_columns_are_probed_and_a_view_is_no_table(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("DROP TABLE all_of_it")
    writer.execute("CREATE VIEW all_of_it AS SELECT token AS x FROM account")
    with open_database(str(tmp_path / "x.db"), ALLOWED) as database:
        assert database.columns("t") == {"id", "a", "secret"}
        assert database.columns("all_of_it") == frozenset()
        assert database.columns("nowhere") == frozenset()
        with pytest.raises(SourceRefused, match="token"):
            list(database.rows("SELECT x FROM all_of_it"))


def test_columns_that_an_update_of_the_program_adds(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    with open_database(str(tmp_path / "x.db"), ALLOWED) as database:
        assert "b" not in database.columns("t")
    writer.execute("ALTER TABLE t ADD COLUMN b")
    with open_database(str(tmp_path / "x.db"), ALLOWED) as database:
        assert "b" in database.columns("t")


def test_values_of_any_kind(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("DELETE FROM t")
    writer.execute("INSERT INTO t (id, a) VALUES (1, 'good'), (2, CAST(x'61ff62' AS TEXT))")
    writer.execute("INSERT INTO t (id, a) VALUES (3, NULL), (4, x'00ff'), (5, 1.5)")
    writer.execute("INSERT INTO t (id, a) VALUES (6, zeroblob(?)), (7, 'end')", (33 << 20,))
    assert texts(tmp_path / "x.db") == [
        "good", "a\ufffdb", None, b"\x00\xff", 1.5, "[... 34603008 bytes left out ...]", "end",
    ]  # fmt: skip


def test_a_table_with_computed_defaults(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "x.db"))
    db.execute(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT CURRENT_TIMESTAMP,"
        " b TEXT DEFAULT (lower(hex(randomblob(16)))), c DEFAULT (strftime('%s', 'now')))"
    )
    db.execute("INSERT INTO t (id, a) VALUES (1, 'one')")
    assert texts(tmp_path / "x.db") == ["one"]


def test_broken_text_in_utf_16(tmp_path: Path) -> None:
    db = apsw.Connection(str(tmp_path / "x.db"))
    db.execute("PRAGMA encoding='UTF-16le'; CREATE TABLE t (id INTEGER PRIMARY KEY, a)")
    db.execute("INSERT INTO t VALUES (1, 'grün'), (2, CAST(x'00d86100' AS TEXT))")
    got = texts(tmp_path / "x.db")
    assert got[0] == "grün" and isinstance(got[1], str)


def test_a_value_beyond_all_measure_refuses_the_database(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("UPDATE t SET a = zeroblob(?) WHERE id = 2", (129 << 20,))
    with pytest.raises(SourceRefused, match="too large"):
        texts(tmp_path / "x.db")


def test_what_is_not_a_database_of_ours(tmp_path: Path) -> None:
    with pytest.raises(SourceGone):
        texts(tmp_path / "none.db")
    with pytest.raises(SourceGone):
        texts(tmp_path / "none" / "x.db")
    make(tmp_path / "x.db")
    (tmp_path / "link.db").symlink_to("x.db")
    with pytest.raises(SourceRefused, match="symbolic link"):
        texts(tmp_path / "link.db")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(SourceRefused, match="not a regular file"):
        texts(tmp_path / "folder.db")
    os.mkfifo(tmp_path / "pipe.db")
    with pytest.raises(SourceRefused, match="not a regular file"):
        texts(tmp_path / "pipe.db")
    shutil.copy(tmp_path / "x.db", tmp_path / "odd.db")
    (tmp_path / "odd.db-wal").symlink_to("x.db-wal")
    with pytest.raises(SourceRefused, match="symbolic link"):
        texts(tmp_path / "odd.db")


def test_a_linked_folder_counts_below_the_root_only(tmp_path: Path) -> None:
    for name in ("root", "elsewhere", "root/in"):
        (tmp_path / name).mkdir()
    make(tmp_path / "elsewhere/x.db")
    make(tmp_path / "root/in/x.db")
    (tmp_path / "root/out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "root/same").symlink_to("in")
    with (
        pytest.raises(SourceRefused, match="leads out"),
        open_database(str(tmp_path / "root/out/x.db"), ALLOWED, root=str(tmp_path / "root")),
    ):
        pass
    with open_database(
        str(tmp_path / "root/same/x.db"), ALLOWED, root=str(tmp_path / "root")
    ) as database:
        assert len(list(database.rows("SELECT id FROM t"))) == 3


def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "x.db")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(SourceRefused, match="another user"):
        texts(tmp_path / "x.db")


def test_what_is_damaged_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "noise.db").write_bytes(os.urandom(8192))
    with pytest.raises(SourceRefused, match="not a database"):
        texts(tmp_path / "noise.db")
    db = make(tmp_path / "x.db", wal=False)
    db.execute("INSERT INTO t (a) VALUES (zeroblob(100000))")
    db.close()
    data = (tmp_path / "x.db").read_bytes()
    (tmp_path / "cut.db").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceRefused, match="damaged"):
        texts(tmp_path / "cut.db")
    (tmp_path / "empty.db").write_bytes(b"")
    with pytest.raises(SourceRefused, match="no table t"):
        texts(tmp_path / "empty.db")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_content_crashes_a_read(tmp_path: Path, data: st.DataObject) -> None:
    good = tmp_path / "good.db"
    if not good.exists():
        db = make(good, wal=False)
        db.execute("INSERT INTO all_of_it SELECT hex(randomblob(3000)) FROM t")
        db.close()
    content = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 200))
        content[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
    path = tmp_path / "bad.db"
    path.write_bytes(content)
    try:
        with open_database(str(path), ALLOWED) as database:
            database.columns("t")
            list(database.rows("SELECT id, a FROM t ORDER BY id"))
            list(database.rows("SELECT x FROM all_of_it"))
    except (SourceRefused, OSError):
        pass
    finally:
        close_databases()


def test_a_locked_database_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases_safety, "BUSY_SECONDS", 0.05)
    writer = make(tmp_path / "x.db", wal=False)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(OSError) as caught:
        texts(tmp_path / "x.db")
    assert caught.value.errno == errno.EBUSY
    writer.execute("COMMIT")
    assert texts(tmp_path / "x.db") == ["one", "two", "three"]


def test_a_statement_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO all_of_it SELECT 1 FROM t, t, t, t, t")
    assert texts(tmp_path / "x.db")
    monkeypatch.setattr(databases, "DEADLINE_SECONDS", -1.0)
    with (
        pytest.raises(OSError) as caught,
        open_database(str(tmp_path / "x.db"), ALLOWED) as database,
    ):
        list(database.rows("SELECT count(*) FROM all_of_it a, all_of_it b, all_of_it c"))
    assert caught.value.errno == errno.ETIMEDOUT


def test_between_reads_no_one_is_kept_from_checkpointing_or_writing(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    with open_database(str(tmp_path / "x.db"), ALLOWED) as database:
        rows = database.rows("SELECT a FROM t")
        assert next(rows) == ("one",)  # and never taken to its end
    writer.execute("INSERT INTO t (a) VALUES ('more')")
    busy, _, _ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
    assert busy == 0
    assert (tmp_path / "x.db-wal").stat().st_size == 0
    other = make(tmp_path / "y.db", wal=False)
    assert texts(tmp_path / "y.db")
    other.execute("BEGIN EXCLUSIVE; INSERT INTO t (a) VALUES ('more'); COMMIT")


def test_one_transaction_sees_one_state(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    with open_database(str(tmp_path / "x.db"), ALLOWED) as database:
        version = database.data_version
        writer.execute("INSERT INTO t (a) VALUES ('more')")
        assert len(list(database.rows("SELECT a FROM t"))) == 3
        assert database.data_version == version
    with open_database(str(tmp_path / "x.db"), ALLOWED) as database:
        assert database.data_version != version
        assert len(list(database.rows("SELECT a FROM t"))) == 4
        version = database.data_version
    with open_database(str(tmp_path / "x.db"), ALLOWED) as database:
        assert database.data_version == version


def test_the_file_is_opened_by_sqlite_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make(tmp_path / "x.db")

    def forbidden(*_: object, **__: object) -> int:
        raise AssertionError("opened by other means: its locks are lost with that descriptor")

    monkeypatch.setattr(os, "open", forbidden)
    monkeypatch.setattr("builtins.open", forbidden)
    assert texts(tmp_path / "x.db") == ["one", "two", "three"]
    writer.execute("INSERT INTO t (a) VALUES ('more')")
    assert len(texts(tmp_path / "x.db")) == 4


def test_a_replaced_database_is_opened_anew(tmp_path: Path) -> None:
    make(tmp_path / "x.db", wal=False).close()
    assert len(texts(tmp_path / "x.db")) == 3
    other = make(tmp_path / "new.db", wal=False)
    other.execute("DELETE FROM t WHERE id > 1")
    other.close()
    (tmp_path / "new.db").rename(tmp_path / "x.db")
    assert texts(tmp_path / "x.db") == ["one"]


def test_few_stay_open(tmp_path: Path) -> None:
    for number in range(databases.OPEN_DATABASES + 4):
        make(tmp_path / f"{number}.db").close()
        assert len(texts(tmp_path / f"{number}.db")) == 3
    links = open_files()
    opened = {Path(link).name for link in links if str(tmp_path) in link and link.endswith(".db")}
    assert opened == {f"{number}.db" for number in range(4, databases.OPEN_DATABASES + 4)}


def test_the_log_of_a_program_that_ends_while_we_have_its_database_open(tmp_path: Path) -> None:
    """It stays, with all that is in it, until the program's next end; nothing else is left."""
    writer = make(tmp_path / "x.db")
    assert texts(tmp_path / "x.db")
    writer.close()
    assert (tmp_path / "x.db-wal").exists()
    close_databases(unused_for=3600)
    assert str(tmp_path / "x.db") in open_files()
    close_databases(unused_for=0)
    assert str(tmp_path / "x.db") not in open_files()
    again = apsw.Connection(str(tmp_path / "x.db"))
    assert again.execute("SELECT count(*) FROM t").get == 3
    again.close()
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


def test_several_threads(tmp_path: Path) -> None:
    for number in range(12):
        make(tmp_path / f"{number}.db").close()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for number in range(12):
                assert len(texts(tmp_path / f"{number}.db")) == 3
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def hot_journal(folder: Path) -> Path:
    """A database as a program leaves it that dies in the middle of a transaction."""
    writer = make(folder / "live.db", wal=False)
    writer.execute("PRAGMA cache_size=1; BEGIN")
    writer.execute("UPDATE t SET a = 'not committed'")
    writer.execute("INSERT INTO all_of_it SELECT hex(zeroblob(20000)) FROM t, t, t")
    dead = folder / "dead"
    dead.mkdir()
    for ending in ("", "-journal"):
        shutil.copy(folder / f"live.db{ending}", dead / f"x.db{ending}")
    writer.execute("ROLLBACK")
    return dead / "x.db"


def test_an_unfinished_change_is_undone_in_a_copy_only(tmp_path: Path) -> None:
    path = hot_journal(tmp_path)
    before = path.read_bytes(), Path(f"{path}-journal").read_bytes()
    assert texts(path) == ["one", "two", "three"]
    assert texts(path) == ["one", "two", "three"]
    assert (path.read_bytes(), Path(f"{path}-journal").read_bytes()) == before


def test_a_copy_is_private_gone_at_once_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    path = hot_journal(tmp_path)
    with databases_files.copied(str(path)) as copy:
        modes.append(stat.S_IMODE(Path(copy).parent.stat().st_mode))
        assert Path(copy + "-journal").exists()
    assert modes == [0o700]
    assert not Path(copy).parent.exists()
    assert texts(path)
    links = open_files()
    assert [link for link in links if "copy.db" in link and "(deleted)" not in link] == []
    close_databases()
    monkeypatch.setattr(databases_files, "COPY_BYTES", 100)
    with pytest.raises(SourceRefused, match="too large to be copied"):
        texts(path)


def test_a_file_system_without_shared_memory_or_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a Windows disk in WSL: SQLite fails there, and the copy is read."""
    writer = make(tmp_path / "x.db")
    connect = databases_safety.connect

    def failing(path: str, *rest: Any) -> apsw.Connection:
        if path == str(tmp_path / "x.db"):
            raise apsw.IOError("disk I/O error")
        return connect(path, *rest)

    monkeypatch.setattr(databases, "connect", failing)
    assert texts(tmp_path / "x.db") == ["one", "two", "three"]
    writer.execute("INSERT INTO t (a) VALUES ('four')")
    assert len(texts(tmp_path / "x.db")) == 4


READ_AS_NOBODY = """
import os, shutil, sys, tempfile, apsw
from opensession.parsers.databases import open_database
if os.geteuid() == 0:
    os.setuid(65534)
for _ in range(2):
    with open_database(sys.argv[1], {"t": None}) as database:
        print(database.copy_of is not None, list(database.rows("SELECT a FROM t ORDER BY id")))
"""


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """A write-ahead log without its index, where no one may make one."""
    writer = make(tmp_path / "x.db")
    folder = tmp_path / "read only"
    folder.mkdir()
    for name in ("x.db", "x.db-wal"):
        shutil.copy(tmp_path / name, folder / name)
    writer.close()
    if os.geteuid() == 0:
        for each in folder.iterdir():
            os.chown(each, 65534, -1)
        for parent in (folder, *folder.parents):
            if parent != Path("/tmp") and parent.is_relative_to("/tmp"):
                parent.chmod(0o755)
    folder.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, str(folder / "x.db")],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    folder.chmod(0o755)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["True [('one',), ('two',), ('three',)]"] * 2
    assert sorted(each.name for each in folder.iterdir()) == ["x.db", "x.db-wal"]
