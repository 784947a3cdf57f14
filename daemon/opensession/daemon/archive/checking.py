"""Which bytes of an archive file cannot be had any more, and where they stood in it.

A frame that is damaged does no harm once a later one holds the same bytes; so what counts is what
no intact frame has.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from opensession.daemon.archive.frames import (
    DamagedArchive,
    Entry,
    NewerArchive,
    Scan,
    extent,
    open_file,
    scan_open,
)
from opensession.daemon.archive.reading import not_intact, read_around, read_range

FRAME = "its bytes are not what was written"
STRETCH = "no frame can be recognised there"
HEADER = "it does not say any more whose it is"
SHORT = "it holds less than was archived"
MISSING = "the file is not there"
UNREADABLE = "it cannot be read"


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes `first` to `last` (exclusive) of a file. They held `offset` to `end` of `generation`;
    None where that cannot be told.
    """

    first: int
    last: int
    reason: str
    generation: int | None = None
    offset: int | None = None
    end: int | None = None


class Looked(msgspec.Struct, frozen=True):
    """What came of looking through a file of `size` bytes. `spent` says that all bytes are there
    beside the damage, so that writing it anew makes it clean. `lost` are the bytes that were known
    to be archived and cannot be had.
    """

    size: int
    broken: list[Broken]
    spent: bool = False
    lost: int = 0


def look_through(path: Path, generation: int = 0, length: int = 0) -> Looked:
    """Reads every frame of a file. `length` bytes of `generation` are known to have been archived
    (0: nothing is known). Never raises for what the file holds.
    """
    try:
        descriptor = open_file(path)
    except FileNotFoundError:
        end = length or None
        gone = Broken(
            first=0, last=0, reason=MISSING, generation=generation or None, offset=0, end=end
        )
        return Looked(0, [gone], lost=length)
    except OSError as error:
        return Looked(0, [_unreadable(error)])
    try:
        return _looked(descriptor, generation, length)
    except OSError as error:
        return Looked(0, [_unreadable(error)])
    finally:
        os.close(descriptor)


def _looked(descriptor: int, generation: int, length: int) -> Looked:
    try:
        found = scan_open(descriptor)
    except NewerArchive as error:
        return Looked(0, [Broken(first=0, last=0, reason=str(error))])
    damaged = not_intact(descriptor, found.entries)
    broken = [
        Broken(
            first=entry.position,
            last=entry.position + entry.packed,
            reason=FRAME,
            generation=entry.generation,
            offset=entry.offset,
            end=entry.end,
        )
        for entry in damaged
        if not _is_held(descriptor, found, entry.generation, entry.offset, entry.end)
    ]
    if found.damaged and not _is_complete(descriptor, found, generation, length):
        broken += [
            Broken(first=start, last=stop, reason=STRETCH)
            for start, stop in found.damaged
            if start or found.identity is not None
        ]
    held = extent(found.entries, generation) if generation else 0
    if generation and held < length and not broken:
        short = Broken(
            first=found.end,
            last=found.end,
            reason=SHORT,
            generation=generation,
            offset=held,
            end=length,
        )
        broken.append(short)
    spent = bool(damaged or found.damaged) and not broken
    if found.identity is None:
        stop = found.damaged[0][1] if found.damaged else found.size
        broken.insert(0, Broken(first=0, last=stop, reason=HEADER))
    lost = _lost(descriptor, found, generation, length) if broken and generation else 0
    return Looked(found.size, broken, spent, lost)


def _lost(descriptor: int, found: Scan, generation: int, length: int) -> int:
    own = [entry for entry in found.entries if entry.generation <= generation]
    held = 0
    for start, piece in read_around(descriptor, own, generation):
        held += max(min(start + len(piece), length) - start, 0)
    return length - held


def _is_complete(descriptor: int, found: Scan, generation: int, length: int) -> bool:
    """Whether nothing is missing although a stretch of the file is lost: of a file with several
    generations nobody can tell, nor of one of which a later one alone is left.
    """
    if not length or generation > 1 or {entry.generation for entry in found.entries} != {1}:
        return False
    return _is_held(descriptor, found, generation, 0, length)


def _is_held(descriptor: int, found: Scan, generation: int, start: int, end: int) -> bool:
    """Whether an intact copy of bytes can be had."""
    own: list[Entry] = [entry for entry in found.entries if entry.generation <= generation]
    try:
        for _ in read_range(descriptor, own, generation, start, end):
            pass
    except DamagedArchive:
        return False
    return True


def _unreadable(error: OSError) -> Broken:
    return Broken(first=0, last=0, reason=f"{UNREADABLE}: {error.strerror}")
