from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.daemon import archive
from opensession.daemon.archive import Appending, Archived, DiskFull, frames, make_frame, space
from opensession.parsers.agent import Source

SOURCE = Source("claude-code", "/root", "/root/project/session.jsonl")
FRESH = Archived()


def _append(folder: Path, state: Archived, offset: int, data: bytes) -> Archived:
    with Appending(folder) as appending:
        state = appending.append(SOURCE, state, make_frame(offset, data))
        appending.sync()
    return state


def _file(folder: Path) -> Path:
    return archive.file_for(folder, SOURCE.agent, SOURCE.path)


def _bytes(folder: Path, generation: int = 1) -> bytes:
    return b"".join(archive.read(_file(folder), generation))


def _three(folder: Path) -> Archived:
    state = _append(folder, FRESH, 0, b"one\n" * 50)
    state = _append(folder, state, 200, b"two\n" * 50)
    return _append(folder, state, 400, b"three\n" * 50)


WHOLE = b"one\n" * 50 + b"two\n" * 50 + b"three\n" * 50


def test_what_was_appended_comes_back(tmp_path: Path) -> None:
    state = _three(tmp_path)

    assert _bytes(tmp_path) == WHOLE
    assert state == Archived(1, len(WHOLE), _file(tmp_path).stat().st_size, 3)
    assert archive.verify(_file(tmp_path)) == []


def test_the_file_describes_itself(tmp_path: Path) -> None:
    """DECISIONS §4: a skippable frame before each, with source, generation, offset, sha256."""
    _three(tmp_path)

    found = archive.scan(_file(tmp_path))

    assert found.identity == frames.Identity(SOURCE.agent, SOURCE.root, SOURCE.path)
    assert [(e.generation, e.offset, e.length) for e in found.entries] == [
        (1, 0, 200),
        (1, 200, 200),
        (1, 400, 300),
    ]
    assert found.entries[0].sha256 == hashlib.sha256(b"one\n" * 50).digest()
    (named,) = archive.archived_sources(tmp_path)
    assert (named.agent, named.root, named.path) == (SOURCE.agent, SOURCE.root, SOURCE.path)
    assert (named.file, named.generation, named.length) == (_file(tmp_path), 1, len(WHOLE))


def test_the_whole_file_is_a_zstd_stream(tmp_path: Path) -> None:
    """Anybody with the zstd program can read it without us."""
    _three(tmp_path)

    with zstandard.ZstdDecompressor().stream_reader(
        io.BytesIO(_file(tmp_path).read_bytes()), read_across_frames=True
    ) as stream:
        assert stream.read() == WHOLE


def test_files_are_private_and_named_by_a_hash(tmp_path: Path) -> None:
    """DECISIONS §8: names of our files are hashes of keys, never ids."""
    _append(tmp_path / "archive", FRESH, 0, b"x")
    file = _file(tmp_path / "archive")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "archive").stat().st_mode) == 0o700
    assert "session" not in str(file.relative_to(tmp_path))


@pytest.mark.parametrize("known", [True, False])
def test_bytes_already_archived_are_not_written_again(tmp_path: Path, known: bool) -> None:
    """DECISIONS §4. Also when the store knows nothing of them, as after a crash."""
    state = _three(tmp_path)
    size = _file(tmp_path).stat().st_size

    again = _append(tmp_path, state if known else FRESH, 200, WHOLE[200:])
    assert _file(tmp_path).stat().st_size == size
    longer = _append(tmp_path, state if known else FRESH, 600, WHOLE[600:] + b"more\n")

    assert again.length == len(WHOLE)
    assert longer.length == len(WHOLE) + 5
    assert _bytes(tmp_path) == WHOLE + b"more\n"
    assert archive.scan(_file(tmp_path)).entries[-1].length == 5
    assert _file(tmp_path).stat().st_size - size < 200


