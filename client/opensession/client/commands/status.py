"""`opensession daemon status` and `daemon health`: they never start a daemon."""

from __future__ import annotations

import os
import sys
import time

from opensession.client import connection, output
from opensession.client.connection import NotRunning
from opensession.client.options import AsJson
from opensession.core.errors import Unreachable
from opensession.core.paths import find_paths
from opensession.core.rpc.daemon import Health, Status
from opensession.core.rpc.envelope import Nothing


def status(json: AsJson = False) -> int:
    """How the daemon is. Exit code 3 if none runs; none is started.

    opensession daemon status
    opensession daemon status --json
    """
    paths = find_paths(os.environ)
    try:
        with connection.connect(paths, os.environ) as daemon:
            found = daemon.call("daemon.status", Nothing(), Status)
    except Unreachable as error:
        if not json:
            raise
        output.emit_json({"running": False})
        if not isinstance(error, NotRunning):
            output.note(f"opensession: {error}")
        return error.exit_code
    if json:
        output.emit_json(found)
        return 0
    from opensession.client.render import overview

    screen = output.screen_of(sys.stdout)
    now_us = time.time_ns() // 1000
    output.emit(overview.status_lines(found, screen, now_us, str(paths.home)))
    return 0


def health(json: AsJson = False) -> int:
    """Every check, and what mends it; per agent, the newest change on disk against the newest
    that is indexed. Exit code 1 if anything is red, 3 if no daemon runs.

      opensession daemon health
      opensession daemon health --json
    """
    with connection.connect(find_paths(os.environ), os.environ) as daemon:
        found = daemon.call("daemon.health", Nothing(), Health)
    if json:
        output.emit_json(found)
    else:
        from opensession.client.render import overview

        output.emit(overview.health_lines(found, output.screen_of(sys.stdout)))
    return 0 if found.healthy else 1
