"""The watcher of Linux: one inotify instance, one thread, one watch for each folder.

A root that exists is watched to its depth, folders nearest to it and newest first. One that does
not is waited for in its nearest existing parent. One on a network file system, or one for which the
watches do not suffice, is polled: then all its watches are given back.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from opensession.daemon import inotify
from opensession.daemon.inotify import Event, Inotify
from opensession.daemon.mounts import mount_at
from opensession.daemon.watch import (
    MAX_FOLDERS,
    RootState,
    Sink,
    identity,
    list_folder,
    nearest_existing,
    paths_below,
)
from opensession.parsers.agent import Root

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.02
"""Events are taken in at most so often, so that an agent that writes all the time costs little."""

RETRY_LIMIT_SECONDS = (600.0, 3600.0, 21600.0)
"""Waits before watches are tried again after the limit was met."""

ATTENDED = 256
"""Folders beyond depth or number of a root that are watched because something changed there."""


GUARDED = 2
"""So many folders above a root are watched for being renamed, as `~/.claude` above its projects."""


class _Tree:
    """One root: the folders watched for it, those above it, and the parent it is waited for in."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.state = RootState("off")
        self.identity: tuple[int, int] | None = None
        self.folders: set[str] = set()
        self.guards: set[str] = set()
        self.attended: list[str] = []
        self.anchor = ""
        self.limits = 0
        self.retry_at = 0.0


