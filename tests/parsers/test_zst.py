"""Reading compressed files that only grow, within limits."""

from __future__ import annotations

import os
import random
import struct
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.parsers import jsonl, zst
from opensession.parsers.agent import Cursor, SourceRefused
from opensession.parsers.jsonl import read_lines
from tests.helpers.lines import Whole, read_all, source_of, touch
from tests.parsers.test_jsonl import Recorder


def compress(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def lines_in(path: Path, slice_bytes: int = 1 << 20) -> tuple[list[bytes], Whole, Cursor]:
    feed = Recorder()
    whole, cursor = read_all(
        lambda s, c: read_lines(s, c, feed, slice_bytes=slice_bytes), source_of(path)
    )
    return [line.data for line in feed.lines], whole, cursor


@given(
    frames=st.lists(st.lists(st.sampled_from([b"a\n", b"bc", b"\n", b"d" * 90])), max_size=5),
    slice_bytes=st.integers(1, 60),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_compressed_file_gives_what_the_plain_one_gives(
    tmp_path: Path, frames: list[list[bytes]], slice_bytes: int
) -> None:
    """In one frame or in several, with skippable ones between."""
    contents = [b"".join(frame) for frame in frames]
    skippable = struct.pack("<II", 0x184D2A53, 3) + b"abc"
    plain = b"".join(contents)
    (tmp_path / "a.jsonl").write_bytes(plain + b"\n")
    (tmp_path / "a.jsonl.zst").write_bytes(skippable.join(map(compress, [*contents, b"\n"])))

    expected, _, _ = lines_in(tmp_path / "a.jsonl", slice_bytes)
    found, whole, cursor = lines_in(tmp_path / "a.jsonl.zst", slice_bytes)

    assert found == expected
    assert whole.raw == plain + b"\n"
    assert cursor.offset == len(plain) + 1


def test_the_last_line_of_a_complete_file_counts_without_its_break(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress(b"one\ntwo"))

    found, whole, _ = lines_in(path)

    assert found == [b"one", b"two"]
    assert whole.raw == b"one\ntwo"


def test_a_last_line_that_then_goes_on_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress(b"one\ntwo"))
    _, whole, cursor = lines_in(path)
    with path.open("ab") as file:
        file.write(compress(b" and more\n"))
    feed = Recorder()

    read_all(lambda s, c: read_lines(s, c, feed), source_of(path), cursor, whole)

    assert whole.restarts == 1
    assert [line.data for line in feed.lines] == [b"one", b"two and more"]


def test_a_file_that_is_still_written_gives_what_is_complete(tmp_path: Path) -> None:
    lines = [str(random.Random(n).random()).encode() * 40 for n in range(3000)]
    data = compress(b"\n".join(lines) + b"\n")
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(data[: len(data) // 2])
    feed = Recorder()

    whole, cursor = read_all(lambda s, c: read_lines(s, c, feed), source_of(path))
    half = len(feed.lines)
    assert 0 < half < 3000
    assert whole.skipped == {}

    with path.open("ab") as file:
        file.write(data[len(data) // 2 :])
    read_all(lambda s, c: read_lines(s, c, feed), source_of(path), cursor, whole)
    assert [line.data for line in feed.lines] == lines
    assert whole.restarts == 0


def test_an_appended_frame_is_read_from_where_the_last_read_stopped(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress(b"one\n"))
    feed = Recorder()
    whole, cursor = read_all(lambda s, c: read_lines(s, c, feed), source_of(path))
    with path.open("ab") as file:
        file.write(compress(b"two\n"))

    read_all(lambda s, c: read_lines(s, c, feed), source_of(path), cursor, whole)

    assert [line.data for line in feed.lines] == [b"one", b"two"]
    assert whole.restarts == 0


def test_a_rewritten_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress(b"one\n"))
    _, whole, cursor = lines_in(path)
    path.write_bytes(compress(b"two\nthree\n"))
    touch(path, 1)
    feed = Recorder()

    read_all(lambda s, c: read_lines(s, c, feed), source_of(path), cursor, whole)

    assert whole.restarts == 1
    assert whole.raw == b"two\nthree\n"


def test_an_unchanged_file_is_not_decompressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress(b"one\n"))
    _, _, cursor = lines_in(path)
    monkeypatch.setattr(zst, "_new_frame", None)

    assert read_lines(source_of(path), cursor, Recorder()).raw == b""


def test_reading_on_does_not_begin_again_at_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a file of n slices would be decompressed n times over."""
    path = tmp_path / "a.jsonl.zst"
    rows = b"".join(random.Random(n).randbytes(500).hex().encode() + b"\n" for n in range(2000))
    path.write_bytes(compress(rows))
    amounts: list[int] = []
    pread = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        data = pread(descriptor, size, offset)
        amounts.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counted)
    found, _, _ = lines_in(path, 100_000)

    assert len(found) == 2000
    assert sum(amounts) < 1.1 * path.stat().st_size + 10_000


def test_a_cold_start_amid_a_file_gives_the_same(tmp_path: Path) -> None:
    """Nothing depends on what is kept between reads of one process."""
    path = tmp_path / "a.jsonl.zst"
    rows = [random.Random(n).randbytes(50).hex().encode() for n in range(500)]
    path.write_bytes(compress(b"\n".join(rows) + b"\n"))
    feed = Recorder()
    cursor, more = None, True

    while more:
        jsonl._warm.clear()
        delta = read_lines(source_of(path), cursor, feed, slice_bytes=4000)
        assert not delta.restarted
        cursor, more = delta.cursor, delta.more

    assert [line.data for line in feed.lines] == rows


def test_a_bomb_is_refused_within_bounded_memory(tmp_path: Path) -> None:
    """DECISIONS §8: zstd is streamed and stops at 1000:1."""
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress((b" " * 999_999 + b"\n") * 2000))
    assert path.stat().st_size < 500_000
    tracemalloc.start()

    with pytest.raises(SourceRefused, match="1000 to 1"):
        lines_in(path)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 140 << 20


def test_output_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DECISIONS §8: zstd stops at 4 GiB."""
    monkeypatch.setattr(zst, "OUTPUT_LIMIT", 100_000)
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress(random.Random(1).randbytes(200_000).hex().encode() + b"\n"))

    with pytest.raises(SourceRefused, match="4 GiB"):
        lines_in(path)


def test_a_window_beyond_128_mib_is_refused(tmp_path: Path) -> None:
    """DECISIONS §8: zstd windows are limited."""
    path = tmp_path / "a.jsonl.zst"
    # a frame header alone: no single segment, window descriptor of 1 GiB
    path.write_bytes(zst.MAGIC + bytes([0x00, (20 << 3)]) + b"\x01\x00\x00")

    with pytest.raises(SourceRefused):
        lines_in(path)


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_never_raises_anything_else(
    tmp_path: Path, noise: bytes, place: int, value: int
) -> None:
    data = bytearray(compress(b"".join(b"line %d\n" % n for n in range(60))))
    data[place % len(data)] = value
    path = tmp_path / "a.jsonl.zst"
    for content in (bytes(data), noise, bytes(data) + noise):
        path.write_bytes(content)
        try:
            _, whole, _ = lines_in(path)
        except SourceRefused:
            continue
        assert set(whole.skipped) <= {"damaged zstd"}


def test_what_comes_before_damage_is_read_and_the_damage_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(compress(b"one\n") + b"no frame at all")

    found, whole, _ = lines_in(path)

    assert found == [b"one"]
    assert whole.skipped == {"damaged zstd": 1}
