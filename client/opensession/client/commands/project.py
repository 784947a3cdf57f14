"""`opensession project list|link`: folders that were worked in, and where they are today."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.options import AsJson, NoStart
from opensession.client.start import reach
from opensession.core.errors import UsageError
from opensession.core.paths import find_paths
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.projects import ProjectLinkParams, ProjectLinkResult, ProjectsResult


def list_projects(json: AsJson = False, no_start: NoStart = False) -> None:
    """The folders that sessions were begun in, newest first, and those that are not there any more
    with the place where they seem to be.

      opensession project list
      opensession project list --json
    """
    with reach(no_start=no_start) as daemon:
        found = daemon.call("projects.list", Nothing(), ProjectsResult).projects
    if json:
        output.emit_json(found)
        return
    from opensession.client.render import numbers
    from opensession.client.render.words import line, tilde, time_us

    screen = output.screen_of(sys.stdout)
    home = str(find_paths(os.environ).home)
    now_us = time.time_ns() // 1000
    shown = []
    for row in found:
        age = numbers.ago(time_us(row.updated_at), now_us)
        shown.append(
            f"{tilde(line(row.folder), home)}  {numbers.count(row.sessions, 'session')}, {age}"
        )
        if row.linked:
            shown.append(f"  now {tilde(line(row.moved_to), home)}")
        elif not row.exists and row.moved_to:
            said = f"  gone; {tilde(line(row.moved_to), home)} has the same remote"
            shown.append(screen.yellow(said))
        elif not row.exists:
            shown.append(screen.yellow("  gone"))
    output.emit(shown)
    lost = next((row for row in found if not row.exists and not row.linked), None)
    if lost is not None:
        new = lost.moved_to or "NEW"
        output.note(f"next: opensession project link {line(lost.folder)} {line(new)}")


def link(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Where the folder was.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Where it is now.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take a link back.")] = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Say that a folder was moved: its sessions are shown in the new one as well, by `log` and
    `--project`. No session is changed.

      opensession project link ~/old/shop ~/work/shop
      opensession project link ~/old/shop --undo
    """
    if bool(new) == undo:
        raise UsageError("a link has an old and a new folder", "opensession project link -h")
    params = ProjectLinkParams(old=_absolute(old), new=_absolute(new) if new else "")
    with reach(no_start=no_start) as daemon:
        done = daemon.call("projects.link", params, ProjectLinkResult)
    if json:
        output.emit_json(done)
        return
    from opensession.client.render.numbers import count
    from opensession.client.render.words import line

    sessions = count(done.sessions, "session")
    place = f"shown in {line(done.new)} as well" if done.new else "no longer linked"
    output.note(f"{line(done.old)}: {sessions}, {place}")


def _absolute(folder: str) -> str:
    return str(Path.cwd() / Path(folder).expanduser())
