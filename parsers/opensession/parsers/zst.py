"""Reading a zstd file forward within limits, so that a small file cannot become a huge one.

Input goes in by the KiB: one KiB of zstd is at most 32 MiB of output, which bounds the memory of a
read whatever the file holds. Several frames, and skippable ones, are read as one stream.
"""

from __future__ import annotations

import os

import zstandard

from opensession.parsers.agent import SourceRefused

WINDOW_BYTES = 128 << 20
OUTPUT_LIMIT = 4 << 30
RATIO_LIMIT = 1000
RATIO_FLOOR = 8 << 20
"""Below so many bytes of output the ratio says nothing: ten equal lines compress 1000:1."""

MAGIC = b"\x28\xb5\x2f\xfd"

_BLOCK = 256 << 10
_STEP = 1 << 10


def is_zst(path: str, descriptor: int) -> bool:
    """Reports whether a file is compressed: by its name or by its first bytes."""
    if path.endswith(".zst"):
        return True
    head = os.pread(descriptor, 4, 0)
    return head == MAGIC or (head[1:] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F)


class Decompressing:
    """The decompressed bytes of an open file, from `position` on.

    `at_end` says that nothing more can be had now; `complete` that the file ended where a frame
    ended, so that nothing is missing; `damaged` that it went on with something that is not zstd.
    `before` is for whoever keeps a reader: the block before `position`.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._offset = 0
        self._input = memoryview(b"")
        self._output: list[bytes] = []
        self._ready = 0
        self._frame = _new_frame()
        self._inside = False
        self._produced = 0
        self._exhausted = False
        self.position = 0
        self.before = b""
        self.damaged = False

    @property
    def at_end(self) -> bool:
        return self._exhausted and not self._ready

    @property
    def complete(self) -> bool:
        return self.at_end and not self._inside and not self.damaged

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end.

        Raises `SourceRefused` at 4 GiB of output or 1000 bytes of output for one of input.
        """
        while self._ready < size and not self._exhausted:
            self._step()
        data = b"".join(self._output)
        self._output = [data[size:]] if len(data) > size else []
        self._ready = max(0, len(data) - size)
        data = data[:size]
        self.position += len(data)
        return data

    def unread(self, data: bytes) -> None:
        """Puts back the last bytes that were read."""
        if data:
            self._output.insert(0, data)
            self._ready += len(data)
            self.position -= len(data)

    def skip_to(self, position: int) -> bool:
        """Moves forward; False where the source ends before."""
        while self.position < position:
            if not self.read(min(position - self.position, 4 << 20)):
                return False
        return True

    def moved_to(self, descriptor: int) -> Decompressing:
        """Goes on reading the same file through another descriptor."""
        self._descriptor = descriptor
        return self

    def _step(self) -> None:
        if not self._input:
            block = os.pread(self._descriptor, _BLOCK, self._offset)
            self._offset += len(block)
            self._input = memoryview(block)
            if not block:
                self._exhausted = True
                return
        step = self._input[:_STEP]
        self._input = self._input[_STEP:]
        self._inside = True
        try:
            data = self._frame.decompress(step)
        except (zstandard.ZstdError, MemoryError):
            if not self._produced:
                raise SourceRefused("not zstd data, or a window over 128 MiB") from None
            self.damaged = self._exhausted = True
            return
        if self._frame.eof:
            rest = self._frame.unused_data
            self._input = memoryview(rest + bytes(self._input)) if rest else self._input
            self._frame = _new_frame()
            self._inside = False
        if data:
            self._output.append(data)
            self._ready += len(data)
            self._produced += len(data)
            self._check()

    def _check(self) -> None:
        if self._produced > OUTPUT_LIMIT:
            raise SourceRefused("more than 4 GiB when decompressed")
        consumed = max(1, self._offset - len(self._input))
        if self._produced > RATIO_FLOOR and self._produced > RATIO_LIMIT * consumed:
            raise SourceRefused("compressed more than 1000 to 1")


def _new_frame() -> zstandard.ZstdDecompressionObj:
    return zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).decompressobj()
