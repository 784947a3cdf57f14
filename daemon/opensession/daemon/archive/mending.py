"""Writing damaged frames of a file once more, from other generations that hold the same bytes.

A source that is read again after a damage begins a generation where it cannot be told whether it is
what it was. Once that is written, the hashes of the damaged frames tell.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from opensession.daemon.archive.append import make_frame
from opensession.daemon.archive.frames import (
    DamagedArchive,
    Entry,
    frame_header,
    scan_open,
)
from opensession.daemon.archive.reading import not_intact, read_range
from opensession.daemon.archive.space import DiskFull, is_full
from opensession.parsers.agent import Source


def mend(path: Path, source: Source) -> int:
    """Appends the frames of a file that are damaged and stand elsewhere in it; how many these are.

    Raises `DiskFull` or OSError; what was written by then is of use, or a tail to be dropped.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = scan_open(descriptor)
        if found.identity is None or found.end != found.size:
            return 0
        at, count = found.end, 0
        for entry in not_intact(descriptor, found.entries):
            raw = bytes_of(descriptor, found.entries, entry, but=entry.generation)
            if raw is None:
                continue
            frame = make_frame(entry.offset, raw)
            head = frame_header(
                source, entry.generation, entry.offset, len(raw), len(frame.data), entry.sha256
            )
            view = memoryview(head + frame.data)
            while view:
                written = os.pwrite(descriptor, view, at)
                at, view = at + written, view[written:]
            count += 1
        if count:
            os.fsync(descriptor)
        return count
    except OSError as error:
        if is_full(error):
            raise DiskFull(str(error.strerror)) from error
        raise
    finally:
        os.close(descriptor)


def bytes_of(
    descriptor: int, entries: Sequence[Entry], entry: Entry, *, but: int | None = None
) -> bytes | None:
    """The bytes that a frame held, told by their hash, from whichever generation has them (but
    one); None if none does.
    """
    for generation in sorted({each.generation for each in entries} - {but}, reverse=True):
        try:
            pieces = read_range(descriptor, entries, generation, entry.offset, entry.end)
            raw = b"".join(pieces)
        except DamagedArchive:
            continue
        if hashlib.sha256(raw).digest() == entry.sha256:
            return raw
    return None
