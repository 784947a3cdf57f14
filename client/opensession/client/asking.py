"""Methods that need no watching daemon: answered by the one that runs, else by its program once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from opensession.client import connection
from opensession.client.start import daemon_command
from opensession.core.errors import BY_CODE, OpenSessionError, Unreachable
from opensession.core.paths import find_paths
from opensession.core.rpc.envelope import Params

R = TypeVar("R")

SECONDS = 60.0


def ask(method: str, params: Params, result: type[R], environ: Mapping[str, str] = os.environ) -> R:
    """The result of a method; where no daemon answers, the daemon's program runs it and ends.

    Raises what the method raised.
    """
    try:
        daemon = connection.connect(find_paths(environ), environ)
    except Unreachable:
        return ask_program(method, params, result, environ)
    with daemon:
        return daemon.call(method, params, result)


def ask_program(
    method: str,
    params: Params,
    result: type[R],
    environ: Mapping[str, str] = os.environ,
    *,
    seconds: float | None = SECONDS,
) -> R:
    """The result of a method that the daemon's program runs, whether a daemon answers or not."""
    done = subprocess.run(
        daemon_command("call", method, "-"),
        input=msgspec.json.encode(params),
        capture_output=True,
        env=dict(environ),
        cwd="/",
        timeout=seconds,
        check=False,
    )
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=result)
    raise program_error(done.returncode, done.stderr.decode(errors="replace"))


def program_error(code: int, said: str) -> OpenSessionError:
    """The error that the daemon's program printed: `name: message` and `next: hint`."""
    message, hint = "", ""
    if "Traceback (most recent call last)" in said:
        # The kind of the error alone: its words may hold text of a session.
        message = f"the daemon's program failed ({said.splitlines()[-1].partition(':')[0]})"
        said = ""
    for line in said.splitlines():
        if line.startswith("next:"):
            hint = hint or line.removeprefix("next:").strip()
        elif line.strip():
            message = message or line.partition(": ")[2] or line
    kinds = [kind for kind in BY_CODE.values() if kind.exit_code == code]
    kind = kinds[0] if kinds else OpenSessionError
    return kind(message or f"the daemon's program ended with code {code}", hint)
