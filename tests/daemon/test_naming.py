"""What people call their sessions is kept in `user.db`, all or nothing."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest

from opensession.daemon.archive.space import DiskFull
from opensession.daemon.naming import AliasTaken, Edit, NameBook
from opensession.daemon.store.names import Names, SessionNames
from opensession.daemon.user_data import UserData

ONE = ("codex", "one")
TWO = ("codex", "two")
SAME_ID = ("claude-code", "one")


def as_(**changes: object) -> Edit:
    return lambda before: msgspec.structs.replace(before, **changes)


def without_times(names: Names) -> dict[tuple[str, str], SessionNames]:
    return {
        key: msgspec.structs.replace(each, changed_us=0) for key, each in names.sessions.items()
    }


def test_names_are_there_after_a_restart(tmp_path: Path) -> None:
    """By agent and id: two agents may have one id."""
    user = UserData(tmp_path / "user.db")
    book = NameBook(user)
    assert book.edit([ONE, TWO], as_(tags=("a", "b"), starred_us=5))
    assert book.edit([ONE], as_(alias="Straße", note="two\nlines"))
    assert book.edit([SAME_ID], as_(alias="other"))
    before = book.names
    user.close()

    user = UserData(tmp_path / "user.db")
    again = NameBook(user).names
    user.close()

    assert again == before
    assert without_times(again) == {
        ONE: SessionNames("Straße", "two\nlines", 5, ("a", "b")),
        TWO: SessionNames(tags=("a", "b"), starred_us=5),
        SAME_ID: SessionNames("other"),
    }
    assert again.called("STRASSE") == ONE
    assert again.called("nobody") is None


def test_an_alias_is_of_one_session(tmp_path: Path) -> None:
    """Of an edit of several sessions nothing is done then; one that was given up is free again."""
    user = UserData(tmp_path / "user.db")
    book = NameBook(user)
    book.edit([ONE], as_(alias="Bug"))

    with pytest.raises(AliasTaken) as raised:
        book.edit([TWO], as_(alias="bUG", note="n"))

    assert raised.value.owner == ONE
    assert without_times(book.names) == {ONE: SessionNames("Bug")}
    assert book.edit([ONE], as_(alias="bug"))  # its own, written otherwise
    assert book.edit([ONE], as_(alias=""))
    assert book.edit([TWO], as_(alias="Bug"))
    assert NameBook(user).names == book.names
    user.close()


def test_nothing_is_written_where_nothing_is_new(tmp_path: Path) -> None:
    user = UserData(tmp_path / "user.db")
    book = NameBook(user)
    book.edit([ONE], as_(tags=("a",)))
    before = user.read(lambda db: db.total_changes())

    assert not book.edit([ONE], as_(tags=("a",)))
    assert not book.edit([TWO], as_(alias=""))

    assert user.read(lambda db: db.total_changes()) == before
    user.close()


def test_what_is_forgotten_leaves_no_bytes(tmp_path: Path) -> None:
    """Neither in the tables nor in the log beside them; other sessions keep theirs."""
    user = UserData(tmp_path / "user.db")
    book = NameBook(user)
    book.edit([ONE], as_(alias="Zwetschgendatschi", note="Zwetschgenknoedel", tags=("zwetschge",)))
    book.edit([TWO], as_(tags=("stays",)))

    book.forget("codex", ["one", "nobody"])

    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"zwetschge" not in left.lower()
    assert without_times(book.names) == {TWO: SessionNames(tags=("stays",))}
    assert NameBook(user).names == book.names
    user.close()


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """Neither what is stored nor what is told."""
    user = UserData(tmp_path / "user.db")
    book = NameBook(user)
    book.edit([ONE], as_(alias="Bug", tags=("a",)))
    before = book.names

    def fill(db: apsw.Connection) -> None:
        pages = db.execute("PRAGMA page_count").get
        db.execute(f"PRAGMA max_page_count = {pages}")

    user.read(fill)
    with pytest.raises(DiskFull):
        book.edit([ONE, TWO], as_(note="x" * 100_000))

    assert book.names == before
    assert NameBook(user).names == before
    user.close()
