"""Sessions that an agent deletes from a database that stays: marked, kept, found again.

The databases are Goose's, made by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from opensession.core.config.settings import PrivacySettings
from opensession.daemon.admission import Rules
from opensession.daemon.archive import file_for, read, scan
from opensession.daemon.ingest import Ingest
from opensession.daemon.reading import Setup
from opensession.daemon.store import migrate, pruning
from opensession.daemon.store.connect import open_index, open_reader
from opensession.daemon.store.source_marks import FILE_MARK
from opensession.parsers.agent import Root
from opensession.parsers.databases import close_databases
from opensession.parsers.registry import agent
from tests.daemon.rig import KEY, Rig
from tests.daemon.same_index import hits
from tests.helpers.daemon import eventually
from tests.parsers.goose.making import START, Goose, said

ONE, TWO, CHILD = "20260102_1", "20260102_2", "20260102_3"
HERE, KEPT, GONE = "", "archived", "gone"
KEEP = {"goose": 1.0}


class Kept(Goose):
    """Goose, and a person who deletes sessions."""

    def say(self, session: str, *words: str, parent: str | None = None) -> None:
        if self.db.execute("SELECT 1 FROM sessions WHERE id = ?", (session,)).get is None:
            self.session(session, **({"parent_session_id": parent} if parent else {}))
        for each in words:
            self.message(session, "user", said(each))

    def delete(self, session: str) -> None:
        with self.db:
            for table, column in (("messages", "session_id"), ("sessions", "id")):
                self.db.execute(f"DELETE FROM {table} WHERE {column} = ?", (session,))

    def remove(self) -> None:
        """The database itself is deleted."""
        self.db.close()
        for path in self.path.parent.glob("sessions.db*"):
            path.unlink()


def only_named(*names: str) -> Callable[[str, str], bool]:
    """Which sessions a person called something."""
    return lambda agent, native_id: native_id in names


def newest(archived: Path) -> int:
    return scan(archived).generation


class Stand(Rig):
    """An ingest over folders of Goose's."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.roots = [Root("goose", str(self.path / name)) for name in ("a", "b")]

    @contextmanager
    def watching(self, **other: Any) -> Iterator[Ingest]:
        with self.ingest(agents=[agent("goose")], **other) as made:
            self.run(made)
            yield made

    def marks(self) -> dict[str, str]:
        """How each session stands."""
        return dict(
            self.query(
                f"SELECT s.native_id, {FILE_MARK} FROM session s JOIN source o ON o.id = s.source"
            )
        )

    def reasons(self) -> dict[str, str | None]:
        """Why each session that is past its time stays; None where it may go."""
        db = open_reader(self.place.index)
        try:
            names = dict(db.execute("SELECT id, native_id FROM session"))
            found = pruning.groups(db, KEEP, 1 << 60, only_named())
            return {names[each]: group.reason for group in found for each in group.sessions}
        finally:
            db.close()

    def homes(self) -> dict[str, str]:
        """The folder of the database that each session is of."""
        rows = self.query(
            "SELECT s.native_id, o.root FROM session s JOIN source o ON o.id = s.source"
        )
        return {name: Path(root).name for name, root in rows}


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    yield Stand(tmp_path)
    close_databases()


def test_a_session_deleted_from_a_database_is_marked_and_not_any_more_when_it_is_back(
    stand: Stand,
) -> None:
    goose = Kept(stand.path / "a")
    for name in (ONE, TWO):
        goose.say(name, "hello", "again")
    with stand.watching() as made:
        assert stand.marks() == {ONE: HERE, TWO: HERE}
        goose.delete(ONE)
        stand.run(made)
        assert stand.marks() == {ONE: KEPT, TWO: HERE}
        assert stand.events() == {ONE: 2, TWO: 2}
        goose.say(TWO, "more")
        stand.run(made)
        assert stand.marks() == {ONE: KEPT, TWO: HERE}
        goose.say(ONE, "hello", "again", "a third time")
        stand.run(made)
        assert stand.marks() == {ONE: HERE, TWO: HERE}
        assert stand.events()[ONE] == 3
        assert not any(change.gone for change in stand.changes)


