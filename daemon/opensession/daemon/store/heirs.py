"""Whether one file of a session went on from another that is not there any more.

A file that was moved, and then cut or rewritten, differs from what is archived of it where it was
before. While it was followed, that was one session; so it is in an index that is made anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from opensession.daemon.archive import DamagedArchive, NewerArchive, extent, file_for, read, scan
from opensession.daemon.store.sources import SourceRow

EARLIER = (1 << 24) - 1
"""The `copy.seq` of a source that its session's went on from: no event has that number."""


def is_earlier(archive_dir: Path, old: SourceRow, new: SourceRow) -> bool:
    """Whether a source that is gone ended as another one was once: a state of that before its
    newest begins with all that is archived of it.
    """
    if Path(old.path).exists():
        return False
    files = [file_for(archive_dir, each.agent, each.path) for each in (old, new)]
    with contextlib.suppress(OSError, NewerArchive, DamagedArchive):
        before, after = (scan(file) for file in files)
        length = extent(before.entries, before.generation)
        earlier = {entry.generation for entry in after.entries} - {after.generation}
        for state in sorted(earlier, reverse=True):
            if 0 < length <= extent(after.entries, state) and _begins(
                read(files[1], state), read(files[0], before.generation)
            ):
                return True
    return False


def _begins(whole: Iterator[bytes], beginning: Iterator[bytes]) -> bool:
    one = other = b""
    while True:
        other = other or next(beginning, b"")
        if not other:
            return True
        one = one or next(whole, b"")
        size = min(len(one), len(other))
        if not size or one[:size] != other[:size]:
            return False
        one, other = one[size:], other[size:]
