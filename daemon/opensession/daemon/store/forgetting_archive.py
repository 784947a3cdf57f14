"""Taking forgotten sessions out of the archive; what is taken away is overwritten."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from opensession.daemon.archive import (
    Appending,
    Archived,
    DamagedArchive,
    file_for,
    make_frame,
)
from opensession.daemon.archive.append import sync_folder
from opensession.daemon.archive.frames import layout, scan_open
from opensession.daemon.archive.reading import read_around
from opensession.daemon.archive.torn import line_by_line
from opensession.daemon.hidden import blank_lines, blank_own_lines
from opensession.daemon.store.sources import SourceRow

_CHUNK_BYTES = 4 << 20


def names_one(archive_dir: Path, row: SourceRow, marks: Collection[bytes]) -> bool:
    """Reports whether a path or the archived bytes name a session."""
    if any(mark in os.fsencode(row.path) for mark in marks):
        return True
    end = b""
    with contextlib.suppress(FileNotFoundError), _opened(archive_dir, row) as descriptor:
        found = scan_open(descriptor)
        for _, piece in read_around(descriptor, found.entries, found.generation):
            if any(mark in end + piece for mark in marks):
                return True
            end = piece[-max(map(len, marks)) :]
    return False


def remove_archive(archive_dir: Path, row: SourceRow, *, overwrite: bool = True) -> None:
    """Removes the archive file of a source. To `overwrite` its bytes first makes no difference
    where a disk or file system writes elsewhere what is written again.
    """
    file = file_for(archive_dir, row.agent, row.path)
    with contextlib.suppress(FileNotFoundError):
        if overwrite:
            with contextlib.suppress(OSError), _opened(archive_dir, row, os.O_RDWR) as descriptor:
                if os.fstat(descriptor).st_nlink == 1:  # else another name of it is not ours
                    _overwrite(descriptor)
        file.unlink()
        sync_folder(file.parent)


class Blanked(msgspec.Struct, frozen=True):
    """The state of an archive file that was written anew. `lost` bytes of its newest generation
    were damaged before.
    """

    archived: Archived
    lost: int = 0


def blank_archive(
    archive_dir: Path, row: SourceRow, ids: Collection[str], *, own: bool = False
) -> Blanked | None:
    """Writes the archive of a database anew, without the rows that name these sessions; None if
    there is none. The old file is replaced in one step, and its bytes are overwritten.

    What cannot be read may name them, so it becomes spaces too. With `own` only rows that are of
    these sessions do, and `DamagedArchive` is raised where some cannot be read.
    """
    file = file_for(archive_dir, row.agent, row.path)
    if not file.exists():
        return None
    with (
        tempfile.TemporaryDirectory(dir=archive_dir, prefix=".forgetting-") as folder,
        _opened(archive_dir, row, os.O_RDWR) as descriptor,
    ):
        place = Path(folder)
        found = scan_open(descriptor)
        state = Archived()
        lost = 0
        with Appending(place) as appending:
            for generation in sorted({entry.generation for entry in found.entries}):
                offset = lost = 0
                pieces = read_around(descriptor, found.entries, generation)
                for chunk, missing in line_by_line(pieces):
                    if own and missing:
                        raise DamagedArchive("rows of other sessions may be among what is damaged")
                    clean = (
                        blank_own_lines(chunk, row.agent, ids) if own else blank_lines(chunk, ids)
                    )
                    state = appending.append(row.source, state, make_frame(offset, clean))
                    offset += len(clean)
                    lost += missing
                if offset < state.length:
                    state = appending.cut(row.source, state, offset)
                lost += max((e.end for e in layout(found.entries, generation)), default=0) - offset
                if own and lost:
                    raise DamagedArchive("its end cannot be read")
            appending.sync()
        made = file_for(place, row.agent, row.path)
        if made.exists():
            made.replace(file)
        else:
            file.unlink()
        sync_folder(file.parent)
        if os.fstat(descriptor).st_nlink == 0:
            with contextlib.suppress(OSError):
                _overwrite(descriptor)
    return Blanked(state, lost)


def left_over(archive_dir: Path) -> None:
    """Removes what a crash left of an archive that was being written anew."""
    for folder in archive_dir.glob(".forgetting-*"):
        for path, folders, files in os.walk(folder, topdown=False):
            for name in files:
                Path(path, name).unlink(missing_ok=True)
            for name in folders:
                Path(path, name).rmdir()
        folder.rmdir()


@contextlib.contextmanager
def _opened(archive_dir: Path, row: SourceRow, how: int = os.O_RDONLY) -> Iterator[int]:
    """The archive file of a source."""
    path = file_for(archive_dir, row.agent, row.path)
    descriptor = os.open(path, how | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _overwrite(descriptor: int) -> None:
    """Zeros in the place of all bytes of a file; on the disk when this returns."""
    size = os.fstat(descriptor).st_size
    zeros = memoryview(bytes(min(size, _CHUNK_BYTES)))
    at = 0
    while at < size:
        at += os.pwrite(descriptor, zeros[: size - at], at)
    os.fsync(descriptor)
