"""What a backup is: one file, tar in zstd, 0600, written and read in one pass.

    backup.json      format, version of the program, time
    privacy.key      the key of the tags and of what `user.db` names by hashes
    daemon.toml      settings; config.toml the same without any API key
    archive/xx/….zst the archive's files, each up to its last complete frame
    user.db          a snapshot
    manifest.json    name, size and sha256 of each of the above

`zstd -dc FILE | tar -x` unpacks it without us. A file that somebody else made is nothing to trust:
only plain files of exactly these names are taken, each header is one block (no extension that makes
a reader allocate), and all is hashed before anything is put into place.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Callable, Iterator
from typing import IO, BinaryIO, Protocol

import msgspec
import zstandard

from opensession.core.errors import Refused

FORMAT = 1

ABOUT = "backup.json"
KEY = "privacy.key"
USER = "user.db"
CONFIGS = ("daemon.toml", "config.toml")
MANIFEST = "manifest.json"
ARCHIVE = re.compile(r"archive/[0-9a-f]{2}/[0-9a-f]{38}\.zst")

_BLOCK = 512
_PIECE = 1 << 20
_WINDOW = 128 << 20
_RATIO = 1000
_SMALL = 1 << 20
_MOST = {ABOUT: _SMALL, KEY: _BLOCK, MANIFEST: 512 << 20, **dict.fromkeys(CONFIGS, _SMALL)}
"""Bytes that a member may have at most; the others are bounded by the room there is."""


class About(msgspec.Struct, frozen=True):
    """The first member."""

    format: int
    version: str
    made_at: str


class Member(msgspec.Struct, frozen=True):
    """A line of the manifest."""

    name: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """The last member: all the others."""

    members: list[Member]


class Sink(Protocol):
    """What takes the bytes of a member."""

    def write(self, data: bytes, /) -> object: ...


class Writing:
    """Adds members to a stream; `end` writes the manifest."""

    def __init__(self, out: BinaryIO) -> None:
        compressor = zstandard.ZstdCompressor(level=1, write_checksum=True)
        self._out = compressor.stream_writer(out, closefd=False)
        self.members: list[Member] = []

    def add(self, name: str, size: int, pieces: Iterator[bytes]) -> None:
        """A member of exactly `size` bytes; raises OSError if `pieces` give another number."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self._out.write(info.tobuf(tarfile.GNU_FORMAT))
        digest = hashlib.sha256()
        written = 0
        for piece in pieces:
            digest.update(piece)
            self._out.write(piece)
            written += len(piece)
        if written != size:
            raise OSError(f"{name} has {written} bytes in place of {size}")
        self._out.write(bytes(-size % _BLOCK))
        self.members.append(Member(name, size, digest.hexdigest()))

    def end(self) -> None:
        """The manifest, and the end of the stream."""
        data = msgspec.json.encode(Manifest(self.members))
        self.add(MANIFEST, len(data), iter((data,)))
        self._out.write(bytes(2 * _BLOCK))
        self._out.flush(zstandard.FLUSH_FRAME)


def read(
    file: BinaryIO, sink: Callable[[str], Sink], told: Callable[[int], None] = lambda done: None
) -> list[Member]:
    """Reads a backup whole, giving each member's bytes to what `sink` opens for its name; what the
    manifest lists. `told` is called with the bytes of the file that are read.

    Raises Refused, in a sentence, for a file that is not a whole backup of ours, byte for byte.
    """
    stream = _Stream(file, told)
    found: list[Member] = []
    about = manifest = b""
    for name, size in _headers(stream, found):
        kept = bytearray() if name in (ABOUT, MANIFEST) else None
        digest = hashlib.sha256()
        taking: Sink | None = None if name == MANIFEST else sink(name)
        for piece in stream.pieces(size):
            digest.update(piece)
            if kept is not None:
                kept += piece
            if taking is not None:
                taking.write(piece)
        stream.exactly(-size % _BLOCK)
        if name == MANIFEST:
            manifest = bytes(kept or b"")
            break
        if name == ABOUT:
            about = bytes(kept or b"")
            _check_about(about)
        found.append(Member(name, size, digest.hexdigest()))
    try:
        listed = msgspec.json.decode(manifest, type=Manifest).members
    except msgspec.MsgspecError as error:
        raise _broken("its list of members cannot be read") from error
    if listed != found:
        raise _broken("it does not hold what its list of members says")
    stream.to_the_end()
    return found


def _headers(stream: _Stream, found: list[Member]) -> Iterator[tuple[str, int]]:
    """The names and sizes of members, each of which the caller reads before it asks for more."""
    seen: set[str] = set()
    while True:
        block = stream.exactly(_BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            raise _broken("it ends before its list of members") from error
        name, size = info.name, info.size
        known = name in (ABOUT, KEY, USER, MANIFEST, *CONFIGS) or ARCHIVE.fullmatch(name)
        if info.type != tarfile.REGTYPE or not known or name in seen or size < 0:
            raise Refused("the backup holds what no backup of ours holds", "take another file")
        if (name == ABOUT) != (not found) or size > _MOST.get(name, size):
            raise Refused("the backup holds what no backup of ours holds", "take another file")
        seen.add(name)
        yield name, size


def _check_about(data: bytes) -> None:
    try:
        about = msgspec.json.decode(data, type=About)
    except msgspec.MsgspecError as error:
        raise _broken("it does not say what it is") from error
    if about.format > FORMAT:
        raise Refused(
            f"the backup was made by a newer OpenSession ({about.version[:20]})",
            "update opensession",
        )


class _Stream:
    """The decompressed bytes of a file, within bounds."""

    def __init__(self, file: IO[bytes], told: Callable[[int], None]) -> None:
        decompressor = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._file = file
        self._told = told
        self._in = decompressor.stream_reader(file, read_across_frames=False, closefd=False)
        self._given = 0

    def exactly(self, count: int) -> bytes:
        return b"".join(self.pieces(count))

    def pieces(self, count: int) -> Iterator[bytes]:
        while count:
            piece = self._read(min(count, _PIECE))
            if not piece:
                raise _broken("it ends too early")
            count -= len(piece)
            yield piece

    def to_the_end(self) -> None:
        """The end of the tar is all that may follow."""
        if self.exactly(2 * _BLOCK).strip(b"\0") or self._read(1):
            raise _broken("more follows its list of members")

    def _read(self, count: int) -> bytes:
        try:
            piece = self._in.read(count)
        except zstandard.ZstdError as error:
            raise _broken("its bytes are not what was written") from error
        self._given += len(piece)
        done = self._file.tell()
        if self._given > _RATIO * (done + _PIECE):
            raise Refused("the backup unpacks to more than it can hold", "take another file")
        self._told(done)
        return piece


def _broken(why: str) -> Refused:
    return Refused(f"the backup is damaged, or is none: {why}", "take another file")
