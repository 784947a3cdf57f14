"""A real daemon in a home of its own, and what it costs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

OURS = ".opensession-bench"
"""The folder in a measured home that the daemon has for itself; removed between runs."""


class Client:
    """A JSON-RPC connection: calls in turn, notifications by `notice`."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        self.number = 0

    def call(self, method: str, **params: Any) -> Any:
        """The result; a RuntimeError for an error."""
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self.file.readline())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["result"]

    def notice(self, method: str) -> Any:
        """The parameters of the next notification of this name."""
        while True:
            message = json.loads(self.file.readline())
            if message.get("method") == method:
                return message["params"]

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class Running:
    """A daemon process, its socket, and the peak of its memory with its children's (PSS)."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes], path: str) -> None:
        self.home = home
        self.process = process
        self.path = path
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def client(self) -> Client:
        return Client(self.path)

    def watch_memory(self) -> None:
        """Sample the memory of the process tree ten times a second, until the daemon stops."""
        self._thread.start()

    def cpu_seconds(self) -> float:
        """CPU of the daemon and of the children it has waited for."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)

    def own_cpu_seconds(self) -> float:
        """CPU of the daemon alone: a worker that ends meanwhile has worked before."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """PSS of the process tree in bytes."""
        total = 0
        me = psutil.Process(self.process.pid)
        for process in [me, *me.children(recursive=True)]:
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return total

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            try:
                self.peak_bytes = max(self.peak_bytes, self.memory())
            except psutil.NoSuchProcess:
                return

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.process.terminate()
        self.process.wait(20)


def environment(home: Path) -> dict[str, str]:
    """The environment of a person whose home is `home` and who has nothing else set."""
    keep = {k: os.environ[k] for k in ("PATH", "LANG", "TZ") if k in os.environ}
    return {**keep, "HOME": str(home), "OPENSESSION_HOME": str(home / OURS)}


@contextmanager
def daemon(home: Path) -> Iterator[Running]:
    """Start a daemon on `home`; it answers when this returns, and is stopped at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "opensession.daemon", "run"],
        env=environment(home),
        cwd="/",
        stderr=subprocess.DEVNULL,
    )
    run_file = home / OURS / "state/daemon.json"
    deadline = time.monotonic() + 30
    while True:
        try:
            told = json.loads(run_file.read_text())
            if told["pid"] == process.pid:
                Client(told["socket"]).close()
                break
        except (OSError, ValueError):
            if time.monotonic() > deadline or process.poll() is not None:
                raise
        time.sleep(0.01)
    running = Running(home, process, told["socket"])
    try:
        yield running
    finally:
        running.stop()


def wait_indexed(client: Client) -> Any:
    """Have everything on disk read; the closing numbers of the job."""
    job = client.call("index.run", wait=True)["job"]
    while True:
        progress = client.notice("jobs.progress")
        if progress["job"] == job and progress["finished"]:
            if progress["error"]:
                raise RuntimeError(progress["error"])
            return progress["result"]


def folder_bytes(*folders: Path) -> int:
    """Bytes of all files below, as the disk counts them."""
    files = (p for folder in folders for p in folder.rglob("*") if p.is_file())
    return sum(p.stat().st_blocks * 512 for p in files)
