"""Reading databases by rows: whatever the cuts, the same log and the same events."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core import ids
from opensession.core.hail import Event, SessionInfo
from opensession.parsers.agent import Cursor, Delta, SessionDelta, Source, SourceGone, SourceRefused
from opensession.parsers.databases import Database, close_databases
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.rows import Pulled, Replaced, Slice, read_rows, texts

ALLOWED = {"t": None}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


class Reader:
    """A tiny agent: every row of table `t` is an event of one session."""

    def __init__(self, path: Path, limit: int = 200) -> None:
        self.source = Source("tiny", str(path.parent), str(path))
        self.limit = limit
        self.pulls = 0
        self.cursor: Cursor | None = None
        self.events: list[str] = []
        self.raw = b""

    def pull(self, database: Database, mark: bytes) -> Pulled:
        self.pulls += 1
        last = int(mark or b"0")
        if "a" not in database.columns("t"):
            raise SourceRefused("not the expected database: no column t.a")
        if (last,) > max(database.rows("SELECT coalesce(max(id), 0) FROM t")):
            raise Replaced
        taken = Slice(self.limit)
        for row, value in database.rows("SELECT id, a FROM t WHERE id > ? ORDER BY id", (last,)):
            last = row
            if not taken.add({"id": row, "a": value}):
                return taken.pulled(b"%d" % last, more=True)
        return taken.pulled(b"%d" % last)

    def read(self, read_from: str = "") -> Delta:
        source = msgspec.structs.replace(self.source, read_from=read_from)
        delta = read_rows(source, self.cursor, ALLOWED, self.pull, feed)
        if delta.restarted:
            self.events, self.raw = [], b""
        assert delta.raw_offset == len(self.raw)
        assert delta.cursor.offset == delta.raw_offset + len(delta.raw)
        assert delta.keeps
        self.cursor = delta.cursor
        self.raw += delta.raw
        for session in delta.sessions:
            self.events[session.keep :] = [str(event.data) for event in session.events]
        return delta

    def read_all(self, read_from: str = "") -> None:
        while self.read(read_from).more:
            pass


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    count = int(state or b"0")
    events = []
    for number, line in enumerate(lines, start=count + 1):
        data = {"at": line.offset, "row": line.data.decode(), "oversized": line.oversized}
        events.append(Event(event_id=str(number), time_us=1, type="Custom", data=data))
    delta = SessionDelta(info=SessionInfo(id="s", agent="tiny"), keep=count, events=events)
    return Fed(sessions=[delta], state=b"%d" % (count + len(lines)))


def make(path: Path, mode: str = "WAL") -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.execute(f"PRAGMA journal_mode={mode}").fetchall()
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a)")
    return db


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.text(max_size=60), max_size=6), max_size=6))
def test_partial_reads_the_whole_and_the_archive_agree(
    tmp_path: Path, batches: list[list[str]]
) -> None:
    path = tmp_path / "x.db"
    for old in tmp_path.iterdir():
        old.unlink()
    writer = make(path)
    partial = Reader(path)
    for batch in batches:
        for value in batch:
            writer.execute("INSERT INTO t (a) VALUES (?)", (value,))
        partial.read_all()
    whole = Reader(path)
    whole.read_all()
    assert partial.events == whole.events
    assert partial.raw == whole.raw
    assert len(whole.events) == sum(map(len, batches))
    log = tmp_path / "log"
    log.write_bytes(whole.raw)
    archived = Reader(path)
    archived.read_all(str(log))
    assert archived.events == whole.events
    writer.close()
    close_databases()


def test_nothing_is_asked_while_nothing_changed(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one')")
    reader = Reader(tmp_path / "x.db")
    reader.read_all()
    pulls = reader.pulls
    for _ in range(3):
        delta = reader.read()
        assert (delta.raw, delta.sessions, delta.more) == (b"", [], False)
    assert reader.pulls == pulls
    writer.execute("INSERT INTO t (a) VALUES ('two')")
    reader.read_all()
    assert len(reader.events) == 2


def test_another_process_goes_on_from_the_cursor(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one')")
    reader = Reader(tmp_path / "x.db")
    reader.read_all()
    close_databases()  # what is known only in this process is gone
    assert reader.read().raw == b""
    writer.execute("INSERT INTO t (a) VALUES ('two')")
    close_databases()
    assert reader.read().raw == b'{"id":2,"a":"two"}\n'


def test_a_long_history_comes_in_slices(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    for _ in range(40):
        writer.execute("INSERT INTO t (a) VALUES ('some words that take their room')")
    reader = Reader(tmp_path / "x.db")
    first = reader.read()
    assert first.more and len(first.raw) < 300
    reader.read_all()
    assert len(reader.events) == 40


def test_the_cursor_has_the_stamp_from_before_the_read(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    reader = Reader(tmp_path / "x.db")
    reader.read_all()
    before = reader.cursor
    writer.execute("INSERT INTO t (a) VALUES ('one')")
    reader.read_all()
    assert before is not None and reader.cursor is not None
    assert (before.size, before.mtime_ns, before.ino) != (
        reader.cursor.size,
        reader.cursor.mtime_ns,
        reader.cursor.ino,
    )


def test_a_replaced_database_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    writer = make(path)
    writer.execute("INSERT INTO t (a) VALUES ('one'), ('two')")
    reader = Reader(path)
    reader.read_all()
    other = make(tmp_path / "new.db")
    other.execute("INSERT INTO t (a) VALUES ('other')")
    other.close()
    writer.close()
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    (tmp_path / "new.db").rename(path)
    assert reader.read().restarted
    assert len(reader.events) == 1


def test_a_mark_of_a_database_that_was_made_again(tmp_path: Path) -> None:
    """The same inode, as a file system may give it to the next file, with fewer rows."""
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one'), ('two')")
    reader = Reader(tmp_path / "x.db")
    reader.read_all()
    writer.execute("DELETE FROM t WHERE id = 2")
    assert reader.read().restarted
    assert len(reader.events) == 1


def test_from_the_database_to_its_archive_and_back(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one'), ('two')")
    reader = Reader(tmp_path / "x.db")
    reader.read_all()
    events = reader.events
    (tmp_path / "log").write_bytes(reader.raw)
    assert reader.read(str(tmp_path / "log")).restarted
    assert reader.events == events
    assert not reader.read(str(tmp_path / "log")).restarted
    assert reader.read().restarted
    assert reader.events == events


def test_a_row_too_long_for_a_line_is_the_same_from_both(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one'), (?), ('two')", ("word " * (4 << 20),))
    reader = Reader(tmp_path / "x.db")
    reader.read_all()
    assert len(reader.events) == 3 and "'oversized': True" in reader.events[1]
    events = reader.events
    (tmp_path / "log").write_bytes(reader.raw)
    reader.read_all(str(tmp_path / "log"))
    assert reader.events == events


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceGone):
        Reader(tmp_path / "none.db").read()
    db = apsw.Connection(str(tmp_path / "x.db"))
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, b)")
    with pytest.raises(SourceRefused, match=r"t\.a"):
        Reader(tmp_path / "x.db").read()


def test_a_pull_that_says_more_and_gives_nothing_ends(tmp_path: Path) -> None:
    make(tmp_path / "x.db")
    source = Source("tiny", str(tmp_path), str(tmp_path / "x.db"))
    delta = read_rows(source, None, ALLOWED, lambda _, mark: Pulled([], mark, True), feed)
    assert not delta.more


PAGE = 4096 + 24

WRITER = """
import os, sqlite3, sys
path, mode, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = sqlite3.connect(path, isolation_level=None, timeout=30)
db.execute("PRAGMA journal_mode=" + mode)
db.execute("PRAGMA synchronous=OFF")
db.execute("PRAGMA wal_autocheckpoint=50")
largest = 0
for number in range(count):
    db.execute("INSERT INTO t (a) VALUES (?)", (f"{number} " + "x" * 2000,))
    try:
        largest = max(largest, os.stat(path + "-wal").st_size)
    except FileNotFoundError:
        pass
    if number % 10 == 9:
        print("committed" if number % 50 < 49 else "waiting", flush=True)
        number % 50 < 49 or sys.stdin.readline()
