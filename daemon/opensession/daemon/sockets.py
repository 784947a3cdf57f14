"""The listening socket and who is at the other end of a connection."""

from __future__ import annotations

import os
import secrets
import socket
import stat
import struct
import sys
from pathlib import Path

BACKLOG = 128

_LOCAL_PEERCRED = 0x001  # macOS, level 0: struct xucred, of which the first two fields are read
_UCRED = struct.Struct("3i")
_XUCRED = struct.Struct("II")


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600, in place of whatever socket was left there.

    The caller holds the daemon's lock, so a socket at `path` is stale. It is never there with a
    wider mode, nor missing: the new one gets its mode under another name and then takes the place.
    Raises OSError, also if something that is not a socket is in the way.
    """
    if path.is_symlink() or (path.exists() and not path.is_socket()):
        raise FileExistsError(f"{path} is in the way: it is not a socket")
    temporary = path.with_name("." + secrets.token_hex(4))
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if sys.platform == "linux":
            os.fchmod(sock.fileno(), 0o600)  # Linux gives the file the mode of the unbound socket
        sock.bind(os.fspath(temporary))
        temporary.chmod(0o600)
        sock.listen(BACKLOG)
        sock.setblocking(False)
        temporary.rename(path)
    except BaseException:
        sock.close()
        temporary.unlink(missing_ok=True)
        raise
    return sock


def identity(path: Path) -> tuple[int, int] | None:
    """Which socket lies at `path` (device, inode); None if there is none."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISSOCK(found.st_mode) else None


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end, as the kernel tells; None where it does not."""
    try:
        if sys.platform == "linux":
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
            return int(_UCRED.unpack(credentials)[1])
        credentials = connection.getsockopt(0, _LOCAL_PEERCRED, 128)
        return int(_XUCRED.unpack_from(credentials)[1])
    except OSError:
        return None