class InotifyWatcher:
    """See `watch.Watcher`. `make` gives the instance, `clock` monotonic seconds."""

    def __init__(
        self,
        sink: Sink,
        *,
        make: Callable[[], Inotify] = Inotify,
        clock: Callable[[], float] = time.monotonic,
        max_folders: int = MAX_FOLDERS,
        is_polled: Callable[[str], str] | None = None,
    ) -> None:
        self._sink = sink
        self._make = make
        self._clock = clock
        self._max_folders = max_folders
        self._is_polled = is_polled or _polled_kind
        self._lock = threading.RLock()
        self._trees: dict[Root, _Tree] = {}
        self._paths: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._users: dict[str, list[_Tree]] = {}
        self._instance: Inotify | None = None
        self._instance_error: OSError | None = None
        self._failures = 0
        self._begin_at = 0.0
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def watch(self, roots: Sequence[Root]) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            if self._instance is None and self._may_begin():
                self._begin()
            for root in set(self._trees) - set(roots):
                self._clear(self._trees.pop(root))
            for root in roots:
                if root not in self._trees:
                    self._trees[root] = _Tree(root)
                    self._aim(self._trees[root])

    def state(self, root: Root) -> RootState:
        with self._lock:
            tree = self._trees.get(root)
            return tree.state if tree else RootState("off")

    def check(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            anew = False
            if (self._thread is None or not self._thread.is_alive()) and self._may_begin():
                self._end()
                self._begin()
                anew = True
            held = self._instance.held() if self._instance else None
            anew = anew or (held is not None and held < len(self._paths))
            for tree in self._trees.values():
                if anew or self._is_outdated(tree):
                    self._aim(tree)

    def attend(self, root: Root, path: str) -> None:
        with self._lock:
            tree = self._trees.get(root)
            if tree is None or tree.state.mode != "events" or path in tree.folders:
                return
            try:
                self._add(tree, path, inotify.EVERYTHING)
            except OSError:
                return  # it stays with the reconcile
            tree.attended.append(path)
            while len(tree.attended) > ATTENDED:
                self._leave(tree, tree.attended.pop(0))

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            thread = self._thread
            self._end()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def watched(self) -> list[str]:
        """The folders in which changes are watched now."""
        with self._lock:
            guards = {path for path, users in self._users.items() if _only_guards(path, users)}
            return sorted(self._numbers.keys() - guards)

    # The instance and its thread.

    def _may_begin(self) -> bool:
        return self._failures == 0 or self._clock() >= self._begin_at

    def _begin(self) -> None:
        wait = RETRY_LIMIT_SECONDS[min(self._failures, len(RETRY_LIMIT_SECONDS) - 1)]
        try:
            instance = self._make()
        except OSError as error:
            self._failures += 1
            self._begin_at = self._clock() + wait
            self._instance_error = error
            return
        self._instance_error = None
        self._instance = instance
        self._thread = threading.Thread(
            target=self._run, args=(instance,), name="watch", daemon=True
        )
        self._thread.start()

    def _end(self) -> None:
        """Forgets all watches; the thread closes its instance, and the kernel drops them."""
        if self._instance is not None:
            self._instance.wake()
        self._instance = self._thread = None
        self._paths.clear()
        self._numbers.clear()
        self._users.clear()
        for tree in self._trees.values():
            tree.folders.clear()
            tree.guards.clear()
            tree.attended.clear()
            tree.anchor = ""

    def _run(self, instance: Inotify) -> None:
        try:
            while events := instance.read():
                with self._lock:
                    if self._instance is not instance:
                        return
                    self._handle(events)
                    self._failures = 0
                if self._stopping.wait(GATHER_SECONDS):
                    return
        except Exception:
            log.exception("the watch thread ended")
            with self._lock:
                wait = RETRY_LIMIT_SECONDS[min(self._failures, len(RETRY_LIMIT_SECONDS) - 1)]
                self._begin_at = self._clock() + (wait if self._failures else 0)
                self._failures += 1
        finally:
            instance.close()
        if not self._stopping.is_set() and self._instance is instance:
            self._sink.rescan(None)  # brings `check`, which starts anew

    # Events.

    def _handle(self, events: list[Event]) -> None:
        hints: dict[Root, set[str]] = {}
        for event in events:
            if event.mask & inotify.OVERFLOW:
                log.warning("more changes than the kernel's queue holds: looking at everything")
                for tree in self._trees.values():
                    self._aim(tree)
                self._sink.rescan(None)
                continue
            folder = self._paths.get(event.watch)
            if folder is None:
                continue
            path = f"{folder}/{event.name}" if event.name else folder
            for tree in list(self._users.get(folder, ())):
                self._handle_one(tree, folder, path, event.mask, hints)
            if event.mask & inotify.IGNORED:
                self._forget_folder(folder, event.watch)
        for root, paths in hints.items():
            self._sink.hint(root, paths)

    def _handle_one(
        self, tree: _Tree, folder: str, path: str, mask: int, hints: dict[Root, set[str]]
    ) -> None:
        ended = mask & (inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.UNMOUNT | inotify.IGNORED)
        if folder in tree.guards:
            if ended:
                self._aim(tree)
                self._sink.rescan(tree.root)
        elif folder == tree.anchor:
            if ended or tree.root.path == path or tree.root.path.startswith(path + "/"):
                self._aim(tree)
                if tree.state.exists:
                    self._sink.rescan(tree.root)
        elif ended:
            if folder == tree.root.path:
                self._aim(tree)
                self._sink.rescan(tree.root)
        elif mask & inotify.IS_DIR:
            if mask & (inotify.CREATE | inotify.MOVED_TO):
                self._grow_or_poll(tree, path)
                hints.setdefault(tree.root, set()).update(paths_below(path))
            else:
                self._prune(tree, path)
                self._sink.rescan(tree.root)
        else:
            hints.setdefault(tree.root, set()).add(path)

    # Watches.

    def _is_outdated(self, tree: _Tree) -> bool:
        """Whether a root came, went or was replaced, or a limit may be tried again."""
        if tree.state.mode == "polling":
            return tree.retry_at <= self._clock()
        return identity(tree.root.path) != tree.identity

    def _aim(self, tree: _Tree) -> None:
        """Sets up watching of a root from nothing."""
        self._clear(tree)
        kind = self._is_polled(tree.root.path)
        if kind:
            tree.retry_at = self._clock() + RETRY_LIMIT_SECONDS[0]
            tree.state = RootState("polling", f"{kind}: changes there give no events")
            return
        exists = Path(tree.root.path).is_dir()
        if self._instance is None:
            error = self._instance_error or OSError(errno.EMFILE, "")
            self._poll(tree, inotify.limit_note(error), exists)
            return
        try:
            while True:
                exists = Path(tree.root.path).is_dir()
                if exists:
                    self._plant(tree)
                    break
                tree.anchor = nearest_existing(tree.root.path)
                self._add(tree, tree.anchor, inotify.APPEARING)
                if nearest_existing(tree.root.path) == tree.anchor:
                    tree.state = RootState("events", "", exists=False)
                    tree.identity = None
                    break
                self._clear(tree)
        except OSError as error:
            self._poll(tree, _note(error), exists)
        else:
            tree.limits = 0

    def _poll(self, tree: _Tree, note: str, exists: bool) -> None:
        self._clear(tree)
        wait = RETRY_LIMIT_SECONDS[min(tree.limits, len(RETRY_LIMIT_SECONDS) - 1)]
        tree.limits += 1
        tree.retry_at = self._clock() + wait
        if tree.state.note != note:
            log.warning("%s: a folder is polled: %s", tree.root.agent, note)
        tree.state = RootState("polling", note, exists)

    def _plant(self, tree: _Tree) -> None:
        """Watches an existing root. Each folder is watched first and listed then, so that nothing
        can appear in between unseen.
        """
        tree.identity = identity(tree.root.path)
        left_out = self._grow(tree, tree.root.path)
        note = f"{left_out} older folders are looked at by the reconcile only" if left_out else ""
        tree.state = RootState("events", note)
        for above in list(PurePath(tree.root.path).parents)[:GUARDED]:
            with contextlib.suppress(OSError):  # else it stays with the reconcile
                self._add(tree, str(above), inotify.LEAVING)

    def _grow_or_poll(self, tree: _Tree, top: str) -> None:
        try:
            self._grow(tree, top)
        except OSError as error:
            self._poll(tree, _note(error), exists=True)
            self._sink.rescan(tree.root)

    def _grow(self, tree: _Tree, top: str) -> int:
        """Watches `top` and the folders below it to the root's depth, level by level, newest
        first; returns how many were left out for their number. Raises OSError at a limit (for the
        root itself: at any error).
        """
        below = os.path.relpath(top, tree.root.path)
        level = 0 if below == "." else below.count("/") + 1
        depth = tree.root.watch_depth
        folders = [top]
        left_out = 0
        while folders and (depth is None or level <= depth):
            found: list[str] = []
            for folder in _newest_first(folders):
                if len(tree.folders) >= self._max_folders:
                    left_out += 1
                    continue
                if self._add_if_there(tree, folder):
                    found += list_folder(folder)[0]
            folders = found
            level += 1
        return left_out

    def _add_if_there(self, tree: _Tree, folder: str) -> bool:
        try:
            self._add(tree, folder, inotify.EVERYTHING)
        except OSError as error:
            if inotify.is_limit(error) or folder == tree.root.path:
                raise
            return False  # vanished, or not ours to read
        return True

    def _add(self, tree: _Tree, folder: str, mask: int) -> None:
        if self._instance is None:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        number = self._instance.add(folder, mask)
        former = self._paths.get(number)
        if former is not None and former != folder:
            self._move(former, folder)
        self._paths[number] = folder
        self._numbers[folder] = number
        users = self._users.setdefault(folder, [])
        if tree not in users:
            users.append(tree)
        if mask == inotify.LEAVING:
            tree.guards.add(folder)
        elif folder != tree.anchor:
            tree.folders.add(folder)

    def _move(self, former: str, folder: str) -> None:
        """The kernel knows a folder by its inode: it was watched under another name until now."""
        self._numbers.pop(former, None)
        for user in self._users.pop(former, []):
            user.folders.discard(former)
            user.guards.discard(former)

    def _leave(self, tree: _Tree, folder: str) -> None:
        """Ends a tree's interest in a folder, and the watch with the last interest."""
        tree.folders.discard(folder)
        tree.guards.discard(folder)
        users = self._users.get(folder, [])
        if tree in users:
            users.remove(tree)
        if not users:
            number = self._numbers.pop(folder, None)
            self._users.pop(folder, None)
            if number is not None:
                self._paths.pop(number, None)
                if self._instance is not None:
                    self._instance.remove(number)

    def _forget_folder(self, folder: str, number: int) -> None:
        """The kernel ended a watch by itself (the folder is gone)."""
        self._paths.pop(number, None)
        if self._numbers.get(folder) == number:
            del self._numbers[folder]
            for user in self._users.pop(folder, []):
                user.folders.discard(folder)
                user.guards.discard(folder)

    def _prune(self, tree: _Tree, path: str) -> None:
        """A folder left: ends the watches in it, which else would go on under a wrong name."""
        inside = path + "/"
        for folder in [f for f in tree.folders if f == path or f.startswith(inside)]:
            self._leave(tree, folder)

    def _clear(self, tree: _Tree) -> None:
        for folder in [*tree.folders, *tree.guards]:
            self._leave(tree, folder)
        if tree.anchor:
            self._leave(tree, tree.anchor)
            tree.anchor = ""
        tree.attended.clear()


def _polled_kind(path: str) -> str:
    mount = mount_at(path)
    return mount.kind if mount.polled else ""


def _only_guards(path: str, users: list[_Tree]) -> bool:
    return all(path in tree.guards for tree in users)


def _newest_first(folders: list[str]) -> list[str]:
    def changed(folder: str) -> int:
        try:
            return Path(folder).lstat().st_mtime_ns
        except OSError:
            return 0

    return sorted(folders, key=changed, reverse=True)


def _note(error: OSError) -> str:
    """What to say of an error, without its path."""
    if inotify.is_limit(error):
        return inotify.limit_note(error)
    return os.strerror(error.errno) if error.errno else "cannot be watched"
