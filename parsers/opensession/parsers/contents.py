"""The bytes of a source of several files: as they lie on disk, or in the archive."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from opensession.parsers import container
from opensession.parsers.agent import Source, SourceGone, SourceRefused
from opensession.parsers.json_items import Items, is_within_reach
from opensession.parsers.opening import opened
from opensession.parsers.zst import Decompressing, is_zst

REFUSED_BYTES = 1 << 30
_TRIES = 3


class Part(NamedTuple):
    """One file of a source. `name` is what the archive calls it, unique in its source; `items` are
    the keys that lead to its list (`()`: the file is an array; None: one record for the file).
    """

    name: str
    path: str
    items: Items


class Content(NamedTuple):
    """A source's bytes as they are archived, and by part; `mark` tells this content from another.

    `raw` None: too much to hold. `layout` is then what it consists of, see `container.layout`.
    """

    raw: bytes | None
    files: list[tuple[Part, bytes]]
    layout: list[tuple[bytes, str, int]]
    mark: bytes
    skipped: dict[str, int]


def contents_of(source: Source, parts: Sequence[Part], limit: int) -> Content:
    """Reads every part that is there."""
    if source.read_from:
        return archived(source, parts, limit)
    files: list[tuple[Part, bytes]] = []
    sizes: list[tuple[str, str, int]] = []
    skipped: dict[str, int] = {}
    mark = hashlib.blake2b(digest_size=16)
    total = 0
    for number, part in enumerate(parts):
        try:
            with opened(msgspec.structs.replace(source, path=part.path)) as (descriptor, status):
                data = b""
                if total + status.st_size <= limit:
                    data, status = _steady(descriptor, status, limit)
                size = len(data) or status.st_size
        except (SourceGone, SourceRefused) as error:
            if number == 0:
                raise
            if isinstance(error, SourceRefused):
                skipped["refused"] = skipped.get("refused", 0) + 1
            continue
        total += size
        if total > REFUSED_BYTES:
            raise SourceRefused("larger than 1 GiB")
        sizes.append((part.name, part.path, size))
        mark.update(b"%d %d %d %d;" % (number, size, status.st_mtime_ns, status.st_ino))
        if total <= limit and is_within_reach(data):
            files.append((part, data))
        else:
            files.clear()
            limit = -1
    if limit < 0:
        alone = [(b"", parts[0].path, total)]
        layout = alone if len(parts) == 1 else container.layout(sizes)
        return Content(None, [], layout, mark.digest(), skipped)
    raw = files[0][1] if len(parts) == 1 else container.pack([(p.name, d) for p, d in files])
    return Content(raw, files, [], digest_of(raw), skipped)


def _steady(descriptor: int, status: os.stat_result, limit: int) -> tuple[bytes, os.stat_result]:
    """The bytes of a file; if it changes meanwhile, some tries later what is there then."""
    data = b""
    for _ in range(_TRIES):
        data = _pread(descriptor, min(status.st_size, limit + 1), 0)
        now = os.fstat(descriptor)
        if (now.st_size, now.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
            break
        status = now
    return data, status


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    data = os.pread(descriptor, size, offset)
    while len(data) < size:
        more = os.pread(descriptor, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def archived(source: Source, parts: Sequence[Part], limit: int) -> Content:
    """The same from the archive, where the source's files are one."""
    with opened(source) as (descriptor, status):
        if is_zst(str(source.data_path), descriptor):
            data = Decompressing(descriptor).read(limit + 1)
        else:
            data = _pread(descriptor, min(status.st_size, limit + 1), 0)
    if len(data) > limit or not is_within_reach(data):
        return Content(None, [], [], b"archived", {})
    if len(parts) == 1:
        return Content(data, [(parts[0], data)], [], digest_of(data), {})
    try:
        held = dict(container.unpack(data))
    except ValueError:
        return Content(data, [], [], digest_of(data), {"malformed": 1})
    files = [(part, held[part.name]) for part in parts if part.name in held]
    return Content(data, files, [], digest_of(data), {})


def digest_of(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def piece_of(source: Source, content: Content, offset: int, size: int) -> tuple[bytes, bool]:
    """Archived bytes from `offset` on, and whether they are the last ones."""
    if source.read_from:
        with opened(source) as (descriptor, status):
            if is_zst(str(source.data_path), descriptor):
                stream = Decompressing(descriptor)
                data = stream.read(size) if stream.skip_to(offset) else b""
                return data, stream.at_end
            data = _pread(descriptor, size, offset)
            return data, len(data) < size or offset + len(data) >= status.st_size
    pieces: list[bytes] = []
    position = 0
    end = offset + size
    for before, path, length in content.layout:
        pieces.append(before[max(offset - position, 0) : max(end - position, 0)])
        position += len(before)
        start, stop = max(offset - position, 0), min(end - position, length)
        if start < stop:
            with opened(msgspec.structs.replace(source, path=path)) as (descriptor, _):
                pieces.append(_pread(descriptor, stop - start, start))
            if len(pieces[-1]) < stop - start:
                return b"".join(pieces), True  # cut meanwhile: the next look begins anew
        position += length
    return b"".join(pieces), end >= position