def test_a_subagent_goes_with_its_parent(stand: Stand) -> None:
    goose = Kept(stand.path / "a")
    goose.say(ONE, "hello")
    goose.say(CHILD, "look", parent=ONE)
    goose.say(TWO, "other")
    with stand.watching() as made:
        goose.delete(ONE)
        goose.delete(CHILD)
        stand.run(made)
        assert stand.marks() == {ONE: KEPT, CHILD: KEPT, TWO: HERE}


def test_what_was_deleted_while_nobody_watched_is_marked(stand: Stand) -> None:
    goose = Kept(stand.path / "a")
    for name in (ONE, TWO):
        goose.say(name, "hello")
    with stand.watching():
        pass
    goose.delete(TWO)
    goose.say(ONE, "and")
    with stand.watching():
        assert stand.marks() == {ONE: HERE, TWO: KEPT}
        assert stand.events() == {ONE: 2, TWO: 1}


def test_a_new_index_knows_what_the_database_lacks(stand: Stand) -> None:
    """The archive holds what was deleted, and says nothing of what is there now."""
    goose = Kept(stand.path / "a")
    for name in (ONE, TWO):
        goose.say(name, "hello")
    with stand.watching() as made:
        goose.delete(ONE)
        stand.run(made)
    stand.place.index.unlink()
    with stand.watching():
        assert stand.marks() == {ONE: KEPT, TWO: HERE}


def test_a_session_that_another_database_has_as_well_is_not_gone(stand: Stand) -> None:
    first, second = Kept(stand.path / "a"), Kept(stand.path / "b")
    for goose in (first, second):
        goose.say(ONE, "hello", "again")
        goose.say(TWO, "other")
    with stand.watching() as made:
        owner, heir = (first, second) if stand.homes()[ONE] == "a" else (second, first)
        owner.delete(ONE)
        stand.run(made)
        assert stand.marks()[ONE] == HERE
        assert stand.homes()[ONE] == heir.path.parent.name
        heir.delete(ONE)
        stand.run(made)
        assert stand.marks()[ONE] == KEPT
        owner.clock = START  # the same messages
        owner.say(ONE, "hello", "again")
        stand.run(made)
        assert stand.marks()[ONE] == HERE
        assert stand.homes()[ONE] == owner.path.parent.name


def test_a_copy_that_is_deleted_inherits_nothing(stand: Stand) -> None:
    first, second = Kept(stand.path / "a"), Kept(stand.path / "b")
    for goose in (first, second):
        goose.say(ONE, "hello", "again")
        goose.say(TWO, "other")
    with stand.watching() as made:
        owner, copy = (first, second) if stand.homes()[ONE] == "a" else (second, first)
        copy.delete(ONE)
        stand.run(made)
        assert stand.marks()[ONE] == HERE
        owner.remove()
        stand.run(made)
        assert stand.marks()[ONE] == KEPT
        assert stand.marks()[TWO] == HERE


def test_of_two_sessions_of_one_id_the_deleted_one_is_marked(stand: Stand) -> None:
    """The second has a number behind its id here, which its agent does not know."""
    first, second = Kept(stand.path / "a"), Kept(stand.path / "b")
    first.say(ONE, "hello")
    with stand.watching() as made:
        second.say(ONE, "something else")
        stand.run(made)
        assert stand.marks() == {ONE: HERE, f"{ONE}.2": HERE}
        second.say(TWO, "more")
        stand.run(made)
        assert set(stand.marks().values()) == {HERE}
        second.delete(ONE)
        stand.run(made)
        assert {name for name, mark in stand.marks().items() if mark} == {f"{ONE}.2"}
        first.delete(ONE)
        stand.run(made)
        assert {name for name, mark in stand.marks().items() if mark} == {ONE, f"{ONE}.2"}


def test_marks_outlive_the_absence_of_the_database(stand: Stand) -> None:
    goose = Kept(stand.path / "a")
    for name in (ONE, TWO):
        goose.say(name, "hello")
    with stand.watching() as made:
        goose.delete(ONE)
        stand.run(made)
        goose.db.close()
        files = {path: path.read_bytes() for path in goose.path.parent.iterdir()}
        for path in files:
            path.unlink()
        stand.run(made)
        assert stand.marks() == {ONE: KEPT, TWO: KEPT}
        for path, data in files.items():
            path.write_bytes(data)
        stand.run(made)
        assert stand.marks() == {ONE: KEPT, TWO: HERE}


