"""A real daemon in a home of its own, and the plainest client that can talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from opensession.core.paths import Paths, find_paths
from opensession.core.run_file import RunFile, read_run_file
from tests.helpers import forked
from tests.helpers.forked import Forked

PATIENCE = 60.0
"""Seconds after which a test fails instead of waiting on; nothing is expected to take long."""


def eventually(check: Callable[[], object]) -> None:
    """Ask again and again, with short pauses, until the answer is true; TimeoutError if never."""
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError("it never came true")
        time.sleep(0.02)


class Home:
    """The home of a person who has nothing but what a test puts there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        keep = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environ: dict[str, str] = {
            **keep,
            "HOME": str(path),
            "TZ": "UTC",
            "TMPDIR": str(path / "tmp"),
            "XDG_CONFIG_HOME": str(path / ".config"),
            "XDG_DATA_HOME": str(path / ".local/share"),
            "XDG_STATE_HOME": str(path / ".local/state"),
            "XDG_RUNTIME_DIR": str(path / "run"),
            "OPENSESSION_HOME": str(path / "os"),
        }
        for name in ("tmp", "run"):
            (path / name).mkdir(mode=0o700)

    @property
    def paths(self) -> Paths:
        return find_paths(self.environ)

    def write(self, relative: str, data: str | bytes) -> Path:
        """Write a file below the home, with its folders."""
        path = self.path / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def configure(self, text: str) -> None:
        """Write `daemon.toml`."""
        self.paths.config_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.paths.config_file.write_text(text, encoding="utf-8")

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the daemon's program to its end."""
        return forked.run("daemon", arguments, {**self.environ, **environ}, "/", "", PATIENCE)


class RpcError(Exception):
    """An error answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]
        self.hint: str = error.get("data", {}).get("hint", "")


class Rpc:
    """A connection: calls in turn; what comes unasked is kept for `notice`."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self._lines = self.socket.makefile("rb")
        self._kept: list[dict[str, Any]] = []
        self._number = 0

    def call(self, method: str, **params: Any) -> Any:
        """The result of a call; raises RpcError."""
        self._number += 1
        self.send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        while True:
            message = self.receive()
            if message.get("id") == self._number:
                if "error" in message:
                    raise RpcError(message["error"])
                return message["result"]
            self._kept.append(message)

    def notice(self, method: str) -> dict[str, Any]:
        """The parameters of the next notification of this name."""
        for index, message in enumerate(self._kept):
            if message.get("method") == method:
                del self._kept[index]
                return dict(message["params"])
        while True:
            message = self.receive()
            if message.get("method") == method:
                return dict(message["params"])
            self._kept.append(message)

    def job(self, method: str, **params: Any) -> dict[str, Any]:
        """Start a job and give its last progress."""
        name = self.call(method, **params)["job"]
        while True:
            progress = self.notice("jobs.progress")
            if progress["job"] == name and progress["finished"]:
                return progress

    def send(self, message: Any) -> None:
        self.send_line(json.dumps(message).encode())

    def send_line(self, line: bytes) -> None:
        self.socket.sendall(line + b"\n")

    def receive(self) -> dict[str, Any]:
        """The next message; ConnectionError if the daemon closed the connection."""
        line = self._lines.readline()
        if not line:
            raise ConnectionResetError("closed by the daemon")
        return dict(json.loads(line))

    def close(self) -> None:
        self._lines.close()
        self.socket.close()

    def __enter__(self) -> Rpc:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Daemon:
    """A running daemon that has said that it is ready."""

    def __init__(self, home: Home, process: Forked, states: socket.socket) -> None:
        self.home = home
        self.process = process
        self._states = states

    @property
    def run_file(self) -> RunFile:
        found = read_run_file(self.home.paths.run_file)
        assert found is not None
        return found

    def client(self) -> Rpc:
        return Rpc(self.run_file.socket)

    def call(self, method: str, **params: Any) -> Any:
        """One call on a connection of its own."""
        with self.client() as client:
            return client.call(method, **params)

    def index(self) -> dict[str, Any]:
        """Have everything on disk read; the numbers of the summary."""
        with self.client() as client:
            last = client.job("index.run", wait=True)
        assert last["error"] == ""
        return dict(last["result"])

    def await_state(self, start: str) -> str:
        """Wait for the daemon to tell its service manager a state, such as `STATUS=`."""
        ready = select.poll()
        ready.register(self._states, select.POLLIN)
        while True:
            if not ready.poll(PATIENCE * 1000):
                raise TimeoutError(f"the daemon never said {start}")
            for line in self._states.recv(65536).decode().splitlines():
                if line.startswith(start):
                    return line

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        return self.process.wait(PATIENCE)

    def stop(self) -> int:
        """End it as a service manager does."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it as a power cut does."""
        self.signal(signal.SIGKILL)
        self.wait()

    def log(self) -> str:
        return self.home.paths.log_file.read_text(encoding="utf-8")


@contextlib.contextmanager
def temporary_home() -> Iterator[Home]:
    """A home with a path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="os-", dir="/tmp", ignore_cleanup_errors=True) as path:
        yield Home(Path(path).resolve())


@contextlib.contextmanager
def running(
    home: Home,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    fresh: bool = False,
) -> Iterator[Daemon]:
    """Start a daemon and wait until it says that it is ready; at the end its whole process group
    is killed, so that nothing of it outlives a test.

    Raises RuntimeError with what it printed if it ends instead.
    """
    address = f"\0{home.path}/notify-{os.urandom(4).hex()}" if sys.platform == "linux" else ""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as states:
        states.bind(address or str(home.path / f"n{os.urandom(3).hex()}"))
        name = address.replace("\0", "@") or states.getsockname()
        read_end, write_end = os.pipe()
        with os.fdopen(read_end) as stderr, Path(os.devnull).open("r+b") as nothing:
            files = (nothing.fileno(), nothing.fileno(), write_end)
            told = {**home.environ, **(environ or {}), "NOTIFY_SOCKET": name}
            process = Forked("daemon", ["run", *arguments], told, "/", files, fresh=fresh)
            os.close(write_end)
            try:
                _await_ready(process, states, stderr)
                yield Daemon(home, process, states)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(PATIENCE)


def _await_ready(process: Forked, states: socket.socket, stderr: TextIO) -> None:
    """Wait for READY=1 or for the process's end, whichever comes first."""
    wait = select.poll()
    wait.register(states, select.POLLIN)
    wait.register(stderr, select.POLLHUP)  # its end closes stderr
    while True:
        found = dict(wait.poll(PATIENCE * 1000))
        if states.fileno() in found:
            if "READY=1" in states.recv(65536).decode().splitlines():
                return
        elif found:
            raise RuntimeError(f"exit {process.wait(PATIENCE)}: {stderr.read()}")
        else:
            raise TimeoutError("the daemon never said that it is ready")
