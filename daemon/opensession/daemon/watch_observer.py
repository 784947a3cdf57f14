"""The watcher of systems without inotify: one watchdog observer, one recursive watch for each root.

FSEvents (macOS) and kqueue (BSD) are reached through watchdog; both report below a whole tree. A
root that does not exist is waited for in its nearest existing parent.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, EventEmitter, ObservedWatch

from opensession.daemon.mounts import mount_of
from opensession.daemon.watch import RootState, Sink, identity, nearest_existing, paths_below
from opensession.parsers.agent import Root

log = logging.getLogger(__name__)

_WANTED: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class _Handler(FileSystemEventHandler):
    """Turns the events of one root into hints."""

    def __init__(self, owner: ObserverWatcher, root: Root, *, waiting: bool) -> None:
        self._owner = owner
        self._root = root
        self._waiting = waiting

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        self._owner.happened(self._root, paths, folder=event.is_directory, waiting=self._waiting)


class _Aim:
    """What is scheduled for one root."""

    def __init__(self) -> None:
        self.state = RootState("off")
        self.watch: ObservedWatch | None = None
        self.handler: _Handler | None = None
        self.identity: tuple[int, int] | None = None


class ObserverWatcher:
    """See `watch.Watcher`."""

    def __init__(self, sink: Sink, *, make: Callable[[], BaseObserver] = Observer) -> None:
        self._sink = sink
        self._make = make
        self._lock = threading.RLock()
        self._aims: dict[Root, _Aim] = {}
        self._observer: BaseObserver | None = None
        self._stopped = False

    def watch(self, roots: Sequence[Root]) -> None:
        with self._lock:
            if self._stopped:
                return
            if self._observer is None:
                self._begin()
            for root in set(self._aims) - set(roots):
                self._drop(self._aims.pop(root))
            for root in roots:
                if root not in self._aims:
                    self._aims[root] = _Aim()
                    self._aim(root)

    def state(self, root: Root) -> RootState:
        with self._lock:
            aim = self._aims.get(root)
            return aim.state if aim else RootState("off")

    def check(self) -> None:
        with self._lock:
            if self._stopped:
                return
            observer = self._observer
            dead = observer is None or not observer.is_alive()
            if dead:
                if observer is not None:
                    observer.stop()
                self._begin()
            alive = {emitter.watch for emitter in self._emitters() if emitter.is_alive()}
            for root, aim in self._aims.items():
                lost = aim.watch is not None and aim.watch not in alive
                moved = identity(root.path) != aim.identity
                if dead or lost or moved or aim.state.mode == "polling":
                    self._aim(root)

    def attend(self, root: Root, path: str) -> None:
        """Nothing to do: the whole tree is watched."""

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            observer, self._observer = self._observer, None
        if observer is not None and observer.is_alive():
            observer.stop()
            observer.join()

    def happened(self, root: Root, paths: list[str], *, folder: bool, waiting: bool) -> None:
        """An event of one root, in the observer's thread."""
        if self._stopped:
            return
        if waiting:
            if any(root.path == path or root.path.startswith(path + "/") for path in paths):
                self._sink.rescan(root)  # brings `check`, which aims anew
            return
        if root.path in paths:
            self._sink.rescan(root)
        if not folder:
            self._sink.hint(root, paths)
            return
        self._sink.hint(root, {below for path in paths for below in paths_below(path)})
        self._sink.rescan(root)

    def _emitters(self) -> list[EventEmitter]:
        return list(self._observer.emitters) if self._observer is not None else []

    def _begin(self) -> None:
        try:
            observer = self._make()
            observer.start()
        except OSError as error:
            log.warning("changes cannot be watched (%s): folders are polled", error.strerror)
            self._observer = None
            return
        self._observer = observer

    def _drop(self, aim: _Aim) -> None:
        """Ends what is scheduled for a root; a watch that another root waits by stays."""
        watch, aim.watch = aim.watch, None
        handler, aim.handler = aim.handler, None
        if watch is None or handler is None or self._observer is None:
            return
        try:
            if any(other.watch == watch for other in self._aims.values()):
                self._observer.remove_handler_for_watch(handler, watch)
            else:
                self._observer.unschedule(watch)
        except KeyError:
            return  # scheduled with an observer that has died since

    def _aim(self, root: Root) -> None:
        aim = self._aims[root]
        self._drop(aim)
        aim.identity = identity(root.path)
        mount = mount_of(root.path)
        if mount.polled:
            aim.state = RootState("polling", f"{mount.kind}: changes there give no events")
            return
        if self._observer is None:
            aim.state = RootState("polling", "changes cannot be watched on this system")
            return
        exists = aim.identity is not None
        target = root.path if exists else nearest_existing(root.path)
        handler = _Handler(self, root, waiting=not exists)
        try:
            aim.watch = self._observer.schedule(
                handler, target, recursive=exists, event_filter=_WANTED
            )
        except OSError as error:
            aim.state = RootState("polling", os.strerror(error.errno or 0))
            return
        aim.handler = handler
        aim.state = RootState("events", exists=exists)