def test_a_deleted_session_goes_by_age_and_takes_nothing_of_others_along(stand: Stand) -> None:
    """Its rows leave the archive, also for a new index; rows of others that name it stay."""
    goose = Kept(stand.path / "a")
    goose.say(ONE, "hello", "secret plans")
    goose.say(TWO, "hello", f'remember "{ONE}"')
    goose.say(CHILD, "hello")
    archived = file_for(stand.place.archive, "goose", str(goose.path))
    with stand.watching() as made:
        assert stand.reasons() == dict.fromkeys((ONE, TWO, CHILD), "living")
        goose.delete(ONE)
        goose.delete(TWO)
        stand.run(made)
        assert stand.reasons() == {ONE: None, TWO: None, CHILD: "living"}
        gone, _ = made.write(lambda writer: pruning.prune(writer, KEEP, only_named(TWO)))
        assert [(group.old, group.sources) for group in gone] == [(1, [])]
        assert stand.events() == {TWO: 2, CHILD: 1}
        kept = b"".join(read(archived, newest(archived)))
        assert b"secret plans" not in kept
        assert b"remember" in kept
        goose.say(CHILD, "goes on")
        stand.run(made)
        assert stand.events() == {TWO: 2, CHILD: 2}
    stand.place.index.unlink()
    with stand.watching() as made:
        assert stand.events() == {TWO: 2, CHILD: 2}
        assert stand.marks() == {TWO: KEPT, CHILD: HERE}
        goose.say(ONE, "hello")
        stand.run(made)
        assert stand.events() == {ONE: 1, TWO: 2, CHILD: 2}


def test_a_deleted_session_stays_while_its_archive_is_damaged(stand: Stand) -> None:
    """To write that anew would give up what others may still have of it."""
    goose = Kept(stand.path / "a")
    goose.say(ONE, "hello")
    with stand.watching() as made:
        goose.say(TWO, "hello")
        stand.run(made)
        goose.delete(ONE)
        stand.run(made)
        archived = file_for(stand.place.archive, "goose", str(goose.path))
        data = bytearray(archived.read_bytes())
        data[-40] ^= 0xFF
        archived.write_bytes(data)
        assert stand.reasons()[ONE] is None
        assert made.write(lambda writer: pruning.prune(writer, KEEP, only_named())) == ([], [])
        assert stand.events() == {ONE: 1, TWO: 1}
        assert archived.read_bytes() == data


def test_a_deleted_session_that_is_not_archived_follows_other_rules(stand: Stand) -> None:
    """It cannot be read again: it is stripped as it is stored."""
    goose = Kept(stand.path / "a")
    goose.say(ONE, "ask ann.huber@zwetschge-post.de")
    goose.say(TWO, "ask bob.moser@zwetschge-post.de")
    plain = Setup(str(stand.path), KEY, PrivacySettings(), False, Rules())
    strict = PrivacySettings(modes={"mail": "redact"})
    with stand.watching(options=stand.options(setup=plain)) as made:
        goose.delete(ONE)
        stand.run(made)
        assert stand.marks() == {ONE: GONE, TWO: HERE}
        assert all(hits(stand.place.index, ["huber", "moser"]).values())
        made.take_up(stand.options(setup=msgspec.structs.replace(plain, privacy=strict)))
        eventually(lambda: not any(hits(stand.place.index, ["huber", "moser"]).values()))
        assert stand.events() == {ONE: 1, TWO: 1}
        assert stand.marks() == {ONE: GONE, TWO: HERE}


def test_an_index_of_before_asks_every_database_once(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    open_index(path).close()
    db = apsw.Connection(str(path))
    db.execute("ALTER TABLE session DROP COLUMN absent; PRAGMA user_version = 3")
    for name, database in (("goose", "sessions.db"), ("codex", "rollout.jsonl")):
        db.execute(
            "INSERT INTO source (agent, root, path, mtime_ns, first_seen_us, state)"
            " VALUES (?, '/r', ?, 7, 1, 'ok')",
            (name, f"/r/{database}"),
        )
    db.close()
    db = open_index(path)
    assert len(migrate.scripts("index")) >= 4
    assert db.execute("SELECT agent, mtime_ns FROM source ORDER BY agent").fetchall() == [
        ("codex", 7),
        ("goose", 0),
    ]
    db.close()
