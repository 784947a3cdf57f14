"""Reaching the daemon, and starting one where there is none (the rules of DECISIONS §6)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from opensession.client import connection
from opensession.client.connection import Daemon, NotRunning
from opensession.client.output import note
from opensession.core import __version__
from opensession.core.errors import OpenSessionError, Refused, Unreachable
from opensession.core.paths import Paths, find_paths, make_private, write_private

READY_SECONDS = 30.0
"""How long a started daemon may take until it answers; it usually takes well below one."""

LOOK_SECONDS = 2.0
"""How long a command waits for a daemon that it started to have read what there is."""

CLIENT_LIFE_SECONDS = 60
"""How long a daemon that was started under CI outlives its last client."""


def reach(
    *, no_start: bool = False, environ: Mapping[str, str] = os.environ, client: str = "cli"
) -> Daemon:
    """A connection to the daemon, which is started if need be and if the rules allow it.

    Says on stderr that it starts one. Raises Unreachable where none runs and none may be started.
    """
    paths = find_paths(environ)
    try:
        daemon = connection.connect(paths, environ, client=client)
    except NotRunning:
        check_may_start(paths, environ, no_start=no_start)
    else:
        if daemon.version != __version__:
            note(
                f"opensession: the daemon is {daemon.version}, this program is {__version__};"
                " next: opensession daemon restart"
            )
        return daemon
    note("opensession: no daemon is running, starting one")
    start(paths, environ, by_hand=False)
    daemon = connection.connect(paths, environ, client=client)
    _let_it_look(daemon)
    return daemon


def _let_it_look(daemon: Daemon) -> None:
    """Give a daemon that was just started a moment to find and read what there is, so that the
    first answer is not "nothing"; with much to read, the answer says how far it is.
    """
    from opensession.core.rpc.daemon import Status
    from opensession.core.rpc.envelope import Nothing

    deadline = time.monotonic() + LOOK_SECONDS
    while time.monotonic() < deadline:
        if not daemon.call("daemon.status", Nothing(), Status).indexing.active:
            return
        time.sleep(0.05)


def check_may_start(paths: Paths, environ: Mapping[str, str], *, no_start: bool) -> None:
    """Raise Unreachable or Refused if a command must not start a daemon on its own."""
    hint = "opensession daemon start"
    if no_start or environ.get("OPENSESSION_NO_AUTOSTART", "") not in ("", "0"):
        raise Unreachable("no daemon is running, and none is to be started", hint)
    if paths.stopped_file.exists():
        raise Unreachable("the daemon was stopped by hand", hint)
    if os.geteuid() == 0 and paths.home.exists() and paths.home.stat().st_uid != 0:
        raise Refused(
            f"root does not start a daemon for {paths.home}, which belongs to another user",
            "run it as that user, without sudo",
        )
    if not _auto_start_allowed(paths, environ):
        raise Unreachable("no daemon is running, and [cli] auto_start is off", hint)


def _auto_start_allowed(paths: Paths, environ: Mapping[str, str]) -> bool:
    from opensession.core import config

    return config.load(paths, environ).settings.cli.auto_start


def start(paths: Paths, environ: Mapping[str, str], *, by_hand: bool) -> None:
    """Start a daemon and return when it answers.

    Through systemd or launchd where a service is installed, else detached from this process.
    Started `by_hand`, it lives on until it is stopped; on its own under `CI` it reads no history
    and ends soon after its last client. Raises OpenSessionError with what the daemon said.
    """
    from opensession.client import services

    if by_hand:
        paths.stopped_file.unlink(missing_ok=True)
    if (service := services.installed(paths, environ)) is not None:
        try:
            service.start()
        except services.ManagerSilent as error:
            note(f"opensession: {error}; the daemon is started without it")
        else:
            wait_until_ready(paths, environ)
            return
    passing = not by_hand and bool(environ.get("CI"))
    wait_until_ready(paths, environ, _launch(paths, environ, passing=passing))


def _launch(paths: Paths, environ: Mapping[str, str], *, passing: bool) -> _Launched:
    command = daemon_command("run")
    if passing:
        command += ["--no-history", "--exit-idle", str(CLIENT_LIFE_SECONDS)]
    make_private(paths.state_dir)
    said = paths.state_dir / "start.err"
    write_private(said, b"")
    with said.open("ab") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd="/",
            env=dict(environ),
            start_new_session=True,
        )
    return _Launched(process, said)


class _Launched:
    """A daemon on its way up, and the file where it says why it does not come."""

    def __init__(self, process: subprocess.Popen[bytes], said: Path) -> None:
        self.process = process
        self.said = said

    def check(self) -> None:
        """Raise what the daemon said if it gave up."""
        code = self.process.poll()
        if code:
            raise failure(code, self.said.read_text(encoding="utf-8", errors="replace"))


def failure(code: int, said: str) -> OpenSessionError:
    """The error of a daemon that ended with a code, having said something on stderr."""
    from opensession.core.errors import BY_CODE

    lines = [line for line in said.splitlines() if line.strip()]
    if "Traceback (most recent call last):" in lines:
        lines = [f"it failed ({lines[-1].partition(':')[0]})"]
    hints = [line.removeprefix("next:").strip() for line in lines if line.startswith("next:")]
    reasons = [line for line in lines if not line.startswith("next:")]
    reason = reasons[0] if reasons else f"it ended with code {code}"
    reason = reason.removeprefix("opensession-daemon:").removeprefix("opensession:").strip()
    kinds = [kind for kind in BY_CODE.values() if kind.exit_code == code]
    kind = kinds[0] if kinds else OpenSessionError
    return kind(
        f"the daemon did not start: {reason}", hints[-1] if hints else "opensession daemon run"
    )


def wait_until_ready(
    paths: Paths, environ: Mapping[str, str], launched: _Launched | None = None
) -> None:
    """Return once a daemon answers. Raises what `launched` said if it gave up, Unreachable if
    nobody answers in time.
    """
    deadline = time.monotonic() + READY_SECONDS
    pause = 0.02
    while True:
        try:
            connection.connect(paths, environ).close()
        except Unreachable as error:
            if time.monotonic() >= deadline:
                raise Unreachable(
                    f"the daemon did not answer within {READY_SECONDS:.0f} s: {error}",
                    "opensession daemon logs",
                ) from None
        else:
            if launched is not None:
                launched.said.unlink(missing_ok=True)
            return
        if launched is not None:
            launched.check()
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def daemon_command(*words: str) -> list[str]:
    """The daemon's program with arguments, run by the Python that runs this one."""
    return [sys.executable, "-P", "-m", "opensession.daemon", *words]
