"""The format of an archive file, and finding one's way in it.

One file per source, `archive/<2 hex>/<38 hex>.zst`, named by a hash of agent and path. The whole
file is a valid zstd stream; what we add stands in skippable frames:

    skippable  "OPENSESS", version byte, sealed byte, identity (agent, root, path), crc32
    skippable  "OSFR", generation, source hash, offset, length, packed, sha256, crc32
    zstd       `length` raw bytes of the source, from logical offset `offset` on, `packed` bytes
    …          the last two again for every frame

Where a generation differs little from the one before, it has patches, which zstd alone skips:

    skippable  "OSPT", as "OSFR" up to sha256, base generation, depth, base offset and length, crc32
    skippable  zstd, `packed` bytes, with that stretch of the base generation as its dictionary

`depth` is how many patches have to be undone one after another to have the bytes. Files of version
1, which have no patches, are read as they are and get none.

A generation is one state of the source's bytes. It consists of its frames and, below the lowest
offset among them, of the generation before; so a source that was rewritten from some byte on costs
only the bytes from there. A frame of length 0 says that the source was cut at its offset. Where
frames of a generation overlap they hold the same bytes; a later one then mends a damaged one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from opensession.core.errors import Refused
from opensession.parsers.agent import Source

VERSION = 2
PATCHES = 2
"""The first version with patches."""

_SKIPPABLE = struct.Struct("<II")
_HEADER_MAGIC = 0x184D2A5D
_FRAME_MAGIC = 0x184D2A5E
_BODY_MAGIC = 0x184D2A5C
_NAME = b"OPENSESS"
_FRAME = struct.Struct("<4sI8sQQQ32s")
_FRAME_NAME = b"OSFR"
_PATCH = struct.Struct("<4sI8sQQQ32sIIQQ")
_PATCH_NAME = b"OSPT"
_CRC = struct.Struct("<I")
_FRAME_SIZE = _FRAME.size + _CRC.size
HEAD_BYTES = _SKIPPABLE.size + _FRAME_SIZE
"""Bytes that stand before each zstd frame."""

_PATCH_SIZE = _PATCH.size + _CRC.size
PATCH_HEAD_BYTES = 2 * _SKIPPABLE.size + _PATCH_SIZE
"""Bytes that stand before each patch."""

_FRAME_START = _SKIPPABLE.pack(_FRAME_MAGIC, _FRAME_SIZE) + _FRAME_NAME
_PATCH_START = _SKIPPABLE.pack(_FRAME_MAGIC, _PATCH_SIZE) + _PATCH_NAME
_START = re.compile(b"|".join(re.escape(start) for start in (_FRAME_START, _PATCH_START)))
_MAX_IDENTITY = 1 << 20
_SEARCH_BLOCK = 1 << 20


class NewerArchive(Refused):
    """The archive was written by a newer OpenSession; it was not touched."""


class DamagedArchive(Exception):
    """Bytes of an archive file are not what was written. The message names file and position."""


class Identity(msgspec.Struct, frozen=True):
    """Which source an archive file is of."""

    agent: str
    root: str
    path: str


class Base(msgspec.Struct, frozen=True, gc=False):
    """What a patch is a patch of: bytes of an earlier generation.

    `depth` counts the patches to undo for what the patch holds, itself included.
    """

    generation: int
    offset: int
    length: int
    depth: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One zstd frame: `packed` bytes at `position` of the file hold the raw bytes from `offset`.

    With a `base` it is a patch.
    """

    position: int
    generation: int
    offset: int
    length: int
    packed: int
    sha256: bytes
    base: Base | None = None

    @property
    def end(self) -> int:
        """The logical offset after it."""
        return self.offset + self.length


class Scan(msgspec.Struct, frozen=True):
    """What a file holds. A torn tail begins at `end` (`end < size`): the rest of an append that did
    not complete. `damaged` are the stretches (from, to) of the file that are no frames of ours.
    """

    identity: Identity | None
    entries: list[Entry]
    end: int
    size: int
    damaged: list[tuple[int, int]]
    version: int = VERSION

    @property
    def generation(self) -> int:
        """The latest generation; 0 for an empty archive."""
        return max((entry.generation for entry in self.entries), default=0)


def file_for(archive_dir: Path, agent: str, path: str) -> Path:
    """Where the bytes of a source are archived."""
    digest = source_hash(agent, path).hex()
    return archive_dir / digest[:2] / f"{digest[2:40]}.zst"


def source_hash(agent: str, path: str) -> bytes:
    """32 bytes that name a source."""
    return hashlib.sha256(f"{agent}\0{path}".encode(errors="surrogateescape")).digest()


