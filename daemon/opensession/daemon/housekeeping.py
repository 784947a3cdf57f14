"""What is done when nothing else is: merging archive frames, tidying, giving memory back, closing
the databases of other programs.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
import time

from opensession.daemon.dispatch import BACKLOG_BYTES
from opensession.daemon.store.writer import Writer
from opensession.daemon.writing import Writing
from opensession.parsers.databases import close_databases, databases_open

UNUSED_SECONDS = 60.0
"""How long after a read a database of another program stays open at least."""

ERASE_SECONDS = 1.0
"""How long after a try that a reader of the index kept from ending the next one is made."""

log = logging.getLogger(__name__)


class Housekeeping:
    """Used by one thread; times are monotonic seconds. A source is quiet after `idle` seconds."""

    def __init__(self, writing: Writing, idle: float) -> None:
        self._writing = writing
        self._idle = idle
        self._due: float | None = None
        self._bytes = 0
        self._unsettled = True
        self._erase = True
        self._erase_due: float | None = None
        self._read_at = 0.0
        self._close_due: float | None = None

    def set_idle(self, idle: float, now: float) -> None:
        """Takes up another time after which a source is quiet."""
        self._idle = idle
        if self._due is not None:
            self._due = min(self._due, now + idle)

    def stored(self, size: int, now: float) -> None:
        """Something was stored, so there will be something to do."""
        self._bytes += size
        self._unsettled = self._erase = True
        self._read_at = now
        if self._due is None:
            self._due = now + self._idle
        if self._close_due is None:
            self._close_due = now + UNUSED_SECONDS

    def forgot(self, now: float) -> None:
        """A session was forgotten: what it left is overwritten once nothing else is to be done."""
        self._erase = True
        self._erase_due = now

    def unread(self) -> list[int]:
        """Sources that the index asks to be read from their beginning, newest first. It asks only
        after something was stored; for when nothing else is to be read.
        """
        if not self._unsettled:
            return []
        found = self._writing.call(lambda writer: writer.unread())
        self._unsettled = False
        return found

    def rest(self, now: float) -> None:
        """Nothing is left to be read: after a backlog, tidies the index and gives memory back."""
        if self._erase and (self._erase_due is None or now >= self._erase_due):
            self._erase = not self._writing.call(lambda writer: writer.erase())
            self._erase_due = now + ERASE_SECONDS if self._erase else None
        if self._bytes <= BACKLOG_BYTES:
            return
        self._bytes = 0
        self._writing.call(_tidy)
        gc.collect()
        _trim()

    def next_due(self) -> float | None:
        """When `rest`, `merge` or `close` has something to do."""
        closing = self._close_due if self._close_due is not None and databases_open() else None
        times = (self._due, closing, self._erase_due)
        return min((due for due in times if due is not None), default=None)

    def close(self, now: float) -> None:
        """Closes databases that were not read for a while, so that a program that ends can bring
        its write-ahead log into the file.
        """
        if self._close_due is None or now < self._close_due:
            return
        close_databases(UNUSED_SECONDS)
        left = self._read_at + UNUSED_SECONDS - now
        self._close_due = now + left if left > 0 else None

    def merge(self, now: float) -> None:
        """Merges the frames of one source that is quiet; sets the time for the next."""
        if self._due is None or now < self._due:
            return
        quiet = time.time_ns() // 1000 - int(self._idle * 1_000_000)
        due = self._writing.call(lambda writer: _merge_one(writer, quiet))
        self._due = None if due is None else now + (self._idle if due else 0)


def _merge_one(writer: Writer, before_us: int) -> bool | None:
    """Merges one. True if the others are to wait until they are quiet, None if there are none."""
    quiet = writer.quiet_sources(before_us)
    if quiet:
        writer.merge(quiet[0])
        return False
    return True if writer.quiet_sources(sys.maxsize) else None


def _tidy(writer: Writer) -> None:
    writer.optimize()
    writer.checkpoint()


def _trim() -> None:
    """Returns freed memory to the system, where the C library does not by itself."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)
