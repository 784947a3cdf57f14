"""Opening what other programs wrote: regular files of our own, without being led elsewhere.

A root is resolved once. Below it every folder is entered without following links, so a link counts
only if what it leads to lies below the resolved root (DECISIONS §8). The last component is never a
link, a pipe is never waited on, and nothing is created or locked.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from opensession.parsers.agent import Source, SourceGone, SourceRefused

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

LINK = "a symbolic link"
OUTSIDE = "leads out of its folder"
NOT_REGULAR = "not a regular file"
FOREIGN = "belongs to another user"
UNREADABLE = "may not be read"


@contextmanager
def opened(source: Source) -> Iterator[tuple[int, os.stat_result]]:
    """Opens the file of a source for reading: its descriptor and its stat.

    Raises `SourceGone` where there is no such file, `SourceRefused` with the reason where it is
    none of ours to read, OSError for everything else.
    """
    if source.read_from:
        path, root = source.read_from, str(Path(source.read_from).parent)
    else:
        path, root = source.path, source.root or str(Path(source.path).parent)
    try:
        descriptor = _open_below(root, path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceGone(path) from error
    except PermissionError as error:
        raise SourceRefused(UNREADABLE) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SourceRefused(LINK) from error
        if error.errno == errno.ENXIO:
            raise SourceRefused(NOT_REGULAR) from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SourceRefused(NOT_REGULAR)
        if status.st_uid != os.geteuid():
            raise SourceRefused(FOREIGN)
        yield descriptor, status
    finally:
        os.close(descriptor)


def _open_below(root: str, path: str) -> int:
    """Opens `path`, whose folder must lie below `root` once both are resolved."""
    real_root = os.path.realpath(root)
    folder, name = os.path.split(path)
    real_folder = os.path.realpath(folder)
    if real_folder == real_root:
        steps: list[str] = []
    elif real_folder.startswith(real_root.rstrip("/") + "/"):
        steps = real_folder[len(real_root.rstrip("/")) + 1 :].split("/")
    else:
        raise SourceRefused(OUTSIDE)
    at = os.open(real_root, _FOLDER)
    try:
        for step in steps:
            deeper = os.open(step, _FOLDER, dir_fd=at)
            os.close(at)
            at = deeper
        return os.open(name, _FILE, dir_fd=at)
    finally:
        os.close(at)


def walk(root: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Yields the paths below `root` whose file name is `wanted`, in the order of their names.

    Linked folders are not entered: what they lead to is either found at its own place below the
    root, or lies outside. Links with a wanted name are yielded, so that they can be counted as
    refused. A folder that cannot be listed, or is gone, yields nothing.
    """
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:
            continue
        if is_folder:
            yield from walk(str(Path(root) / entry.name), wanted)
        elif wanted(entry.name):
            yield str(Path(root) / entry.name)
