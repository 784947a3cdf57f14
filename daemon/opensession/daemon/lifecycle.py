"""Being the one daemon of a home: where it may run, the lock it holds for life, `daemon.json`.

The lock decides, never a pid or a socket file: who holds it is the daemon, and everything a
killed daemon left behind is stale (DECISIONS §6).
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from pathlib import Path

import msgspec

from opensession.core import __version__, run_file
from opensession.core.errors import Refused, Unreachable
from opensession.core.paths import Paths, write_private
from opensession.core.rpc.envelope import PROTOCOL
from opensession.core.run_file import RunFile
from opensession.daemon.mounts import mount_of

ANSWER_SECONDS = 5.0


def check_place(paths: Paths) -> None:
    """Raise Refused where a daemon must not run: root in another's home, data on a network."""
    if os.getuid() == 0 and paths.home.exists() and paths.home.stat().st_uid != 0:
        raise Refused(
            f"root does not run a daemon for {paths.home}, which belongs to another user",
            "run it as that user, without sudo",
        )
    for folder in (paths.data_dir, paths.state_dir):
        mount = mount_of(str(folder))
        if mount.network:
            raise Refused(
                f"{folder} lies on a network file system ({mount.kind}), where an index gets"
                " damaged",
                "export OPENSESSION_HOME=/a/folder/on/a/local/disk",
            )


def check_host(paths: Paths) -> None:
    """Raise Refused if the daemon of another machine left its `daemon.json` in this home.

    The same boot under another name (a laptop that moved, a container) is the same machine.
    """
    last = run_file.read_run_file(paths.run_file)
    if last is None or last.host == run_file.host_name():
        return
    if last.boot_id and last.boot_id == run_file.boot_id():
        return
    raise Refused(
        f"a daemon on {last.host} uses this home, and this is {run_file.host_name()}",
        f"export OPENSESSION_HOME=/a/folder/on/this/machine, or, if no daemon runs on {last.host}"
        f" any more: rm {paths.run_file}",
    )


def take_lock(path: Path) -> int | None:
    """The descriptor of the lock, held until the process ends; None if another holds it.

    It is not inherited: a worker that outlives the daemon must not keep its lock.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def announce(paths: Paths, listening: Path, instance: str) -> RunFile:
    """Write `daemon.json`: from now on clients find us."""
    run = RunFile(
        pid=os.getpid(),
        started=run_file.process_start(os.getpid()),
        boot_id=run_file.boot_id(),
        host=run_file.host_name(),
        socket=str(listening),
        version=__version__,
        protocol=PROTOCOL,
        instance=instance,
    )
    write_private(paths.run_file, msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    return run


def withdraw(paths: Paths, run: RunFile) -> None:
    """Remove our own `daemon.json`: the sign of a stop in good order."""
    last = run_file.read_run_file(paths.run_file)
    if last is not None and last.instance == run.instance:
        paths.run_file.unlink(missing_ok=True)


def wait_for_other(paths: Paths, seconds: float = ANSWER_SECONDS) -> RunFile:
    """The daemon that holds the lock, once it answers.

    Raises Unreachable if none answers in `seconds`: it hangs, or is about to stop.
    """
    deadline = time.monotonic() + seconds
    while True:
        run = run_file.read_run_file(paths.run_file)
        if run is not None and _answers(run.socket, max(0.1, deadline - time.monotonic())):
            return run
        if time.monotonic() >= deadline:
            raise Unreachable(
                f"another daemon holds {paths.lock_file} and does not answer",
                "opensession daemon restart",
            )
        time.sleep(0.05)


def _answers(path: str, seconds: float) -> bool:
    call = b'{"jsonrpc":"2.0","id":1,"method":"daemon.hello","params":{}}\n'
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        try:
            sock.connect(path)
            sock.sendall(call)
            return sock.recv(1) == b"{"
        except OSError:
            return False
