"""Appending frames: nothing is written twice, nothing is written over, everything is synced once.

with Appending(archive_dir) as appending:
    state = appending.append(source, state, frame)     # any number, of any sources
    appending.sync()                                   # then the store may record the states
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType

import msgspec
import zstandard

from opensession.daemon.archive.frames import (
    PATCHES,
    VERSION,
    Base,
    DamagedArchive,
    Entry,
    Scan,
    extent,
    file_for,
    frame_header,
    header,
    layout,
    open_file,
    scan_open,
)
from opensession.daemon.archive.patching import LEAST_BYTES, LEVEL, Patch, base_for, patched
from opensession.daemon.archive.reading import decompress, read_range
from opensession.daemon.archive.space import DiskFull, is_full
from opensession.daemon.batch import Frame
from opensession.parsers.agent import Source

_SYNC_THREADS = 8
_OPEN_FILES = 200
_LARGE_BYTES = 64 << 10

PIECE_BYTES = 4 << 20
"""A frame of twice as many raw bytes is written in pieces: a patch needs memory for some multiple
of the bytes that it is of.
"""


_UNUSABLE = (errno.EACCES, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.EPERM)


class UnusableArchive(Exception):
    """What stands in the place of a source's archive file cannot be written to: a folder, a link,
    another user's file.
    """


class Archived(msgspec.Struct, frozen=True):
    """How far a source is archived: `length` bytes of `generation`, in a file of `size` bytes.

    `frames` counts those written since the file was merged. `size` 0 says that it is not known.
    """

    generation: int = 1
    length: int = 0
    size: int = 0
    frames: int = 0


class Appending:
    """Appends to any number of archive files, then syncs them all.

    Every method raises `DiskFull` where there is no room; what was written by then is a tail that
    the next append finds and drops, or finds complete and does not write again.
    """

    def __init__(self, archive_dir: Path) -> None:
        self._archive_dir = archive_dir
        self._open: dict[Path, _File] = {}
        self._new_folders: set[Path] = set()

    def __enter__(self) -> Appending:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def append(self, source: Source, state: Archived, frame: Frame) -> Archived:
        """Archives `frame`; returns the new state.

        Bytes that are already archived are compared and not written again; where they differ a new
        generation begins. A frame that does not continue what is there (a gap) is left out: the
        state is then returned as the file has it, and its `length` is less than the frame's offset.
        """
        try:
            file = self._file(source)
            state = self._known(file, source, state)
            if frame.length < 2 * PIECE_BYTES or frame.offset > state.length:
                return _appended(file, source, state, frame)
            raw = decompress(frame.data, frame.length)
            for start in range(0, len(raw), PIECE_BYTES):
                piece = make_frame(frame.offset + start, raw[start : start + PIECE_BYTES])
                state = _appended(file, source, state, piece)
            return state
        except OSError as error:
            if is_full(error):
                raise DiskFull(str(error.strerror)) from error
            raise

    def state(self, source: Source, state: Archived) -> Archived:
        """How far a source is archived, `state` being what is recorded of it; writes nothing."""
        return self._known(self._file(source), source, state)

    def cut(self, source: Source, state: Archived, length: int) -> Archived:
        """Records that the source is now only its first `length` bytes; older ones are kept."""
        try:
            file = self._file(source)
            state = self._known(file, source, state)
            if length >= state.length:
                return state
            frame = make_frame(length, b"")
            return file.write(source, state, state.generation + 1, frame)
        except OSError as error:
            if is_full(error):
                raise DiskFull(str(error.strerror)) from error
            raise

    def sync(self) -> None:
        """Returns when everything appended is on the disk, names of new files included."""
        changed = [file.descriptor for file in self._open.values() if file.written]
        work = [partial(os.fsync, descriptor) for descriptor in changed]
        work += [partial(sync_folder, folder) for folder in self._new_folders]
        try:
            if len(work) > 1:  # together they cost the disk little more than one does
                with ThreadPoolExecutor(min(_SYNC_THREADS, len(work))) as pool:
                    list(pool.map(_call, work))
            elif work:
                work[0]()
        except OSError as error:
            if is_full(error):
                raise DiskFull(str(error.strerror)) from error
            raise
        for file in self._open.values():
            file.written = False
        self._new_folders.clear()

    def _known(self, file: _File, source: Source, state: Archived) -> Archived:
        known = file.known(source, state)
        if file.unsure:
            # Whether its bytes and its name ever reached the disk is not known: see to it.
            file.written = True
            self._new_folders.add(file.path.parent)
        return known

    def _file(self, source: Source) -> _File:
        path = file_for(self._archive_dir, source.agent, source.path)
        file = self._open.get(path)
        if file is None:
            if len(self._open) >= _OPEN_FILES:
                self.sync()
                self._close()
            try:
                file = _File(path)
            except FileNotFoundError:
                self._make_folder(path.parent)
                file = _File(path)
            self._open[path] = file
        return file

    def _close(self) -> None:
        for file in self._open.values():
            os.close(file.descriptor)
        self._open.clear()

    def _make_folder(self, folder: Path) -> None:
        for each in (self._archive_dir, folder):
            with contextlib.suppress(FileExistsError):
                each.mkdir(0o700)
                each.chmod(0o700)
                self._new_folders.add(each.parent)


class _File:
    """One open archive file. `entries` is None until its frames had to be looked up."""

    def __init__(self, path: Path) -> None:
        try:
            self.descriptor = open_file(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            if error.errno in _UNUSABLE:
                raise UnusableArchive(
                    f"{path.parent.name}/{path.name}: {error.strerror}"
                ) from error
            raise
        self.size = os.fstat(self.descriptor).st_size
        self.path = path
        self.written = False
        self.unsure = False
        self._state: Archived | None = None
        self._entries: list[Entry] | None = None
        self._version = VERSION
        self._ends_damaged = False
        if self.size == 0:
            os.fchmod(self.descriptor, 0o600)

    def known(self, source: Source, recorded: Archived) -> Archived:
        """The state of the file: as recorded if its size is, else as its frames say.

        A tail that was not written completely is dropped.
        """
        if self._state is not None:
            return self._state
        if self.size == recorded.size and self.size > 0:
            self._state = recorded
            return recorded
        self.unsure = True
        found = scan_open(self.descriptor)
        if found.end < found.size:
            os.ftruncate(self.descriptor, found.end)
            self.size = found.end
        self._take(found)
        if self.size == 0:
            self._write(header(source))
            self._version = VERSION
        generation = found.generation or max(recorded.generation, 1)
        self._state = Archived(
            generation, extent(found.entries, generation), self.size, len(found.entries)
        )
        return self._state

    def bytes_of(self, generation: int, start: int, end: int, known: dict[int, bytes]) -> bytes:
        """Archived raw bytes; raises `DamagedArchive`. For `known` see `read_range`."""
        pieces = read_range(self.descriptor, self.entries, generation, start, end, known)
        return b"".join(pieces)

    def fits(self, generation: int, start: int, raw: bytes) -> bool:
        """Reports whether bytes are those of a generation from `start` on, part of it damaged:
        they are as the intact frames say, and as the hashes of the others do. What covers a damaged
        frame in part cannot be told (see `mending`).
        """
        whole = {entry.position: entry.length for entry in self.entries}
        end = start + len(raw)
        for entry in layout(self.entries, generation):
            low, high = max(start, entry.offset), min(end, entry.end)
            if low >= high:
                continue
            given = raw[low - start : high - start]
            below = [each for each in self.entries if each.generation < entry.generation]
            try:
                pieces = read_range(self.descriptor, [*below, entry], entry.generation, low, high)
                fits = b"".join(pieces) == given
            except DamagedArchive:
                covered = high - low == whole[entry.position]
                fits = covered and hashlib.sha256(given).digest() == entry.sha256
            if not fits:
                return False
        return True

    def patch(
        self, generation: int, frame: Frame, raw: bytes, packed: int, known: dict[int, bytes]
    ) -> Patch | None:
        """The frame as a patch of what is there, if it saves much of `packed` bytes."""
        base = base_for(self.entries, generation, frame.offset, len(raw))
        if base is None:
            return None
        return patched(self.descriptor, self.entries, base, frame, raw, packed, known)

    @property
    def entries(self) -> list[Entry]:
        """Its frames, looked up when they are first asked for."""
        if self._entries is None:
            self._take(scan_open(self.descriptor))
        return self._entries or []

    @property
    def takes_patches(self) -> bool:
        """Whether its version has patches."""
        return bool(self.entries) and self._version >= PATCHES

    def _take(self, found: Scan) -> None:
        self._entries = list(found.entries)
        self._version = found.version
        self._ends_damaged = bool(found.damaged) and found.damaged[-1][1] == found.size

    def write(
        self,
        source: Source,
        state: Archived,
        generation: int,
        frame: Frame,
        base: Base | None = None,
    ) -> Archived:
        """Writes a frame, or with a `base` a patch, at the end of the file."""
        if generation > state.generation and frame.offset:
            self._fence(source)
        head = frame_header(
            source, generation, frame.offset, frame.length, len(frame.data), frame.sha256, base
        )
        position = self.size + len(head)
        self._write(head + frame.data)
        if self._entries is not None:
            self._entries.append(
                Entry(
                    position,
                    generation,
                    frame.offset,
                    frame.length,
                    len(frame.data),
                    frame.sha256,
                    base,
                )
            )
        length = frame.offset + frame.length
        if generation == state.generation:
            length = max(length, state.length)
        self._state = Archived(generation, length, self.size, state.frames + 1)
        return self._state

    def _fence(self, source: Source) -> None:
        """Where the end of the file is damaged: a frame without bytes, which cuts nothing. The
        generation that begins after it has lost no frame there (see `frames.scan`).
        """
        known = self.entries
        if not (self._ends_damaged and known):
            return
        generation = max(entry.generation for entry in known)
        frame = make_frame(extent(known, generation), b"")
        head = frame_header(source, generation, frame.offset, 0, len(frame.data), frame.sha256)
        position = self.size + len(head)
        self._write(head + frame.data)
        self._ends_damaged = False
        known.append(Entry(position, generation, frame.offset, 0, len(frame.data), frame.sha256))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            count = os.pwrite(self.descriptor, view, self.size)
            self.size += count
            view = view[count:]
            self.written = True


def sync_folder(folder: Path) -> None:
    """Puts the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _call(work: Callable[[], None]) -> None:
    work()


