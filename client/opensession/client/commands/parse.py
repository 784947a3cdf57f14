"""`opensession parse`: a session file of any agent as HAIL."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.asking import program_error
from opensession.client.options import AsJson
from opensession.client.start import daemon_command
from opensession.core.errors import OpenSessionError, UsageError
from opensession.core.parsed import Parsed


def parse(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A session file; - is stdin.")],
    agent: Annotated[
        str,
        typer.Option(
            "--agent", "--profile", metavar="NAME", help="Which agent wrote it; auto looks."
        ),
    ] = "auto",
    session: Annotated[
        str, typer.Option("--session", metavar="ID", help="Which one, if the file has several.")
    ] = "",
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="F", help="Write it here, not to stdout.")
    ] = "",
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what is in it, and who may have written it.")
    ] = False,
    json: AsJson = False,
) -> None:
    """A session file of any agent as HAIL, one JSON object a line. Nothing is stored, and no daemon
    is needed. What is private is taken out, as of all that leaves.

    opensession parse ~/.codex/sessions/2026/11/20/rollout-….jsonl --out session.hail.jsonl
    opensession parse state.vscdb --preview     # the sessions in it
    opensession parse state.vscdb --session 3f9c…
    cat some.jsonl | opensession parse - --agent claude-code
    """
    if json and not preview:
        raise UsageError("--json is for --preview: HAIL is JSON lines already")
    if out and preview:
        raise UsageError("--out and --preview exclude each other")
    words = ["parse", "--agent", agent, *(["--session", session] if session else [])]
    words += [*(["--preview"] if preview else []), "--", file]
    if preview:
        _preview(words, as_json=json)
    elif out:
        _write(words, Path(out))
    else:
        output.emit(_lines(words))


def _preview(words: list[str], *, as_json: bool) -> None:
    with tempfile.TemporaryFile() as held:
        run_program(words, held)
        held.seek(0)
        parsed = msgspec.json.decode(held.read(), type=Parsed)
    if as_json:
        output.emit_json(parsed)
        return
    from opensession.client.render import parsed as render

    output.emit(render.lines(parsed, output.screen_of(sys.stdout)))


def _lines(words: list[str]) -> Iterator[str]:
    """The lines of the program's output, once it ended well."""
    with tempfile.TemporaryFile() as held:
        run_program(words, held)
        held.seek(0)
        for line in held:
            yield line.decode("utf-8", "replace").rstrip("\n")


def _write(words: list[str], target: Path) -> None:
    """Writes the output to a file of ours alone (0600), whole or not at all."""
    folder = target.absolute().parent
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=folder)
    except OSError as error:
        raise OpenSessionError(
            f"{target} cannot be written: {error.strerror}", "name another file with --out"
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            run_program(words, file)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def run_program(words: list[str], out: IO[bytes]) -> None:
    """Runs the daemon's program; raises what it says went wrong."""
    done = subprocess.run(daemon_command(*words), stdout=out, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise program_error(done.returncode, done.stderr.decode(errors="replace"))
