"""`opensession revive`: a session's files back where its agent looks for them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.options import All, AsJson, NoStart
from opensession.client.start import reach
from opensession.core.errors import OpenSessionError, Refused
from opensession.core.rpc.revive import ReviveParams, ReviveResult

LOAD_SECONDS = 120.0
"""How long an agent's own import may take."""


def revive(
    ref: Annotated[str, typer.Argument(metavar="REF", help="A short, an id, HEAD or an alias.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    older: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="As it was before its agent wrote it anew N times."),
    ] = 0,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Put the files of a session, as they were archived, back where its agent looks for them, with
    those of its subagents; and say how to go on with it. Nothing is ever written over, and no
    database is written to: opencode and kilo take the session by their own `import`.

    opensession revive 7f3a9c1e
    opensession revive 7f3a9c1e --dry-run
    """
    params = ReviveParams(ref=ref, scope=str(Path.cwd()), all=all_, really=not dry_run, older=older)
    with reach(no_start=no_start) as daemon:
        done = daemon.call("archive.revive", params, ReviveResult)
    loaded = _load(done) if done.load and not dry_run else 0
    if json:
        output.emit_json(done)
        return
    tell(done, loaded)


def tell(done: ReviveResult, loaded: int) -> None:
    """Say on stderr what was put back, `loaded` of it by the agent's own import."""
    from opensession.client.render.numbers import count, size
    from opensession.client.render.words import line

    new = [file for file in done.files if file.state != "present"]
    total = size(sum(file.bytes for file in new))
    if loaded:
        output.note(f"revived: {line(done.tool)} took in {count(loaded, 'session')}, {total}")
    elif not new:
        output.note("its files are there: nothing was written")
    elif new[0].state == "absent" and done.load:
        output.note(f"would have {line(done.tool)} take in {count(len(new), 'session')}, {total}")
    else:
        said = "would write" if new[0].state == "absent" else "revived:"
        output.note(f"{said} {count(len(new), 'file')}, {total}")
        for file in new:
            output.note(f"  {line(file.path)}")
    for note in done.notes:
        output.note(line(note))
    if done.resume:
        command = shlex.join(done.resume)
        place = f"cd {shlex.quote(done.directory)} && " if done.directory else ""
        output.note(f"next: {line(place + command)}")
    elif new and new[0].state != "absent" and not done.load:
        place = f" in {line(done.directory)}" if done.directory else ""
        output.note(f"next: start {line(done.tool)} again{place}, and look in its history")


def _load(done: ReviveResult) -> int:
    """Have the agent take in the files that were made for it; how many. They are removed."""
    files = [file.path for file in done.files if file.state == "written"]
    program = shutil.which(done.load[0])
    try:
        if program is None:
            raise Refused(
                f"{done.load[0]} is not in the path, and only it writes to its database",
                "put it into PATH, then opensession revive again",
            )
        for file in files:
            _load_one(program, done, file)
    finally:
        for file in files:
            Path(file).unlink(missing_ok=True)
    return len(files)


def _load_one(program: str, done: ReviveResult, file: str) -> None:
    words = [program, *(word.replace("{file}", file) for word in done.load[1:])]
    place = done.directory or str(Path.home())
    try:
        ran = subprocess.run(
            words,
            cwd=place,
            env={**os.environ, "OPENSESSION_INTERNAL": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise OpenSessionError(f"{done.load[0]} import did not end") from None
    if ran.returncode:
        # Its words may hold text of the session: only that it failed is told.
        raise OpenSessionError(
            f"{done.load[0]} import failed with exit code {ran.returncode}",
            f"opensession show {done.short} has all of it",
        )
