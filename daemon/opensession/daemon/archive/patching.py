"""Frames of a generation that differs little from the one before, as patches of that.

A file that its agent rewrites whole would else be stored anew with each change of a counter at its
head. A patch is zstd with the older bytes as its dictionary, which have to be had first to undo it;
so after some patches a generation is stored whole again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import zstandard

from opensession.daemon.archive.frames import Base, DamagedArchive, Entry, extent, layout
from opensession.daemon.archive.reading import dictionary, read_range
from opensession.daemon.batch import Frame

LEVEL = 3

MOST_PATCHES = 32
"""So many patches may have to be undone one after another."""

MOST_UNDONE = 256 << 20
"""Raw bytes that undoing them may take altogether."""

BASE_BYTES = 64 << 20
"""Older bytes that a patch may refer to at most."""

AROUND = 1 << 20
"""How far what is the same may have been moved, in raw bytes."""

LEAST_BYTES = 4 << 10
"""A frame of fewer raw bytes is not worth a patch."""

_WORTH = 0.8


class Patch(msgspec.Struct, frozen=True):
    """A frame whose `data` is a patch of `base`."""

    frame: Frame
    base: Base


def base_for(entries: Sequence[Entry], generation: int, offset: int, length: int) -> Base | None:
    """What of the generation before `generation` bytes from `offset` on may be a patch of; None if
    there is nothing, or if too much would have to be undone for it.

    Among patches it is one alone: were it several, each of several again, nobody could undo it.
    """
    start, end = max(0, offset - AROUND), offset + length + AROUND
    near = [
        entry
        for entry in layout(entries, generation - 1)
        if entry.end > start and entry.offset < end
    ]
    depth = 1
    if any(entry.base is not None for entry in near):
        nearest = max(near, key=lambda e: min(e.end, offset + length) - max(e.offset, offset))
        start, end = nearest.offset, nearest.end
        depth += nearest.base.depth if nearest.base is not None else 0
    end = min(end, extent(entries, generation - 1), start + BASE_BYTES)
    if (
        generation < 2
        or end <= start
        or depth > MOST_PATCHES
        or depth * (end - start) > MOST_UNDONE
    ):
        return None
    return Base(generation - 1, start, end - start, depth)


def patched(
    descriptor: int,
    entries: Sequence[Entry],
    base: Base,
    frame: Frame,
    raw: bytes,
    packed: int,
    known: dict[int, bytes],
) -> Patch | None:
    """The frame of `raw` bytes as a patch; None where that saves little of `packed` bytes, or where
    the older bytes are damaged. For `known` see `read_range`.
    """
    end = base.offset + base.length
    try:
        pieces = read_range(descriptor, entries, base.generation, base.offset, end, known)
        older = b"".join(pieces)
    except DamagedArchive:
        return None
    return patch_of(older, base, frame, raw, packed)


def patch_of(older: bytes, base: Base, frame: Frame, raw: bytes, packed: int) -> Patch | None:
    """As `patched`, with the older bytes at hand."""
    window = max(10, min(27, (len(older) + len(raw)).bit_length()))
    parameters = zstandard.ZstdCompressionParameters.from_level(
        LEVEL,
        window_log=window,
        hash_log=max(17, len(older).bit_length() - 3),  # zstd takes 8 bytes for each of its places
        source_size=len(raw),
        dict_size=len(older),
    )
    compressor = zstandard.ZstdCompressor(
        dict_data=dictionary(older), compression_params=parameters
    )
    data = compressor.compress(raw)
    if len(data) >= packed * _WORTH:
        return None
    return Patch(msgspec.structs.replace(frame, data=data), base)
