"""Which repository a folder belonged to outlives the folder, the index and the home."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from opensession.core.hail import SessionInfo
from opensession.daemon import restore
from opensession.daemon.batch import Batch, PreparedSession, Row, Tally
from opensession.daemon.gitfacts import GitFacts
from opensession.daemon.repositories import Repositories
from opensession.daemon.store.connect import open_index, open_user
from opensession.daemon.user_data import UserData
from opensession.parsers.agent import Cursor
from tests.daemon.rules.homes import OTHER, SESSION, prompt, sessions, transcript
from tests.helpers.daemon import Daemon, Home, running, temporary_home

REMOTE = "https://bob:se@Qx7T@example.org/acme/pay.git"
CLEAN = "https://example.org/acme/pay.git"
FACTS = GitFacts("/w/pay-api", CLEAN, "pay")
OTHER_FACTS = GitFacts("/w/pay-api", "", "pay-api")
FOLDER = "/w/pay-api/src"
LONG_AGO = 1_000_000


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


@pytest.fixture
def user(tmp_path: Path) -> Iterator[UserData]:
    made = UserData(tmp_path / "user.db")
    yield made
    made.close()


def batch(
    git: GitFacts | None, *, begun_us: int = LONG_AGO, folder: str = FOLDER, keep: int = 0
) -> Batch:
    """A batch of a session that was begun in a folder, as it was read when that said `git`."""
    row = Row("e", begun_us, "UserMessage", None, 0, b"", "", "")
    info = SessionInfo(id="s", agent="codex", cwd=folder)
    tally = Tally(first_us=begun_us)
    one = PreparedSession(info, keep, [row], [], [], tally, {}, False, False, git)
    return Batch(1, 0, False, None, 1, [one], Cursor(), 1, 1, {}, {}, False)


def supplied(book: Repositories, made: Batch) -> GitFacts | None:
    return book.completed([made])[0].sessions[0].git


def test_what_a_folder_said_is_known_when_it_is_gone(user: UserData) -> None:
    """Also after a restart, and for what was begun in it before."""
    book = Repositories(user)
    assert supplied(book, batch(None)) is None
    assert supplied(book, batch(FACTS)) == FACTS

    again = Repositories(user)

    assert supplied(again, batch(None)) == FACTS
    assert supplied(again, batch(None, begun_us=0)) == FACTS
    assert supplied(again, batch(None, folder="/w/pay-api")) is None


def test_a_folder_that_is_there_says_what_counts(user: UserData) -> None:
    book = Repositories(user)
    supplied(book, batch(FACTS))

    assert supplied(book, batch(OTHER_FACTS)) == OTHER_FACTS
    assert supplied(book, batch(None)) == OTHER_FACTS


def test_what_was_begun_later_may_be_of_no_repository(user: UserData) -> None:
    """A folder of the same name may be anything by then; the rest of a session tells nothing."""
    book = Repositories(user)
    supplied(book, batch(FACTS))
    user.read(lambda db: db.execute("UPDATE repository SET seen_us = 5000000"))
    book = Repositories(user)

    assert supplied(book, batch(None, begun_us=5_000_000)) == FACTS
    assert supplied(book, batch(None, begun_us=5_000_001)) is None
    assert supplied(book, batch(None, keep=3)) is None
    supplied(book, batch(FACTS, begun_us=6_000_000))
    assert supplied(book, batch(None, begun_us=6_000_000)) == FACTS


def test_a_session_of_which_nothing_is_stored_leaves_no_folder(user: UserData) -> None:
    """As one that was begun in a pause."""
    book = Repositories(user)
    made = batch(FACTS)
    (session,) = made.sessions
    empty = msgspec.structs.replace(session, rows=[], tally=Tally())

    book.completed([msgspec.structs.replace(made, sessions=[empty])])

    assert book.of(FOLDER) is None


def test_nothing_is_written_where_nothing_is_new(user: UserData) -> None:
    """Every batch comes by: `user.db` waits for the disk."""
    book = Repositories(user)
    supplied(book, batch(FACTS))
    before = user.read(lambda db: db.total_changes())

    for _ in range(3):
        supplied(book, batch(FACTS))
        supplied(book, batch(FACTS, begun_us=2 * LONG_AGO, keep=1))
        supplied(book, batch(None))

    assert user.read(lambda db: db.total_changes()) == before


def test_what_is_forgotten_is_overwritten(user: UserData, tmp_path: Path) -> None:
    book = Repositories(user)
    supplied(book, batch(GitFacts("/w/zwetschge", CLEAN, "zwetschge"), folder="/w/zwetschge/src"))
    supplied(book, batch(FACTS))

    book.forget(["/w/zwetschge/src", "/nowhere"])

    left = b"".join(path.read_bytes() for path in tmp_path.glob("user.db*"))
    assert b"zwetschge" not in left
    assert (book.of("/w/zwetschge/src"), book.of(FOLDER)) == (None, FACTS)


def old_index(path: Path, *rows: tuple[str, str, str]) -> apsw.Connection:
    """An index from before anything was remembered: (folder, root, remote) of its sessions."""
    db = open_index(path)
    for number, (folder, root, remote) in enumerate(rows):
        db.execute(
            "INSERT INTO session (agent, native_id, short, info, cwd, git_root, git_remote,"
            " git_repo_name, updated_us) VALUES ('codex', ?, '', x'', ?, ?, ?, 'pay', ?)",
            (str(number), folder, root, remote, number),
        )
    return db


def test_what_an_index_of_before_knows_is_taken_over_once(user: UserData, tmp_path: Path) -> None:
    """Also of one that was put aside; a login that stands in it is not."""
    db = old_index(tmp_path / "index.db", (FOLDER, FACTS.root, REMOTE), ("/w/plain", "", ""))
    old_index(tmp_path / "index.db.old", ("/w/gone", "/w/gone", ""), (FOLDER, "/other", "")).close()
    book = Repositories(user)

    book.take_from(db, [tmp_path / "index.db.old", tmp_path / "nothing"])

    assert book.of(FOLDER) == FACTS
    assert book.of("/w/gone") == GitFacts("/w/gone", "", "pay")
    assert book.of("/w/plain") is None
    book.forget([FOLDER])
    book.take_from(db, [])
    assert book.of(FOLDER) is None
    db.close()


def test_a_folder_of_no_session_is_forgotten(user: UserData, tmp_path: Path) -> None:
    """As after a joined backup, of which a session is forgotten here."""
    book = Repositories(user)
    supplied(book, batch(FACTS))
    supplied(book, batch(OTHER_FACTS, folder="/w/unused"))
    db = old_index(tmp_path / "index.db", (FOLDER, "", ""))

    book.keep_only(db)

    assert (book.of(FOLDER), book.of("/w/unused")) == (FACTS, None)
    db.close()


def clone(place: Path) -> Path:
    """The folder of a repository with a login in its remote's address."""
    (place / ".git").mkdir(parents=True)
    (place / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (place / ".git/config").write_text(f'[remote "origin"]\n\turl = {REMOTE}\n')
    return place


def logged(daemon: Daemon, folder: str) -> dict[str, Any]:
    """What `log` shows in a folder: the sessions of its repository."""
    found = daemon.call("sessions.list", scope=folder, limit=100)
    return {row["id"]: (row["git_repo_name"], row["git_remote"]) for row in found["sessions"]}


def test_a_moved_folder_keeps_its_sessions(home: Home, tmp_path: Path) -> None:
    """Issue 6: after a rebuild, and in another home that has the backup, `log` in today's folder
    of the repository shows what was begun in the folder that is gone, under the same name.
    """
    before = clone(home.path / "code/pay-api")
    today = home.path / "code/pay2"
    transcript(home, prompt(1, "one", cwd=str(before)))
    transcript(home, prompt(1, "two", OTHER, cwd="/work/other"), session=OTHER)
    file = tmp_path / "b"
    with running(home) as daemon, daemon.client() as client:
        daemon.index()
        before.rename(today)
        shown = logged(daemon, str(today))
        assert set(shown) == {SESSION}
        rows = sessions(daemon)

        assert client.job("index.rebuild", wait=True)["error"] == ""

        assert logged(daemon, str(today)) == shown
        assert sessions(daemon) == rows
        assert client.job("archive.backup", path=str(file))["error"] == ""
        daemon.stop()
    assert b"Qx7T" not in (home.paths.user_db.read_bytes() + home.paths.index_db.read_bytes())
    shutil.rmtree(home.path / ".claude")
    for merge in (False, True):
        with temporary_home() as other:
            if merge:
                open_user(folder_of(other) / "user.db").close()
            restore.run(other.environ, file, merge=merge)
            with running(other) as daemon:
                daemon.index()
                assert logged(daemon, str(today)) == shown


def folder_of(home: Home) -> Path:
    home.paths.data_dir.mkdir(parents=True, mode=0o700)
    return home.paths.data_dir


def test_a_forgotten_session_takes_its_folder_along(home: Home) -> None:
    """Unless another session was begun there as well."""
    folder = clone(home.path / "code/zwetschge")
    transcript(home, prompt(1, "one", cwd=str(folder)))
    transcript(home, prompt(1, "two", OTHER, cwd=str(folder)), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        daemon.call("archive.forget", ref=OTHER)
        assert b"zwetschge" in remembered(home)
        daemon.call("archive.forget", ref=SESSION)
        assert b"zwetschge" not in remembered(home)
        daemon.stop()


def remembered(home: Home) -> bytes:
    """All bytes of `user.db`."""
    data = home.paths.data_dir
    return b"".join(path.read_bytes() for path in data.glob("user.db*"))
