"""One inotify instance, directory by directory: what was added is what is held.

watchdog 7 on Linux adds recursive watches as a whole, drops without a word those beyond the limit,
and cannot leave out folders that are too deep or too old; it also hides that the kernel's queue ran
over. All four are needed here, and the kernel's own interface is these few calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import select
import struct
import threading
from pathlib import Path
from typing import NamedTuple

MODIFY = 0x2
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000
IS_DIR = 0x4000_0000

_ONLY_DIR = 0x0100_0000
_DONT_FOLLOW = 0x0200_0000
_EXCLUDE_UNLINKED = 0x0400_0000
_MASK_ADD = 0x2000_0000

APPEARING = CREATE | MOVED_TO | DELETE_SELF | MOVE_SELF
"""What tells that something new is in a folder, and no more: for waiting in a busy one."""

EVERYTHING = APPEARING | MODIFY | MOVED_FROM | DELETE
"""All that changes what a folder holds. Opening and reading are not among it, so that our own reads
never wake us; nor is closing, which would tell of every write twice.
"""

LEAVING = MOVE_SELF
"""What tells that a folder above the watched ones is renamed, of which those hear nothing."""

_HEADER = struct.Struct("iIII")
_BUFFER = 64 << 10
_HELD = re.compile(r"^inotify wd:", re.MULTILINE)


class Event(NamedTuple):
    """One event: the watch it came by (-1: none), what happened, the name within the folder."""

    watch: int
    mask: int
    name: str


class Inotify:
    """An inotify instance. Raises OSError(EMFILE) where the system allows no further one.

    One thread reads, and closes when it is woken; others may add, remove and wake meanwhile, also
    after that.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._checked(
            self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify instance"
        )
        self._lock = threading.Lock()
        self._open = True
        self._wake_read, self._wake_write = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self._poll.register(self._wake_read, select.POLLIN)

    def add(self, path: str, mask: int) -> int:
        """Watches a folder (not below it) for `mask` and returns the watch's number; for a folder
        that is watched already the same number, with `mask` added. Raises OSError: ENOSPC where the
        limit of watches is reached.
        """
        flags = mask | _ONLY_DIR | _DONT_FOLLOW | _EXCLUDE_UNLINKED | _MASK_ADD
        with self._lock:
            if not self._open:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            number: int = self._libc.inotify_add_watch(
                self._descriptor, os.fsencode(path), ctypes.c_uint32(flags)
            )
            return self._checked(number, path)

    def remove(self, watch: int) -> None:
        """Ends a watch; one that ended by itself is fine."""
        with self._lock:
            if self._open:
                self._libc.inotify_rm_watch(self._descriptor, watch)

    def read(self) -> list[Event]:
        """Waits for events and returns them; an empty list once `wake` was called."""
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll()}
            if self._wake_read in ready:
                return []
            try:
                data = os.read(self._descriptor, _BUFFER)
            except BlockingIOError:
                continue
            return list(parse(data))

    def held(self) -> int | None:
        """How many watches the kernel holds for this instance; None where it does not tell."""
        with self._lock:
            if not self._open:
                return None
            try:
                info = Path(f"/proc/self/fdinfo/{self._descriptor}").read_text()
            except OSError:
                return None
        return len(_HELD.findall(info))

    def wake(self) -> None:
        """Makes `read` return an empty list, now and from now on."""
        with self._lock:
            if self._open:
                os.write(self._wake_write, b"!")

    def close(self) -> None:
        """Gives everything back; for the thread that reads."""
        with self._lock:
            if self._open:
                self._open = False
                for descriptor in (self._descriptor, self._wake_read, self._wake_write):
                    os.close(descriptor)

    @staticmethod
    def _checked(number: int, what: str) -> int:
        if number < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), what)
        return number


def parse(data: bytes) -> list[Event]:
    """The events in what the kernel gave; a torn last one is left out."""
    events = []
    position = 0
    while position + _HEADER.size <= len(data):
        watch, mask, _, length = _HEADER.unpack_from(data, position)
        position += _HEADER.size
        name = data[position : position + length].rstrip(b"\0")
        position += length
        if position > len(data):
            break
        events.append(Event(watch, mask, os.fsdecode(name)))
    return events


def is_limit(error: OSError) -> bool:
    """Reports whether an error means a limit of inotify (ENOSPC here is no full disk)."""
    return error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE)


def limit_note(error: OSError) -> str:
    """What to tell a person: which system setting is too low."""
    if error.errno == errno.ENOSPC:
        return "too few inotify watches: raise sysctl fs.inotify.max_user_watches"
    if error.errno == errno.ENFILE:
        return "too few open files: raise sysctl fs.file-max"
    return "too few inotify instances: raise sysctl fs.inotify.max_user_instances"
