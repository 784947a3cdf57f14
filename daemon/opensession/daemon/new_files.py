"""Writing files where an agent keeps its own: new ones only, and never through a link; and removing
them, where a person said so.

    root (resolved once) ─▶ each folder entered without following links ─▶ temporary file ─▶ link()

`link()` fails where the name is taken, so a file of the agent is never written over, whatever comes
up meanwhile. Where a file system has no hard links the name is made exclusively, and taken away
again if the bytes cannot all be written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from opensession.core.errors import Refused

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_TEMPORARY = ".opensession-"

Standing = Literal["absent", "same", "longer", "other"]


def relative_to(root: str, path: str) -> str:
    """`path` as it is below `root`. Raises Refused for what is not, or not plainly, below it."""
    base = root.rstrip("/") + "/"
    relative = path.removeprefix(base)
    parts = relative.split("/")
    if not path.startswith(base) or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise Refused(f"{path} does not lie plainly below {root}", "opensession show --reveal")
    return relative


def standing(root: str, relative: str, pieces: Iterable[bytes]) -> Standing:
    """What is at a place already: nothing, these bytes, more after these bytes, something else.

    Raises Refused where a link or another user's folder is in the way.
    """
    try:
        with _folder_of(root, relative, make=False) as (folder, name):
            descriptor = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return "absent"
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            return "other"
        raise
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return "other"
        for piece in pieces:
            if file.read(len(piece)) != piece:
                return "other"
        return "longer" if file.read(1) else "same"


def write_new(root: str, relative: str, pieces: Iterable[bytes]) -> int:
    """Writes a file below `root` that is not there yet, 0600, with the folders it needs, and puts
    it on the disk; how many bytes. What `pieces` raises leaves nothing behind.

    Raises FileExistsError where the name is taken, Refused where a link or another user's folder is
    in the way, OSError.
    """
    with _folder_of(root, relative, make=True) as (folder, name):
        temporary = f"{_TEMPORARY}{secrets.token_hex(8)}"
        try:
            count = _written(os.open(temporary, _NEW, 0o600, dir_fd=folder), pieces)
            try:
                os.link(
                    temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False
                )
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                _copied(folder, temporary, name)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
        os.fsync(folder)
        return count


def remove(root: str, relative: str) -> None:
    """Removes a regular file below `root`. Raises FileNotFoundError, Refused where a link, another
    user's folder or no regular file is there, OSError.
    """
    with _folder_of(root, relative, make=False) as (folder, name):
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise Refused(f"{relative} in {root} is no regular file", f"ls -ld {root}")
        os.unlink(name, dir_fd=folder)
        os.fsync(folder)


def _written(descriptor: int, pieces: Iterable[bytes]) -> int:
    count = 0
    with os.fdopen(descriptor, "wb") as file:
        for piece in pieces:
            file.write(piece)
            count += len(piece)
        file.flush()
        os.fsync(descriptor)
    return count


def _copied(folder: int, temporary: str, name: str) -> None:
    """The name made of the temporary file's bytes where there are no hard links."""
    target = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        with os.fdopen(os.open(temporary, _READ, dir_fd=folder), "rb") as file:
            _written(target, iter(lambda: file.read(1 << 20), b""))
    except BaseException:
        os.unlink(name, dir_fd=folder)
        raise


@contextmanager
def _folder_of(root: str, relative: str, *, make: bool) -> Iterator[tuple[int, str]]:
    """The folder that a file lies in, entered step by step, and the file's name."""
    *steps, name = relative.split("/")
    if any(step in ("", ".", "..") for step in (*steps, name)):
        raise Refused(f"{relative} is no plain path", "opensession show --reveal")
    if make:
        Path(root).mkdir(mode=0o700, parents=True, exist_ok=True)
    at = os.open(os.path.realpath(root), _FOLDER)
    try:
        _ours(at, root)
        for step in steps:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(step, 0o700, dir_fd=at)
            try:
                deeper = os.open(step, _FOLDER, dir_fd=at)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR):
                    raise Refused(
                        f"{step} in {root} is a link or no folder: nothing is written through it",
                        f"ls -ld {root}",
                    ) from error
                raise
            os.close(at)
            at = deeper
            _ours(at, step)
        yield at, name
    finally:
        os.close(at)


def _ours(descriptor: int, named: str) -> None:
    if os.fstat(descriptor).st_uid != os.geteuid():
        raise Refused(f"{named} belongs to another user", f"ls -ld {named}")
