"""Writing a backup while the daemon works: archive, `user.db`, the key and the settings.

An archive file only grows, or is replaced in one step: what was open stays as it was, and up to its
last complete frame it is consistent at any moment. `user.db` is taken last, so that every tombstone
is in it; a session that is forgotten meanwhile makes the backup begin again.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import tomlkit
import tomlkit.exceptions

from opensession.core import __version__
from opensession.core.config import table
from opensession.core.errors import Refused
from opensession.core.paths import Paths
from opensession.core.timeparse import format_time
from opensession.daemon import backup_format as form
from opensession.daemon.archive import NewerArchive, is_full
from opensession.daemon.archive.frames import scan_open
from opensession.daemon.new_files import NO_LINKS

PIECE = 1 << 20
TRIES = 3

Told = Callable[[int, int, str], None]
"""How many bytes of how many are done, of what."""

_SECRET_NAMES = tuple(key.dotted.rpartition(".")[2] for key in table.KEYS if key.kind == "secret")
_SECRET_LINE = re.compile(rf"(?im)^[ \t]*#.*\b({'|'.join(_SECRET_NAMES)})\b.*\n?")


class Live(msgspec.Struct, frozen=True):
    """What only the running daemon can do: a snapshot of `user.db` to a path, and the sessions that
    are forgotten.
    """

    snapshot: Callable[[Path], None]
    forgotten: Callable[[], frozenset[bytes]]


class Written(msgspec.Struct, frozen=True):
    """`bytes` is the size of the file, `archive_bytes` that of what the archive's files hold."""

    files: int
    bytes: int
    archive_bytes: int


def write(target: Path, paths: Paths, live: Live, told: Told) -> Written:
    """Writes a backup to a new file, reads it back and compares it, and only then gives it its
    name. Raises Refused where the name is taken or there is no room; nothing is left then.
    """
    if target.exists() or target.is_symlink():
        raise Refused(f"{target} is there already", "give another name")
    for ours in (paths.data_dir, paths.state_dir, paths.config_dir):
        if target.resolve().is_relative_to(ours.resolve()):
            raise Refused(f"{ours} is what the backup is of", "write it to another disk")
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        for number in range(TRIES):
            before = live.forgotten()
            written = _attempt(temporary, paths, live, told)
            if not live.forgotten() - before:
                break
            if number == TRIES - 1:
                raise Refused("sessions are being forgotten meanwhile", "try again afterwards")
            temporary.unlink()
        with temporary.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            form.read(file, lambda name: _Nowhere(), lambda done: told(done, size, "reading back"))
        _named(temporary, target)
    except OSError as error:
        if is_full(error):
            raise Refused(f"no room for a backup at {target.parent}", "make room there") from error
        raise Refused(
            f"{target} cannot be written: {error.strerror}", "give another place"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return written


def without_secrets(text: str) -> str:
    """Settings without any key or token; empty where they cannot be read as settings."""
    try:
        document = tomlkit.parse(text)
    except tomlkit.exceptions.TOMLKitError:
        return ""
    _take_out(document)
    # What is left of such a name stands in a comment.
    return _SECRET_LINE.sub("", tomlkit.dumps(document))


def _attempt(temporary: Path, paths: Paths, live: Live, told: Told) -> Written:
    files = sorted(paths.archive_dir.glob("[0-9a-f][0-9a-f]/*.zst"))
    total = sum(_size(file) for file in files)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(temporary, flags, 0o600), "wb") as out:
        os.fchmod(out.fileno(), 0o600)
        writing = form.Writing(out)
        about = form.About(form.FORMAT, __version__, format_time(time.time_ns() // 1000))
        _add_bytes(writing, form.ABOUT, msgspec.json.encode(about))
        if paths.key_file.exists():
            _add_bytes(writing, form.KEY, paths.key_file.read_bytes())
        for name, path in zip(form.CONFIGS, (paths.config_file, paths.login_file), strict=True):
            if path.is_file():
                text = without_secrets(path.read_text(encoding="utf-8", errors="replace"))
                _add_bytes(writing, name, text.encode())
        count = done = 0
        for file in files:
            added = _add_archive(writing, file)
            count += added > 0
            done += added
            told(done, max(total, done), "archive")
        with tempfile.TemporaryDirectory(dir=paths.data_dir, prefix=".backup-") as folder:
            snapshot = Path(folder) / form.USER
            live.snapshot(snapshot)
            _add_file(writing, form.USER, snapshot)
        writing.end()
        out.flush()
        os.fsync(out.fileno())
        return Written(count, out.tell(), done)


def _add_bytes(writing: form.Writing, name: str, data: bytes) -> None:
    writing.add(name, len(data), iter((data,)))


def _add_file(writing: form.Writing, name: str, path: Path) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        writing.add(name, size, _pieces(file, size))


def _add_archive(writing: form.Writing, path: Path) -> int:
    """An archive file up to its last complete frame; how many bytes. 0 for one that is gone, or
    that is not ours.
    """
    name = f"archive/{path.parent.name}/{path.name}"
    if form.ARCHIVE.fullmatch(name) is None:
        return 0
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return 0
    with os.fdopen(descriptor, "rb") as file:
        try:
            found = scan_open(descriptor)
        except NewerArchive:
            return 0
        if found.identity is None:
            return 0
        writing.add(name, found.end, _pieces(file, found.end))
        return found.end


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, PIECE))
        if not piece:
            return
        size -= len(piece)
        yield piece


def _named(temporary: Path, target: Path) -> None:
    """The file under its name, which is never another's; on the disk when this returns."""
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        raise Refused(f"{target} is there already", "give another name") from error
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        temporary.rename(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _take_out(table_: object) -> None:
    if isinstance(table_, dict):
        for name in [each for each in table_ if str(each).lower() in _SECRET_NAMES]:
            del table_[name]
        for value in table_.values():
            _take_out(value)
    elif isinstance(table_, list):
        for value in table_:
            _take_out(value)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class _Nowhere:
    def write(self, data: bytes, /) -> None:
        return None
