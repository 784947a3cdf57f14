"""Reading files that only grow."""

from __future__ import annotations

import os
import random
import tracemalloc
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.parsers import jsonl
from opensession.parsers.agent import Cursor, Delta, Source, SourceGone, SourceRefused
from opensession.parsers.jsonl import Fed, Line, read_lines
from tests.helpers.lines import Whole, read_all, source_of, touch

Kept = list[tuple[int, bytes, bool]]


class Recorder:
    """A feed that remembers the lines, outside of the state: for tests that read once."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def __call__(self, source: Source, state: bytes, lines: list[Line]) -> Fed:
        self.lines += lines
        return Fed(sessions=[], state=state + b"." * len(lines))


def lines_of(path: Path, slice_bytes: int = 1 << 20) -> list[Line]:
    feed = Recorder()
    read_all(lambda s, c: read_lines(s, c, feed, slice_bytes=slice_bytes), source_of(path))
    return feed.lines


def test_lines_come_without_their_breaks_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\r\n\n  \ntwo\n\r\nthree\n")

    assert lines_of(path) == [
        Line(0, b"one", False),
        Line(9, b"two", False),
        Line(15, b"three", False),
    ]


def test_a_last_object_without_its_line_break_counts(tmp_path: Path) -> None:
    """An agent that ended before the line break wrote the whole record all the same."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":{"c":"}"}}')
    feed = Recorder()

    def read(source: Source, cursor: Cursor | None) -> Delta:
        return read_lines(source, cursor, feed)

    whole, cursor = read_all(read, source_of(path))
    assert [line.data for line in feed.lines] == [b'{"a":1}', b'{"b":{"c":"}"}}']
    assert whole.raw == path.read_bytes()

    with path.open("ab") as file:
        file.write(b'\n{"d":2}\n')
    whole, _ = read_all(read, source_of(path), cursor, whole)
    assert [line.data for line in feed.lines][2:] == [b'{"d":2}']
    assert (whole.raw, whole.restarts) == (path.read_bytes(), 0)


def test_an_object_that_goes_on_after_all_is_read_anew(tmp_path: Path) -> None:
    """The events are those of one read of the whole, however the line came."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}')
    feed = Recorder()

    def read(source: Source, cursor: Cursor | None) -> Delta:
        return read_lines(source, cursor, feed)

    whole, cursor = read_all(read, source_of(path))
    with path.open("ab") as file:
        file.write(b'{"b":2}\n')
    whole, _ = read_all(read, source_of(path), cursor, whole)

    assert whole.restarts == 1
    assert feed.lines[-1].data == b'{"a":1}{"b":2}'


def test_a_torn_last_line_waits(tmp_path: Path) -> None:
    """DECISIONS §4: the cursor moves only past what was taken."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntw")
    feed = Recorder()

    whole, cursor = read_all(lambda s, c: read_lines(s, c, feed), source_of(path))
    assert [line.data for line in feed.lines] == [b"one"]
    assert whole.raw == b"one\n"

    with path.open("ab") as file:
        file.write(b"o\n")
    whole, cursor = read_all(lambda s, c: read_lines(s, c, feed), source_of(path), cursor, whole)
    assert [line.data for line in feed.lines] == [b"one", b"two"]
    assert feed.lines[1].offset == 4
    assert whole.raw == b"one\ntwo\n"
    assert whole.restarts == 0


def test_an_unchanged_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntorn")
    _, cursor = read_all(lambda s, c: read_lines(s, c, Recorder()), source_of(path))

    def fail(*args: object) -> bytes:
        raise AssertionError("read")

    monkeypatch.setattr(os, "pread", fail)
    delta = read_lines(source_of(path), cursor, Recorder())
    assert delta == Delta(cursor=cursor, raw_offset=4)


def test_an_append_reads_what_was_added_and_one_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost of an append does not depend on the size of the file."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"x": 1}\n' * 300_000)
    _, cursor = read_all(lambda s, c: read_lines(s, c, Recorder()), source_of(path))
    with path.open("ab") as file:
        file.write(b'{"y": 2}\n')
    amounts = []
    pread = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        data = pread(descriptor, size, offset)
        amounts.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counted)
    delta = read_lines(source_of(path), cursor, Recorder())
    assert delta.raw == b'{"y": 2}\n'
    assert not delta.more
    assert sum(amounts) < 5000


