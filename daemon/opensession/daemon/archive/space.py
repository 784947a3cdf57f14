"""Room on the disk: when archiving pauses, and how a full disk is told from other errors."""

from __future__ import annotations

import errno
import os
from pathlib import Path

LEAST_BYTES = 1 << 30
LEAST_SHARE = 0.05
"""Below either of these of free space archiving pauses (DECISIONS §4)."""


class DiskFull(Exception):
    """Nothing was stored: the disk or the quota is full. Cursors are where they were."""


def is_low(folder: Path) -> bool:
    """Reports whether the disk of `folder` has so little room left that archiving is to pause."""
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    total = found.f_blocks * found.f_frsize
    return free < LEAST_BYTES or (total > 0 and free < total * LEAST_SHARE)


def is_full(error: OSError) -> bool:
    """Reports whether an error says that there is no room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
