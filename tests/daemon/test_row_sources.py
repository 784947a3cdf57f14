"""A database as a source: appends, replacement, deleted rows, making the index anew.

The agent and its databases are made by hand: each row of a table is an event of the session it
names.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import apsw
import msgspec
import pytest

from opensession.core.hail import Event, SessionInfo, text
from opensession.daemon import dispatch, reading
from opensession.daemon.book import LOG_BYTES
from opensession.daemon.reading import Job
from opensession.daemon.writing import Closed, Item, Writing
from opensession.parsers import jsonl
from opensession.parsers.agent import (
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    SessionDelta,
    Source,
    Storage,
)
from opensession.parsers.databases import Database, close_databases
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.registry import AGENTS
from opensession.parsers.rows import Pulled, Replaced, Slice, read_rows
from tests.daemon.rig import Rig
from tests.helpers.daemon import eventually


class Rows(Agent):
    """An agent whose sessions are rows of `notes.db`."""

    name = "codex"  # one that the configuration knows
    label = "Rows"
    color = "#000000"
    parser_version = 1
    variables: tuple[str, ...] = ()
    retention_days: int | None = None
    resume: tuple[str, ...] = ()
    ids = "the row's session"
    slice_bytes = 4 << 20

    def roots(self, env: Environment) -> list[Root]:
        return []

    def sources(self, root: Root) -> Iterator[Source]:
        path = f"{root.path}/notes.db"
        if Path(path).exists():
            yield Source(self.name, root.path, path)

    def source_of(self, root: Root, path: str) -> Source | None:
        if path in (f"{root.path}/notes.db", f"{root.path}/notes.db-wal"):
            return Source(self.name, root.path, f"{root.path}/notes.db")
        return None

    def files(self, source: Source) -> tuple[str, ...]:
        return source.path, f"{source.path}-wal"

    def storage(self, source: Source) -> Storage:
        return "rows"

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        return read_rows(source, cursor, {"note": None}, self._pull, feed)

    def _pull(self, database: Database, mark: bytes) -> Pulled:
        last = int(mark or b"0")
        if next(database.rows("SELECT coalesce(max(id), 0) FROM note"))[0] < last:
            raise Replaced
        taken = Slice(self.slice_bytes)
        query = "SELECT id, session, said FROM note WHERE id > ? ORDER BY id"
        for row, session, said in database.rows(query, (last,)):
            last = row
            if not taken.add({"id": row, "session": session, "said": said}):
                return taken.pulled(b"%d" % last, more=True)
        return taken.pulled(b"%d" % last)


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    counts = msgspec.json.decode(state, type=dict[str, int]) if state else {}
    events: dict[str, list[Event]] = {}
    for line in lines:
        row = msgspec.json.decode(line.data, type=dict[str, str | int])
        event = Event(
            event_id=str(row["id"]),
            time_us=1_700_000_000_000_000 + int(row["id"]),
            type="AgentMessage",
            blocks=[text(str(row["said"]))],
        )
        events.setdefault(str(row["session"]), []).append(event)
    sessions = []
    for session, new in events.items():
        keep = counts.get(session, 0)
        info = SessionInfo(id=session, agent="codex", cwd="/work/project")
        sessions.append(SessionDelta(info=info, keep=keep, events=new))
        counts[session] = keep + len(new)
    return Fed(sessions=sessions, state=msgspec.json.encode(counts))


class Notes:
    """The agent's own side: a database that it keeps open and writes to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = apsw.Connection(str(path))
        self._db.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, session TEXT, said TEXT)"
        )

    def long_ago(self) -> None:
        """As if nothing had changed lately."""
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            os.utime(path, ns=(0, 1_000_000_000))

    def say(self, session: str, *said: str) -> None:
        with self._db:
            for each in said:
                self._db.execute("INSERT INTO note (session, said) VALUES (?, ?)", (session, each))

    def forget(self, session: str) -> None:
        self._db.execute("DELETE FROM note WHERE session = ?", (session,))

    def close(self) -> None:
        self._db.close()


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rows]:
    made = Rows()
    monkeypatch.setattr("opensession.daemon.reading.registry.agent", lambda name, commands=(): made)
    yield made
    close_databases()