@pytest.mark.parametrize("how", ["truncated", "rewritten", "replaced", "shrunk to less"])
def test_a_file_that_is_another_one_is_read_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\nthree\n")
    feed = Recorder()
    whole, cursor = read_all(lambda s, c: read_lines(s, c, feed), source_of(path))
    feed.lines.clear()
    if how == "truncated":
        path.write_bytes(b"")
        touch(path, 1)
    elif how == "rewritten":
        path.write_bytes(b"one\ntwo\nTHREE\nfour\n")
        touch(path, 1)
    elif how == "replaced":
        other = tmp_path / "b"
        other.write_bytes(b"one\ntwo\nthree\n")
        other.replace(path)
    else:
        path.write_bytes(b"one\n")
        touch(path, 1)

    whole, cursor = read_all(lambda s, c: read_lines(s, c, feed), source_of(path), cursor, whole)

    assert whole.restarts == 1
    assert whole.raw == path.read_bytes()
    assert b"".join(line.data + b"\n" for line in feed.lines) == path.read_bytes()


def test_a_file_whose_time_alone_changed_gives_nothing_new(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n")
    _, cursor = read_all(lambda s, c: read_lines(s, c, Recorder()), source_of(path))
    touch(path, 123)

    delta = read_lines(source_of(path), cursor, Recorder())

    assert (delta.raw, delta.restarted, delta.more) == (b"", False, False)
    assert delta.cursor.mtime_ns == 123


@given(
    chunks=st.lists(
        st.lists(st.sampled_from([b"a", b"bc\n", b"\n", b"\r\n", b"d" * 40, b"\xff\n"])), max_size=8
    ),
    slice_bytes=st.integers(1, 50),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_growth_and_slices_make_no_difference(
    tmp_path: Path, chunks: list[list[bytes]], slice_bytes: int
) -> None:
    """Lines and raw bytes depend on the bytes alone, not on how they came or were read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"")
    feed = Recorder()
    whole, cursor = Whole(), None
    for number, chunk in enumerate(chunks):
        with path.open("ab") as file:
            file.write(b"".join(chunk))
        touch(path, number)
        whole, cursor = read_all(
            lambda s, c: read_lines(s, c, feed, slice_bytes=slice_bytes),
            source_of(path),
            cursor,
            whole,
        )

    data = path.read_bytes()
    complete = data[: data.rfind(b"\n") + 1]
    assert whole.raw == complete
    expected = [line.removesuffix(b"\r") for line in complete.split(b"\n")]
    assert [line.data for line in feed.lines] == [line for line in expected if line.strip()]
    for line in feed.lines:
        assert data[line.offset : line.offset + len(line.data)] == line.data


@pytest.mark.parametrize("extra", [-1, 0, 1, 500])
@pytest.mark.parametrize("slice_bytes", [100, 1000, 1001, 5000])
def test_an_oversized_line_is_its_head_and_end_however_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: int, slice_bytes: int
) -> None:
    """DECISIONS §8: a line over the limit is archived raw and delivered as head and tail."""
    monkeypatch.setattr(jsonl, "LINE_LIMIT", 1000)
    monkeypatch.setattr(jsonl, "KEPT_BYTES", 100)
    letters = random.Random(5).choices(b"abcdefgh ", k=1000 + extra)
    long = bytes(letters).strip().ljust(1000 + extra, b"x")
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"before\n" + long + b"\nafter\n")
    feed = Recorder()

    whole, _ = read_all(
        lambda s, c: read_lines(s, c, feed, slice_bytes=slice_bytes), source_of(path)
    )

    assert whole.raw == path.read_bytes()
    before, middle, after = feed.lines
    assert (before.data, after.data) == (b"before", b"after")
    assert middle.offset == 7
    assert middle.oversized == (extra > 0)
    if extra <= 0:
        assert middle.data == long
    else:
        head, _, end = middle.data.partition(b" [... ")
        left_out, _, end = end.partition(b" bytes left out ...] ")
        assert long.startswith(head)
        assert long.endswith(end)
        assert 0 < len(head) <= 100
        assert 0 < len(end) <= 100
        assert len(head) + len(end) + int(left_out) == len(long)


def test_an_oversized_line_is_not_cut_within_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §8: stripped before it is cut: half a secret would not be known for one."""
    monkeypatch.setattr(jsonl, "LINE_LIMIT", 1000)
    monkeypatch.setattr(jsonl, "KEPT_BYTES", 100)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"word " * 18 + b"s3cret" * 200 + b" word" * 18 + b"\n")

    (line,) = lines_of(path)

    assert line.oversized
    assert b"s3c" not in line.data


def test_an_oversized_line_that_is_still_written_waits_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "LINE_LIMIT", 1000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 2500)
    feed = Recorder()
    whole, cursor = read_all(lambda s, c: read_lines(s, c, feed, slice_bytes=400), source_of(path))
    assert whole.raw == b"x" * 2500
    assert feed.lines == []

    with path.open("ab") as file:
        file.write(b"y" * 10 + b"\nnext\n")
    whole, cursor = read_all(
        lambda s, c: read_lines(s, c, feed, slice_bytes=400), source_of(path), cursor, whole
    )
    assert [line.oversized for line in feed.lines] == [True, False]
    assert feed.lines[0].data.endswith(b"y" * 10)
    assert feed.lines[1] == Line(2511, b"next", False)


