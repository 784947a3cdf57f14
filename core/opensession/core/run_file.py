"""`daemon.json`: who the daemon is and where it listens (DECISIONS §6).

The daemon writes it once it listens and removes it when it stops in good order. Clients read it
and never guess the socket. A pid is only for signals, and only together with `started`, since the
system gives the numbers of dead processes to others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """`started` is opaque: equal to `process_start(pid)` while that process is the daemon.

    `boot_id` is empty where the system has none; `instance` is new for every start of a daemon.
    """

    pid: int
    started: str
    boot_id: str
    host: str
    socket: str
    version: str
    protocol: int
    instance: str


def read_run_file(path: Path) -> RunFile | None:
    """What `daemon.json` says; None if it is not there, torn or not ours to read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunFile)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError):
        return None


def is_alive(run: RunFile) -> bool:
    """Reports whether the very process that wrote the file still runs (it may be wedged)."""
    return run.started != "" and process_start(run.pid) == run.started


def process_start(pid: int) -> str:
    """When a process started, in the system's own words; empty if there is no such process."""
    if pid <= 0:
        return ""
    if sys.platform == "linux":
        try:
            line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        # The name stands in brackets and may hold brackets and blanks: count from the last one.
        fields = line.rpartition(")")[2].split()
        # A process that nobody waited for has ended all the same.
        return "" if fields[0] in ("Z", "X") else fields[19]
    done = subprocess.run(
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "TZ": "UTC"},
    )
    return done.stdout.strip()


def boot_id() -> str:
    """A name of this boot of this machine, the same in its containers; empty if there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def host_name() -> str:
    """The machine's name, as `daemon.json` and messages give it."""
    return os.uname().nodename
