"""Ending a daemon: in good order over its socket, by signals only where it hangs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping

from opensession.client import connection
from opensession.client.connection import NotRunning
from opensession.core.errors import OpenSessionError, Unreachable
from opensession.core.paths import Paths
from opensession.core.rpc.daemon import StopResult
from opensession.core.rpc.envelope import Nothing
from opensession.core.run_file import RunFile, is_alive

STOP_SECONDS = 10.0
KILL_SECONDS = 5.0


def stop(paths: Paths, environ: Mapping[str, str]) -> int | None:
    """End the daemon and return its pid once its process is gone; None if none runs.

    A daemon that does not answer, or speaks another protocol, gets SIGTERM, and SIGKILL if that
    does not help: what it had not stored is read again. Raises OpenSessionError if it stays.
    """
    try:
        run = connection.find(paths)
    except NotRunning:
        return None
    if not is_alive(run):
        return None
    try:
        with connection.connect(paths, environ, client="stop") as daemon:
            daemon.call("daemon.stop", Nothing(), StopResult)
    except NotRunning:
        return None
    except Unreachable:
        _signal(run, signal.SIGTERM)
    if not _gone(run, STOP_SECONDS):
        _signal(run, signal.SIGKILL)
        if not _gone(run, KILL_SECONDS):
            raise OpenSessionError(f"the daemon (pid {run.pid}) does not end", f"kill -9 {run.pid}")
    return run.pid


def _signal(run: RunFile, number: signal.Signals) -> None:
    """Signal the very process that wrote `daemon.json`, never another that got its number."""
    if is_alive(run):
        try:
            os.kill(run.pid, number)
        except ProcessLookupError:
            return


def _gone(run: RunFile, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(run):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
    return True
