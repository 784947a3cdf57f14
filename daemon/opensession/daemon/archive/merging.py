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
    PATCH_HEAD_BYTES,
    DamagedArchive,
    Entry,
    Scan,
    extent,
    frame_header,
    header,
    open_file,
    scan_open,
)
from opensession.daemon.archive.patching import base_for, patched
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


def merge(path: Path, source: Source, *, mended: bool = False) -> Archived | None:
    """Rewrites the file of `source` with few, large frames; returns its state, frames as 0.

    Returns None, leaving the file as it is, where nothing would be gained or where the file is
    damaged (what is left of it is then better not touched). A file that was `mended`, so that all
    of its bytes can be read once more, is rewritten without what is damaged in it. Raises
    `DiskFull` or OSError.
    """
    descriptor = open_file(path)
    temporary = path.with_name(f"{path.name}.merging")
    try:
        found = scan_open(descriptor)
        whole = found.identity is not None and not found.damaged and found.end == found.size
        if not mended and not (whole and _is_worthwhile(found)):
            return None
        temporary.unlink(missing_ok=True)
        write_file(temporary, source, _merged(descriptor, source, found.entries))
        known: dict[int, bytes] = {}
        for generation in sorted({entry.generation for entry in found.entries}):
            length = extent(found.entries, generation)
            before = read_range(descriptor, found.entries, generation, 0, length, known)
            if digest(before) != digest(read(temporary, generation)):
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
    """The merged frames, each with its header, generation by generation.

    What a later generation has of an earlier one is a patch here too.
    """
    at = len(header(source))
    written: list[Entry] = []
    known: dict[int, bytes] = {}
    for generation in sorted({entry.generation for entry in entries}):
        for start, end in stretches(entries, generation):
            position = start
            while position < end or position == start == end:
                stop = min(position + MERGED_BYTES, end)
                pieces = read_range(descriptor, entries, generation, position, stop, known)
                raw = b"".join(pieces)
                frame = make_frame(position, raw)
                packed = len(frame.data)
                base = base_for(written, generation, position, len(raw))
                if base is not None:
                    patch = patched(descriptor, entries, base, frame, raw, packed, known)
                    frame, base = (patch.frame, patch.base) if patch is not None else (frame, None)
                    packed = len(frame.data)
                yield frame_header(
                    source, generation, position, frame.length, packed, frame.sha256, base
                )
                yield frame.data
                at += HEAD_BYTES if base is None else PATCH_HEAD_BYTES
                written.append(
                    Entry(at, generation, position, len(raw), packed, frame.sha256, base)
                )
                at += packed
                position = stop
                if start == end:
                    break


def stretches(entries: list[Entry], generation: int) -> list[tuple[int, int]]:
    """What a generation's own frames cover, without gaps and overlaps."""
    found: list[tuple[int, int]] = []
    own = sorted((e.offset, e.end) for e in entries if e.generation == generation)
    for start, end in own:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def write_file(path: Path, source: Source, pieces: Iterable[bytes]) -> None:
    """Makes an archive file of frames with their headers; it is on the disk when this returns."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as out:
        out.write(header(source))
        for piece in pieces:
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def digest(pieces: Iterable[bytes]) -> bytes:
    """A hash of bytes that come in pieces."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()