def _appended(file: _File, source: Source, state: Archived, frame: Frame) -> Archived:
    """What `Appending.append` does, with one frame as it is."""
    if frame.offset > state.length:
        return state
    if frame.offset == state.length:
        return _following(file, source, state, frame)
    return _overlapping(file, source, state, frame)


def _overlapping(file: _File, source: Source, state: Archived, frame: Frame) -> Archived:
    """Archives what of a frame is new, its beginning being archived already, or seeming to be."""
    raw = decompress(frame.data, frame.length)
    known = min(frame.offset + frame.length, state.length)
    undone: dict[int, bytes] = {}
    try:
        stored = file.bytes_of(state.generation, frame.offset, known, undone)
    except DamagedArchive:
        if file.fits(state.generation, frame.offset, raw[: known - frame.offset]):
            return file.write(source, state, state.generation, frame)  # mends what is damaged
        return file.write(source, state, state.generation + 1, frame)
    same = _common(stored, raw)
    if same == len(raw):
        return state
    if same == len(stored):
        rest = make_frame(frame.offset + same, raw[same:])
        return file.write(source, state, state.generation, rest)
    return _rewritten(file, source, state, frame, raw, same, undone)


def _rewritten(
    file: _File,
    source: Source,
    state: Archived,
    frame: Frame,
    raw: bytes,
    same: int,
    known: dict[int, bytes],
) -> Archived:
    """Archives a frame that differs from its `same`-th byte on from what is there."""
    generation = state.generation + 1
    rest = raw[same:]
    if len(rest) >= LEAST_BYTES and file.takes_patches:
        packed = len(frame.data) * len(rest) // len(raw)
        patch = file.patch(generation, frame, raw, packed, known)
        if patch is not None:
            return file.write(source, state, generation, patch.frame, patch.base)
        if 2 * same < len(raw):
            return file.write(source, state, generation, frame)  # to be read by itself alone
    return file.write(source, state, generation, make_frame(frame.offset + same, rest))


def _following(file: _File, source: Source, state: Archived, frame: Frame) -> Archived:
    """Archives a frame that goes on where what is there ends.

    Large ones of a later generation mostly follow one that was rewritten: the same was there.
    """
    if state.generation > 1 and frame.length >= _LARGE_BYTES and file.takes_patches:
        raw = decompress(frame.data, frame.length)
        patch = file.patch(state.generation, frame, raw, len(frame.data), {})
        if patch is not None:
            return file.write(source, state, state.generation, patch.frame, patch.base)
    return file.write(source, state, state.generation, frame)


def _common(first: bytes, second: bytes) -> int:
    """How many bytes two strings begin with in common."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def make_frame(offset: int, raw: bytes) -> Frame:
    """The frame of raw bytes that begin at a logical offset."""
    data = zstandard.ZstdCompressor(level=LEVEL).compress(raw)
    return Frame(offset, len(raw), hashlib.sha256(raw).digest(), data)
