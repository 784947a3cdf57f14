"""Where a body waits until it is stored: in memory while it is small, else in a file of ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from opensession.server.storage.bodies import write_all

IN_MEMORY = 1 << 20
_PIECE = 1 << 20


class Spool:
    """Bytes that are added at the end, and read from any place; `close` forgets them. Its methods
    may be called from any thread, one at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory: bytearray | None = bytearray()
        self._file = -1
        self._size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def held(self) -> bool:
        """It is in memory."""
        return self._memory is not None

    def add(self, data: bytes) -> None:
        """Adds bytes; blocks once there are more than `IN_MEMORY`."""
        if self._memory is not None and self._size + len(data) > IN_MEMORY:
            self._file = _nameless(self._folder)
            write_all(self._file, bytes(self._memory), 0)
            self._memory = None
        if self._memory is not None:
            self._memory += data
        else:
            write_all(self._file, data, self._size)
        self._size += len(data)

    def size(self) -> int:
        """Bytes so far."""
        return self._size

    def read(self, start: int, end: int) -> bytes:
        """Some of the bytes; fewer where they end before."""
        if self._memory is not None:
            return bytes(self._memory[start:end])
        return os.pread(self._file, max(0, min(end, self._size) - start), start)

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        """All bytes from a place on."""
        while start < self._size:
            piece = self.read(start, start + _PIECE)
            yield piece
            start += len(piece)

    def close(self) -> None:
        """Forgets all."""
        self._memory = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class Tail:
    """The lines of a spool from a place on, as storage takes them. A last line without its line
    feed gets one.
    """

    def __init__(self, spool: Spool, start: int) -> None:
        self._spool = spool
        self._start = start
        last = spool.read(spool.size() - 1, spool.size()) if spool.size() > start else b"\n"
        self._end = b"" if last == b"\n" else b"\n"

    def size(self) -> int:
        """Bytes in all."""
        return self._spool.size() - self._start + len(self._end)

    def write_to(self, descriptor: int, start: int, offset: int) -> None:
        """Writes what follows the first `start` bytes to a file."""
        for piece in self._spool.pieces(self._start + start):
            write_all(descriptor, piece, offset)
            offset += len(piece)
        if self._end and start < self.size():
            write_all(descriptor, self._end, offset)


def _nameless(folder: Path) -> int:
    """A file without a name, so that nothing of it stays after a crash."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix="receiving-")
    os.unlink(name)  # noqa: PTH108 - a string is what there is
    return descriptor
