"""What `doctor` looks at from outside the daemon, and what `--fix` does."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from opensession.client import asking, connection, output, processes, progress, services
from opensession.client import start as starting
from opensession.client.connection import Daemon, NotRunning
from opensession.core import __version__
from opensession.core.errors import OpenSessionError, Unreachable
from opensession.core.paths import Paths
from opensession.core.rpc.daemon import State
from opensession.core.rpc.doctor import (
    Diagnosis,
    DoctorParams,
    Finding,
    Fix,
    MendParams,
    MendResult,
)
from opensession.core.rpc.envelope import Params
from opensession.core.rpc.index import IndexRunParams, JobResult, Progress
from opensession.core.rpc.storage import VerifyParams, VerifyResult

SAID: dict[Fix, str] = {
    "modes": "take away the access that others have to our own files and folders",
    "left-over": "remove what a crash left of files that were being written",
    "config": "take over the settings of the original program, into daemon.toml",
    "start": "start the daemon",
    "restart": "restart the daemon",
    "read": "compare everything on disk with the index",
    "archive": "read damaged parts of the archive again from the agents' own files",
    "rebuild": "make the index anew from archive and sources",
}
"""What can be done, in the order in which it is."""


def look(paths: Paths, environ: Mapping[str, str], *, deep: bool) -> list[Finding]:
    """Every finding; where no daemon answers, its program looks."""
    found: list[Finding] = []
    try:
        daemon = connection.connect(paths, environ, client="doctor")
    except Unreachable as error:
        found.append(_silent(paths, error))
        found += _look_alone(environ, deep=deep)
    except OpenSessionError as error:
        found.append(_finding("daemon", "red", str(error), error.hint))
        found += _look_alone(environ, deep=deep)
    else:
        with daemon:
            found.append(_running(daemon))
            found += _look_with(daemon, deep=deep)
    return [*found, *_service(paths, environ)]


def fixes(found: Sequence[Finding]) -> list[Fix]:
    """What would mend what is not well, in the order in which it is done."""
    wanted = {each.fix for each in found if each.state != "ok"}
    return [fix for fix in SAID if fix in wanted]


def fix(wanted: Sequence[Fix], paths: Paths, environ: Mapping[str, str]) -> None:
    """Does it, each said on stderr. What needs a daemon that was stopped by hand is left."""
    mend = MendParams(modes="modes" in wanted, left_over="left-over" in wanted)
    if mend.modes or mend.left_over:
        changed = asking.ask("doctor.mend", mend, MendResult, environ).changed
        output.note(f"mended: {len(changed)} of our files and folders")
    if "config" in wanted:
        taken = asking.ask("doctor.mend", MendParams(config=True), MendResult, environ).changed
        output.note(f"taken over: {', '.join(taken) or 'no setting'}")
    if "start" in wanted or "restart" in wanted:
        processes.stop(paths, environ)
        starting.start(paths, environ, by_hand=True)
        output.note("the daemon runs")
    jobs: dict[Fix, tuple[str, Params]] = {
        "read": ("index.run", IndexRunParams(wait=True)),
        "archive": ("archive.verify", VerifyParams(mend=True)),
        "rebuild": ("index.rebuild", IndexRunParams(wait=True)),
    }
    for name, (method, params) in jobs.items():
        if name not in wanted:
            continue
        try:
            with connection.connect(paths, environ, client="doctor") as daemon:
                _job(daemon, method, params, SAID[name])
        except NotRunning:
            output.note(f"left, since the daemon was stopped by hand: {SAID[name]}")
            continue
        output.note(f"done: {SAID[name]}")


def _look_with(daemon: Daemon, *, deep: bool) -> list[Finding]:
    params = DoctorParams(archive="none" if deep else "sample")
    found = daemon.call("doctor.run", params, Diagnosis).findings
    if not deep:
        return found
    import msgspec

    last = _job(daemon, "archive.verify", VerifyParams(), "reading the archive")
    more = msgspec.convert(last.result, VerifyResult).findings
    names = {each.name for each in more}
    return [*(each for each in found if each.name not in names), *more]


def _look_alone(environ: Mapping[str, str], *, deep: bool) -> list[Finding]:
    params = DoctorParams(archive="all" if deep else "sample")
    seconds = None if deep else asking.SECONDS
    try:
        return asking.ask_program(
            "doctor.run", params, Diagnosis, environ, seconds=seconds
        ).findings
    except OpenSessionError as error:
        return [_finding("program", "red", str(error), error.hint)]


def _job(daemon: Daemon, method: str, params: Params, what: str) -> Progress:
    job = daemon.call(method, params, JobResult)
    return progress.wait_for(daemon, job.job, what=what)


def _running(daemon: Daemon) -> Finding:
    said = f"running (pid {daemon.run.pid}), version {daemon.version}"
    if daemon.version == __version__:
        return _finding("daemon", "ok", said)
    said += f"; this program is {__version__}"
    return _finding("daemon", "warn", said, "opensession daemon restart", "restart")


def _silent(paths: Paths, error: Unreachable) -> Finding:
    if not isinstance(error, NotRunning):
        return _finding("daemon", "red", str(error), "opensession daemon restart", "restart")
    if paths.stopped_file.exists():
        said = "stopped by hand: nothing is taken in until it is started"
        return _finding("daemon", "warn", said, "opensession daemon start")
    said = "no daemon is running: nothing is taken in"
    return _finding("daemon", "red", said, "opensession daemon start", "start")


def _service(paths: Paths, environ: Mapping[str, str]) -> list[Finding]:
    """Whether the daemon is started with the login, and goes on after logout."""
    install = "opensession daemon service install"
    service = services.installed(paths, environ)
    if service is None:
        return [_finding("service", "ok", f"none: commands start the daemon; else {install}")]
    found = []
    try:
        service.check()
    except OpenSessionError as error:
        found.append(_finding("service", "warn", str(error), error.hint))
    if service.unit_path.read_text(encoding="utf-8") != service.text():
        said = f"{service.unit_path} is not what this installation would write"
        found.append(_finding("service", "warn", said, install))
    if not found:
        said = f"{service.manager} starts the daemon with the login"
        found.append(_finding("service", "ok", said))
    if sys.platform == "linux":
        from opensession.client.services import systemd

        if systemd.lingers():
            found.append(_finding("linger", "ok", "it goes on after logout"))
        elif environ.get("SSH_CONNECTION"):
            said = "it ends with your logout, and agents may go on without you"
            found.append(_finding("linger", "warn", said, f"{install} --linger"))
        else:
            found.append(_finding("linger", "ok", "it ends with your logout"))
    return found


def _finding(name: str, state: State, message: str, hint: str = "", fix: Fix = "") -> Finding:
    return Finding(name=name, state=state, message=message, hint=hint, fix=fix)
