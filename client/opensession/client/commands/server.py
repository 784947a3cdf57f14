"""`opensession server status|verify|run`: the hub that is published to, and the hub's program."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from opensession.client import output
from opensession.client.options import AsJson, NoStart
from opensession.client.start import reach
from opensession.core.errors import OpenSessionError, Refused
from opensession.core.rpc.hub import HubStatus, HubStatusParams


def status(json: AsJson = False, no_start: NoStart = False) -> None:
    """The hub that sessions are published to, as the daemon last found it. Nothing is asked of it.

    opensession server status
    """
    _print(_ask(verify=False, no_start=no_start), json=json)


def verify(json: AsJson = False, no_start: NoStart = False) -> None:
    """Ask the hub now: is it there, and is the key good? Exit code 1 if not.

    opensession server verify
    """
    found = _ask(verify=True, no_start=no_start)
    _print(found, json=json)
    if not found.server:
        raise Refused("no hub is set: nothing is ever sent", "opensession account login")
    if found.error or not found.reachable:
        raise OpenSessionError(found.error or f"{found.server} does not answer", found.hint)


def _ask(*, verify: bool, no_start: bool) -> HubStatus:
    with reach(no_start=no_start) as daemon:
        return daemon.call("hub.status", HubStatusParams(verify=verify), HubStatus)


def _print(found: HubStatus, *, json: bool) -> None:
    if json:
        output.emit_json(found)
        return
    from opensession.client.render import publish as render

    output.emit(render.hub_lines(found, output.screen_of(sys.stdout)))


def run() -> None:
    """Be a hub, in the foreground, until Ctrl-C. `opensession-server` is the same.

    opensession server run
    OPENSESSION_DATA_DIR=/srv/opensession PORT=8080 opensession server run
    """
    beside = Path(sys.executable).with_name("opensession-server")
    program = str(beside) if beside.exists() else shutil.which("opensession-server")
    if program is None:
        raise Refused("the program opensession-server is not installed", "pip install opensession")
    sys.stdout.flush()
    os.execv(program, [program, "run"])  # noqa: S606 - no shell is wanted