def header(source: Source) -> bytes:
    """The beginning of a new archive file."""
    identity = msgspec.msgpack.encode(
        [_storable(value) for value in (source.agent, source.root, source.path)]
    )
    content = _NAME + bytes((VERSION, 0)) + identity
    content += _CRC.pack(zlib.crc32(content))
    return _SKIPPABLE.pack(_HEADER_MAGIC, len(content)) + content


def frame_header(
    source: Source,
    generation: int,
    offset: int,
    length: int,
    packed: int,
    sha256: bytes,
    base: Base | None = None,
) -> bytes:
    """What stands before a zstd frame, or (`base`) before a patch."""
    key = source_hash(source.agent, source.path)[:8]
    shared = (generation, key, offset, length, packed, sha256)
    if base is None:
        content = _FRAME.pack(_FRAME_NAME, *shared)
        return _SKIPPABLE.pack(_FRAME_MAGIC, _FRAME_SIZE) + _checked(content)
    content = _PATCH.pack(
        _PATCH_NAME, *shared, base.generation, base.depth, base.offset, base.length
    )
    head = _SKIPPABLE.pack(_FRAME_MAGIC, _PATCH_SIZE) + _checked(content)
    return head + _SKIPPABLE.pack(_BODY_MAGIC, packed)


def _checked(content: bytes) -> bytes:
    return content + _CRC.pack(zlib.crc32(content))


