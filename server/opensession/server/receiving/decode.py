"""Bodies as they come over the wire: identity, gzip or zstd, in pieces, within limits.

Limits count decoded bytes, so that a small body cannot become a large one: the size, the ratio to
what was sent, and zstd's window.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import zstandard

MAX_WINDOW = 128 << 20
MAX_RATIO = 1000
_FREE = 1 << 20
"""Decoded bytes to which no ratio applies: a header of zeros is no attack."""

ENCODINGS = ("zstd", "gzip", "identity")


class BadEncoding(Exception):
    """The body is not what its `Content-Encoding` says, or ends before its end."""


class TooLarge(Exception):
    """The body is larger, decoded, than the hub takes."""


class _Step(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def end(self) -> None: ...


class Decoder:
    """Decodes one body. Raises KeyError for an encoding that is not one of `ENCODINGS`."""

    def __init__(self, encoding: str, limit: int) -> None:
        self._step = _STEPS[encoding]()
        self._limit = limit
        self._sent = 0
        self._decoded = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What a piece of the body decodes to, in pieces. Raises BadEncoding or TooLarge."""
        self._sent += len(data)
        for piece in self._step.feed(data):
            self._decoded += len(piece)
            if self._decoded > self._limit:
                raise TooLarge(f"the body is larger than {self._limit} bytes")
            if self._decoded > max(_FREE, MAX_RATIO * self._sent):
                raise TooLarge(f"the body grows more than {MAX_RATIO} times when it is decoded")
            if piece:
                yield piece

    def end(self) -> None:
        """The body has ended. Raises BadEncoding if it is not whole."""
        self._step.end()


class _Identity:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def end(self) -> None:
        return


class _Gzip:
    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data:
                if self._object.eof:
                    self._object = zlib.decompressobj(wbits=31)  # another member follows
                self._begun = True
                yield self._object.decompress(data, _PIECE)
                while self._object.unconsumed_tail:
                    yield self._object.decompress(self._object.unconsumed_tail, _PIECE)
                data = self._object.unused_data
        except zlib.error:
            raise BadEncoding("the body is no gzip data") from None

    def end(self) -> None:
        if self._begun and not self._object.eof:
            raise BadEncoding("the gzip data ends before its end")


class _Zstd:
    def __init__(self) -> None:
        self._make = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj
        self._object = self._make()
        self._whole = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        try:
            while data:
                # Little at a time: a few bytes become at most a block of 128 KiB.
                taken, data = data[:_BITE], data[_BITE:]
                self._whole = False
                yield self._object.decompress(taken)
                if self._object.eof:
                    data = self._object.unused_data + data
                    self._object = self._make()
                    self._whole = True
        except zstandard.ZstdError:
            raise BadEncoding("the body is no zstd data, or has too large a window") from None

    def end(self) -> None:
        if not self._whole:
            raise BadEncoding("the zstd data ends before its end")


_PIECE = 256 << 10
_BITE = 1 << 10

_STEPS: dict[str, Callable[[], _Step]] = {"identity": _Identity, "gzip": _Gzip, "zstd": _Zstd}