print(largest, db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
"""


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_beside_a_program_that_writes_all_the_time(tmp_path: Path, mode: str) -> None:
    """All rows come once and in order, no read fails for good, and its log stays small."""
    count = 1500
    path = tmp_path / "x.db"
    make(path, mode).close()
    command = [sys.executable, "-c", WRITER, str(path), mode, str(count)]
    reader = Reader(path, limit=50_000)
    reads = 0
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writing:
        assert writing.stdin is not None and writing.stdout is not None
        for line in writing.stdout:
            told = line
            reader.read()  # while the writer goes on, unless it waits
            reads += 1
            if line == "waiting\n":
                writing.stdin.write("\n")
                writing.stdin.flush()
    reader.read_all()
    assert reads > 100
    rows = [int(event.split('"a":"')[1].split(" ")[0]) for event in reader.events]
    assert rows == list(range(count))
    largest, busy = map(int, told.split())
    if mode == "WAL":
        # What two waits and a checkpoint are apart, of some 2000 pages that were written.
        assert 50 * PAGE < largest < 250 * PAGE
        assert busy == 0


class Listing(Reader):
    """An agent that tells which sessions are there: what column `a` holds."""

    def read(self, read_from: str = "") -> Delta:
        source = msgspec.structs.replace(self.source, read_from=read_from)
        delta = read_rows(source, self.cursor, ALLOWED, self.pull, feed, present)
        self.cursor = delta.cursor
        return delta

    def listed(self) -> list[str] | None:
        """What a read to the end says."""
        while (delta := self.read()).more:
            assert delta.present is None
        return delta.present


def present(database: Database, mark: bytes) -> list[str] | None:
    return texts(database, "SELECT count(a), group_concat(a, char(10)) FROM t")


def test_which_sessions_are_there_is_said_when_that_changed(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    for value in ("one", "two", "three words"):
        writer.execute("INSERT INTO t (a) VALUES (?)", (value,))
    reader = Listing(tmp_path / "x.db", limit=20)
    odd = ids.fit("tiny", "three words")
    assert reader.listed() == ["one", "two", odd]
    assert reader.listed() is None
    writer.execute("UPDATE t SET id = 9 WHERE id = 3")  # another row, the same sessions
    assert reader.listed() is None
    writer.execute("DELETE FROM t WHERE a = 'one'")
    assert reader.listed() == ["two", odd]
    writer.execute("DELETE FROM t")
    writer.execute("INSERT INTO t (id, a) VALUES (20, 'two')")
    assert reader.listed() == ["two"]


def test_which_sessions_are_there_is_said_again_until_it_is_stored(tmp_path: Path) -> None:
    """The cursor is only kept if the index could be written."""
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one'), ('two')")
    reader = Listing(tmp_path / "x.db")
    reader.listed()
    stored = reader.cursor
    writer.execute("DELETE FROM t WHERE a = 'one'")
    assert reader.listed() == ["two"]
    reader.cursor = stored
    assert reader.listed() == ["two"]


def test_a_cursor_of_a_version_that_did_not_ask_is_gone_on_from(tmp_path: Path) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one'), ('two')")
    reader = Listing(tmp_path / "x.db")
    reader.listed()
    assert reader.cursor is not None
    state = msgspec.msgpack.decode(reader.cursor.state)
    reader.cursor = msgspec.structs.replace(reader.cursor, state=msgspec.msgpack.encode(state[:-1]))
    close_databases()
    delta = reader.read()
    assert (delta.raw, delta.restarted, delta.present) == (b"", False, ["one", "two"])


@pytest.mark.parametrize("name", ["two\nlines", None, b"\xff"], ids=repr)
def test_ids_that_cannot_be_told_apart_say_nothing_or_are_none(
    tmp_path: Path, name: str | bytes | None
) -> None:
    writer = make(tmp_path / "x.db")
    writer.execute("INSERT INTO t (a) VALUES ('one'), (?)", (name,))
    listed = Listing(tmp_path / "x.db").listed()
    assert listed is None or "one" in listed
    assert (listed is None) == (name == "two\nlines")