def test_other_bytes_begin_a_generation_and_both_stay_readable(tmp_path: Path) -> None:
    """A rewritten source costs only what follows the first difference."""
    state = _three(tmp_path)

    state = _append(tmp_path, state, 0, WHOLE[:250] + b"other\n" * 10)
    state = _append(tmp_path, state, 310, b"and more\n")

    assert state.generation == 2
    assert _bytes(tmp_path, 1) == WHOLE
    assert _bytes(tmp_path, 2) == WHOLE[:250] + b"other\n" * 10 + b"and more\n"
    lengths = [e.length for e in archive.scan(_file(tmp_path)).entries if e.generation == 2]
    assert sum(lengths) <= 60 + 9


def test_a_cut_source_is_a_generation_of_its_beginning(tmp_path: Path) -> None:
    state = _three(tmp_path)

    with Appending(tmp_path) as appending:
        state = appending.cut(SOURCE, state, 204)
        appending.sync()
    state = _append(tmp_path, state, 204, b"new\n")

    assert (state.generation, state.length) == (2, 208)
    assert _bytes(tmp_path, 1) == WHOLE
    assert _bytes(tmp_path, 2) == WHOLE[:204] + b"new\n"


def test_any_number_of_sources_can_be_appended_to_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of open files is bounded."""
    monkeypatch.setattr("opensession.daemon.archive.append._OPEN_FILES", 3)
    sources = [Source("claude-code", "/root", f"/root/{n}.jsonl") for n in range(10)]
    states = [FRESH] * 10
    process = psutil.Process()
    with Appending(tmp_path) as appending:
        before = process.num_fds()
        for part in (b"first\n", b"second\n"):
            for n, source in enumerate(sources):
                frame = make_frame(states[n].length, part)
                states[n] = appending.append(source, states[n], frame)
                assert process.num_fds() <= before + 3
        appending.sync()

    for source, state in zip(sources, states, strict=True):
        file = archive.file_for(tmp_path, source.agent, source.path)
        assert b"".join(archive.read(file, 1)) == b"first\nsecond\n"
        assert state.size == file.stat().st_size


def test_what_was_never_synced_is_synced_when_it_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are not written again, since they are there, must not be lost to a power cut."""
    with Appending(tmp_path) as appending:
        appending.append(SOURCE, FRESH, make_frame(0, b"written, and then killed\n"))
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_ino))

    _append(tmp_path, FRESH, 0, b"written, and then killed\n")

    assert _file(tmp_path).stat().st_ino in synced
    assert _file(tmp_path).parent.stat().st_ino in synced


def test_a_gap_is_not_written(tmp_path: Path) -> None:
    state = _append(tmp_path, FRESH, 0, b"abc")

    after = _append(tmp_path, state, 10, b"later")

    assert after.length == 3
    assert _bytes(tmp_path) == b"abc"


@pytest.mark.parametrize("lost", [1, 5, 60, 80, 100])
def test_a_torn_tail_is_dropped_before_appending(tmp_path: Path, lost: int) -> None:
    """DECISIONS §4: what a crash left of an append is no frame."""
    before = _append(tmp_path, FRESH, 0, b"first\n")
    _append(tmp_path, before, 6, os.urandom(60) + b"\n")
    file = _file(tmp_path)
    with file.open("r+b") as out:
        out.truncate(max(file.stat().st_size - lost, before.size + 1))

    found = archive.scan(file)
    assert (len(found.entries), found.end, found.damaged) == (1, before.size, [])
    after = _append(tmp_path, before, 6, b"second\n")

    assert _bytes(tmp_path) == b"first\nsecond\n"
    assert after.size == file.stat().st_size
    assert archive.verify(file) == []


def test_zeros_at_the_end_are_a_torn_tail(tmp_path: Path) -> None:
    """Some file systems leave them after a power failure."""
    state = _append(tmp_path, FRESH, 0, b"first\n")
    with _file(tmp_path).open("ab") as out:
        out.write(b"\0" * 4096)

    _append(tmp_path, state, 6, b"second\n")

    assert _bytes(tmp_path) == b"first\nsecond\n"


def _flip(file: Path, position: int) -> None:
    with file.open("r+b") as out:
        out.seek(position)
        (byte,) = out.read(1)
        out.seek(position)
        out.write(bytes([byte ^ 0x18]))


