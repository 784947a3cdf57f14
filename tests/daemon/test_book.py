"""What is known of a source in memory: how much of it there is to read, what it is on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from opensession.daemon.book import LOG_BYTES, Book, Entry
from opensession.parsers.agent import Agent, Source, Storage
from opensession.parsers.stamps import Stamp

LARGE = 8 << 30


class Stored:
    """As much of an agent as a book needs."""

    name = "stored"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def storage(self, source: Source) -> Storage:
        return self._storage

    def files(self, source: Source) -> tuple[str, ...]:
        return source.path, f"{source.path}-wal"


def entry(storage: Storage, path: str = "/root/a", *, read: int | None = None) -> Entry:
    """A source, of which so many bytes were read when it was that large (None: nothing)."""
    found = Book([cast(Agent, Stored(storage))]).add(1, Source("stored", "/root", path))
    if read is not None:
        found.fresh, found.offset, found.stamp = False, read, Stamp(read, 1, 7)
    return found


@pytest.mark.parametrize("storage", ["lines", "whole", "rows"])
def test_all_of_a_new_source_is_to_be_read(storage: Storage) -> None:
    assert entry(storage).left(Stamp(LARGE, 2, 7)) == LARGE


def test_what_was_added_to_lines_is_to_be_read() -> None:
    assert entry("lines", read=100).left(Stamp(130, 2, 7)) == 30
    assert entry("lines", read=100).left(Stamp(130, 2, 8)) == 130  # another file
    assert entry("lines", read=100).left(Stamp(50, 2, 7)) == 50  # shorter: from its beginning


def test_a_file_that_is_written_whole_is_read_whole() -> None:
    assert entry("whole", read=100).left(Stamp(130, 2, 7)) == 130


def test_a_change_of_a_large_database_is_small() -> None:
    """Its rows are read where its connection is open; what they amount to no file says. The common
    stamp of several files has another number in place of the inode each time.
    """
    assert entry("rows", read=100).left(Stamp(LARGE, 2, 8)) == LOG_BYTES
    assert entry("rows", read=100).left(Stamp(50, 2, 8)) == 50


def test_a_change_of_any_file_is_a_change_of_the_source(tmp_path: Path) -> None:
    path = tmp_path / "a"
    one = entry("rows", str(path))
    assert one.look() is None
    path.write_bytes(b"1")
    alone = one.look()
    Path(f"{path}-wal").write_bytes(b"22")
    both = one.look()
    assert alone is not None
    assert both is not None
    assert (alone.size, both.size) == (1, 3)
    os.utime(f"{path}-wal", (1, 1))
    assert one.look() not in (alone, both)


def test_a_source_of_an_agent_that_is_no_more_is_one_file_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1")
    found = Book([]).add(1, Source("was", str(tmp_path), str(path)))
    assert found.storage == "lines"
    assert found.look() is not None
