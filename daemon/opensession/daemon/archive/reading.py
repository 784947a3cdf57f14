"""Reading archived bytes back: a frame is checked by its sha256 before a byte of it is given."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import zstandard

from opensession.daemon.archive.frames import (
    Base,
    DamagedArchive,
    Entry,
    NewerArchive,
    Scan,
    extent,
    layout,
    open_file,
    scan,
    scan_open,
)

_log = logging.getLogger(__name__)

_FILE_NAME = re.compile(r"[0-9a-f]{38}\.zst\Z")
_FOLDER_NAME = re.compile(r"[0-9a-f]{2}\Z")
KNOWN_BYTES = 32 << 20
"""Raw bytes that are kept for the patches that follow."""

MAX_FRAME = 1 << 30
"""Raw bytes that one frame may claim to hold."""


class Damage(msgspec.Struct, frozen=True):
    """A frame that does not hold what was written: logical bytes `offset..end` of `generation`."""

    generation: int
    offset: int
    end: int
    position: int


class ArchivedSource(msgspec.Struct, frozen=True):
    """A source as its archive file names it, and how much of its latest generation is there."""

    agent: str
    root: str
    path: str
    file: Path
    generation: int
    length: int


def read(path: Path, generation: int) -> Iterator[bytes]:
    """The bytes of a generation, from its beginning to the end of what the archive holds.

    Raises `DamagedArchive` at a byte of which no intact copy exists.
    """
    descriptor = open_file(path)
    try:
        entries = scan_open(descriptor).entries
        yield from read_range(descriptor, entries, generation, 0, extent(entries, generation))
    finally:
        os.close(descriptor)


def read_range(
    descriptor: int,
    entries: Sequence[Entry],
    generation: int,
    start: int,
    end: int,
    known: dict[int, bytes] | None = None,
    *,
    checked: bool = True,
) -> Iterator[bytes]:
    """Raw bytes `start..end` of a generation. Raises `DamagedArchive` where they cannot be had.

    `known` keeps some raw bytes by position, for reads that follow in the order of the file. Not
    `checked` are only the bytes below a patch, which is checked itself.
    """
    frames = [
        entry for entry in layout(entries, generation) if entry.end > start and entry.offset < end
    ]
    position = start
    for entry in frames:
        if entry.end <= position or entry.offset > position:
            continue
        raw = _intact(descriptor, entries, entry, known, checked=checked)
        if raw is None:
            continue
        stop = min(entry.end, end)
        yield raw[position - entry.offset : stop - entry.offset]
        position = stop
    if position < end:
        raise DamagedArchive(f"no intact copy of byte {position} of generation {generation}")


def read_around(
    descriptor: int, entries: Sequence[Entry], generation: int
) -> Iterator[tuple[int, bytes]]:
    """What is intact of a generation, in pieces with their offsets: where one does not begin at the
    end of the one before, bytes are lost.
    """
    position = 0
    known: dict[int, bytes] = {}
    for entry in layout(entries, generation):
        if entry.end <= position:
            continue
        raw = _intact(descriptor, entries, entry, known)
        if raw is not None:
            start = max(position, entry.offset)
            yield start, raw[start - entry.offset : entry.length]
            position = entry.end


def depth_of(entries: Sequence[Entry], base: Base) -> int:
    """How many patches have to be undone one after another to have the bytes of a base."""
    end = base.offset + base.length
    return max(
        (
            entry.base.depth
            for entry in layout(entries, base.generation)
            if entry.base is not None and entry.end > base.offset and entry.offset < end
        ),
        default=0,
    )


def verify(path: Path) -> list[Damage]:
    """Reads every frame and names those that are not intact. An undamaged file gives none."""
    descriptor = open_file(path)
    try:
        found = scan_open(descriptor)
        damages = [
            Damage(entry.generation, entry.offset, entry.end, entry.position)
            for entry in not_intact(descriptor, found.entries)
        ]
    finally:
        os.close(descriptor)
    damages += [Damage(0, 0, 0, start) for start, _ in found.damaged]
    return damages


def not_intact(descriptor: int, entries: Sequence[Entry]) -> list[Entry]:
    """Reads every frame of an open file; those that do not hold what was written."""
    known: dict[int, bytes] = {}
    return [entry for entry in entries if _intact(descriptor, entries, entry, known) is None]


def archived_sources(archive_dir: Path) -> Iterator[ArchivedSource]:
    """Every source that has an archive file, as after the index was lost.

    Files that do not say whose they are, or are of a newer version, are logged and left out.
    """
    if not archive_dir.is_dir():
        return
    for folder in sorted(archive_dir.iterdir()):
        if _FOLDER_NAME.match(folder.name) is None or not folder.is_dir():
            continue
        for file in sorted(folder.iterdir()):
            if _FILE_NAME.match(file.name) is None:
                continue
            try:
                found = scan(file)
            except (OSError, NewerArchive) as error:
                _log.warning("archive file %s/%s: %s", folder.name, file.name, error)
                continue
            if found.identity is None:
                _log.warning("archive file %s/%s has no intact header", folder.name, file.name)
                continue
            yield _archived(file, found)


def materialise(file: Path, generation: int, folder: Path) -> Path:
    """Writes a generation's bytes to a new private file below `folder`, for a parser to read.

    What ends amid a line was the end of a compressed source, where that line counts; it is
    compressed again so that the parser knows. Raises `DamagedArchive` or OSError; then nothing
    is left behind.
    """
    handle, name = tempfile.mkstemp(prefix="archived-", dir=folder)
    target = Path(name)
    last = b"\n"
    try:
        with os.fdopen(handle, "wb") as out:
            for piece in read(file, generation):
                out.write(piece)
                last = piece[-1:] or last
        if last != b"\n":
            plain, target = target, target.with_name(f"{target.name}.zst")
            with plain.open("rb") as raw, os.fdopen(_create(target), "wb") as out:
                zstandard.ZstdCompressor(level=1).copy_stream(raw, out)
            plain.unlink()
    except BaseException:
        Path(name).unlink(missing_ok=True)
        target.unlink(missing_ok=True)
        raise
    return target


def decompress(data: bytes | memoryview, length: int, base: bytes = b"") -> bytes:
    """The raw bytes of one zstd frame, or of a patch of `base`; raises `DamagedArchive` unless they
    are `length`.
    """
    if length > MAX_FRAME:
        raise DamagedArchive(f"a frame claims {length} bytes")
    try:
        decompressor = zstandard.ZstdDecompressor(dict_data=dictionary(base) if base else None)
        raw = decompressor.decompress(data, max_output_size=max(length, 1))
    except zstandard.ZstdError as error:
        raise DamagedArchive("a frame does not decompress") from error
    if len(raw) != length:
        raise DamagedArchive(f"a frame holds {len(raw)} bytes in place of {length}")
    return raw


def dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    """The bytes that a patch is made of, as zstd takes them."""
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _intact(
    descriptor: int,
    entries: Sequence[Entry],
    entry: Entry,
    known: dict[int, bytes] | None,
    *,
    checked: bool = True,
) -> bytes | None:
    """The raw bytes of a whole frame, None if they are not what was written."""
    if known is not None and entry.position in known:
        return known[entry.position]
    data = os.pread(descriptor, entry.packed, entry.position)
    for careful in (False, True):
        try:
            base = _base(descriptor, entries, entry, known, checked=careful)
            size = zstandard.frame_content_size(data)
            raw = decompress(data, max(size, 0), base)
        except (DamagedArchive, zstandard.ZstdError):
            return None
        if not checked:
            return raw
        if hashlib.sha256(raw).digest() == entry.sha256:
            break
        if careful or entry.base is None:
            return None
    if known is not None:
        known[entry.position] = raw
        while len(known) > 1 and sum(map(len, known.values())) > KNOWN_BYTES:
            del known[next(iter(known))]
    return raw


def _base(
    descriptor: int,
    entries: Sequence[Entry],
    entry: Entry,
    known: dict[int, bytes] | None,
    *,
    checked: bool,
) -> bytes:
    """The bytes that a patch is a patch of, none for other frames; raises `DamagedArchive`."""
    base = entry.base
    if base is None:
        return b""
    if not base.generation < entry.generation or depth_of(entries, base) >= base.depth:
        raise DamagedArchive("a patch of what it cannot be a patch of")
    end = base.offset + base.length
    pieces = read_range(
        descriptor, entries, base.generation, base.offset, end, known, checked=checked
    )
    return b"".join(pieces)


def _archived(file: Path, found: Scan) -> ArchivedSource:
    identity = found.identity
    assert identity is not None  # noqa: S101 - the caller looked
    return ArchivedSource(
        agent=identity.agent,
        root=identity.root,
        path=identity.path,
        file=file,
        generation=found.generation,
        length=extent(found.entries, found.generation),
    )
