"""Overwriting a value in an archive file: every other byte stays as it is.

The file is written anew beside the old one, read back and compared, and takes its name in one step,
so that a crash leaves either the one or the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from opensession.daemon.archive.append import Archived, make_frame, sync_folder
from opensession.daemon.archive.frames import (
    HEAD_BYTES,
    PATCH_HEAD_BYTES,
    DamagedArchive,
    Entry,
    extent,
    frame_header,
    header,
    open_file,
    scan_open,
)
from opensession.daemon.archive.merging import MERGED_BYTES, digest, stretches, write_file
from opensession.daemon.archive.patching import base_for, patch_of
from opensession.daemon.archive.reading import read, read_range
from opensession.daemon.archive.space import DiskFull, is_full
from opensession.daemon.masking import Needles, Span, overlaid
from opensession.parsers.agent import Source


class Scrubbed(msgspec.Struct, frozen=True):
    """The file's state, and how often the value stood in it, in all generations together."""

    archived: Archived
    occurrences: int


def scrub(path: Path, source: Source, needles: Needles) -> Scrubbed | None:
    """Overwrites a value in the file of `source`; None, and no change, where it does not stand.

    Raises `DamagedArchive` for a file that is not whole: what is left of it is better not touched;
    `DiskFull` or OSError.
    """
    descriptor = open_file(path)
    temporary = path.with_name(f"{path.name}.scrubbing")
    try:
        found = scan_open(descriptor)
        if found.identity is None or found.damaged or found.end != found.size:
            raise DamagedArchive(f"{path.name} is not whole")
        masks, occurrences = _masks(descriptor, found.entries, needles)
        if not occurrences:
            return None
        temporary.unlink(missing_ok=True)
        write_file(temporary, source, _frames(descriptor, source, found.entries, masks))
        _verify(descriptor, found.entries, masks, temporary, needles)
        temporary.rename(path)
        sync_folder(path.parent)
        length = extent(found.entries, found.generation)
        return Scrubbed(Archived(found.generation, length, path.stat().st_size, 0), occurrences)
    except OSError as error:
        if is_full(error):
            raise DiskFull(str(error.strerror)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)


_Masks = dict[int, list[Span]]
"""What is laid over the bytes of each generation, those that it has of earlier ones included."""


def _masks(descriptor: int, entries: list[Entry], needles: Needles) -> tuple[_Masks, int]:
    """A value that goes over the end of what a generation has of the one before is overwritten in
    both.
    """
    generations = sorted({entry.generation for entry in entries})
    lowest = {
        number: min(entry.offset for entry in entries if entry.generation == number)
        for number in generations
    }
    own: _Masks = {number: [] for number in generations}
    occurrences = 0
    known: dict[int, bytes] = {}
    for place, number in enumerate(generations):
        end = extent(entries, number)
        pieces = read_range(descriptor, entries, number, 0, end, known)
        for span in needles.spans_of(pieces):
            counted = span.end > lowest[number] or place == 0
            occurrences += counted
            limit = span.end
            for lower in reversed(generations[: place + 1]):
                start = max(span.start, lowest[lower])
                if start < limit:
                    own[lower].append(Span(start, limit, span.mask))
                    limit = start
                if limit <= span.start:
                    break
    whole: _Masks = {}
    below: list[Span] = []
    for number in generations:
        cut = lowest[number]
        kept = [span._replace(end=min(span.end, cut)) for span in below if span.start < cut]
        below = whole[number] = sorted({*kept, *own[number]})
    return whole, occurrences


def _frames(
    descriptor: int, source: Source, entries: list[Entry], masks: _Masks
) -> Iterator[bytes]:
    """The frames with their headers, as merging makes them, of the overwritten bytes."""
    at = len(header(source))
    written: list[Entry] = []
    known: dict[int, bytes] = {}

    def raw_of(number: int, start: int, end: int) -> bytes:
        pieces = read_range(descriptor, entries, number, start, end, known)
        return overlaid(b"".join(pieces), start, masks[number])

    for number in sorted(masks):
        for start, end in stretches(entries, number):
            for low in range(start, max(end, start + 1), MERGED_BYTES):
                raw = raw_of(number, low, min(low + MERGED_BYTES, end))
                frame = make_frame(low, raw)
                base = base_for(written, number, low, len(raw))
                if base is not None:
                    older = raw_of(base.generation, base.offset, base.offset + base.length)
                    patch = patch_of(older, base, frame, raw, len(frame.data))
                    frame, base = (patch.frame, patch.base) if patch is not None else (frame, None)
                packed = len(frame.data)
                yield frame_header(source, number, low, len(raw), packed, frame.sha256, base)
                yield frame.data
                at += HEAD_BYTES if base is None else PATCH_HEAD_BYTES
                written.append(Entry(at, number, low, len(raw), packed, frame.sha256, base))
                at += packed


def _verify(
    descriptor: int, entries: list[Entry], masks: _Masks, made: Path, needles: Needles
) -> None:
    """Raises `DamagedArchive` unless the new file has every byte but the value's, and not that."""
    known: dict[int, bytes] = {}
    for number, spans in masks.items():
        length = extent(entries, number)
        before = _overlaid(read_range(descriptor, entries, number, 0, length, known), spans)
        if digest(before) != digest(read(made, number)):
            raise DamagedArchive("overwriting did not give the same bytes")
        if needles.spans_of(read(made, number)):
            raise DamagedArchive("the value is still there")


def _overlaid(pieces: Iterator[bytes], spans: list[Span]) -> Iterator[bytes]:
    at = 0
    for piece in pieces:
        yield overlaid(piece, at, spans)
        at += len(piece)
