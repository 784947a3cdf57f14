from __future__ import annotations

import os
from pathlib import Path

import pytest

from opensession.daemon.archive import Appending, Archived, file_for, make_frame, read, scan
from opensession.daemon.store import forgetting_archive
from opensession.daemon.store.sources import SourceRow
from opensession.parsers.agent import Source

SOURCE = Source("opencode", "/root", "/root/opencode.db")
ROW = SourceRow(id=1, agent=SOURCE.agent, root=SOURCE.root, path=SOURCE.path)
GONE = "ses_forgotten_0123456789"


def lines(*names: str) -> bytes:
    return b"".join(b'{"session":"%b"}\n' % name.encode() for name in names)


def archive_of(folder: Path, *frames: bytes) -> Path:
    state = Archived()
    with Appending(folder) as appending:
        for raw in frames:
            state = appending.append(SOURCE, state, make_frame(state.length, raw))
    return file_for(folder, SOURCE.agent, SOURCE.path)


def damage(file: Path, number: int) -> None:
    entry = scan(file).entries[number]
    data = bytearray(file.read_bytes())
    data[entry.position + 9] ^= 1
    file.write_bytes(data)


def test_rows_that_name_a_session_become_spaces(tmp_path: Path) -> None:
    other = lines("ses_another")
    file = archive_of(tmp_path, other + lines(GONE) + other)

    made = forgetting_archive.blank_archive(tmp_path, ROW, {GONE})

    assert made is not None
    assert b"".join(read(file, 1)) == other + b" " * (len(lines(GONE)) - 1) + b"\n" + other
    assert (made.lost, made.archived.size) == (0, file.stat().st_size)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_damage_does_not_keep_a_session_from_being_forgotten(tmp_path: Path, number: int) -> None:
    """What can be read stays where it was, and what cannot may be of that session; so may what is
    left of a line that it cuts.
    """
    whole = [lines("ses_another", GONE), lines("ses_another", "ses_third") + b'{"session":"ses']
    whole += [b"_forg" + lines("x", GONE, "ses_another"), lines("ses_last")]
    file = archive_of(tmp_path, *whole)
    damage(file, number)

    made = forgetting_archive.blank_archive(tmp_path, ROW, {GONE})

    assert made is not None
    held = b"".join(read(file, 1))
    assert made.lost == len(whole[number])
    assert len(held) == sum(map(len, whole))
    assert GONE.encode() not in held
    assert held.endswith(b" \n" if number == 2 else lines("ses_another", "ses_last"))
    assert held.startswith(lines("ses_another")) == (number > 0)
    if number in (1, 2):
        assert b"_forg" not in held


def test_what_was_lost_at_the_end_is_told_too(tmp_path: Path) -> None:
    file = archive_of(tmp_path, lines("ses_another"), lines("ses_last"))
    damage(file, 1)

    made = forgetting_archive.blank_archive(tmp_path, ROW, {GONE})

    assert made is not None
    assert (made.lost, made.archived.length) == (len(lines("ses_last")), len(lines("ses_another")))


def test_bytes_of_a_removed_file_are_overwritten(tmp_path: Path) -> None:
    file = archive_of(tmp_path, lines(GONE))
    size = file.stat().st_size
    with file.open("rb") as kept:
        forgetting_archive.remove_archive(tmp_path, ROW)
        assert kept.read() == bytes(size)
    assert not file.exists()


def test_a_file_with_another_name_is_left_as_it_is(tmp_path: Path) -> None:
    """A copy made of hard links, as some backups are, is somebody else's."""
    file = archive_of(tmp_path, lines(GONE))
    before = file.read_bytes()
    copy = tmp_path / "copy"
    os.link(file, copy)

    forgetting_archive.remove_archive(tmp_path, ROW)

    assert not file.exists()
    assert copy.read_bytes() == before
