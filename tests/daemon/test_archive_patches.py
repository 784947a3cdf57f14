"""Sources that are rewritten whole: each state can be read, and costs what changed."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.daemon import archive
from opensession.daemon.archive import Appending, Archived, frames, make_frame, patching
from opensession.parsers.agent import Source

SOURCE = Source("cline", "/root", "/root/tasks/1/ui_messages.json")


def _file(folder: Path) -> Path:
    return archive.file_for(folder, SOURCE.agent, SOURCE.path)


def _write(folder: Path, state: Archived, data: bytes, piece: int = 1 << 30) -> Archived:
    """As the writer does with a source that was rewritten and is read in pieces."""
    with Appending(folder) as appending:
        for start in range(0, len(data), piece):
            state = appending.append(SOURCE, state, make_frame(start, data[start : start + piece]))
        if len(data) < state.length:
            state = appending.cut(SOURCE, state, len(data))
        appending.sync()
    return state


def _noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def _states(count: int, size: int = 20_000) -> list[bytes]:
    """A file with a counter at its head that grows at its end."""
    body = _noise(size + count * 100)
    return [b"%06d" % (number * 7919) + body[: size + number * 100] for number in range(count)]


def _written(folder: Path, states: list[bytes], piece: int = 1 << 30) -> Archived:
    state = Archived()
    for data in states:
        state = _write(folder, state, data, piece)
    return state


def _read(folder: Path, generation: int) -> bytes:
    return b"".join(archive.read(_file(folder), generation))


def _depths(folder: Path) -> list[int]:
    entries = archive.scan(_file(folder)).entries
    return [entry.base.depth if entry.base is not None else 0 for entry in entries]


@pytest.mark.parametrize("piece", [1 << 30, 6000])
def test_every_state_is_read_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(archive.append, "_LARGE_BYTES", 4096)
    states = _states(12)
    state = _written(tmp_path, states, piece)
    assert [_read(tmp_path, number) for number in range(1, 13)] == states
    assert (state.generation, state.length) == (12, len(states[-1]))
    assert archive.verify(_file(tmp_path)) == []


def test_a_rewrite_costs_what_changed(tmp_path: Path) -> None:
    states = _states(20)
    _written(tmp_path, states)
    size = _file(tmp_path).stat().st_size
    assert size < len(states[0]) + 19 * (100 + 500)


def test_patches_of_patches_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "MOST_PATCHES", 3)
    states = _states(9)
    _written(tmp_path, states)
    assert _depths(tmp_path) == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert [_read(tmp_path, number) for number in range(1, 10)] == states


def test_undoing_large_patches_comes_to_an_end_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patching, "MOST_UNDONE", 50_000)
    _written(tmp_path, _states(5))
    assert _depths(tmp_path) == [0, 1, 2, 0, 1]


def test_the_whole_file_stays_a_zstd_stream(tmp_path: Path) -> None:
    """Anybody with the zstd program reads what is stored whole; patches are passed over."""
    states = _states(3)
    _written(tmp_path, states)
    with (
        _file(tmp_path).open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream,
    ):
        assert stream.read() == states[0]


def test_an_older_file_is_read_and_gets_no_patches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = _states(4)
    monkeypatch.setattr(frames, "VERSION", 1)
    state = _written(tmp_path, states[:2])
    monkeypatch.undo()
    for data in states[2:]:
        state = _write(tmp_path, state, data)
    assert _depths(tmp_path) == [0, 0, 0, 0]
    assert archive.scan(_file(tmp_path)).version == 1
    assert [_read(tmp_path, number) for number in range(1, 5)] == states


@pytest.mark.parametrize("cut", [0, 1, 50, 100, frames.PATCH_HEAD_BYTES, 130])
def test_a_patch_that_was_not_written_whole_is_dropped(tmp_path: Path, cut: int) -> None:
    states = _states(3)
    state = _written(tmp_path, states[:2])
    file = _file(tmp_path)
    before = file.stat().st_size
    _write(tmp_path, state, states[2])
    with file.open("r+b") as out:
        out.truncate(before + cut)
    found = archive.scan(file)
    assert (found.end, found.generation, found.damaged) == (before, 2, [])
    again = _write(tmp_path, state, states[2])
    assert again.generation == 3
    assert [_read(tmp_path, number) for number in (1, 2, 3)] == states
    assert archive.verify(file) == []


@settings(max_examples=150)
@given(data=st.data())
def test_damage_is_named_and_mended_by_the_source(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    states = _states(5, size=5000)
    state = _written(folder, states)
    file = _file(folder)
    first = archive.scan(file).entries[0].position
    content = bytearray(file.read_bytes())
    at = data.draw(st.integers(first, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    if not archive.verify(file):  # one bit of a frame's header, which its checksum puts right
        assert [_read(folder, number + 1) for number in range(5)] == states
        return
    for number, expected in enumerate(states, start=1):
        try:
            assert _read(folder, number) == expected
        except archive.DamagedArchive:
            continue
        except AssertionError:  # the frame's header is what was damaged: the frame is not known
            assert archive.scan(file).damaged
    lost = Archived(state.generation, state.length, 0, 0)
    again = _write(folder, lost, states[-1])
    assert _read(folder, again.generation) == states[-1]


def test_an_intact_copy_of_what_a_patch_is_of_is_used(tmp_path: Path) -> None:
    states = [b"a" * 5000 + _noise(5000), b"b" + b"a" * 4999 + _noise(5000)]
    state = _written(tmp_path, states[:1])
    file = _file(tmp_path)
    whole = archive.scan(file).entries[0]
    raw = bytearray(file.read_bytes())
    raw[whole.position + whole.packed // 2] ^= 1  # still zstd, and other bytes
    _write(tmp_path, state, states[1])
    with file.open("r+b") as out:
        out.write(raw)
    assert len(archive.verify(file)) == 2
    copy = make_frame(0, states[0])
    head = frames.frame_header(SOURCE, 1, 0, copy.length, len(copy.data), copy.sha256)
    with file.open("ab") as out:
        out.write(head + copy.data)
    assert _read(tmp_path, 2) == states[1]


def test_a_patch_of_itself_is_damage(tmp_path: Path) -> None:
    state = _written(tmp_path, [b"one"])
    frame = make_frame(0, b"two")
    head = frames.frame_header(
        SOURCE, 2, 0, 3, len(frame.data), frame.sha256, frames.Base(2, 0, 3, 1)
    )
    with _file(tmp_path).open("ab") as out:
        out.write(head + frame.data)
    assert len(archive.verify(_file(tmp_path))) == 1
    with pytest.raises(archive.DamagedArchive):
        _read(tmp_path, state.generation + 1)


def test_merging_keeps_every_state_and_its_patches(tmp_path: Path) -> None:
    state = Archived()
    states: list[bytes] = []
    for base in _states(4):
        state = _write(tmp_path, state, base, 20_000)
        for end in range(1, 30):  # and appends to it, which is what is merged
            more = base + b"".join(b"line %d\n" % n for n in range(end))
            state = _write(tmp_path, state, more, 20_000)
        states.append(more)
    file = _file(tmp_path)
    before = file.stat().st_size
    numbers = range(1, state.generation + 1)
    expected = [_read(tmp_path, number) for number in numbers]
    merged = archive.merge(file, SOURCE)
    assert merged is not None
    assert merged.size < before
    assert [_read(tmp_path, number) for number in numbers] == expected
    assert expected[-1] == states[-1]
    assert 1 in _depths(tmp_path)
    assert archive.verify(file) == []
    again = _write(tmp_path, merged, b"9" + states[-1][1:])
    assert _read(tmp_path, again.generation) == b"9" + states[-1][1:]


_changes = st.lists(
    st.tuples(
        st.integers(0, 30_000), st.integers(0, 9000), st.integers(0, 9000), st.integers(0, 3)
    ),
    max_size=6,
)


@settings(max_examples=30)
@given(changes=_changes, piece=st.sampled_from([5000, 9000, 1 << 20]))
def test_any_rewrites_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[int, int, int, int]],
    piece: int,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    data = _noise(25_000)
    state = _write(folder, Archived(), data, piece)
    seen = {state.generation: data}
    for at, removed, added, seed in changes:
        data = (data[:at] + _noise(added, seed) + data[at + removed :]) or b"x"
        state = _write(folder, state, data, piece)
        seen[state.generation] = data
        assert state.length == len(data)
    for generation, expected in seen.items():
        assert _read(folder, generation) == expected
    assert archive.verify(_file(folder)) == []
    merged = archive.merge(_file(folder), SOURCE)
    for generation, expected in seen.items():
        assert _read(folder, generation) == expected
    assert merged is None or merged.length == len(data)


def test_undoing_does_not_multiply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewritten in pieces whose ends move, a patch is still one of one other."""
    monkeypatch.setattr(archive.append, "_LARGE_BYTES", 4096)
    body = _noise(60_000)
    states = [b"%05d" % n + body[: 50_000 + 977 * n] for n in range(10)]
    state = Archived()
    for data, piece in zip(states, itertools.cycle([9000, 8000, 7000]), strict=False):
        state = _write(tmp_path, state, data, piece)
    calls = 0
    undo = archive.reading.decompress

    def counted(*arguments: object) -> bytes:
        nonlocal calls
        calls += 1
        return undo(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(archive.reading, "decompress", counted)
    assert _read(tmp_path, state.generation) == states[-1]
    pieces = len(states[-1]) // 7000 + 2
    assert calls <= pieces * (max(_depths(tmp_path)) + 1) * 4


def test_a_large_frame_is_written_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a patch of it needs the memory of a piece, and not of the file."""
    monkeypatch.setattr(archive.append, "PIECE_BYTES", 6000)
    monkeypatch.setattr(archive.append, "_LARGE_BYTES", 4096)
    states = _states(5)
    state = _written(tmp_path, states)
    assert [_read(tmp_path, number) for number in range(1, 6)] == states
    entries = archive.scan(_file(tmp_path)).entries
    assert max(entry.length for entry in entries) <= 6000
    assert max(entry.base.length for entry in entries if entry.base) <= 12_000 + 2 * patching.AROUND
    before = state
    assert _write(tmp_path, state, states[-1]) == before  # nothing is written twice
