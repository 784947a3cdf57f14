"""Bodies over the wire: whole or refused, and never larger than they may become."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from opensession.server.receiving.decode import BadEncoding, Decoder, TooLarge

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "identity": lambda data: data,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
}


def decoded(encoding: str, data: bytes, step: int, limit: int = 1 << 30) -> bytes:
    """A body that arrives some bytes at a time."""
    decoder = Decoder(encoding, limit)
    pieces: list[bytes] = []
    for place in range(0, len(data), step):
        pieces += decoder.feed(data[place : place + step])
    decoder.end()
    return b"".join(pieces)


@given(st.sampled_from(sorted(ENCODE)), st.binary(max_size=3000), st.integers(1, 999))
def test_what_was_encoded_comes_out_however_it_is_cut(
    encoding: str, data: bytes, step: int
) -> None:
    assert decoded(encoding, ENCODE[encoding](data), step) == data


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(data=st.data())
def test_a_body_that_ends_before_its_end_is_refused(encoding: str, data: st.DataObject) -> None:
    sent = ENCODE[encoding](b"some lines\n" * 50)
    end = data.draw(st.integers(1, len(sent) - 1))

    with pytest.raises(BadEncoding):
        decoded(encoding, sent[:end], 64)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(data=st.binary(min_size=20, max_size=200))
def test_foreign_bytes_are_refused_or_decoded_and_nothing_else(encoding: str, data: bytes) -> None:
    with contextlib.suppress(BadEncoding):
        decoded(encoding, data, 7)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_small_body_does_not_become_a_large_one(encoding: str) -> None:
    bomb = ENCODE[encoding](bytes(64 << 20))

    with pytest.raises(TooLarge):
        decoded(encoding, bomb, 1 << 16, limit=8 << 20)
    if encoding == "zstd":  # gzip cannot grow a thousand times
        with pytest.raises(TooLarge):
            decoded(encoding, bomb, 1 << 16)


def test_a_window_that_takes_too_much_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, compression_level=1)
    maker = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = maker.compress(b"x" * 1000) + maker.flush()

    with pytest.raises(BadEncoding):
        decoded("zstd", data, 1 << 16)
