"""Damage in an archive file: what of it matters, and where it is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from opensession.daemon import archive
from opensession.daemon.archive import Appending, Archived, checking, make_frame
from opensession.daemon.archive.checking import look_through
from opensession.daemon.archive.frames import HEAD_BYTES
from opensession.daemon.archive.merging import merge
from opensession.parsers.agent import Source

SOURCE = Source("codex", "/root", "/root/session.jsonl")
PIECES = [bytes(f"piece {n} ", "ascii") * 40 + b"\n" for n in range(4)]
WHOLE = b"".join(PIECES)


def _append(folder: Path, state: Archived, offset: int, data: bytes) -> Archived:
    with Appending(folder) as appending:
        state = appending.append(SOURCE, state, make_frame(offset, data))
        appending.sync()
    return state


def _write(folder: Path) -> tuple[Path, Archived]:
    state = Archived()
    for piece in PIECES:
        state = _append(folder, state, state.length, piece)
    return archive.file_for(folder, SOURCE.agent, SOURCE.path), state


def _flip(file: Path, position: int, *bits: int) -> None:
    data = bytearray(file.read_bytes())
    for bit in bits or (0, 1):  # more than one, which no checksum puts right
        data[position] ^= 1 << bit
    file.write_bytes(data)


def test_an_undamaged_file_is_whole(tmp_path: Path) -> None:
    file, state = _write(tmp_path)

    assert look_through(file, state.generation, state.length) == checking.Looked(state.size, [])


def test_every_flipped_bit_that_costs_bytes_is_found_and_named_by_file_position(
    tmp_path: Path,
) -> None:
    """Whatever byte is hit: either the frame that holds it is named, or the stretch of a header."""
    file, state = _write(tmp_path)
    intact = file.read_bytes()
    chosen = random.Random(7)

    for position in chosen.sample(range(len(intact)), 120):
        _flip(file, position, chosen.randrange(8))
        broken = look_through(file, state.generation, state.length).broken
        read = _read(file, state.generation)
        file.write_bytes(intact)

        if read == WHOLE and not broken:
            continue  # a bit of zstd's own header that says nothing, or of a skipped length
        assert broken, position
        assert any(each.first <= position < each.last for each in broken), (position, broken)


def _read(file: Path, generation: int) -> bytes | None:
    try:
        return b"".join(archive.read(file, generation))
    except archive.DamagedArchive:
        return None


def test_a_damaged_frame_says_which_bytes_of_the_source_it_held(tmp_path: Path) -> None:
    file, state = _write(tmp_path)
    second = archive.scan(file).entries[1]
    _flip(file, second.position + second.packed - 5)

    (broken,) = look_through(file, state.generation, state.length).broken

    assert (broken.first, broken.last) == (second.position, second.position + second.packed)
    start = len(PIECES[0])
    assert (broken.generation, broken.offset, broken.end) == (1, start, start + len(PIECES[1]))


@pytest.mark.parametrize("where", ["body", "frame header", "file header"])
def test_what_was_archived_again_does_no_harm_and_goes_when_the_file_is_written_anew(
    tmp_path: Path, where: str
) -> None:
    file, state = _write(tmp_path)
    third = archive.scan(file).entries[2]
    _flip(file, {"body": third.position + 20, "frame header": third.position - 60}.get(where, 9))
    assert look_through(file, state.generation, state.length).broken

    _append(tmp_path, state, 0, WHOLE)
    looked = look_through(file, state.generation, state.length)

    assert looked.spent
    assert not looked.broken or where == "file header"
    rewritten = merge(file, SOURCE, mended=True)
    assert rewritten is not None
    assert look_through(file, rewritten.generation, rewritten.length) == checking.Looked(
        rewritten.size, []
    )
    assert b"".join(archive.read(file, 1)) == WHOLE


def test_a_lost_header_of_a_frame_is_damage_where_older_states_may_be_missing(
    tmp_path: Path,
) -> None:
    """With two generations nobody can tell whose frame it was."""
    file, state = _write(tmp_path)
    state = _append(tmp_path, state, len(PIECES[0]), b"other bytes than those before\n" * 9)
    _flip(file, archive.scan(file).entries[1].position - 60)

    looked = look_through(file, state.generation, state.length)

    assert [each.reason for each in looked.broken] == [checking.STRETCH]
    assert not looked.spent


@pytest.mark.parametrize("number", [0, 2, 5])
def test_one_bit_of_the_header_of_a_frame_costs_nothing(tmp_path: Path, number: int) -> None:
    """Not even where the source is gone: its checksum says which bit it was."""
    file, state = _write(tmp_path)
    _append(tmp_path, state, len(PIECES[0]), b"other bytes than those before\n" * 9)
    intact, found = file.read_bytes(), archive.scan(file)
    position = found.entries[min(number, len(found.entries) - 1)].position

    for place in range(position - HEAD_BYTES, position):
        for bit in (place % 8, 7 - place % 8):
            _flip(file, place, bit)
            assert archive.scan(file) == found, (place, bit)
            file.write_bytes(intact)


def test_a_state_whose_beginning_is_lost_is_not_read_as_the_beginning_of_another(
    tmp_path: Path,
) -> None:
    """What is left of it would follow the bytes of the state before, which it never did."""
    file, state = _write(tmp_path)
    first = len(PIECES[0])
    state = _append(tmp_path, state, first, b"other bytes than those before\n" * 9)
    _append(tmp_path, state, state.length, b"and more\n")
    lost = archive.scan(file).entries[-2]
    _flip(file, lost.position - 60)

    assert _read(file, 2) is None
    assert _read(file, 1) == WHOLE
    broken = look_through(file, 2, state.length).broken
    assert [(each.reason, each.generation, each.offset) for each in broken] == [
        (checking.FRAME, 2, 0),
        (checking.STRETCH, None, None),
    ]


@pytest.mark.parametrize("now", [PIECES[0], PIECES[0] + b"other bytes than those before\n" * 9])
def test_a_state_that_begins_after_damage_is_whole(tmp_path: Path, now: bytes) -> None:
    """Its own first frame follows what is damaged; that the older state was cut there is lost."""
    file, state = _write(tmp_path)
    with Appending(tmp_path) as appending:
        appending.cut(SOURCE, state, len(PIECES[0]) + 9)
    _flip(file, archive.scan(file).entries[-1].position - 60)

    state = _append(tmp_path, Archived(), 0, now)
    with Appending(tmp_path) as appending:
        state = appending.cut(SOURCE, state, len(now))

    assert _read(file, archive.scan(file).generation) == now
    assert _read(file, 1) == WHOLE


def test_an_older_state_that_is_lost_whole_is_named(tmp_path: Path) -> None:
    """All of the newest is there, and nothing else tells that there was another."""
    state = _append(tmp_path, Archived(), 0, PIECES[0])
    state = _append(tmp_path, state, 0, b"other bytes than those before\n" * 9)
    file = archive.file_for(tmp_path, SOURCE.agent, SOURCE.path)
    _flip(file, archive.scan(file).entries[0].position - 60)

    looked = look_through(file, state.generation, state.length)

    assert [each.reason for each in looked.broken] == [checking.STRETCH]
    assert not looked.spent


def test_a_missing_and_a_shortened_file_are_damage(tmp_path: Path) -> None:
    file, state = _write(tmp_path)
    last = archive.scan(file).entries[-1]
    data = file.read_bytes()
    file.write_bytes(data[: last.position + 3])

    (short,) = look_through(file, state.generation, state.length).broken
    file.unlink()
    (missing,) = look_through(file, state.generation, state.length).broken

    assert (short.reason, short.offset, short.end) == (checking.SHORT, last.offset, len(WHOLE))
    assert (missing.reason, missing.end) == (checking.MISSING, len(WHOLE))


def test_an_empty_archive_of_nothing_is_told_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "x.zst").write_bytes(b"no archive at all" * 10)

    (broken, *_) = look_through(tmp_path / "x.zst").broken

    assert broken.reason == checking.HEADER
