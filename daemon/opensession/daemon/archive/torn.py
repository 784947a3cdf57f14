"""What is left of a generation of which bytes are damaged: whole lines at their places."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from opensession.daemon.archive.frames import DamagedArchive, extent, scan, scan_open
from opensession.daemon.archive.reading import read, read_around

_CHUNK_BYTES = 4 << 20


def line_by_line(
    pieces: Iterator[tuple[int, bytes]], begin: bytes | None = None
) -> Iterator[tuple[bytes, int]]:
    """Pieces of a generation cut anew so that each ends with a line, and how many bytes of each
    were lost: those, and what is left of the lines that they were part of, are spaces. What follows
    lost bytes and begins as lines `begin` is taken for a line of its own.
    """
    at = 0
    rest = b""
    torn = False
    for start, piece in pieces:
        if start > at:
            cut = rest.rfind(b"\n") + 1
            yield rest[:cut] + b" " * (len(rest) - cut + start - at), start - at
            rest, torn = b"", begin is None or not piece.startswith(begin)
        at = start + len(piece)
        if torn:
            end = piece.find(b"\n")
            torn = end < 0
            piece = b" " * (len(piece) if torn else end) + (b"" if torn else piece[end:])
        rest += piece
        if len(rest) >= _CHUNK_BYTES and (cut := rest.rfind(b"\n") + 1):
            yield rest[:cut], 0
            rest = rest[cut:]
    if rest:
        yield rest, 0


def materialise_torn(file: Path, generation: int, folder: Path) -> tuple[Path, int]:
    """Writes what is left of a generation to a new private file below `folder`, with spaces and a
    line break in the place of lines that are damaged; and how many bytes are lost.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    handle, name = tempfile.mkstemp(prefix="archived-", dir=folder)
    try:
        entries = scan_open(descriptor).entries
        length = extent(entries, generation)
        at = lost = 0
        pieces = read_around(descriptor, entries, generation)
        with os.fdopen(handle, "wb") as out:
            for chunk, missing in line_by_line(pieces, b"{"):
                out.write(chunk)
                at += len(chunk)
                lost += missing
            if at < length:
                out.write(b" " * (length - at - 1) + b"\n")
                lost += length - at
        return Path(name), lost
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def newest_whole(file: Path) -> tuple[int, int] | None:
    """The newest generation of which all can be read, and by how many bytes it is another one than
    the newest there is; None if there is none.
    """
    found = scan(file)
    newest = extent(found.entries, found.generation)
    for generation in sorted({entry.generation for entry in found.entries}, reverse=True):
        try:
            length = sum(map(len, read(file, generation)))
        except DamagedArchive:
            continue
        return generation, max(newest - length, 1)
    return None
