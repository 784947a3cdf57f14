"""Lines of a request: verbatim whatever their size, or the number of the one that is bad."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.server.receiving.door import Door
from opensession.server.receiving.lines import BadLine, prepare, split
from opensession.server.receiving.spool import IN_MEMORY, Spool
from tests.server.storage.keeping import line


def spool_of(folder: Path, data: bytes) -> Spool:
    """A spool that was filled in two goes."""
    spool = Spool(folder)
    spool.add(data[: len(data) // 2])
    spool.add(data[len(data) // 2 :])
    return spool


@pytest.mark.parametrize("size", [10, IN_MEMORY // 3, IN_MEMORY, 3 * IN_MEMORY])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_lines_are_written_as_they_came(tmp_path: Path, size: int, end: bytes) -> None:
    lines = [line(1), line(2, "x" * size), line(3)]
    with spool_of(tmp_path, b"header\n" + b"\n".join(lines) + end) as spool:
        prepared = prepare(spool, 7, 1, b"", lambda events: [])
        target = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
        prepared.lines.write_to(target, prepared.ends[0], 0)
        os.close(target)

        assert (tmp_path / "target").read_bytes() == b"\n".join(lines[1:]) + b"\n"
        assert prepared.lines.size() == prepared.ends[-1] == sum(map(len, lines)) + 3
        assert prepared.hashes[0] == hashlib.sha256(lines[0]).digest()


@given(st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"\n", b""))))
def test_a_body_falls_into_its_lines(
    lines: list[bytes],
) -> None:
    with spool_of(Path(), b"".join(one + b"\n" for one in lines)) as spool:
        assert list(split(spool, 0)) == lines


@pytest.mark.parametrize(
    "bad",
    [
        b"", b"{", b"[]", b"\xff", b'{"type":"stats"}', b'{"type":"event"}',
        line(1).replace(b"2026", b"then"), line(1).replace(b'"e1"', b'""'), b"[" * 100_000,
        line(1).replace(b'"type":"Text"', b'"type":7'),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_not_told(tmp_path: Path, bad: bytes) -> None:
    body = b"\n".join([line(1), bad, line(2)]) + b"\n"
    with spool_of(tmp_path, body) as spool, pytest.raises(BadLine) as raised:
        prepare(spool, 0, 1, b"", lambda events: [])

    assert raised.value.number == 3, "the header is line 1"
    assert "prompt" not in str(raised.value)


def test_secrets_are_found_at_the_door_and_placeholders_are_none(tmp_path: Path) -> None:
    key = "ghp_" + "R4nd0mLo0k1ngT0kenV4lu3xYzQw8Ee2Kp7M"
    lines = [
        line(1, "nothing here"),
        line(2, f"use {key}"),
        line(3, "use [redacted:github-token] and ~/src"),
        line(4).replace(b"prompt 4", b"use \\u0067" + key[1:].encode()),
    ]
    with spool_of(tmp_path, b"\n".join(lines)) as spool:
        found = prepare(spool, 0, 11, b"", Door().scan).findings

    assert [(one.seq, one.count) for one in found] == [(12, 1), (14, 1)]
    assert key not in repr(found)
