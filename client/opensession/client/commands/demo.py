"""`opensession demo`: the whole of it on sample sessions, in a temporary home."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

import msgspec

from opensession.client import connection, output, processes
from opensession.client.connection import Daemon
from opensession.client.demo_stage import Stage
from opensession.core.errors import OpenSessionError
from opensession.core.paths import find_paths
from opensession.core.rpc.daemon import Status
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.sessions import SessionEventsParams, SessionEventsResult

_STEP_SECONDS = 0.35
"""Between two lines of the live session: as fast as one can read along."""

_WAIT_SECONDS = 20.0
_PLACEHOLDER = re.compile(r"\[redacted:[^\]]*\]")

_NEXT = (
    ("discover", "which agents have left sessions here"),
    ("daemon start", "index them, and watch what comes"),
    ("log --all", "look"),
)


def demo() -> None:
    """Everything at work on sample sessions: a real daemon in a temporary home, a live session
    that is followed and found as it is written, and what was redacted. Takes about 15 seconds.
    Nothing of yours is read or changed, and nothing is left behind.

      opensession demo
    """
    base = Path(tempfile.mkdtemp(prefix="opensession-demo-")).resolve()
    stage = Stage(base, dt.datetime.now(tz=dt.UTC))
    try:
        _play(stage)
    finally:
        processes.stop(find_paths(stage.environ()), stage.environ())
        shutil.rmtree(base)
    screen = output.screen_of(sys.stdout)
    from opensession.client.render.overview import command_lines

    output.emit(["", screen.bold("Done; the temporary home is gone. For real:"), ""])
    program = _program()
    output.emit(command_lines(tuple((f"{program} {words}", what) for words, what in _NEXT), screen))


def _program() -> str:
    """How this program is called from here: by its name, else by the path of its script."""
    script = Path(sys.executable).with_name("opensession")
    found = shutil.which("opensession")
    if found is not None or not script.exists():
        return "opensession"
    return os.path.relpath(script) if script.is_relative_to(Path.cwd()) else str(script)


def _play(stage: Stage) -> None:
    _say(f"A home of its own, with sample sessions of Claude Code and Codex: {stage.home}")
    stage.set_up()
    _run(stage, "daemon", "start")
    _run(stage, "index", "--wait")
    _run(stage, "log", "--all")

    _say("Everything is searchable: words, phrases, parts of identifiers, 中文.")
    _run(stage, "search", "rate limiter", "role:user")
    _run(stage, "search", "导入")

    _say("Now an agent works in acme-api. Its file grows line by line; this follows it:")
    _follow(stage)
    _run(stage, "log", "-n", "1")
    _run(stage, "search", "healthz", "project:.")
    _run(stage, "show", "HEAD")

    _say("Sums, with the price of each model:")
    _run(stage, "stats")

    _say("Private things are stripped before anything is stored. One session printed a file of")
    _say(
        "settings; this is its line in the agent's file, and as it stands in the index:", gap=False
    )
    _show_redactions(stage)
    _run(stage, "daemon", "stop")


def _say(text: str, *, gap: bool = True) -> None:
    screen = output.screen_of(sys.stdout)
    output.emit([*([""] if gap else []), screen.bold(text)], flush=True)


def _command(words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-P", "-m", "opensession.client", *words]


def _environ(stage: Stage) -> dict[str, str]:
    """The stage's environment, with what this terminal can do."""
    screen = output.screen_of(sys.stdout)
    environ = {**stage.environ(), "COLUMNS": str(screen.width)}
    if screen.color:
        environ["CLICOLOR_FORCE"] = "1"
    return environ


def _run(stage: Stage, *words: str) -> None:
    """Show a command and what it prints. Raises OpenSessionError if it fails."""
    _prompt(words)
    done = subprocess.run(
        _command(words),
        env=_environ(stage),
        cwd=stage.home / "acme-api",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output.emit([done.stdout.decode(errors="replace").rstrip("\n")], flush=True)
    if done.returncode != 0:
        raise OpenSessionError(f"the demo failed at: opensession {' '.join(words)}")


def _prompt(words: tuple[str, ...]) -> None:
    screen = output.screen_of(sys.stdout)
    shown = " ".join(f"'{word}'" if not word.isascii() or " " in word else word for word in words)
    output.emit(["", screen.dim("$ ") + screen.cyan(f"opensession {shown}")], flush=True)


def _follow(stage: Stage) -> None:
    """Play the live session while a `log --follow` prints what arrives."""
    words = ("log", "--follow", "-n", "0")
    _prompt(words)
    expected = stage.live_lines()
    process = subprocess.Popen(
        _command(words),
        env=_environ(stage),
        cwd=stage.home / "acme-api",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    seen = threading.Event()
    try:
        if process.stdout is None or process.stderr is None:
            raise OpenSessionError("the demo could not follow")
        # It says when it is subscribed: from then on nothing is missed.
        process.stderr.readline()
        printer = threading.Thread(target=_print_until, args=(process.stdout, seen), daemon=True)
        printer.start()
        with stage.live_file.open("a", encoding="utf-8") as file:
            for line in expected:
                file.write(line)
                file.flush()
                time.sleep(_STEP_SECONDS)
        if not seen.wait(_WAIT_SECONDS):
            raise OpenSessionError("the live session did not arrive in time")
    finally:
        process.terminate()
        process.communicate()


def _print_until(lines: IO[str], seen: threading.Event) -> None:
    """Print lines as they come; set `seen` at the last thing the live session says."""
    for line in lines:
        output.emit([line.rstrip("\n")], flush=True)
        if "before the limiter counts" in line:
            seen.set()
            return


def _show_redactions(stage: Stage) -> None:
    from opensession.client.render.overview import stripped_fact

    screen = output.screen_of(sys.stdout)
    raw = _line_with_secret(stage)
    environ = stage.environ()
    with connection.connect(find_paths(environ), environ, client="demo") as daemon:
        stored = _stored_text(daemon)
        status = daemon.call("daemon.status", Nothing(), Status)
    output.emit([""])
    for before, after in zip(raw, stored, strict=False):
        if before != after:
            output.emit([f"  {screen.dim('file')}   {before}", f"  {screen.dim('index')}  {after}"])
    marks = sorted(set(_PLACEHOLDER.findall("\n".join(stored))))
    counts = ", ".join(
        stripped_fact(kind, count) for kind, count in sorted(status.redacted.items())
    )
    output.emit(["", f"  placeholders: {' '.join(marks)}", f"  stripped in all: {counts}"])


def _line_with_secret(stage: Stage) -> list[str]:
    """The lines of the tool's output that holds the secret, as the agent wrote them."""
    for line in stage.lines("claude/limiter.jsonl"):
        if "API_TOKEN=" in line:
            record = msgspec.json.decode(line)
            return str(record["message"]["content"][0]["content"]).split("\n")
    raise OpenSessionError("the samples hold no secret")


def _stored_text(daemon: Daemon) -> list[str]:
    """The same lines as the index has them."""
    params = SessionEventsParams(ref="5e1f0c9a", all=True, order="seq", fold=False, limit=500)
    found = daemon.call("sessions.events", params, SessionEventsResult)
    for event in found.events:
        for block in event.blocks:
            said = str(block.get("text") or block.get("code") or "")
            if "API_TOKEN=" in said:
                return said.split("\n")
    raise OpenSessionError("the secret's line is not in the index")
