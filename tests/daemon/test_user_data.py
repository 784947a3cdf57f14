"""What is remembered for ever."""

from __future__ import annotations

import functools

import apsw
import pytest

from opensession.daemon.user_data import (
    ExtraRoot,
    UserData,
    extra_roots,
    remember_root,
    times_said,
)
from tests.helpers.daemon import Home


def test_what_was_said_is_counted_over_restarts(home: Home) -> None:
    """Each thing for itself."""
    path = home.path / "user.db"
    for expected in range(3):
        user = UserData(path)
        assert user.read(lambda db: times_said(db, "kept")) == expected
        user.close()
    user = UserData(path)
    assert user.read(lambda db: times_said(db, "other")) == 0
    user.close()


def test_a_folder_is_remembered_once(home: Home) -> None:
    """The oldest first; the variable that named it first stays."""
    user = UserData(home.path / "user.db")
    one = ExtraRoot("codex", "/b", "CODEX_HOME")
    two = ExtraRoot("codex", "/a", "CODEX_HOME")

    new = [user.read(functools.partial(remember_root, root=root)) for root in (one, two, one)]

    assert new == [True, True, False]
    assert user.read(extra_roots) == [one, two]
    user.close()


def test_close_leaves_no_journal(home: Home) -> None:
    """A clean stop leaves one file."""
    user = UserData(home.path / "user.db")
    user.read(lambda db: times_said(db, "kept"))
    user.close()

    assert [path.name for path in home.path.glob("user.db*")] == ["user.db"]


def test_a_full_disk_keeps_nobody_from_being_told(home: Home) -> None:
    """DECISIONS §4: a full disk is red in `status`, which must not fail by it; nor `hello`."""
    user = UserData(home.path / "user.db")
    root = ExtraRoot("codex", "/" + "b" * 10_000, "CODEX_HOME")

    def fill(db: apsw.Connection) -> None:
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').get}")
        with pytest.raises(apsw.FullError):
            for number in range(100_000):
                db.execute("INSERT INTO setting (key, value) VALUES (?, '1')", (f"k{number}",))

    user.read(fill)

    assert user.read(lambda db: times_said(db, "kept")) == 0
    assert user.read(functools.partial(remember_root, root=root)) is False
    assert user.read(extra_roots) == []
    user.close()
