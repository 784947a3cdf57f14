"""An index that waits while the next one is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.daemon import set_aside
from opensession.daemon.store.connect import open_index
from tests.helpers.daemon import Home


def index_with(path: Path, *sessions: str) -> None:
    """An index that holds these sessions."""
    db = open_index(path)
    for session in sessions:
        db.execute(
            "INSERT INTO session (agent, native_id, short, info) VALUES ('codex', ?, ?, x'')",
            (session, session),
        )
    db.close()


@pytest.fixture
def index(home: Home) -> Path:
    path = home.path / "index.db"
    index_with(path, "a", "b")
    return path


def test_nothing_of_it_is_left_in_the_way(index: Path) -> None:
    """Also its journal goes along: it would be taken for the next one's."""
    for part in ("-wal", "-shm"):
        index.with_name(index.name + part).write_bytes(b"x")

    set_aside.put_aside(index)

    names = sorted(path.name for path in index.parent.glob("index.db*"))
    assert names == ["index.db.old", "index.db.old-shm", "index.db.old-wal"]


def test_of_two_that_were_put_aside_the_first_stays(index: Path) -> None:
    """A rebuild that was broken off left an incomplete index; the one before it is worth more."""
    set_aside.put_aside(index)
    index_with(index, "b")

    set_aside.put_aside(index)

    assert not index.exists()
    index_with(index)
    assert set_aside.sessions_only_in(set_aside.old_index(index), index) == 2


def test_a_second_one_stays_too_where_its_sessions_are_nowhere_else(index: Path) -> None:
    """DESIGN §7: no session is lost, also where archiving is off and the agent deleted the file."""
    set_aside.put_aside(index)
    for number, name in enumerate("bcd", start=2):
        index_with(index, name)
        db = open_index(index)
        db.execute(
            "INSERT INTO source (id, agent, root, path, first_seen_us, state)"
            " VALUES (1, 'codex', '/', '/gone', 0, 'gone')"
        )
        db.execute("UPDATE session SET source = 1")
        db.close()

        set_aside.put_aside(index)

        assert not index.exists()
        kept = index.with_name(f"index.db.old-{number - 1}")
        assert kept.exists() == (name != "b")  # the first one has it


def test_it_is_removed_when_the_next_one_has_all(index: Path) -> None:
    """DESIGN §7: no session is lost; nor is twice the space kept."""
    set_aside.put_aside(index)
    index_with(index, "b", "a", "c")

    assert set_aside.remove_old(index) == 0
    assert not set_aside.old_index(index).exists()


def test_it_is_kept_when_it_alone_has_a_session(index: Path) -> None:
    """Where nothing was archived and the agent deleted its file."""
    set_aside.put_aside(index)
    index_with(index, "b")

    assert set_aside.remove_old(index) == 1
    assert set_aside.old_index(index).exists()


def test_without_an_old_one_there_is_nothing_to_do(index: Path) -> None:
    """As at every start."""
    assert set_aside.remove_old(index) == 0
    assert index.exists()


def test_an_old_one_that_cannot_be_read_is_kept(index: Path) -> None:
    """What it alone may hold can still be saved by hand."""
    set_aside.put_aside(index)
    index_with(index)
    set_aside.old_index(index).write_bytes(b"SQLite format 3\0" + b"x" * 5000)

    assert set_aside.remove_old(index) == 0
    assert set_aside.old_index(index).exists()
