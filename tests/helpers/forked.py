"""Our programs as processes of their own, forked from one that has imported them.

Most of what a short-lived daemon or command costs is importing it. A fork leaves that out and
nothing else: it has its own pid, session, environment, folder and files, and runs the program's own
`main`. What is about the start itself runs the interpreter, as do all processes that ours start.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing import reduction
from pathlib import Path
from typing import Any

PROGRAMS = {
    "daemon": "opensession.daemon.__main__",
    "client": "opensession.client.cli",
    "server": "opensession.server.__main__",
}

# Elsewhere the libraries of the system do not bear a fork.
_FORKS = sys.platform == "linux"
if _FORKS:
    multiprocessing.set_forkserver_preload(["tests.helpers.preloaded"])


class Forked:
    """A running program; what of `subprocess.Popen` is needed of it."""

    def __init__(
        self,
        program: str,
        words: Sequence[str],
        environ: Mapping[str, str],
        folder: Path | str,
        files: tuple[int, int, int],
        *,
        fresh: bool = False,
    ) -> None:
        """`files` are what becomes its stdin, stdout and stderr; they stay open here. A `fresh` one
        is not forked: it has imported nothing that it did not ask for.
        """
        copies = [os.dup(file) for file in files]  # one may stand in two places
        handed = [_Handed(copy) for copy in copies]
        arguments = (program, list(words), dict(environ), str(folder), handed)
        context: Any = multiprocessing.get_context(
            "forkserver" if _FORKS and not fresh else "spawn"
        )
        self._process = context.Process(target=_be, args=arguments)
        self._process.start()
        for copy in copies:
            os.close(copy)
        self.pid: int = self._process.pid

    def wait(self, timeout: float) -> int:
        """The exit code, negative for a signal; raises TimeoutError."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"process {self.pid} has not ended")
        return int(code)

    def send_signal(self, number: int) -> None:
        """Nothing happens if it has ended already."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)


def run(
    program: str,
    words: Sequence[str],
    environ: Mapping[str, str],
    folder: Path | str,
    given: str,
    timeout: float,
) -> subprocess.CompletedProcess[str]:
    """Run a program until it has ended and nobody can write to its stdout and stderr any more."""
    (read_in, write_in), (read_out, write_out), (read_err, write_err) = (
        os.pipe() for _ in range(3)
    )
    process = Forked(program, words, environ, folder, (read_in, write_out, write_err))
    for ours in (read_in, write_out, write_err):
        os.close(ours)
    said = {read_out: b"", read_err: b""}
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as open_ones, os.fdopen(write_in, "wb") as stdin:
        stdin.write(given.encode())
        stdin.close()
        for file in said:
            open_ones.register(file, selectors.EVENT_READ)
        while open_ones.get_map():
            ready = open_ones.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                process.send_signal(9)
                raise subprocess.TimeoutExpired([program, *words], timeout)
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                said[key.fd] += data
                if not data:
                    open_ones.unregister(key.fd)
                    os.close(key.fd)
    code = process.wait(timeout)
    out, err = (data.decode().replace("\r\n", "\n") for data in said.values())
    return subprocess.CompletedProcess([program, *words], code, out, err)


class _Handed:
    """A file that a child has too, whatever number it has there."""

    def __init__(self, file: int) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return _taken, (reduction.DupFd(self.file),)


def _taken(handed: Any) -> int:
    return int(handed.detach())


def _be(
    program: str, words: list[str], environ: dict[str, str], folder: str, files: list[int]
) -> None:
    """In the child: be the program."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    sys.argv = [program, *words]
    sys.exit(importlib.import_module(PROGRAMS[program]).main())
