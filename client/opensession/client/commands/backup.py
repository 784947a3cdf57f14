"""`opensession backup`, `restore`: all that cannot be made again, in one file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.asking import program_error
from opensession.client.options import AsJson, NoStart
from opensession.client.start import daemon_command, reach
from opensession.core.rpc.backup import BackupParams
from opensession.core.rpc.index import JobResult

MOST_NAMED = 5


class Restored(msgspec.Struct):
    """What the daemon's program says of a restore."""

    files: int
    merged: int = 0
    left_out: int = 0
    notes: list[str] = []


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Write all that cannot be made again to one new file, 0600: the archive, what you said of
    sessions, the local key and the settings without API keys. The archive holds your agents' bytes
    as they are, with every secret that is in them: keep the file as you keep your home. It is
    written while everything goes on, then read back and compared.

    opensession backup /media/disk/sessions.osbackup
    """
    target = Path(os.path.abspath(file.expanduser()))  # noqa: PTH100 - links stay as they are
    with reach(no_start=no_start) as daemon:
        job = daemon.call("archive.backup", BackupParams(path=str(target)), JobResult)
        from opensession.client import progress

        last = progress.wait_for(daemon, job.job, what="the backup")
    if json:
        output.emit_json({"path": str(target), **last.result})
        return
    from opensession.client.render.numbers import count, size
    from opensession.client.render.words import line

    result = last.result
    output.note(
        f"written and compared: {target}, {size(result['bytes'])},"
        f" {count(result['files'], 'file')} of the archive"
    )
    if result["unarchived"]:
        output.note(
            f"{count(result['unarchived'], 'session')} not wholly in the archive, so not wholly in"
            " the backup (opensession coverage)"
        )
    for said in result["damaged"][:MOST_NAMED]:
        output.note(f"damaged, here and in the backup: {line(said)}")
    if result["damaged"]:
        output.note("keep your earlier backups; next: opensession doctor --deep --fix")
        return
    output.note(f"next, in a new home: opensession restore {target}")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `opensession backup` wrote.")],
    merge: Annotated[
        bool, typer.Option("--merge", help="Beside the sessions that are kept here already.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Take in a backup, in a home that keeps no sessions yet or (--merge) beside those that are
    there. Nothing is touched before all of the file was compared with its own list; what is
    forgotten here stays so. No daemon may run; the index is made anew when it starts.

    opensession restore /media/disk/sessions.osbackup
    opensession restore sessions.osbackup --merge
    """
    words = [*(["--merge"] if merge else []), "--", str(file.expanduser().absolute())]
    ran = subprocess.run(
        daemon_command("restore", *words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd="/",
        check=False,
    )
    if ran.returncode:
        raise program_error(ran.returncode, ran.stderr.decode(errors="replace"))
    done = msgspec.json.decode(ran.stdout, type=Restored)
    if json:
        output.emit_json(done)
        return
    from opensession.client.render.numbers import count
    from opensession.client.render.words import line

    joined = f", {done.merged} of them joined with what was here" if done.merged else ""
    output.note(f"restored: {count(done.files, 'file')} of the archive{joined}")
    if done.left_out:
        output.note(f"{count(done.left_out, 'file')} left out: their sessions are forgotten here")
    for note in done.notes:
        output.note(line(note))
    output.note("next: opensession daemon start, which makes the index")
