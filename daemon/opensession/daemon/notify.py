"""What systemd is told and what it hands over: `sd_notify` and socket activation, by hand.

Outside of systemd none of the variables is set and nothing here does anything.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping

FIRST_DESCRIPTOR = 3
"""Where systemd puts the first socket it hands over."""


class Notifier:
    """Sends states to the service manager named in the environment; errors are of no interest.

    The variable is taken away, so that no child speaks for the daemon.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._address = environ.pop("NOTIFY_SOCKET", "")

    def send(self, *lines: str) -> None:
        """Send states such as `READY=1`, `STATUS=…`, `STOPPING=1`, `WATCHDOG=1`."""
        if not self._address.startswith(("/", "@")):
            return
        # A leading @ means the abstract name space, whose names begin with a zero byte.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.sendto("\n".join(lines).encode(), address)
            except OSError:
                return  # the manager went away or is busy: the daemon's work does not depend on it


def watchdog_seconds(environ: Mapping[str, str], pid: int) -> float | None:
    """How often the manager wants a sign of life, halved as it advises; None if it wants none."""
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    limit = environ.get("WATCHDOG_USEC", "")
    return int(limit) / 2e6 if limit.isdecimal() and int(limit) > 0 else None


def activated_socket(environ: MutableMapping[str, str], pid: int) -> socket.socket | None:
    """The listening Unix socket the manager made for us, if it did; the variables are taken away,
    so that no child takes them for its own.
    """
    meant = environ.pop("LISTEN_PID", "") == str(pid)
    count = environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if not meant or not count.isdecimal() or int(count) < 1:
        return None
    os.set_inheritable(FIRST_DESCRIPTOR, False)
    found = socket.socket(fileno=FIRST_DESCRIPTOR)
    if found.family != socket.AF_UNIX or found.type != socket.SOCK_STREAM:
        raise OSError(f"the socket handed over is not a Unix stream socket: {found.family.name}")
    if not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise OSError("the socket handed over does not listen")
    return found