@pytest.fixture
def rig(tmp_path: Path, agent: Rows, monkeypatch: pytest.MonkeyPatch) -> Rig:
    # Workers are other processes, which would not know this agent.
    monkeypatch.setattr(dispatch, "SMALL_BYTES", 1 << 40)
    monkeypatch.setattr(dispatch, "BACKLOG_BYTES", 1 << 40)
    found = Rig(tmp_path)
    found.roots = [Root("codex", str(found.sessions))]
    return found


@pytest.fixture
def notes(rig: Rig) -> Iterator[Notes]:
    made = Notes(rig.sessions / "notes.db")
    yield made
    made.close()


def replaced(rig: Rig, notes: Notes) -> Notes:
    """The agent removed its database and made a new one."""
    notes.close()
    for path in rig.sessions.glob("notes.db*"):
        path.unlink()
    return Notes(rig.sessions / "notes.db")


def test_a_commit_that_only_the_write_ahead_log_has_is_found(
    rig: Rig, agent: Rows, notes: Notes
) -> None:
    notes.say("s1", "one")
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        assert rig.events() == {"s1": 1}
        before = (rig.sessions / "notes.db").stat()
        notes.say("s1", "two")
        notes.say("s2", "three")
        rig.run(made)
        assert rig.events() == {"s1": 2, "s2": 1}
        after = (rig.sessions / "notes.db").stat()
        assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def test_an_append_to_a_large_database_counts_as_little(
    rig: Rig, agent: Rows, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read in the daemon, where the connection is open; not in a worker, for its size."""
    notes.say("s1", "x" * (1 << 20))
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        monkeypatch.setattr(dispatch, "SMALL_BYTES", LOG_BYTES)
        monkeypatch.setattr(
            "opensession.daemon.pool.Pool.start_in_worker", lambda *_: pytest.fail("in a worker")
        )
        notes.say("s1", "two")
        rig.run(made)
        assert rig.events() == {"s1": 2}


def test_rows_that_the_agent_deletes_take_no_session_away(
    rig: Rig, agent: Rows, notes: Notes
) -> None:
    notes.say("old", "one", "two")
    notes.say("new", "three")
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        other = replaced(rig, notes)
        other.say("newer", "four")
        rig.run(made)
        other.close()
        assert rig.events() == {"old": 2, "new": 1, "newer": 1}
        assert not any(change.gone for change in rig.changes)
        assert rig.query("SELECT count(*) FROM session WHERE reread IS NOT NULL") == [(0,)]


def test_a_session_that_is_shorter_in_a_replaced_database_is_cut(
    rig: Rig, agent: Rows, notes: Notes
) -> None:
    notes.say("s1", "one", "two", "three")
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        other = replaced(rig, notes)
        other.say("s1", "one", "two")
        rig.run(made)
        other.close()
        assert rig.events() == {"s1": 2}


@pytest.mark.parametrize("slice_bytes", [4 << 20, 60])
def test_a_new_index_has_what_only_the_archive_has(
    rig: Rig, agent: Rows, notes: Notes, slice_bytes: int
) -> None:
    """What was deleted from the database, and what was in the database before it was replaced."""
    agent.slice_bytes = slice_bytes
    notes.say("replaced", "one", "two")
    notes.say("goes on", "three")
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        other = replaced(rig, notes)
        other.say("goes on", "four", "five")
        other.say("deleted", "six", "seven")
        rig.run(made)
        other.say("kept", "eight")
        other.forget("deleted")
        rig.run(made)
        whole = {"replaced": 2, "goes on": 2, "deleted": 2, "kept": 1}
        assert rig.events() == whole
    rig.place.index.unlink()
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        assert rig.events() == whole
        other.say("kept", "nine")
        rig.run(made)
        assert rig.events() == {**whole, "kept": 2}
    other.close()


@pytest.mark.parametrize("batches", [1, 2, 3])
def test_an_archive_that_was_read_in_part_is_read_anew(
    rig: Rig, agent: Rows, notes: Notes, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    """The daemon ends amid it: what follows is not asked of the database, which lacks it."""
    notes.say("replaced", "one", "two")
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        other = replaced(rig, notes)
        other.say("goes on", "three")
        other.say("deleted", "four")
        rig.run(made)
        other.forget("deleted")
        rig.run(made)
        whole = {"replaced": 2, "goes on": 1, "deleted": 1}
        assert rig.events() == whole
    rig.place.index.unlink()
    given: list[Item] = []
    put = Writing.put

    def first(writing: Writing, item: Item, lane: int) -> None:
        if len(given) == batches:
            raise Closed
        given.append(item)
        put(writing, item, lane)

    slices = jsonl.read_lines
    with monkeypatch.context() as patch:
        patch.setattr(Writing, "put", first)
        patch.setattr("opensession.parsers.rows.read_lines", partial(slices, slice_bytes=50))
        with rig.ingest(agents=[agent]) as made:
            rig.until(lambda: len(rig.changes) > 0)
            eventually(lambda: rig.query("SELECT offset FROM source") > [(0,)])
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        assert rig.events() == whole
    other.close()


def test_a_database_that_is_gone_is_made_again_from_the_archive(
    rig: Rig, agent: Rows, notes: Notes
) -> None:
    notes.say("s1", "one", "two")
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
    notes.close()
    for path in rig.sessions.glob("notes.db*"):
        path.unlink()
    rig.place.index.unlink()
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        assert rig.events() == {"s1": 2}
        assert rig.query("SELECT state FROM source") == [("gone",)]


def test_a_newer_parser_reads_what_the_agent_deleted_from_the_archive(
    rig: Rig, agent: Rows, notes: Notes
) -> None:
    notes.say("deleted", "one", "two")
    notes.say("kept", "three")
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        notes.forget("deleted")
        rig.run(made)
    agent.parser_version = 2
    with rig.ingest(agents=[agent]) as made:
        rig.run(made)
        assert rig.events() == {"deleted": 2, "kept": 1}
        versions = "SELECT native_id, parser_version FROM session ORDER BY native_id"
        assert rig.query(versions) == [("deleted", 2), ("kept", 2)]


def test_events_of_the_shared_memory_file_read_nothing(rig: Rig, agent: Rows, notes: Notes) -> None:
    notes.say("s1", "one")
    notes.long_ago()
    with rig.ingest(agents=[agent], history=False) as made:
        rig.run(made)
        root = rig.roots[0]
        for number in range(100):
            made.mark_dirty(root, f"{root.path}/notes.db-shm")
            made.mark_dirty(root, f"{root.path}/notes.db-journal{number % 2}")
        assert made.queue_depth() == 0


def test_what_changed_just_now_is_looked_at_once_more(rig: Rig, agent: Rows, notes: Notes) -> None:
    """A commit is in the log of a database before others see it, and no file changes any more
    when they do.
    """
    notes.say("s1", "one")
    with rig.ingest(agents=[agent], history=False) as made:
        rig.run(made)
        assert made.queue_depth() == 1
        row = made.write(lambda writer: writer.sources()[0])
        assert row.mtime_ns == 0  # as of no file: also a daemon that starts looks again
        notes.long_ago()
        rig.run(made)
        assert made.queue_depth() == 0
        row = made.write(lambda writer: writer.sources()[0])
        assert row.mtime_ns == notes.path.stat().st_mtime_ns
        assert rig.events() == {"s1": 1}


_NAMES = ("state.vscdb", "store.db", "sessions.db", "opencode.db", "kilo.db")
_FOLDERS = ("", "globalStorage/", "0123456789abcdef/", "0123456789abcdef/11111111/")


@pytest.mark.parametrize("each", AGENTS, ids=lambda each: str(each.name))
def test_the_log_of_a_database_is_the_database_and_its_other_files_are_nothing(each: Agent) -> None:
    """DECISIONS §8, for every agent of the list: events of `-shm` and `-journal` are ignored."""
    env = Environment(home="/home/a", variables={}, platform="linux")
    for root in each.roots(env):
        for name in (f"{root.path}/{folder}{name}" for folder in _FOLDERS for name in _NAMES):
            assert each.source_of(root, f"{name}-shm") is None
            assert each.source_of(root, f"{name}-journal") is None
            source = each.source_of(root, name)
            if source is not None and each.storage(source) == "rows":
                assert each.files(source) == (name, f"{name}-wal")
                assert each.source_of(root, f"{name}-wal") == source


def test_why_a_database_could_not_be_read_is_said_in_words(tmp_path: Path) -> None:
    job = Job(1, 1, Source("goose", str(tmp_path), str(tmp_path / "sessions.db")), None, 0)
    locked = reading.ended(job, OSError(errno.EBUSY, "the database is locked"))
    assert locked.failure is not None
    assert (locked.failure.state, locked.failure.reason) == ("error", "the database is locked")
    assert locked.retry
