"""Private sessions and pauses where many sessions are rows of one database (made by hand)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from opensession.core.hail import Event, text
from opensession.daemon import dispatch
from opensession.daemon.archive import file_for, read, scan
from opensession.daemon.guards import Guards, Tombstone, may_leave
from opensession.daemon.ingest import Ingest
from opensession.daemon.pausing import Pauses
from opensession.daemon.user_data import UserData
from opensession.parsers.agent import Cursor, Delta, Root, Source
from opensession.parsers.databases import close_databases
from opensession.parsers.rows import read_rows
from tests.daemon.rig import KEY, Rig
from tests.daemon.test_row_sources import Notes, Rows, feed

ONE = "one-0a1b2c3d-1111"
TWO = "two-9f8e7d6c-1111"


class Prompts(Rows):
    """The same agent; all its rows were typed by a person, at the time that a row tells."""

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        delta = read_rows(source, cursor, {"note": None}, self._pull, feed)
        sessions = [
            msgspec.structs.replace(each, events=[_typed(event) for event in each.events])
            for each in delta.sessions
        ]
        return msgspec.structs.replace(delta, sessions=sessions)


def _typed(event: Event) -> Event:
    said, _, when = str(event.blocks[0]["text"]).partition("@")
    return msgspec.structs.replace(
        event, type="UserMessage", blocks=[text(said)], time_us=int(when or event.time_us)
    )


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Prompts()
    monkeypatch.setattr("opensession.daemon.reading.registry.agent", lambda name, commands=(): made)
    monkeypatch.setattr(dispatch, "SMALL_BYTES", 1 << 40)
    monkeypatch.setattr(dispatch, "BACKLOG_BYTES", 1 << 40)
    found = Rig(tmp_path)
    found.roots = [Root("codex", str(found.sessions))]
    yield found
    close_databases()


@pytest.fixture
def notes(rig: Rig) -> Iterator[Notes]:
    made = Notes(rig.sessions / "notes.db")
    yield made
    made.close()


@contextmanager
def _ingest(rig: Rig) -> Iterator[tuple[Ingest, Guards]]:
    user = UserData(rig.path / "user.db")
    try:
        guards = Guards(user, KEY)
        pauses = Pauses(user, guards)
        with rig.ingest(agents=[Prompts()], guards=guards, pauses=pauses) as made:
            yield made, guards
    finally:
        user.close()


def _archive(rig: Rig) -> bytes:
    file = file_for(rig.place.archive, "codex", str(rig.sessions / "notes.db"))
    return b"".join(read(file, scan(file).generation))


def test_a_private_session_of_a_database_is_forgotten_alone(rig: Rig, notes: Notes) -> None:
    """DECISIONS §5; the archived rows that name it become spaces, the others stay."""
    notes.say(ONE, "first", "second")
    notes.say(TWO, "other")
    with _ingest(rig) as (made, guards):
        rig.run(made)
        assert rig.events() == {ONE: 2, TWO: 1}
        notes.say(ONE, "#private")
        notes.say(TWO, "goes on")
        rig.run(made)
        assert rig.events() == {TWO: 2}
        notes.say(ONE, "more")
        notes.say(TWO, "and on")
        rig.run(made)
        assert rig.events() == {TWO: 3}
        raw = _archive(rig)
        assert ONE.encode() not in raw
        assert b"first" not in raw
        assert b"and on" in raw
        assert may_leave(guards, "codex", ONE, [])
        assert not may_leave(guards, "codex", TWO, [])
    rig.place.index.unlink()
    with _ingest(rig) as (made, _):
        rig.run(made)
        assert rig.events() == {TWO: 3}
        assert made.take_again(ONE) == 1
        rig.run(made)
        assert rig.events() == {ONE: 4, TWO: 3}
        assert b"first" in _archive(rig)


def test_a_line_that_is_later_by_its_time_counts(rig: Rig, notes: Notes) -> None:
    """It was typed between `unforget` and the first read; those before do not count."""
    notes.say(ONE, "first", "#private")
    with _ingest(rig) as (made, _):
        rig.run(made)
        assert rig.events() == {}
        assert made.take_again(ONE) == 1
        rig.run(made)
        assert rig.events() == {ONE: 2}
        made.forget("codex", ONE)
        assert made.take_again(ONE) == 1
        notes.say(ONE, f"#private@{time.time_ns() // 1000}")
        rig.run(made)
        assert rig.events() == {}


def test_a_crash_after_the_tombstone_leaves_nothing(rig: Rig, notes: Notes) -> None:
    """What a crash left of a forgotten session is taken away at the next start."""
    notes.say(ONE, "first")
    notes.say(TWO, "other")
    with _ingest(rig) as (made, guards):
        rig.run(made)
    user = UserData(rig.path / "user.db")
    guards = Guards(user, KEY)
    name = guards.session_hash("codex", ONE)
    source = guards.source_hash("codex", str(rig.sessions / "notes.db"))
    guards.forget([Tombstone(name, source, name, alone=False)])
    user.close()
    with _ingest(rig) as (made, _):
        rig.run(made)
        assert rig.events() == {TWO: 1}
        assert b"first" not in _archive(rig)


def test_rows_of_a_pause_are_placeholders_and_not_archived(rig: Rig, notes: Notes) -> None:
    """DECISIONS §5: of a database the records whose content appeared in a pause are skipped."""
    notes.say(ONE, f"before@{time.time_ns() // 1000}")
    with _ingest(rig) as (made, _):
        rig.run(made)
        made.pause(3600)
        notes.say(ONE, f"within@{time.time_ns() // 1000}")
        made.pause(0)
        rig.run(made)
        notes.say(ONE, f"after@{time.time_ns() // 1000}")
        rig.run(made)
        assert rig.events() == {ONE: 3}
        kinds = rig.query("SELECT type FROM event ORDER BY id")
        assert kinds[0] == kinds[2] != kinds[1]
        raw = _archive(rig)
        assert b"within" not in raw
        assert b"before" in raw
        assert b"after" in raw
    rig.place.index.unlink()
    with _ingest(rig) as (made, _):
        rig.run(made)
        assert b"within" not in _archive(rig)
        assert rig.query("SELECT count(*) FROM search WHERE search MATCH 'within'") == [(0,)]
        assert rig.query("SELECT count(*) FROM search WHERE search MATCH 'before'") == [(1,)]