def test_a_flipped_bit_is_found_and_named(tmp_path: Path) -> None:
    state = _three(tmp_path)
    entry = archive.scan(_file(tmp_path)).entries[1]
    _flip(_file(tmp_path), entry.position + entry.packed - 3)

    (damage,) = archive.verify(_file(tmp_path))
    assert (damage.generation, damage.offset, damage.end) == (1, 200, 400)
    with pytest.raises(archive.DamagedArchive, match="byte 200"):
        _bytes(tmp_path)

    mended = _append(tmp_path, state, 0, WHOLE)
    assert _bytes(tmp_path) == WHOLE, "reading the source again mends it"
    assert mended.generation == 1


def test_damage_in_a_header_loses_that_frame_only(tmp_path: Path) -> None:
    _three(tmp_path)
    file = _file(tmp_path)
    first, second, _ = archive.scan(file).entries
    _flip(file, second.position - 40)

    found = archive.scan(file)
    assert [e.offset for e in found.entries] == [0, 400]
    assert found.damaged == [(first.position + first.packed, second.position + second.packed)]
    assert archive.extent(found.entries, 1) == 200
    assert len(archive.verify(file)) == 1

    _append(tmp_path, FRESH, 0, WHOLE)
    assert _bytes(tmp_path) == WHOLE


def test_damage_in_the_last_header_is_not_taken_for_a_torn_tail(tmp_path: Path) -> None:
    """What was written whole is never cut off, whatever happened to it since."""
    _three(tmp_path)
    file = _file(tmp_path)
    _flip(file, archive.scan(file).entries[-1].position - 40)
    size = file.stat().st_size

    _append(tmp_path, FRESH, 400, WHOLE[400:])

    assert file.stat().st_size > size
    assert _bytes(tmp_path) == WHOLE


