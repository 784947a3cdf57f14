"""The archive beside the index; disks that are full, files that are damaged."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.daemon import archive
from opensession.daemon.archive import DiskFull
from opensession.daemon.store.connect import CorruptDatabase
from opensession.daemon.store.writer import Writer
from tests.helpers.jot import Desk, desk, dump, line


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as found:
        yield found


def test_without_an_archive_no_raw_bytes_are_kept(tmp_path: Path) -> None:
    with desk(tmp_path, archive=False) as place:
        place.write("a.jot", line("one"))
        place.read("a.jot")
        place.restart()

        assert not place.archive_dir.exists() or list(place.archive_dir.iterdir()) == []
        assert place.row("a.jot").archived_len == 0
        assert place.writer.unread() == []


def test_an_archive_that_is_turned_on_later_gets_everything(tmp_path: Path) -> None:
    with desk(tmp_path, archive=False) as place:
        place.write("a.jot", line("one"))
        place.read("a.jot")
        before = dump(place.index)
        place.archiving = True
        place.restart()

        place.add("a.jot", line("two"))

        row = place.row("a.jot")
        assert row.archived_len == row.offset == (place.jots / "a.jot").stat().st_size
        assert dump(place.index)["a"]["events"][:1] == before["a"]["events"]


def test_an_archive_that_is_turned_on_later_gets_what_does_not_change_any_more(
    tmp_path: Path,
) -> None:
    with desk(tmp_path, archive=False) as place:
        for name in ("there.jot", "away.jot"):
            place.write(name, line(f"in {name}", session=name))
            place.read(name)
        (place.jots / "away.jot").unlink()
        place.archiving = True
        place.restart()

        (unread,) = place.writer.unread()
        place.read("there.jot")

        row, away = place.row("there.jot"), place.row("away.jot")
        assert unread == row.id
        assert row.archived_len == row.offset == (place.jots / "there.jot").stat().st_size
        assert not row.archive_gap
        assert (away.archived_len, away.archive_gap) == (0, True)
        assert place.writer.unread() == []


def test_a_new_index_knows_what_was_archived_before_the_archive_was_turned_off(
    tmp_path: Path,
) -> None:
    with desk(tmp_path) as place:
        place.write("a.jot", line("one"))
        place.read("a.jot")
        known = place.row("a.jot").archived
        place.writer.close()
        place.index.unlink()
        place.archiving = False
        place.writer = place.open()
        place.read("a.jot")
        anew = place.row("a.jot")
        place.add("a.jot", line("two"))

        assert (anew.archived, anew.archive_gap) == (known, False)
        assert place.row("a.jot").archived == known
        assert place.row("a.jot").archive_gap


def test_archiving_pauses_while_room_is_low_and_catches_up(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §4: below the limit archiving pauses, events go on, and all resumes by itself."""
    place.write("a.jot", line("one"))
    place.read("a.jot")
    archived = place.row("a.jot").archived_len
    low = [True]
    monkeypatch.setattr("opensession.daemon.store.writer.is_low", lambda folder: low[0])
    place.add("a.jot", line("two"))

    assert place.writer.archive_paused
    assert len(place.ids()) == 2
    assert place.row("a.jot").archived_len == archived
    assert place.row("a.jot").archive_gap

    low[0] = False
    place.write("b.jot", line("other"))
    place.read("b.jot")

    row = place.row("a.jot")
    assert not place.writer.archive_paused
    assert row.archived_len == row.offset > archived
    assert not row.archive_gap
    assert len(place.ids()) == 2


def _full(*args: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_stores_nothing_and_resumes(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §4: cursors stay, and all resumes by itself."""
    place.write("a.jot", line("one"))
    place.read("a.jot")
    before, offset = dump(place.index), place.row("a.jot").offset
    place.write("a.jot", line("two"), append=True)
    monkeypatch.setattr(os, "pwrite", _full)

    with pytest.raises(DiskFull):
        place.read("a.jot")

    assert dump(place.index) == before
    assert place.row("a.jot").offset == offset
    monkeypatch.undo()
    assert len(place.read("a.jot")) == 1


def test_a_full_disk_under_the_index_stores_nothing(place: Desk) -> None:
    place.write("a.jot", line("one"))
    place.read("a.jot")
    db = place.writer._db
    limit = db.execute("PRAGMA max_page_count").get
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').get}")
    place.write("a.jot", *(line(os.urandom(3000).hex()) for _ in range(50)), append=True)

    with pytest.raises(DiskFull):
        place.read("a.jot")

    assert len(place.ids()) == 1
    db.execute(f"PRAGMA max_page_count = {limit}")
    place.read("a.jot")
    assert len(place.ids()) == 51
    row = place.row("a.jot")
    assert row.archived_len == row.offset, "what was archived before the failure is not doubled"
    raw = b"".join(archive.read(archive.file_for(place.archive_dir, "jot", row.path), 1))
    assert raw == (place.jots / "a.jot").read_bytes()


def test_a_damaged_index_is_reported_as_such(place: Desk) -> None:
    place.write("a.jot", *(line(f"word{n} " * 50, at=n) for n in range(400)))
    place.read("a.jot")
    place.writer.close()
    size = place.index.stat().st_size
    with place.index.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(size - 12288))

    with pytest.raises(CorruptDatabase):
        place.writer = Writer(place.index, place.archive_dir, check=True)
    place.index.unlink()
    place.writer = place.open()


def test_merging_keeps_what_is_stored_and_recorded(place: Desk) -> None:
    place.write("a.jot", line("start"))
    place.read("a.jot")
    for number in range(30):
        place.add("a.jot", line(f"line {number}", at=number))
    row = place.row("a.jot")
    assert place.writer.quiet_sources(row.read_us + 1) == [row.id]
    assert place.writer.quiet_sources(row.read_us) == []

    freed = place.writer.merge(row.id)

    after = place.row("a.jot")
    file = archive.file_for(place.archive_dir, "jot", row.path)
    assert freed == row.archive_size - file.stat().st_size > 0
    assert after.archive_size == file.stat().st_size
    assert place.writer.quiet_sources(row.read_us + 1) == []
    place.add("a.jot", line("goes on"))
    raw = b"".join(archive.read(file, 1))
    assert raw == (place.jots / "a.jot").read_bytes()
