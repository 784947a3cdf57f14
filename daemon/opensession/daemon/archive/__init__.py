"""The archive: the raw bytes of every source as the agent wrote them (DECISIONS §4).

`frames` is the format, `append` writes, `reading` reads and verifies, `merging` makes small frames
large, `space` knows when the disk has no room.
"""

from __future__ import annotations

from opensession.daemon.archive.append import Appending, Archived, make_frame
from opensession.daemon.archive.frames import (
    DamagedArchive,
    NewerArchive,
    Scan,
    extent,
    file_for,
    scan,
)
from opensession.daemon.archive.merging import merge
from opensession.daemon.archive.reading import (
    ArchivedSource,
    Damage,
    archived_sources,
    materialise,
    read,
    verify,
)
from opensession.daemon.archive.space import DiskFull, is_full, is_low

__all__ = [
    "Appending",
    "Archived",
    "ArchivedSource",
    "Damage",
    "DamagedArchive",
    "DiskFull",
    "NewerArchive",
    "Scan",
    "archived_sources",
    "extent",
    "file_for",
    "is_full",
    "is_low",
    "make_frame",
    "materialise",
    "merge",
    "read",
    "scan",
    "verify",
]
