"""The files that hold what was received: the lines verbatim, and a record of each.

A session has two files for each (generation, rewind), named by a hash. `<name>.lines` holds its
lines, each with its line feed; `<name>.seqs` one record an event: the chain after it, where it ends
in the lines, its time. The database says how many count. What lies behind them is of a write that
was not finished, and is cut before the next. What counts never changes: a rewind makes new files.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from opensession.server.storage.interface import Lines, Place

RECORD = struct.Struct(">32sQq")
_SUFFIXES = (".lines", ".seqs")
_COPY = 1 << 20
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Broken(Exception):
    """A body has fewer bytes than were acknowledged: the disk lost them."""


def name_of(session_key: str, generation: int, rewind: int) -> str:
    """The name of a body's files."""
    return hashlib.sha256(f"{session_key}\n{generation}\n{rewind}".encode()).hexdigest()[:40]


class Bodies:
    """The folder of all bodies."""

    def __init__(self, root: Path) -> None:
        self._root = root
        for number in range(256):
            (root / f"{number:02x}").mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)

    def path(self, name: str, suffix: str) -> str:
        """A file of a body."""
        return f"{self._root}/{name[:2]}/{name}{suffix}"

    def folder(self, name: str) -> str:
        """The folder that a body's files are in."""
        return f"{self._root}/{name[:2]}"

    def copy_name(self) -> str:
        """A name that no session's body has: what is left of it is swept at the next start."""
        return secrets.token_hex(1) + "-copy-" + secrets.token_hex(16)

    def rename(self, name: str, new: str) -> None:
        """Gives a body another name, in place of what has that one."""
        for suffix in _SUFFIXES:
            os.rename(self.path(name, suffix), self.path(new, suffix))  # noqa: PTH104

    def unlink(self, name: str) -> None:
        """Removes a body; one that is not there is none to remove."""
        for suffix in _SUFFIXES:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path(name, suffix))  # noqa: PTH108

    def sweep(self, live: Iterable[str]) -> int:
        """Removes what no session has, as crashes leave it behind; gives how many files."""
        known = frozenset(live)
        removed = 0
        for folder in self._root.iterdir():
            for entry in os.scandir(folder):
                if entry.name.partition(".")[0] not in known:
                    os.unlink(entry.path)  # noqa: PTH108 - there may be many
                    removed += 1
        return removed


class Writing:
    """The two files of a body, open to be appended to after `seq` events of `size` bytes. `new`:
    nobody knows yet that they are there.
    """

    def __init__(
        self, bodies: Bodies, name: str, seq: int, size: int, *, new: bool = False
    ) -> None:
        self._seq = seq
        self._size = size
        self._lines = os.open(bodies.path(name, ".lines"), _FLAGS, 0o600)
        self._seqs = -1
        self._folder = -1
        try:
            self._seqs = os.open(bodies.path(name, ".seqs"), _FLAGS, 0o600)
            if new or seq == 0:
                self._folder = os.open(bodies.folder(name), os.O_RDONLY | os.O_CLOEXEC)
            _cut(self._lines, size)
            _cut(self._seqs, seq * RECORD.size)
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of the lines so far."""
        return self._size

    def descriptors(self) -> Sequence[int]:
        """What must be on the disk before the body counts; the folder's where it is new."""
        return [one for one in (self._lines, self._seqs, self._folder) if one >= 0]

    def sync(self) -> None:
        """Waits until it is on the disk."""
        for one in self.descriptors():
            os.fsync(one)

    def copy(self, other: Reading, seq: int) -> None:
        """Begins with the first events of another body."""
        end = other.end_of(seq)
        for source, target, length in (
            (other.lines, self._lines, end),
            (other.seqs, self._seqs, seq * RECORD.size),
        ):
            _copy(source, target, length)
        self._seq, self._size = seq, end

    def append(
        self, lines: Lines, ends: Sequence[int], hashes: Sequence[bytes], times: Sequence[int]
    ) -> None:
        """Adds the events of `lines`, those that are there already left out: the last ones as many
        as `hashes` and `times` are.
        """
        skipped = len(ends) - len(hashes)
        start = ends[skipped - 1] if skipped else 0
        lines.write_to(self._lines, start, self._size)
        shift = self._size - start
        records = b"".join(
            RECORD.pack(digest, end + shift, time)
            for digest, end, time in zip(hashes, ends[skipped:], times, strict=True)
        )
        write_all(self._seqs, records, self._seq * RECORD.size)
        self._seq += len(hashes)
        self._size = ends[-1] + shift if ends else self._size

    def close(self) -> None:
        """Lets go of the files."""
        for one in (self._lines, self._seqs, self._folder):
            if one >= 0:
                os.close(one)
        self._lines = self._seqs = self._folder = -1


class Reading:
    """A body as it was when it was opened: `seq` events. It stays readable when it is removed."""

    def __init__(self, bodies: Bodies, name: str, seq: int) -> None:
        self._seq = seq
        self.lines = os.open(bodies.path(name, ".lines"), os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.seqs = os.open(bodies.path(name, ".seqs"), os.O_RDONLY | os.O_CLOEXEC)
        except BaseException:
            os.close(self.lines)
            raise

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chain_at(self, seq: int) -> bytes:
        """The chain after an event."""
        chain: bytes = self._record(seq)[0]
        return chain

    def end_of(self, seq: int) -> int:
        """Where an event ends; 0 for seq 0."""
        return int(self._record(seq)[1]) if seq else 0

    def places(self, first: int = 1) -> list[Place]:
        """Of every event from `first` on."""
        start = self.end_of(first - 1)
        size = (self._seq - first + 1) * RECORD.size
        data = _read(self.seqs, (first - 1) * RECORD.size, size)
        found = []
        for seq, (_, end, time_us) in enumerate(RECORD.iter_unpack(data), first):
            found.append(Place(seq, time_us, start, end))
            start = end
        return found

    def read(self, start: int, end: int) -> bytes:
        """Some of the lines' bytes."""
        return _read(self.lines, start, end - start)

    def close(self) -> None:
        """Lets go of the files."""
        os.close(self.lines)
        os.close(self.seqs)

    def _record(self, seq: int) -> tuple[bytes, int, int]:
        found: tuple[bytes, int, int] = RECORD.unpack(
            _read(self.seqs, (seq - 1) * RECORD.size, RECORD.size)
        )
        return found


def write_all(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Writes all of it, at a place of a file."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _cut(descriptor: int, size: int) -> None:
    found = os.fstat(descriptor).st_size
    if found < size:
        raise Broken(f"a body has {found} bytes where {size} were acknowledged")
    if found > size:
        os.ftruncate(descriptor, size)


def _read(descriptor: int, offset: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.pread(descriptor, size, offset)
        if not part:
            raise Broken("a body ends before what was acknowledged")
        parts.append(part)
        offset, size = offset + len(part), size - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _copy(source: int, target: int, length: int) -> None:
    """The first bytes of a file, in the kernel where it can do that."""
    offset = 0
    try:
        while offset < length:
            copied = os.copy_file_range(source, target, length - offset, offset, offset)
            if not copied:
                raise Broken("a body ends before what was acknowledged")
            offset += copied
    except (AttributeError, OSError) as error:
        code = error.errno if isinstance(error, OSError) else errno.ENOSYS
        if code not in (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP):
            raise
        while offset < length:
            part = _read(source, offset, min(_COPY, length - offset))
            write_all(target, part, offset)
            offset += len(part)
