"""Merging the small frames of a file into large ones, once its session is quiet.

A frame per append compresses badly (a third of the source, a tenth when merged). The merged file is
written beside the old one, read back and compared, and takes its name in one step: a crash leaves
either the one or the other.
"""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from opensession.daemon.archive.append import Archived, make_frame, sync_folder
from opensession.daemon.archive.frames import (
    HEAD_BYTES,
    DamagedArchive,
    Entry,
    Scan,
    extent,
    frame_header,
    header,
    scan_open,
)
from opensession.daemon.archive.reading import read, read_range
from opensession.daemon.archive.space import DiskFull, is_full
from opensession.parsers.agent import Source

MERGED_BYTES = 8 << 20
"""Raw bytes of a merged frame."""

SMALL_BYTES = 1 << 20
"""Raw bytes from which on a frame compresses as well as a merged one."""

MERGED_RATIO = 0.12
"""What merged frames take of their raw bytes, as measured on real transcripts."""

LEAST_WASTE = 0.05
"""The share of a file that is to be gained before it is rewritten."""


def merge(path: Path, source: Source) -> Archived | None:
    """Rewrites the file of `source` with few, large frames; returns its state, frames as 0.

    Returns None, leaving the file as it is, where nothing would be gained or where the file is
    damaged (what is left of it is then better not touched). Raises `DiskFull` or OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    temporary = path.with_name(f"{path.name}.merging")
    try:
        found = scan_open(descriptor)
        whole = found.identity is not None and not found.damaged and found.end == found.size
        if not whole or not _is_worthwhile(found):
            return None
        temporary.unlink(missing_ok=True)
        _write(temporary, source, _merged(descriptor, source, found.entries))
        for generation in {entry.generation for entry in found.entries}:
            length = extent(found.entries, generation)
            before = read_range(descriptor, found.entries, generation, 0, length)
            if _digest(before) != _digest(read(temporary, generation)):
                raise DamagedArchive("merging did not give the same bytes")
        temporary.rename(path)
        sync_folder(path.parent)
        return Archived(
            found.generation, extent(found.entries, found.generation), path.stat().st_size, 0
        )
    except DamagedArchive:
        temporary.unlink(missing_ok=True)
        return None
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if is_full(error):
            raise DiskFull(str(error.strerror)) from error
        raise
    finally:
        os.close(descriptor)


def _is_worthwhile(found: Scan) -> bool:
    """Reports whether small frames that have a neighbour waste a share of the file worth a rewrite.

    By the share the work stays in proportion to what was appended, however large the file is.
    """
    waste = 0
    for before, entry in itertools.pairwise(found.entries):
        if before.generation == entry.generation and min(before.length, entry.length) < SMALL_BYTES:
            waste += HEAD_BYTES + max(entry.packed - int(entry.length * MERGED_RATIO), 0)
    return waste > found.size * LEAST_WASTE


def _merged(descriptor: int, source: Source, entries: list[Entry]) -> Iterator[bytes]:
    """The merged frames, each with its header, generation by generation."""
    for generation in sorted({entry.generation for entry in entries}):
        for start, end in _stretches(entries, generation):
            position = start
            while position < end or position == start == end:
                stop = min(position + MERGED_BYTES, end)
                raw = b"".join(read_range(descriptor, entries, generation, position, stop))
                frame = make_frame(position, raw)
                yield frame_header(
                    source, generation, position, frame.length, len(frame.data), frame.sha256
                )
                yield frame.data
                position = stop
                if start == end:
                    break


def _stretches(entries: list[Entry], generation: int) -> list[tuple[int, int]]:
    """What a generation's own frames cover, without gaps and overlaps."""
    found: list[tuple[int, int]] = []
    own = sorted((e.offset, e.end) for e in entries if e.generation == generation)
    for start, end in own:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _write(path: Path, source: Source, pieces: Iterable[bytes]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as out:
        out.write(header(source))
        for piece in pieces:
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()