def open_file(path: Path, flags: int = os.O_RDONLY) -> int:
    """Opens an archive file, never another one by a link; raises OSError for what is no file."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EISDIR, "no regular file", str(path))


def scan(path: Path) -> Scan:
    """Reads the headers of all frames; the frames themselves are not read.

    Raises FileNotFoundError, or `NewerArchive` for a version this program does not know.
    """
    descriptor = open_file(path)
    try:
        return scan_open(descriptor)
    finally:
        os.close(descriptor)


def scan_open(descriptor: int) -> Scan:
    """`scan` of an open file."""
    size = os.fstat(descriptor).st_size
    identity, position, version = _read_header(descriptor, size)
    entries: list[Entry] = []
    damaged: list[tuple[int, int]] = []
    if identity is None and size:
        torn = _is_torn_header(descriptor, size)
        if torn and _next_frame(descriptor, 0, size) is None:  # else a length that was damaged
            return Scan(None, [], 0, size, [])
        position = 0
    while position < size:
        head = os.pread(descriptor, PATCH_HEAD_BYTES, position)
        entry = _parse(head, position) or _put_right(head, position)
        if entry is not None and entry.position + entry.packed <= size:
            if damaged and damaged[-1][1] == position:
                entries += _lost_before(entries, entry, damaged[-1][0])
            entries.append(entry)
            position = entry.position + entry.packed
            continue
        resumed = _next_frame(descriptor, position + 1, size)
        if resumed is None:
            if entry is None and not _is_torn(descriptor, position, size):
                damaged.append((position, size))
                position = size
            break
        damaged.append((position, resumed))
        position = resumed
    return Scan(identity, entries, position, size, damaged, version)


def _lost_before(entries: Sequence[Entry], entry: Entry, position: int) -> list[Entry]:
    """What may be lost with a stretch before the first frame of a later generation that is left:
    frames of that generation. What lies below it is then not known to be that of the one before.
    """
    known = {each.generation for each in entries}
    if entry.offset == 0 or entry.generation == 1 or entry.generation in known:
        return []
    return [Entry(position, entry.generation, 0, entry.offset, 0, b"")]


def extent(entries: Sequence[Entry], generation: int) -> int:
    """How many bytes from the beginning of a generation the archive holds without a gap."""
    end = 0
    for entry in layout(entries, generation):
        if entry.offset > end:
            break
        end = max(end, entry.end)
    return end


def layout(entries: Sequence[Entry], generation: int) -> list[Entry]:
    """The frames a generation consists of, by offset, those of earlier ones below it included.

    Frames of an earlier generation are cut (their `length`) where the later one begins, so such an
    entry may promise less than its frame holds.
    """
    found: list[Entry] = []
    limit: int | None = None
    by_generation: dict[int, list[Entry]] = {}
    for entry in entries:
        if entry.generation <= generation:
            by_generation.setdefault(entry.generation, []).append(entry)
    for number in sorted(by_generation, reverse=True):
        if limit == 0:
            break
        own = by_generation[number]
        for entry in own:
            if limit is None or entry.end <= limit:
                found.append(entry)
            elif entry.offset < limit:
                shorter = limit - entry.offset
                found.append(msgspec.structs.replace(entry, length=shorter))
        lowest = min(entry.offset for entry in own)
        limit = lowest if limit is None else min(limit, lowest)
    found.sort(key=lambda entry: (entry.offset, entry.position))
    return found


def _storable(value: str) -> str:
    """Paths may hold bytes that are no UTF-8; msgpack holds only text."""
    return os.fsencode(value).decode("utf-8", errors="backslashreplace")


def _read_header(descriptor: int, size: int) -> tuple[Identity | None, int, int]:
    start = os.pread(descriptor, _SKIPPABLE.size, 0)
    if len(start) < _SKIPPABLE.size:
        return None, 0, 1
    magic, length = _SKIPPABLE.unpack(start)
    if magic != _HEADER_MAGIC or not 14 < length <= _MAX_IDENTITY or length + 8 > size:
        return None, 0, 1
    content = os.pread(descriptor, length, _SKIPPABLE.size)
    if not content.startswith(_NAME) or zlib.crc32(content[:-4]) != _CRC.unpack(content[-4:])[0]:
        return None, 0, 1
    if content[8] > VERSION or content[9] != 0:
        raise NewerArchive(
            f"the archive was written by a newer OpenSession (format {content[8]})",
            "update opensession",
        )
    agent, root, path = msgspec.msgpack.decode(content[10:-4], type=tuple[str, str, str])
    return Identity(agent, root, path), _SKIPPABLE.size + length, content[8]


def _is_torn_header(descriptor: int, size: int) -> bool:
    """Reports whether a file is the beginning of a header that was not written whole."""
    start = os.pread(descriptor, _SKIPPABLE.size, 0)
    expected = _SKIPPABLE.pack(_HEADER_MAGIC, 0)[:4]
    if len(start) < _SKIPPABLE.size:
        return expected.startswith(start[:4])
    return start[:4] == expected and size < _SKIPPABLE.size + _SKIPPABLE.unpack(start)[1]


def _parse(head: bytes, position: int) -> Entry | None:
    """The frame whose header begins at `position`, or None for a header that is not intact."""
    if head.startswith(_PATCH_START):
        return _parse_patch(head, position)
    if len(head) < HEAD_BYTES or not head.startswith(_FRAME_START):
        return None
    content = _content(head[:HEAD_BYTES])
    if content is None:
        return None
    _, generation, _, offset, length, packed, sha256 = _FRAME.unpack(content)
    return Entry(position + HEAD_BYTES, generation, offset, length, packed, sha256)


def _put_right(head: bytes, position: int) -> Entry | None:
    """The frame whose header has one bit that is another one: only with the right one the crc32
    fits, and its sha256 tells whether the frame is the one that it speaks of.
    """
    kinds = ((_FRAME_START, HEAD_BYTES), (_PATCH_START, PATCH_HEAD_BYTES))
    for start, length in kinds:
        wrong = int.from_bytes(head[: len(start)], "big") ^ int.from_bytes(start, "big")
        if len(head) < length or wrong.bit_count() > 1:
            continue
        whole = int.from_bytes(head[:length], "big")
        for bit in range(8 * length):
            entry = _parse((whole ^ 1 << bit).to_bytes(length, "big"), position)
            if entry is not None:
                return entry
    return None


def _parse_patch(head: bytes, position: int) -> Entry | None:
    content = _content(head[: -_SKIPPABLE.size]) if len(head) == PATCH_HEAD_BYTES else None
    if content is None:
        return None
    _, generation, _, offset, length, packed, sha256, *values = _PATCH.unpack(content)
    base_generation, depth, base_offset, base_length = values
    if head[-_SKIPPABLE.size :] != _SKIPPABLE.pack(_BODY_MAGIC, packed & 0xFFFFFFFF):
        return None
    base = Base(base_generation, base_offset, base_length, depth)
    return Entry(position + PATCH_HEAD_BYTES, generation, offset, length, packed, sha256, base)


def _content(head: bytes) -> bytes | None:
    """What a header says; None if it is not what was written."""
    content = head[_SKIPPABLE.size : -_CRC.size]
    return content if zlib.crc32(content) == _CRC.unpack(head[-_CRC.size :])[0] else None


def _next_frame(descriptor: int, position: int, size: int) -> int | None:
    """Where the next frame with an intact header begins, at `position` or later."""
    overlap = len(_FRAME_START) - 1
    while position < size:
        block = os.pread(descriptor, _SEARCH_BLOCK + overlap, position)
        for match in _START.finditer(block):
            at = position + match.start()
            if _parse(os.pread(descriptor, PATCH_HEAD_BYTES, at), at) is not None:
                return at
        position += _SEARCH_BLOCK
    return None


def _is_torn(descriptor: int, position: int, size: int) -> bool:
    """Reports whether what follows `position` looks like a header that was not written whole."""
    rest = os.pread(descriptor, PATCH_HEAD_BYTES, position)
    for start, length in ((_FRAME_START, HEAD_BYTES), (_PATCH_START, PATCH_HEAD_BYTES)):
        if size - position < length and start.startswith(rest[: len(start)]):
            return True
    while position < size:
        block = os.pread(descriptor, _SEARCH_BLOCK, position)
        if block.strip(b"\0"):
            return False
        position += len(block)
    return True
