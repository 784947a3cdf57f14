"""Which kind of file system a path lies on: what decides events or polling, and where our own
data may not lie (DECISIONS §8).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

NETWORK = frozenset(
    {
        "9p", "acfs", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fuse.ceph",
        "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs",
        "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb2", "smb3",
        "smbfs", "webdav",
    }
)  # fmt: skip
"""Other machines write here too, and neither locks nor shared memory can be relied upon."""

SILENT = frozenset({"drvfs", "fakeowner", "grpcfuse", "osxfs", "prl_fs", "vboxsf", "virtiofs"})
"""Not a network, but changes made on the other side raise no event here."""


def kind_of(path: Path, mounts: str | None = None) -> str:
    """The type of the file system that `path`, or its nearest existing parent, lies on.

    `mounts` is the text of `/proc/self/mountinfo`, for tests. Empty where it cannot be told.
    """
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    real = os.path.realpath(place)
    if mounts is None and sys.platform != "linux":
        return _kind_by_psutil(real)
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        except OSError:
            return ""
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) < 5 or not right:
            continue
        point = _unescape(fields[4])
        inside = point == "/" or real == point or real.startswith(point + "/")
        if inside and len(point) >= best:  # the later of two at one place covers the other
            best, kind = len(point), right.split(" ")[0]
    return kind


def is_network(kind: str) -> bool:
    """Reports whether databases and locks are unsafe on such a file system."""
    return kind in NETWORK


def needs_polling(kind: str) -> bool:
    """Reports whether changes may come without an event."""
    return kind in NETWORK or kind in SILENT or kind == "fuse" or kind.startswith("fuse.")


def _unescape(text: str) -> str:
    """A mount point as it is: blanks and the like are octal in mountinfo."""
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _kind_by_psutil(real: str) -> str:
    import psutil

    best, kind = -1, ""
    for part in psutil.disk_partitions(all=True):
        point = part.mountpoint.rstrip("/") or "/"
        inside = point == "/" or real == point or real.startswith(point + "/")
        if inside and len(point) >= best:
            best, kind = len(point), part.fstype
    return kind
