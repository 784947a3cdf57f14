from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.daemon import mounts
from opensession.daemon.mounts import Mount, mount_of, parse_mountinfo

TABLE = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
22 21 0:21 / /proc rw - proc proc rw
40 21 0:40 / /home/me/my\\040share rw,relatime shared:7 master:2 - nfs4 server:/x rw,vers=4.2
41 21 0:41 / /mnt/c rw - 9p drvfs rw
42 21 0:42 / /mnt/remote rw - fuse.sshfs me@there: rw
43 21 0:43 / /stack rw - ext4 /dev/vdb rw
44 43 0:44 / /stack rw - tmpfs none rw
not a line
"""


def kinds(path: str) -> Mount:
    return mounts._longest(path, parse_mountinfo(TABLE))


def test_the_longest_mount_point_wins_and_escapes_are_read() -> None:
    assert kinds("/home/me/.claude/projects").kind == "ext4"
    assert kinds("/home/me/my share/.codex") == Mount("/home/me/my share", "nfs4")
    assert kinds("/home/me/my shared").kind == "ext4"


def test_a_later_mount_hides_an_earlier_one_on_the_same_point() -> None:
    assert kinds("/stack/x").kind == "tmpfs"


@pytest.mark.parametrize(
    ("kind", "polled", "network"),
    [
        ("ext4", False, False), ("btrfs", False, False), ("apfs", False, False),
        ("overlay", False, False), ("tmpfs", False, False), ("zfs", False, False),
        ("nfs", True, True), ("nfs4", True, True), ("cifs", True, True), ("smbfs", True, True),
        ("fuse.sshfs", True, True), ("fuse.glusterfs", True, True),
        ("9p", True, False), ("virtiofs", True, False), ("fuse.portal", True, False),
        ("fuse", True, False), ("fakeowner", True, False), ("", False, False),
    ],
)  # fmt: skip
def test_which_file_systems_are_polled(kind: str, polled: bool, network: bool) -> None:
    """DECISIONS §8: NFS, SMB, 9p, FUSE and container mounts are polled."""
    mount = Mount("/x", kind)
    assert (mount.polled, mount.network) == (polled, network)


@given(st.text())
def test_any_table_can_be_read(text: str) -> None:
    for mount in parse_mountinfo(text):
        assert mount.kind


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_machine_knows_its_own_folders(tmp_path: Path) -> None:
    mount = mount_of(str(tmp_path / "not" / "there"))
    assert mount.kind
    assert str(tmp_path.resolve()).startswith(mount.point)
    assert mount_of("/proc/self").kind == "proc"
