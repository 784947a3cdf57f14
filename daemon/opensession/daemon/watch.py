"""Watching roots for changes: what a watcher promises, and which one this platform has.

An event is only a hint that a path changed. Whatever is missed (a full queue, a folder too deep, a
network file system) is found by the reconcile, so a watcher may say less than happens; but never
that it watches what it does not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from opensession.core.rpc.daemon import Watching as Mode
from opensession.parsers.agent import Root

MAX_FOLDERS = 4096
"""Watched folders of one root at most; those left out are the deepest, then the oldest."""


class RootState(msgspec.Struct, frozen=True):
    """How a root is watched. `note` says what a person should know, else empty; `exists` is false
    while the folder is not there.
    """

    mode: Mode
    note: str = ""
    exists: bool = True


class Sink(Protocol):
    """Who gets the hints; called from the watcher's thread, and must not block."""

    def hint(self, root: Root, paths: Collection[str]) -> None:
        """These paths below `root` changed, appeared or vanished."""
        ...

    def rescan(self, root: Root | None) -> None:
        """More happened below `root` (None: all roots) than hints can tell."""
        ...


class Watcher(Protocol):
    """Watches roots until stopped."""

    def watch(self, roots: Sequence[Root]) -> None:
        """Watches exactly these roots from now on; what stays is not disturbed."""
        ...

    def state(self, root: Root) -> RootState:
        """How a root is watched now."""
        ...

    def check(self) -> None:
        """Compares what is watched with what should be and mends it: a root that came or went, a
        thread that died, watches that were lost, a limit that was raised. Called by the reconcile.
        """
        ...

    def attend(self, root: Root, path: str) -> None:
        """A change was found in the folder `path` that no event told of: watch it as well, if that
        is possible.
        """
        ...

    def stop(self) -> None:
        """Ends all watching."""
        ...


def make_watcher(sink: Sink) -> Watcher:
    """The watcher of this platform: inotify by folder on Linux, else watchdog."""
    if sys.platform == "linux":
        from opensession.daemon.watch_inotify import InotifyWatcher

        return InotifyWatcher(sink)
    from opensession.daemon.watch_observer import ObserverWatcher

    return ObserverWatcher(sink)


def nearest_existing(path: str) -> str:
    """The folder itself or its nearest parent that is a folder now."""
    candidate = Path(path)
    while not candidate.is_dir() and candidate.parent != candidate:
        candidate = candidate.parent
    return str(candidate)


def identity(path: str) -> tuple[int, int] | None:
    """(device, inode) of a folder; None if there is none."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def list_folder(path: str) -> tuple[list[str], list[str]]:
    """The folders and the other entries of a folder, as paths, links not followed; empty if it
    cannot be read.
    """
    folders: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                (folders if entry.is_dir(follow_symlinks=False) else others).append(entry.path)
    except OSError:
        pass  # gone or unreadable: the reconcile sees the same
    return folders, others


def paths_below(path: str) -> Iterator[str]:
    """Every entry below a folder that is no folder, links not followed."""
    waiting = [path]
    while waiting:
        folders, others = list_folder(waiting.pop())
        yield from others
        waiting.extend(folders)
