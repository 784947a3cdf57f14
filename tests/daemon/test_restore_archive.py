"""Archive files of a backup and those that are here: together they hold all that either holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.daemon.archive import (
    Appending,
    Archived,
    DamagedArchive,
    file_for,
    make_frame,
    read,
    scan,
    verify,
)
from opensession.daemon.archive.checking import look_through
from opensession.daemon.restore_archive import merge_file
from opensession.parsers.agent import Source

SOURCE = Source("claude-code", "/root", "/root/project/session.jsonl")
PIECES = [b"one\n" * 50, b"two\n" * 50, b"three\n" * 50, b"four\n" * 50]


def archive_of(folder: Path, *states: list[bytes]) -> Path:
    state = Archived()
    folder.mkdir(exist_ok=True, parents=True)
    with Appending(folder) as appending:
        for pieces in states:
            at = 0
            for piece in pieces:
                state = appending.append(SOURCE, state, make_frame(at, piece))
                at += len(piece)
    return file_for(folder, SOURCE.agent, SOURCE.path)


def damage(file: Path, number: int) -> None:
    entry = scan(file).entries[number]
    data = bytearray(file.read_bytes())
    data[entry.position + 9] ^= 1
    file.write_bytes(data)


def of(file: Path, generation: int) -> bytes:
    return b"".join(read(file, generation))


@pytest.mark.parametrize("states", [1, 2])
def test_a_backup_mends_what_is_damaged_here(tmp_path: Path, states: int) -> None:
    """Also where more came since, and where the backup has it in other frames."""
    later = [[b"new\n" * 60, *PIECES]] * (states - 1)
    mine = archive_of(tmp_path / "mine", PIECES, *later)
    other = archive_of(tmp_path / "other", [b"".join(PIECES[:3])])
    damage(mine, 1)
    assert look_through(mine).broken

    assert merge_file(tmp_path / "mine", mine, other)

    assert of(mine, 1) == b"".join(PIECES)
    newest = scan(mine).generation
    assert of(mine, newest) == b"".join(later[0] if later else PIECES)
    assert not look_through(mine).broken


def test_what_no_backup_mends_is_not_given_up(tmp_path: Path) -> None:
    """The backup has other bytes there, and less: what is intact here stays as it is."""
    mine = archive_of(tmp_path / "mine", PIECES)
    other = archive_of(tmp_path / "other", [PIECES[0], b"2wo\n" * 50])
    damage(mine, 1)
    before = mine.read_bytes()

    with pytest.raises(DamagedArchive):
        merge_file(tmp_path / "mine", mine, other)

    assert mine.read_bytes() == before


def test_a_damaged_header_takes_nothing_away(tmp_path: Path) -> None:
    """A file that does not say whose it is has its frames all the same."""
    mine = archive_of(tmp_path / "mine", PIECES)
    other = archive_of(tmp_path / "other", PIECES[:2])
    data = bytearray(mine.read_bytes())
    data[20] ^= 1
    mine.write_bytes(data)

    assert merge_file(tmp_path / "mine", mine, other)
    assert of(mine, 1) == b"".join(PIECES)
    assert verify(mine) == []

    mine.write_bytes(data)
    whole = archive_of(tmp_path / "whole", PIECES)
    assert merge_file(tmp_path / "mine", mine, whole)
    assert of(mine, 1) == b"".join(PIECES)
    assert verify(mine) == []


def test_what_no_frame_tells_of_any_more_comes_from_a_backup_with_all_the_rest(
    tmp_path: Path,
) -> None:
    """Two states, of which the first lost the header of a frame, and a third that is here alone."""
    states = [PIECES, [b"then\n" * 60, *PIECES]]
    mine = archive_of(tmp_path / "mine", *states, [b"last\n" * 70])
    other = archive_of(tmp_path / "other", *states)
    data = bytearray(mine.read_bytes())
    data[scan(mine).entries[1].position - 60] ^= 0x18
    mine.write_bytes(data)
    assert look_through(mine).broken

    assert merge_file(tmp_path / "mine", mine, other)

    assert not look_through(mine).broken
    wanted = [*(b"".join(each) for each in states), b"last\n" * 70]
    assert [of(mine, number) for number in (1, 2, 3)] == wanted


def test_what_was_archived_again_after_damage_stands_beside_what_a_backup_has(
    tmp_path: Path,
) -> None:
    """The second state lost its beginning and went on; then the source was read anew, whole."""
    second = [PIECES[0], b"other\n" * 60, b"on\n" * 60]
    mine = archive_of(tmp_path / "mine", PIECES, second)
    other = archive_of(tmp_path / "other", PIECES, second)
    data = bytearray(mine.read_bytes())
    data[next(e for e in scan(mine).entries if e.generation == 2).position - 60] ^= 0x18
    mine.write_bytes(data)
    now = b"".join(second) + b"later\n" * 60
    with Appending(tmp_path / "mine") as appending:
        at = len(b"".join(second))
        state = appending.append(SOURCE, Archived(), make_frame(at, now[at:]))
        appending.append(SOURCE, state, make_frame(0, now))

    assert merge_file(tmp_path / "mine", mine, other)

    assert not look_through(mine).broken
    assert of(mine, scan(mine).generation) == now
    assert of(mine, 1) == b"".join(PIECES)


def test_an_earlier_state_of_what_is_here_is_no_newer_one(tmp_path: Path) -> None:
    """It was cut since the backup was made; also where the backup has but a part of that state."""
    for kept in (PIECES, PIECES[:3]):
        folder = tmp_path / str(len(kept))
        mine = archive_of(folder, PIECES, [PIECES[0], b"other\n" * 50])
        before = mine.read_bytes()
        other = archive_of(folder / "other", kept)

        assert merge_file(folder, mine, other)

        assert mine.read_bytes() == before


def test_a_backup_that_is_taken_in_twice_adds_nothing(tmp_path: Path) -> None:
    states = ([b"then\n" * 50, *PIECES], [b"before\n" * 50])
    mine = archive_of(tmp_path / "mine", PIECES)
    for number in (1, 2):
        merge_file(tmp_path / "mine", mine, archive_of(tmp_path / f"other-{number}", *states))
    assert [of(mine, number) for number in (1, 2, 3)] == [b"".join(each) for each in states] + [
        b"".join(PIECES)
    ]
    assert scan(mine).generation == 3
