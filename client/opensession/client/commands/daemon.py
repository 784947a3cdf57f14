"""`opensession daemon start|stop|restart|run|logs`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import connection, output, processes
from opensession.client import start as starting
from opensession.client.connection import NotRunning
from opensession.client.options import AsJson
from opensession.core.paths import Paths, find_paths, make_private, write_private
from opensession.core.rpc.daemon import Status
from opensession.core.rpc.envelope import Nothing

More = Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", help="Further paths.")]


def start(
    repo: Annotated[
        list[str] | None,
        typer.Option("--repo", metavar="PATH", help="Watch only these repositories."),
    ] = None,
    more: More = None,
) -> None:
    """Start the daemon; returns when it answers.

    opensession daemon start
    opensession daemon start --repo ~/work/api ~/work/web
    """
    paths = find_paths(os.environ)
    if repo:
        from opensession.client.commands.select import set_repos

        set_repos([*repo, *(more or [])])
    try:
        connection.connect(paths, os.environ).close()
    except NotRunning:
        starting.start(paths, os.environ, by_hand=True)
        _tell(paths, "started")
        return
    paths.stopped_file.unlink(missing_ok=True)
    _tell(paths, "already running")


def stop() -> None:
    """Stop the daemon. Commands do not start it again until `opensession daemon start`.

    opensession daemon stop
    """
    paths = find_paths(os.environ)
    make_private(paths.state_dir)
    write_private(paths.stopped_file, b"")
    pid = processes.stop(paths, os.environ)
    output.note("no daemon was running" if pid is None else f"stopped (pid {pid})")


def restart() -> None:
    """Stop the daemon if it runs, and start it; also one that hangs.

    opensession daemon restart
    """
    paths = find_paths(os.environ)
    processes.stop(paths, os.environ)
    starting.start(paths, os.environ, by_hand=True)
    _tell(paths, "started")


def run() -> None:
    """Run the daemon in the foreground, until Ctrl-C; its log goes to stderr as well.

    opensession daemon run
    """
    command = starting.daemon_command("run", "--foreground")
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606


def logs(
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, metavar="N", help="How many.")
    ] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="And what comes.")] = False,
    json: AsJson = False,
) -> None:
    """The end of the daemon's log. It holds no text of sessions.

    opensession daemon logs
    opensession daemon logs -n 20 --follow
    """
    path = find_paths(os.environ).log_file
    if json:
        found = _last_lines(path, lines) if path.exists() else []
        output.emit_json({"path": str(path), "lines": found})
        return
    if not path.exists():
        output.note(f"there is no log yet: {path}")
        return
    if follow:
        tail = ["tail", "-n", str(lines), "-F", str(path)]
        sys.stdout.flush()
        os.execvp(tail[0], tail)  # noqa: S606
    output.emit(_last_lines(path, lines))


def _last_lines(path: Path, count: int) -> list[str]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        taken = b""
        while size > 0 and taken.count(b"\n") <= count:
            step = min(size, 1 << 16)
            size -= step
            file.seek(size)
            taken = file.read(step) + taken
    return taken.decode(errors="replace").splitlines()[-count:]


def _tell(paths: Paths, what: str) -> None:
    """Say who runs, what it reads now, and what it keeps (once)."""
    from opensession.client.render import overview

    with connection.connect(paths, os.environ) as daemon:
        status = daemon.call("daemon.status", Nothing(), Status)
    output.note(f"{what} (pid {status.pid})")
    for line in overview.start_lines(status):
        output.note(line)
