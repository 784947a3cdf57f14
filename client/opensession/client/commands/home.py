"""Bare `opensession`: the status, and the three commands most people need next."""

from __future__ import annotations

import os
import sys
import time

from opensession.client import connection, output
from opensession.client.connection import NotRunning
from opensession.core.paths import find_paths
from opensession.core.rpc.daemon import Status
from opensession.core.rpc.envelope import Nothing


def home() -> int:
    """The status, and the three commands that most people need next.

    opensession
    opensession --help
    """
    from opensession.client.render import overview

    screen = output.screen_of(sys.stdout)
    paths = find_paths(os.environ)
    try:
        with connection.connect(paths, os.environ) as daemon:
            status = daemon.call("daemon.status", Nothing(), Status)
    except NotRunning:
        output.emit([f"{screen.yellow('○')} not running", ""])
        output.emit(overview.command_lines(overview.FIRST, screen))
        return 0
    now_us = time.time_ns() // 1000
    output.emit(overview.status_lines(status, screen, now_us, str(paths.home)))
    output.emit([""])
    output.emit(overview.command_lines(overview.NEXT, screen))
    return 0
