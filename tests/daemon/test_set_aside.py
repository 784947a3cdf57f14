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
    assert set_aside.all_aside(index) == [set_aside.old_index(index)]


def test_a_second_one_stays_too_where_it_has_more(index: Path) -> None:
    """DESIGN §7: no session is lost: what is in it may be nowhere else by now."""
    set_aside.put_aside(index)
    for names in (("c",), ("b",), ("a", "b")):
        index_with(index, *names)
        if names == ("b",):
            db = open_index(index)
            db.execute("UPDATE session SET event_count = 1")
            db.close()

        set_aside.put_aside(index)

        assert not index.exists()
    found = [path.name for path in set_aside.all_aside(index)]
    assert found == ["index.db.old", "index.db.old-2", "index.db.old-3"]


def test_an_index_stays_where_the_one_before_it_cannot_be_read(index: Path) -> None:
    set_aside.put_aside(index)
    set_aside.old_index(index).write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    index_with(index, "b")

    set_aside.put_aside(index)

    assert not index.exists()
    assert len(set_aside.all_aside(index)) == 2


def test_it_is_removed_with_its_journal(index: Path) -> None:
    set_aside.put_aside(index)
    for part in ("-wal", "-shm"):
        index.with_name(f"index.db.old{part}").write_bytes(b"x")

    set_aside.remove(set_aside.old_index(index))

    assert list(index.parent.glob("index.db*")) == []


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_removal_that_is_broken_off_is_gone_on_with(
    index: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """What of it is left is still seen: its journal holds what sessions say."""
    set_aside.put_aside(index)
    old = set_aside.old_index(index)
    for part in ("-wal", "-shm"):
        old.with_name(old.name + part).write_bytes(b"x")
    unlink, calls = Path.unlink, []

    def broken_off(path: Path, missing_ok: bool = False) -> None:
        calls.append(path)
        if len(calls) > done:
            raise InterruptedError
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", broken_off)
        with pytest.raises(InterruptedError):
            set_aside.remove(old)

    assert set_aside.all_aside(index) == [old]
    set_aside.remove(old)
    assert list(old.parent.glob("index.db.old*")) == []
