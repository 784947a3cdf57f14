"""The listening socket: its modes at every moment, what it replaces, who is at the other end."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path

import pytest

from opensession.daemon import sockets
from tests.helpers.daemon import Home


def test_a_stale_socket_is_replaced(home: Home) -> None:
    """DECISIONS §6: who holds the lock takes the place of whatever a killed daemon left."""
    path = home.path / "s"
    sockets.listen(path).close()
    before = sockets.identity(path)

    with sockets.listen(path) as listening:
        after = sockets.identity(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            listening.setblocking(True)
            accepted, _ = listening.accept()
            accepted.close()

    assert None not in (before, after)
    assert before != after


def test_only_sockets_are_replaced(home: Home) -> None:
    """A file of somebody's that lies there is not ours to remove; nor is a link followed."""
    file = home.write("s", "precious")
    link = home.path / "l"
    link.symlink_to(home.path / "elsewhere")

    for path in (file, link):
        with pytest.raises(FileExistsError):
            sockets.listen(path)

    assert file.read_text() == "precious"
    assert not (home.path / "elsewhere").exists()


def test_no_socket_is_ever_wider_than_0600(home: Home) -> None:
    """DECISIONS §6: socket 0600, without a wide moment, whatever the umask is.

    A second thread looks at the folder for as long as sockets are made in it.
    """
    path = home.path / "s"
    done = threading.Event()
    seen: set[int] = set()

    def watch() -> None:
        while not done.is_set():
            with os.scandir(home.path) as entries:
                for entry in entries:
                    try:
                        mode = entry.stat(follow_symlinks=False).st_mode
                    except FileNotFoundError:
                        continue
                    if stat.S_ISSOCK(mode):
                        seen.add(stat.S_IMODE(mode))

    old = os.umask(0)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(200):
            sockets.listen(path).close()
    finally:
        done.set()
        watcher.join()
        os.umask(old)

    assert seen == {0o600}
    assert [p.name for p in home.path.iterdir() if p.is_socket()] == ["s"]


def test_a_path_that_is_too_long_leaves_nothing_behind(home: Home) -> None:
    """The error is the system's; no half-made socket stays."""
    folder = home.path / ("x" * 100)
    folder.mkdir()

    with pytest.raises(OSError):
        sockets.listen(folder / "daemon.sock")

    assert list(folder.iterdir()) == []


def test_the_kernel_says_who_is_there() -> None:
    """Both sides of a connection of ours have our uid."""
    one, other = socket.socketpair()
    with one, other:
        assert sockets.peer_uid(one) == os.getuid()


def test_what_is_no_unix_socket_has_no_known_peer() -> None:
    """Unknown is not the same as ours."""
    with socket.socket(socket.AF_INET) as sock:
        assert sockets.peer_uid(sock) != os.getuid() or os.getuid() == 0


def test_identity_of_nothing_and_of_a_file(home: Home) -> None:
    """A stop removes only the very socket that the daemon made."""
    assert sockets.identity(home.path / "nothing") is None
    assert sockets.identity(Path(home.write("file", ""))) is None