def test_a_line_of_300_mb_is_read_within_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    block = b'"0123456789abcde ' * 61_681  # 1 MiB and a little
    with path.open("wb") as file:
        file.write(b'{"first": 1}\n')
        for _ in range(300):
            file.write(block)
        file.write(b'end"\n{"last": 1}\n')
    size = path.stat().st_size
    feed = Recorder()
    cursor, done = None, 0

    tracemalloc.start()
    while True:
        delta = read_lines(source_of(path), cursor, feed)
        cursor, done = delta.cursor, done + len(delta.raw)
        assert len(delta.cursor.state) < 300_000
        if not delta.more:
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert done == size
    assert [line.oversized for line in feed.lines] == [False, True, False]
    assert len(feed.lines[1].data) < 140_000
    assert peak < 80 << 20


def test_many_lines_are_taken_slice_by_slice(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x" * 999 + b"\n" + b"y" * 99 + b"\n")

    delta = read_lines(source_of(path), None, Recorder(), slice_bytes=1050)

    assert len(delta.raw) == 1000
    assert delta.more


def test_a_missing_file_is_gone(tmp_path: Path) -> None:
    with pytest.raises(SourceGone):
        read_lines(source_of(tmp_path / "none.jsonl"), None, Recorder())


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()

    with pytest.raises(SourceRefused, match="not a regular file"):
        read_lines(source_of(tmp_path / "a.jsonl"), None, Recorder())


def test_a_file_cut_short_while_it_is_read_ends_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\ntwo\n")
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda d, n, o: real(d, min(n, max(0, 4 - o)), o))
    feed = Recorder()

    delta = read_lines(source_of(path), None, feed)

    assert [line.data for line in feed.lines] == [b"one"]
    assert delta.raw == b"one\n"


def test_bytes_are_read_from_elsewhere_under_the_name_of_the_source(tmp_path: Path) -> None:
    """As from the archive, once the agent deleted its file."""
    stored = tmp_path / "stored"
    stored.write_bytes(b"one\n")
    seen: list[str] = []

    def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
        seen.append(source.path)
        return Fed(sessions=[], state=b"")

    source = Source("jot", "/gone", "/gone/a.jsonl", read_from=str(stored))
    assert read_lines(source, None, feed).raw == b"one\n"
    assert seen == ["/gone/a.jsonl"]


@given(st.binary(max_size=300))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cursor_survives_being_stored(tmp_path: Path, data: bytes) -> None:
    """DECISIONS §2: all that is needed to go on is in the cursor."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    cursor: Cursor | None = None
    feed = Recorder()
    while True:
        delta = read_lines(source_of(path), cursor, feed, slice_bytes=7)
        cursor = msgspec.msgpack.decode(msgspec.msgpack.encode(delta.cursor), type=Cursor)
        if not delta.more:
            break

    assert cursor.offset == data.rfind(b"\n") + 1
