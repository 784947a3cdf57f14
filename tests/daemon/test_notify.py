"""What systemd is told and what it hands over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from opensession.daemon.notify import Notifier, activated_socket, watchdog_seconds
from tests.helpers.daemon import Home


def test_states_arrive_in_one_datagram(home: Home) -> None:
    """As sd_notify sends them."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(home.path / "n"))
        Notifier({"NOTIFY_SOCKET": str(home.path / "n")}).send("READY=1", "STATUS=up")

        assert manager.recv(100) == b"READY=1\nSTATUS=up"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_an_abstract_address_is_understood() -> None:
    """`@name` stands for the abstract name space."""
    name = f"opensession-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).send("STOPPING=1")

        assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:1"}])
def test_without_a_manager_nothing_is_sent(environ: dict[str, str]) -> None:
    """Started by hand, the daemon works the same."""
    Notifier(environ).send("READY=1")


def test_a_manager_that_went_away_is_no_error(home: Home) -> None:
    """The daemon's work does not depend on who started it."""
    Notifier({"NOTIFY_SOCKET": str(home.path / "gone")}).send("READY=1")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_per_limit(
    environ: dict[str, str], expected: float | None
) -> None:
    """A sign of life is only for the process that is meant."""
    assert watchdog_seconds(environ, 7) == expected


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_PID": "8", "LISTEN_FDS": "1"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "0"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "x"},
    ],
)
def test_sockets_meant_for_others_are_left_alone(environ: dict[str, str]) -> None:
    """D3: LISTEN_PID says whom the sockets are for; the variables go no further."""
    assert activated_socket(environ, 7) is None
    assert environ == {}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("s.bind(p); s.listen()", "ok"),
        ("s.bind(p)", "does not listen"),
        ("s = socket.socket()", "not a Unix stream socket"),
    ],
)
def test_the_socket_handed_over_must_listen(home: Home, make: str, said: str) -> None:
    """A unit that hands over something else is told so, instead of a daemon that hears nobody."""
    code = f"""
import os, socket, sys
from opensession.daemon.notify import activated_socket
p = sys.argv[1]
s = socket.socket(socket.AF_UNIX)
{make}
os.dup2(s.fileno(), 3)
try:
    found = activated_socket({{"LISTEN_PID": "1", "LISTEN_FDS": "1"}}, 1)
    print("ok" if found and not os.get_inheritable(3) else "none")
except OSError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(home.path / "s")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert said in done.stdout
