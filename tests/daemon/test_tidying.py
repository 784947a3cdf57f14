"""Sessions that only the index has: a rebuild takes them over from the old one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opensession.daemon.archive import scan
from opensession.daemon.store.connect import open_index, open_reader
from opensession.parsers.databases import close_databases
from tests.daemon.rules.homes import OTHER, SESSION, call, prompt, result, sessions, transcript
from tests.daemon.same_index import contents, hits
from tests.helpers.daemon import Daemon, Home, eventually, running, temporary_home
from tests.parsers.goose.making import Goose, said

VALUE = "Zwetschge-4711"
THIRD = "33333333-1111-4222-8333-444455556666"
UNARCHIVED = "[archive]\nraw = false\n"
WORDS = ("limiter", "zwetschge", "elsewhere", "look")
TALK = (
    prompt(1, "look at the limiter"),
    call(2, "Read", {"file_path": "/work/project/a.secret"}),
    result(3, 2, f"1→WORD {VALUE}"),
)


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def aside(home: Home) -> list[str]:
    """The indexes that wait."""
    return sorted(path.name for path in home.paths.data_dir.glob("index.db.old*"))


def rebuilt(daemon: Daemon) -> dict[str, Any]:
    """The numbers of a rebuild that was waited for."""
    with daemon.client() as client:
        last = client.job("index.rebuild", wait=True)
    assert last["error"] == ""
    return dict(last["result"])


def put_aside(home: Home) -> None:
    """The index, as a rebuild that was broken off leaves it."""
    home.paths.index_db.rename(home.paths.data_dir / "index.db.old")


def test_what_nothing_else_has_is_taken_over_whole(home: Home) -> None:
    """Archiving off, the file deleted: rows, events, search, touches, tokens, names, the mark; the
    old index goes, and it is told. Again and again.
    """
    home.configure(UNARCHIVED)
    path = transcript(home, *TALK)
    transcript(home, prompt(1, "elsewhere", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        path.unlink()
        daemon.index()
        daemon.call("names.set", ref=SESSION, alias="precious", add_tags=["t"])
        daemon.stop()
    before, found = contents(home.paths.index_db), hits(home.paths.index_db, WORDS)
    assert all(found.values())
    with running(home) as daemon:
        listed = sessions(daemon)
        assert listed[SESSION]["source"] == "gone"
        for _ in range(2):
            done = rebuilt(daemon)
            assert (done["carried"], done["left_behind"]) == (1, 0)
            assert sessions(daemon) == listed
            assert aside(home) == []
        assert "1 session is in the index alone" in str(daemon.call("daemon.status")["notices"])
        path.write_text("".join(TALK))
        daemon.index()
        back = {**listed[SESSION], "source": "", "source_gone": False}
        assert sessions(daemon) == {**listed, SESSION: back}
        daemon.stop()
    assert contents(home.paths.index_db) == before
    assert hits(home.paths.index_db, WORDS) == found


def test_a_rebuild_that_was_broken_off_loses_nothing(home: Home) -> None:
    """kill -9, wherever: the next start goes on. What is away with its folder may come back, and
    does not go by age.
    """
    home.configure(UNARCHIVED)
    names = [f"{number}" * 8 + SESSION[8:] for number in range(6)]
    for name in names:
        transcript(home, prompt(1, f"words of {name}", name), session=name)
    with running(home) as daemon:
        daemon.index()
        shutil.rmtree(home.path / ".claude")
        daemon.index()
        daemon.call("index.rebuild")
        eventually(lambda: sessions(daemon))
        daemon.kill()
    with running(home) as daemon:
        daemon.index()  # whose end means that these can be found too
        assert set(sessions(daemon)) == set(names)
        assert not aside(home)
        daemon.call("index.rebuild")
        rebuilt(daemon)
        assert set(sessions(daemon)) == set(names)
        assert aside(home) == []
        old = daemon.call("archive.prune", keep_days=1)["agents"]
        assert [row["sessions"] for row in old] == [0]


def test_what_is_left_of_a_damaged_archive_is_less_than_the_index_has(home: Home) -> None:
    """A frame in the middle is damaged, the file is gone: the session stays whole. If the file
    comes back, it is read, and archived whole again.
    """
    path = transcript(home, *TALK)
    with running(home) as daemon:
        daemon.index()
        transcript(home, prompt(4, "and elsewhere"), append=True)
        daemon.index()
        transcript(home, prompt(5, "at last"), append=True)
        daemon.index()
        data = path.read_text()
        path.unlink()
        daemon.index()
        daemon.stop()
    before, found = contents(home.paths.index_db), hits(home.paths.index_db, WORDS)
    (file,) = home.paths.archive_dir.glob("??/*.zst")
    at = scan(file).entries[1].position + 9
    damaged = bytearray(file.read_bytes())
    damaged[at] ^= 1
    file.write_bytes(damaged)
    with running(home) as daemon:
        assert rebuilt(daemon)["carried"] == 1
        assert sessions(daemon)[SESSION]["event_count"] == 5
        assert sessions(daemon)[SESSION]["source"] == "gone"
        daemon.stop()
    assert contents(home.paths.index_db) == before
    assert hits(home.paths.index_db, WORDS) == found
    with running(home) as daemon:
        daemon.index()
        assert sessions(daemon)[SESSION]["event_count"] == 5
        path.write_text(data + prompt(6, "and on"))
        daemon.index()
        row = sessions(daemon)[SESSION]
        assert (row["event_count"], row["source"]) == (6, "")
        path.unlink()
        daemon.index()
        assert rebuilt(daemon)["carried"] == 0
        row = sessions(daemon)[SESSION]
        assert (row["event_count"], row["source"]) == (6, "archived")


def test_what_is_forgotten_is_not_taken_over(home: Home) -> None:
    """A crash may leave it in an old index: it is taken out there, though another one is kept."""
    home.configure(UNARCHIVED)
    for name in (SESSION, OTHER):
        transcript(home, prompt(1, f"words {VALUE}", name), session=name)
    with running(home) as daemon:
        daemon.index()
        shutil.rmtree(home.path / ".claude")
        daemon.index()
        daemon.stop()
        copy = home.paths.index_db.read_bytes()
    with running(home) as daemon:
        daemon.call("archive.forget", ref=SESSION)
        daemon.stop()
    (home.paths.data_dir / "index.db.old").write_bytes(copy)
    home.paths.index_db.unlink()
    with running(home) as daemon:
        eventually(lambda: not aside(home))
        assert set(sessions(daemon)) == {OTHER}


def test_it_is_stripped_by_the_rules_of_now(home: Home) -> None:
    """Before it is stored: what the old rules left in never stands in the new index."""
    home.configure(UNARCHIVED)
    path = transcript(home, *TALK)
    with running(home) as daemon:
        daemon.index()
        path.unlink()
        daemon.index()
        daemon.stop()
    put_aside(home)
    home.configure(UNARCHIVED + '[privacy]\nexclude_patterns = ["*.secret"]\n')
    with running(home) as daemon:
        eventually(lambda: not aside(home))
        assert sessions(daemon)[SESSION]["event_count"] == 3
        assert daemon.call("search.query", query="Zwetschge")["hits"] == []
        assert daemon.call("search.query", query="limiter")["total"]
        assert daemon.call("daemon.status")["outdated_sessions"] == 0
        daemon.stop()
    assert VALUE.encode() not in home.paths.index_db.read_bytes()
    assert VALUE not in str(contents(home.paths.index_db)["events"])


@pytest.mark.parametrize("what", ["excluded", "not read"])
def test_what_may_be_given_again_stays_where_it_is(home: Home, what: str) -> None:
    """What the settings keep out by now is not taken over, nor what is on disk and not read: the
    old index is kept, and told.
    """
    home.configure(UNARCHIVED)
    path = transcript(home, *TALK)
    transcript(home, prompt(1, "elsewhere", OTHER, cwd="/work/other"), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        if what == "excluded":
            path.unlink()
            daemon.index()
        daemon.stop()
    if what == "excluded":
        home.configure(UNARCHIVED + '[privacy]\nexclude_paths = ["/work/project"]\n')
    else:
        path.write_text("no transcript\n")
    put_aside(home)
    with running(home) as daemon:
        told = "1 session is in the old index alone"
        eventually(lambda: told in str(daemon.call("daemon.status")["notices"]))
        assert set(sessions(daemon)) == {OTHER}
        assert "index.db.old" in aside(home)
        daemon.stop()


def test_what_was_deleted_from_a_database_is_taken_over(home: Home) -> None:
    """Archiving off, and the database goes on: the index was all there was."""
    home.configure(UNARCHIVED)
    folder = home.path / ".local/share/goose/sessions"
    goose = Goose(folder)
    for name in ("20260102_1", "20260102_2"):
        goose.session(name)
        goose.message(name, "user", said(f"words of {name}"))
    with running(home) as daemon:
        daemon.index()
        assert len(sessions(daemon)) == 2
        with goose.db:
            goose.db.execute("DELETE FROM messages WHERE session_id = '20260102_1'")
            goose.db.execute("DELETE FROM sessions WHERE id = '20260102_1'")
        daemon.index()
        before = sessions(daemon)
        assert before["20260102_1"]["source"] == "gone"

        assert rebuilt(daemon)["carried"] == 1

        assert sessions(daemon) == before
        goose.message("20260102_2", "user", said("and on"))
        daemon.index()
        assert sessions(daemon)["20260102_1"] == before["20260102_1"]
        assert sessions(daemon)["20260102_2"]["event_count"] == 2
        assert aside(home) == []
    close_databases()


def test_of_several_old_indexes_each_gives_what_it_alone_has(home: Home) -> None:
    """One from before an update as well: it is brought up to date."""
    home.configure(UNARCHIVED)
    kept: dict[str, bytes] = {}
    for number, name in enumerate((SESSION, OTHER, THIRD)):
        transcript(home, prompt(1, f"words {number}", name), session=name)
        with running(home) as daemon:
            daemon.index()
            shutil.rmtree(home.path / ".claude")
            daemon.index()
            daemon.stop()
        kept[name] = home.paths.index_db.read_bytes()
        home.paths.index_db.unlink()
    for name, data in zip(
        ("index.db.old", "index.db.old-2", "index.db"), kept.values(), strict=True
    ):
        (home.paths.data_dir / name).write_bytes(data)
    older(home.paths.data_dir / "index.db.old")
    with running(home) as daemon:
        eventually(lambda: not aside(home))
        assert set(sessions(daemon)) == {SESSION, OTHER, THIRD}


def older(path: Path) -> None:
    """An index as the version before the last migrations wrote it."""
    db = open_index(path)
    db.execute("ALTER TABLE session DROP COLUMN absent; PRAGMA user_version = 3")
    db.close()


def test_an_old_index_that_cannot_be_read_is_kept_and_told(home: Home) -> None:
    """What it may hold can still be saved by hand."""
    transcript(home, *TALK)
    old = home.paths.data_dir / "index.db.old"
    with running(home) as daemon:
        daemon.index()
        daemon.stop()
    old.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with running(home) as daemon:
        eventually(lambda: "cannot be read" in str(daemon.call("daemon.status")["notices"]))
        assert set(sessions(daemon)) == {SESSION}
    assert old.exists()


def test_what_was_pruned_does_not_come_back(home: Home) -> None:
    """Also where an old index is kept for another reason."""
    home.configure(UNARCHIVED + "keep_days = 30\n")
    path = transcript(home, *TALK)
    with running(home) as daemon:
        daemon.index()
        path.unlink()
        daemon.index()
        daemon.stop()
    (home.paths.data_dir / "index.db.old").write_bytes(home.paths.index_db.read_bytes())
    with running(home, "--no-history") as daemon:
        done = daemon.call("archive.prune", really=True)["agents"]
        assert sum(row["sessions"] for row in done) == 1
        daemon.stop()
    db = open_reader(home.paths.data_dir / "index.db.old")
    assert db.execute("SELECT count(*) FROM session").get == 0
    db.close()
