"""`opensession leaks`: the secrets that sessions hold, and getting rid of them."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.options import AsJson, NoStart, Yes
from opensession.client.start import reach
from opensession.core.errors import NotFound, OpenSessionError, Refused
from opensession.core.rpc.index import JobResult
from opensession.core.rpc.leaks import (
    LeakRow,
    LeaksListParams,
    LeaksListResult,
    LeaksResolveParams,
    LeaksResolveResult,
    LeaksScrubParams,
    ScrubReport,
)

LeakId = Annotated[
    str, typer.Argument(metavar="ID", help="As `leaks` shows it; its first 4 letters do.")
]


def leaks(
    all_: Annotated[bool, typer.Option("--all", "-a", help="Resolved ones as well.")] = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """The secrets that sessions hold: one row each, with the sessions, files and agents that it
    reached. The values are stored nowhere; the ID is that of the placeholders.

    opensession leaks
    opensession leaks --all --json
    """
    with reach(no_start=no_start) as daemon:
        found = daemon.call("leaks.list", LeaksListParams(all=all_), LeaksListResult)
    if json:
        output.emit_json(found)
        return
    from opensession.client.render import leaks as render

    output.emit(render.lines(found, output.screen_of(sys.stdout)))


def resolve(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="As `leaks` shows them.")],
    undo: Annotated[bool, typer.Option("--undo", help="Unresolved again.")] = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Mark secrets as resolved, once they are no longer valid where they were.

    opensession leaks resolve K3JQ
    opensession leaks resolve K3JQ --undo
    """
    params = LeaksResolveParams(ids=ids, undo=undo)
    with reach(no_start=no_start) as daemon:
        found = daemon.call("leaks.resolve", params, LeaksResolveResult)
    if json:
        output.emit_json(found)
        return
    done = "unresolved again" if undo else "resolved"
    output.note(f"{done}: {', '.join(found.ids)}; {found.unresolved} unresolved")


def scrub(
    id_: LeakId,
    archive: Annotated[
        bool, typer.Option("--archive", help="Overwrite it in the archive's bytes as well.")
    ] = False,
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take a value out of the index, where an older rule left it. With --archive a
    mask of equal length takes its place in the archive: those sessions are then no longer as their
    agent wrote them. The agents' own files are never written to.

    opensession leaks scrub K3JQ
    opensession leaks scrub K3JQ --archive --yes
    """
    from opensession.client import progress

    with reach(no_start=no_start) as daemon:
        found = daemon.call("leaks.list", LeaksListParams(all=True), LeaksListResult)
        row = _named(found.leaks, id_)
        _confirm(row, archive=archive, yes=yes)
        params = LeaksScrubParams(id=row.id, archive=archive, yes=True)
        job = daemon.call("leaks.scrub", params, JobResult)
        last = progress.wait_for(daemon, job.job, what="scrubbing")
    report = msgspec.convert(last.result, ScrubReport)
    if json:
        output.emit_json(report)
    else:
        from opensession.client.render import leaks as render

        output.emit(render.scrub_lines(report))
    if report.problems:
        raise OpenSessionError(
            f"not all of it could be taken out ({len(report.problems)} problems)",
            "opensession daemon logs",
        )


def _named(rows: list[LeakRow], name: str) -> LeakRow:
    found = [row for row in rows if row.id.startswith(name.strip().upper())]
    if len(found) == 1 and len(name.strip()) >= 4:
        return found[0]
    if len(found) > 1:
        candidates = tuple(f"{row.id}  {row.kind}" for row in found)
        raise NotFound(f"{name} could be any of {len(found)}", "opensession leaks", candidates)
    raise NotFound(f"no secret has the id {name}", "opensession leaks --all")


def _confirm(row: LeakRow, *, archive: bool, yes: bool) -> None:
    """Say what will be changed, and ask; refuse where nobody can answer."""
    from opensession.client.render.numbers import count

    where = "the index and the archive" if archive else "the index"
    reached = count(len(row.sessions), "session")
    output.note(f"{row.kind} {row.id} will be taken out of {where}: {reached}")
    if archive:
        output.note("those sessions will no longer be as their agent wrote them; no way back")
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("this overwrites data and nobody is there to confirm", "add --yes")
    if not typer.confirm("Go on?", err=True):
        raise Refused("nothing was changed", "opensession leaks")
