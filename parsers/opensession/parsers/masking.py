"""Bytes of a file that are not to be seen, read as blank lines of the same length.

Offsets stay, so cursors, archives and later reads fit; the same bytes are always the same blanks. A
line that ends after the masked bytes is masked to its end, for half a record is none.
"""

from __future__ import annotations

import os

from opensession.parsers.zst import Decompressing

_ROW = 4096
_BLOCK = 64 << 10
_ENDLESS = 1 << 62


class Masked:
    """A stream of `jsonl` with masked bytes as spaces and line breaks."""

    def __init__(
        self, inner: PlainBytes | Decompressing, masks: tuple[tuple[int, int], ...], descriptor: int
    ) -> None:
        self._inner = inner
        plain = not isinstance(inner, Decompressing)
        self._masks = [
            (first, _line_end(descriptor, end) if plain else end)
            for first, end in masks
            if end > first
        ]

    @property
    def position(self) -> int:
        return self._inner.position

    @property
    def at_end(self) -> bool:
        return self._inner.at_end

    @property
    def complete(self) -> bool:
        return self._inner.complete

    @property
    def damaged(self) -> bool:
        return self._inner.damaged

    def read(self, size: int) -> bytes:
        """As the stream within, blanked."""
        start = self._inner.position
        return blanked(self._inner.read(size), start, self._masks)

    def unread(self, data: bytes) -> None:
        """Puts back the last bytes that were read."""
        self._inner.unread(data)

    def skip_to(self, position: int) -> bool:
        """Moves; False where the source ends before."""
        return self._inner.skip_to(position)


class PlainBytes:
    """What `Masked` needs of a plain file: see `jsonl`."""

    complete = False
    damaged = False

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self.position = 0

    @property
    def at_end(self) -> bool:
        return self.position >= self._size

    def read(self, size: int) -> bytes:
        size = min(size, self._size - self.position)
        if size <= 0:
            return b""
        data = os.pread(self._descriptor, size, self.position)
        if not data:
            self._size = self.position  # truncated since it was opened: this is its end
        self.position += len(data)
        return data

    def unread(self, data: bytes) -> None:
        self.position -= len(data)

    def skip_to(self, position: int) -> bool:
        self.position = position
        return position <= self._size


def blanked(data: bytes, start: int, masks: list[tuple[int, int]]) -> bytes:
    """The bytes from offset `start` on, with those inside of a mask as blanks."""
    for first, end in masks:
        low, high = max(first, start), min(end, start + len(data))
        if low >= high:
            continue
        blank = bytearray(b" ") * (high - low)
        line = low + (-low - 1) % _ROW
        blank[line - low :: _ROW] = b"\n" * len(range(line, high, _ROW))
        if low == first:
            blank[0] = 10
        if high == end:
            blank[-1] = 10
        data = data[: low - start] + bytes(blank) + data[high - start :]
    return data


def _line_end(descriptor: int, end: int) -> int:
    """Where the line ends that the byte before `end` is of; nowhere yet, if it goes on."""
    if os.pread(descriptor, 1, end - 1) in (b"\n", b""):
        return end
    position = end
    while block := os.pread(descriptor, _BLOCK, position):
        found = block.find(b"\n")
        if found >= 0:
            return position + found + 1
        position += len(block)
    return _ENDLESS
