"""What is overwritten in an archive file is the value, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opensession.daemon.archive import Appending, Archived, file_for, make_frame, read, scan, verify
from opensession.daemon.archive.frames import DamagedArchive
from opensession.daemon.archive.scrubbing import scrub
from opensession.daemon.masking import Needles
from opensession.parsers.agent import Source

SOURCE = Source("claude-code", "/r", "/r/a.jsonl")
VALUE = "q7Zt1mXw90PlBv3sKd82"
MASK = b"*" * len(VALUE)


def _archive(folder: Path, *versions: bytes, piece: int = 1 << 20) -> Path:
    """An archive of a source that was written anew each time."""
    state = Archived()
    for data in versions:
        with Appending(folder) as appending:
            for start in range(0, len(data), piece):
                frame = make_frame(start, data[start : start + piece])
                state = appending.append(SOURCE, state, frame)
            if len(data) < state.length:
                state = appending.cut(SOURCE, state, len(data))
            appending.sync()
    return file_for(folder, SOURCE.agent, SOURCE.path)


def _whole(path: Path) -> list[bytes]:
    generations = sorted({entry.generation for entry in scan(path).entries})
    return [b"".join(read(path, number)) for number in generations]


def _lines(count: int, seed: int) -> bytes:
    return b"".join(
        b'{"n":%d,"x":"%s"}\n' % (n, os.urandom(seed).hex().encode()) for n in range(count)
    )


def test_every_generation_loses_the_value_and_nothing_else(tmp_path: Path) -> None:
    """Generations that are patches of one another included."""
    body = _lines(400, 40)
    first = b'{"k":"' + VALUE.encode() + b'"}\n' + body
    second = b'{"k":2,"k2":"' + VALUE.encode() + b'"}\n' + body + b'{"z":1}\n'
    third = second + b'{"again":"' + VALUE.encode() + b'"}\n'
    path = _archive(tmp_path, first, second, third)
    before = _whole(path)
    assert before[-1] == third

    done = scrub(path, SOURCE, Needles([VALUE]))

    assert done is not None and done.occurrences >= 3
    assert _whole(path) == [each.replace(VALUE.encode(), MASK) for each in before]
    assert verify(path) == []
    assert done.archived.size == path.stat().st_size
    assert done.archived.length == len(third)
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name]


def test_a_value_over_the_border_of_frames_is_found(tmp_path: Path) -> None:
    data = b"x" * 90 + VALUE.encode() + b"y" * 90
    path = _archive(tmp_path, data, piece=97)

    scrub(path, SOURCE, Needles([VALUE]))

    assert _whole(path) == [b"x" * 90 + MASK + b"y" * 90]


def test_a_value_that_begins_in_an_earlier_generation_is_overwritten_in_both(
    tmp_path: Path,
) -> None:
    """The source was rewritten from the middle of the value on."""
    first = b"a" * 50 + VALUE.encode()[:10] + b"-other-"
    second = b"a" * 50 + VALUE.encode() + b"-end-"
    path = _archive(tmp_path, first, second)

    scrub(path, SOURCE, Needles([VALUE]))

    old, new = _whole(path)
    assert new == b"a" * 50 + MASK + b"-end-"
    assert old == b"a" * 50 + MASK[:10] + b"-other-"


def test_a_file_without_the_value_is_not_touched(tmp_path: Path) -> None:
    path = _archive(tmp_path, b"nothing of it\n")
    before = path.read_bytes(), path.stat().st_ino

    assert scrub(path, SOURCE, Needles([VALUE])) is None
    assert (path.read_bytes(), path.stat().st_ino) == before


def test_a_damaged_file_is_not_touched(tmp_path: Path) -> None:
    path = _archive(tmp_path, VALUE.encode() * 10)
    damaged = path.read_bytes() + b"torn"
    path.write_bytes(damaged)

    with pytest.raises(DamagedArchive):
        scrub(path, SOURCE, Needles([VALUE]))
    assert path.read_bytes() == damaged
