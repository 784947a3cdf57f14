"""Which file system a folder lies on, and whether its changes can be seen as events.

Network and shared file systems report only what this machine itself changes, so roots on them are
polled (DECISIONS §8), and our own data may not lie on one.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import msgspec
import psutil

NETWORK = frozenset(
    {
        "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs", "gfs2", "glusterfs",
        "gpfs", "lustre", "ncpfs", "nfs", "nfs3", "nfs4", "ocfs2", "orangefs", "smb", "smb2",
        "smb3", "smbfs", "webdav",
    }
)  # fmt: skip
"""Another machine may change files here."""

SHARED = frozenset(
    {
        "9p", "drvfs", "fakeowner", "grpcfuse", "hgfs", "macfuse", "osxfs", "osxfuse", "prl_fs",
        "vboxsf", "virtiofs", "vmhgfs",
    }
)  # fmt: skip
"""The other side is this machine's host, a guest or a program; its changes give no events."""

_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """Where a file system is mounted, and its type as the system names it."""

    point: str
    kind: str

    @property
    def network(self) -> bool:
        """Whether another machine serves it."""
        return _plain(self.kind) in NETWORK or self.kind.endswith((".sshfs", ".rclone"))

    @property
    def polled(self) -> bool:
        """Whether changes may come without an event."""
        kind = self.kind.lower()
        return self.network or kind in SHARED or kind.startswith("fuse")


def _plain(kind: str) -> str:
    """`fuse.glusterfs` → `glusterfs`."""
    return kind.lower().removeprefix("fuse.")


def mount_of(path: str) -> Mount:
    """The mount that holds `path`, or its nearest existing parent. An unknown one counts as a local
    file system with kind "".
    """
    return mount_at(os.path.realpath(path))


def mount_at(path: str) -> Mount:
    """As `mount_of`, of a path that has no links. Does not touch the path, so that a server that
    does not answer holds nobody up.
    """
    return _longest(path, mounts())


def mounts() -> list[Mount]:
    """All mounts, in the order in which they were made; a later one hides an earlier one."""
    if sys.platform == "linux":
        try:
            return parse_mountinfo(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"))
        except OSError:
            return []
    return [Mount(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]


def parse_mountinfo(text: str) -> list[Mount]:
    """The lines of `/proc/self/mountinfo`:

    `36 35 98:0 /root /mnt/point rw,noatime master:1 - ext3 /dev/root rw`

    Optional fields end at the lone `-`. Lines of another shape are left out.
    """
    found = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        kind = after.split(" ", 1)[0]
        if separator and len(fields) >= 6 and kind:
            point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[4])
            found.append(Mount(point, kind))
    return found


def _longest(path: str, candidates: list[Mount]) -> Mount:
    best = Mount("", "")
    for mount in candidates:
        point = mount.point.rstrip("/")
        inside = path == point or path.startswith(point + "/")
        if inside and len(point) >= len(best.point.rstrip("/")):
            best = mount
    return best