@pytest.mark.parametrize("start", [0, 200])
def test_a_source_that_was_rewritten_does_not_mend_what_was_damaged_before(
    tmp_path: Path, start: int
) -> None:
    """What is archived then are its bytes, not those of two states put together."""
    state = _three(tmp_path)
    _flip(_file(tmp_path), archive.scan(_file(tmp_path)).entries[1].position + 9)
    now = WHOLE[:start] + b"new\n" * ((len(WHOLE) - start) // 4)

    state = _append(tmp_path, state, start, now[start:])

    assert _bytes(tmp_path, state.generation)[start:] == now[start:]
    assert state.generation == 2
    with pytest.raises(archive.DamagedArchive, match="byte 200"):
        _bytes(tmp_path, 1)


@pytest.mark.parametrize("position", range(4, 8))
def test_a_damaged_length_of_the_files_header_takes_nothing_away(
    tmp_path: Path, position: int
) -> None:
    """An append that knows nothing of the file, as after the index was lost, keeps what it has."""
    state = _append(tmp_path, _three(tmp_path), 0, b"other\n")
    _flip(_file(tmp_path), position)

    assert _append(tmp_path, FRESH, 0, b"third\n").generation == state.generation + 1
    assert _bytes(tmp_path, 1) == WHOLE


@pytest.mark.parametrize("position", [2, 9, 20])
def test_damage_in_the_files_header_leaves_the_frames(tmp_path: Path, position: int) -> None:
    _three(tmp_path)
    _flip(_file(tmp_path), position)

    assert _bytes(tmp_path) == WHOLE
    assert len(archive.verify(_file(tmp_path))) == 1
    assert list(archive.archived_sources(tmp_path)) == []


def test_a_newer_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DECISIONS §2: an archive newer than the program is refused."""
    monkeypatch.setattr(frames, "VERSION", 3)
    state = _append(tmp_path, FRESH, 0, b"future")
    monkeypatch.undo()
    before = _file(tmp_path).read_bytes()

    with pytest.raises(archive.NewerArchive):
        archive.scan(_file(tmp_path))
    with pytest.raises(archive.NewerArchive):
        _append(tmp_path, FRESH, 6, b"x")
    assert state.length == 6
    assert _file(tmp_path).read_bytes() == before


def test_merging_makes_small_frames_one(tmp_path: Path) -> None:
    state = FRESH
    whole = b""
    for number in range(100):
        line = f'{{"type": "user", "text": "line number {number}"}}\n'.encode()
        state = _append(tmp_path, state, len(whole), line)
        whole += line
    state = _append(tmp_path, state, 1000, b"rewritten from here on\n")
    before = _file(tmp_path).stat().st_size

    merged = archive.merge(_file(tmp_path), SOURCE)

    assert merged is not None
    assert merged == Archived(2, 1023, _file(tmp_path).stat().st_size, 0)
    assert merged.size < before / 5
    assert len(archive.scan(_file(tmp_path)).entries) == 2
    assert _bytes(tmp_path, 1) == whole
    assert _bytes(tmp_path, 2) == whole[:1000] + b"rewritten from here on\n"
    assert stat.S_IMODE(_file(tmp_path).stat().st_mode) == 0o600
    assert archive.merge(_file(tmp_path), SOURCE) is None, "nothing is left to gain"
    assert _append(tmp_path, merged, 1023, b"goes on\n").length == 1031


def test_a_cut_survives_merging(tmp_path: Path) -> None:
    state = FRESH
    for number in range(20):
        state = _append(tmp_path, state, number * 5, b"line\n")
    with Appending(tmp_path) as appending:
        appending.cut(SOURCE, state, 50)
        appending.sync()

    merged = archive.merge(_file(tmp_path), SOURCE)

    assert merged is not None
    assert (merged.generation, merged.length) == (2, 50)
    assert _bytes(tmp_path, 2) == b"line\n" * 10
    assert _bytes(tmp_path, 1) == b"line\n" * 20


def test_a_damaged_file_is_not_merged(tmp_path: Path) -> None:
    state = FRESH
    for number in range(50):
        state = _append(tmp_path, state, number * 5, b"line\n")
    entry = archive.scan(_file(tmp_path)).entries[7]
    _flip(_file(tmp_path), entry.position + entry.packed - 2)
    before = _file(tmp_path).read_bytes()

    assert archive.merge(_file(tmp_path), SOURCE) is None
    assert _file(tmp_path).read_bytes() == before
    assert [p.name for p in _file(tmp_path).parent.iterdir()] == [_file(tmp_path).name]


def test_what_a_killed_merge_left_does_not_matter(tmp_path: Path) -> None:
    state = FRESH
    for number in range(50):
        state = _append(tmp_path, state, number * 5, b"line\n")
    _file(tmp_path).with_name(_file(tmp_path).name + ".merging").write_bytes(b"half")

    assert len(list(archive.archived_sources(tmp_path))) == 1
    assert archive.merge(_file(tmp_path), SOURCE) is not None
    assert [p.name for p in _file(tmp_path).parent.iterdir()] == [_file(tmp_path).name]


@pytest.mark.parametrize("data", [b"whole lines\n", b"no end of line", b""])
def test_archived_bytes_can_be_given_to_a_parser(tmp_path: Path, data: bytes) -> None:
    _append(tmp_path, FRESH, 0, b"begin\n" + data)

    found = archive.materialise(_file(tmp_path), 1, tmp_path)

    content = found.read_bytes()
    if found.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)) as stream:
            content = stream.read()
    assert content == b"begin\n" + data
    assert found.suffix == (".zst" if data == b"no end of line" else "")
    assert stat.S_IMODE(found.stat().st_mode) == 0o600


def test_damage_leaves_no_half_file_behind(tmp_path: Path) -> None:
    _three(tmp_path)
    entry = archive.scan(_file(tmp_path)).entries[2]
    _flip(_file(tmp_path), entry.position + entry.packed - 3)
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(archive.DamagedArchive):
        archive.materialise(_file(tmp_path), 1, out)

    assert list(out.iterdir()) == []


def _raising(number: int, after: int) -> Callable[..., int]:
    real = os.pwrite

    def pwrite(descriptor: int, data: bytes, position: int) -> int:
        if position + len(data) > after:
            real(descriptor, bytes(data)[: max(after - position, 0)], position)
            raise OSError(number, os.strerror(number))
        return real(descriptor, data, position)

    return pwrite


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """DECISIONS §4: with a full disk cursors stay, and all resumes by itself."""
    state = _three(tmp_path)
    monkeypatch.setattr(os, "pwrite", _raising(number, state.size + 30))

    with pytest.raises(DiskFull):
        _append(tmp_path, state, len(WHOLE), b"four\n" * 30)
    assert _bytes(tmp_path) == WHOLE

    monkeypatch.undo()
    _append(tmp_path, state, len(WHOLE), b"four\n" * 30)
    assert _bytes(tmp_path) == WHOLE + b"four\n" * 30


def test_other_errors_of_the_disk_are_not_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = _three(tmp_path)
    monkeypatch.setattr(os, "pwrite", _raising(errno.EIO, state.size))

    with pytest.raises(OSError, match="Input/output"):
        _append(tmp_path, state, len(WHOLE), b"four\n")


class _Room(msgspec.Struct):
    f_bavail: int
    f_blocks: int
    f_frsize: int = 4096


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [
        (2 << 30, 20 << 30, False),
        ((1 << 30) - 8192, 10 << 30, True),
        (40 << 30, 1000 << 30, True),
        (60 << 30, 1000 << 30, False),
    ],
)
def test_room_is_low_below_a_gigabyte_or_a_twentieth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, total: int, low: bool
) -> None:
    """DECISIONS §4: below 1 GB or 5 % free disk archiving pauses."""
    monkeypatch.setattr(os, "statvfs", lambda path: _Room(free // 4096, total // 4096))

    assert space.is_low(tmp_path) is low


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("put", [_folder, os.mkfifo, lambda path: path.symlink_to("elsewhere")])
def test_what_is_no_file_in_place_of_an_archive_file_is_neither_followed_nor_waited_for(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    _append(tmp_path / "archive", FRESH, 0, b"abc")
    file = _file(tmp_path / "archive")
    file.rename(file.parent / "elsewhere")
    put(file)

    with pytest.raises(archive.append.UnusableArchive):
        _append(tmp_path / "archive", FRESH, 0, b"abc")
    with pytest.raises(OSError):
        archive.scan(file)


_KINDS = ("append", "again", "cut", "torn", "forget", "merge")
_STEP = st.tuples(st.sampled_from(_KINDS), st.integers(1, 200), st.binary(min_size=1, max_size=40))


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(_STEP, max_size=25))
def test_the_latest_generation_is_always_the_source(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, bytes]]
) -> None:
    """Whatever happens to a source, its archive gives its bytes, and those of earlier states."""
    folder = tmp_path_factory.mktemp("archive")
    state, content = FRESH, b""
    states: dict[int, bytes] = {}
    for kind, place, piece in steps:
        if kind == "append":
            state = _append(folder, state, len(content), piece)
            content += piece
        elif kind in ("again", "cut") and place < len(content):
            content = content[:place] + (piece if kind == "again" else b"")
            with Appending(folder) as appending:
                if kind == "again":
                    state = appending.append(SOURCE, state, make_frame(place, piece))
                state = appending.cut(SOURCE, state, len(content))
                appending.sync()
        elif kind == "torn" and state.size:
            head = frames.frame_header(SOURCE, 1, len(content), 9, 50, bytes(32)) + b"x" * 49
            whole = archive.scan(_file(folder)).end  # torn tails never add up
            with _file(folder).open("r+b") as out:
                out.truncate(whole)
                out.seek(whole)
                out.write(head[: place % 90 + 1])
        elif kind == "forget":
            state = FRESH
        elif kind == "merge" and state.size:
            state = archive.merge(_file(folder), SOURCE) or state
        if state.size:
            states[state.generation] = content
    for generation, expected in states.items():
        assert _bytes(folder, generation) == expected
