"""Several files as the bytes of one source, and back: how they are archived together.

    {"opensession.files":1}
    {"name":"ui_messages.json","length":5120}
    …5120 bytes…
    {"name":"task_metadata.json","length":88}
    …88 bytes…

Each file's bytes stand as they are, followed by a line break.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

_FIRST = b'{"opensession.files":1}\n'


class _File(msgspec.Struct, frozen=True):
    name: str
    length: int


def head(name: str, length: int) -> bytes:
    """What stands before the bytes of a file."""
    storable = os.fsencode(name).decode("utf-8", errors="backslashreplace")
    return msgspec.json.encode(_File(storable, length)) + b"\n"


def pack(files: Sequence[tuple[str, bytes]]) -> bytes:
    """The container of files in their order."""
    pieces = [_FIRST]
    for name, data in files:
        pieces += (head(name, len(data)), data, b"\n")
    return b"".join(pieces)


def layout(files: Sequence[tuple[str, str, int]]) -> list[tuple[bytes, str, int]]:
    """What the container of files (name, path, length) consists of, for those who cannot hold one:
    bytes of ours, then so many of the file at that path, in turn; at last bytes of ours alone.
    """
    pieces: list[tuple[bytes, str, int]] = []
    before = _FIRST
    for name, path, length in files:
        pieces.append((before + head(name, length), path, length))
        before = b"\n"
    return [*pieces, (before, "", 0)]


def is_one(beginning: bytes) -> bool:
    """Whether bytes that begin so are a container."""
    return beginning.startswith(_FIRST)


def unpack(data: bytes) -> list[tuple[str, bytes]]:
    """The files of a container, in their order. Raises ValueError for what is no container, or not
    a whole one.
    """
    if not data.startswith(_FIRST):
        raise ValueError("not a container of files")
    files: list[tuple[str, bytes]] = []
    position = len(_FIRST)
    while position < len(data):
        line = data.find(b"\n", position)
        if line < 0:
            raise ValueError("the container breaks off")
        try:
            file = msgspec.json.decode(data[position:line], type=_File)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise ValueError("the container is damaged") from error
        end = line + 1 + file.length
        if file.length < 0 or data[end : end + 1] != b"\n":
            raise ValueError("the container breaks off")
        files.append((file.name, data[line + 1 : end]))
        position = end + 1
    return files
