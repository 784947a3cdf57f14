"""`opensession storage`, `storage prune`, `storage compact`: what is kept, and what it takes."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from opensession.client import confirming, output
from opensession.client.options import AsJson, NoStart, Yes
from opensession.client.start import reach
from opensession.core.config.values import duration
from opensession.core.errors import UsageError
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.storage import CompactResult, PruneParams, PruneResult, StorageResult

WAIT_SECONDS = 600.0
"""How long taking away may take: what it leaves in the index is overwritten."""


def storage(json: AsJson = False, no_start: NoStart = False) -> None:
    """What is kept of each agent, what it takes on the disk, how it grew in 30 days, and how much
    of it is safely archived; and what agents will delete of their own files soon.

    opensession storage
    opensession storage --json
    """
    with reach(no_start=no_start) as daemon:
        found = daemon.call("archive.storage", Nothing(), StorageResult)
    if json:
        output.emit_json(found)
        return
    from opensession.client.render import storage as render

    output.emit(render.storage_lines(found, output.screen_of(sys.stdout)))


def prune(
    keep_days: Annotated[
        str,
        typer.Option(
            "--keep-days", metavar="N", help="Other than as configured; such as 90, or 12w."
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and do nothing.")
    ] = False,
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take away sessions that are older than they are to be kept (`archive.keep_days`; unless that
    is set, an agent's own retention where you made it shorter). Only those that their agent has
    deleted too go, for good; one with an alias, a tag, a note or a star stays. What would go is
    shown first.

    opensession storage prune --dry-run
    opensession storage prune --keep-days 365
    """
    days = _days(keep_days)
    with reach(no_start=no_start) as daemon:
        plan = daemon.call("archive.prune", PruneParams(keep_days=days), PruneResult)
        going = sum(row.sessions for row in plan.agents)
        if not json:
            _tell(plan)
        if dry_run or not going:
            if json:
                output.emit_json(plan)
            return
        confirming.go_on(
            "this takes sessions away for good", yes=yes, otherwise="opensession storage"
        )
        params = PruneParams(keep_days=days, really=True)
        done = daemon.call("archive.prune", params, PruneResult, seconds=WAIT_SECONDS)
    if json:
        output.emit_json(done)
        return
    from opensession.client.render.numbers import count, size

    gone = count(sum(row.sessions for row in done.agents), "session")
    freed = size(sum(row.archive_bytes for row in done.agents))
    output.note(f"taken away: {gone}, {freed} of the archive")
    output.note("next: opensession storage compact")


def compact(json: AsJson = False, no_start: NoStart = False) -> None:
    """Merge the small frames of the archive into large ones, tidy the search index, and give back
    what the index does not use. Nothing is taken away, and what agents write meanwhile is taken in.

    opensession storage compact
    """
    from opensession.client import progress
    from opensession.core.rpc.index import JobResult

    begun = time.monotonic()
    with reach(no_start=no_start) as daemon:
        job = daemon.call("archive.compact", Nothing(), JobResult)
        last = progress.wait_for(daemon, job.job, what="compacting")
    if json:
        output.emit_json(last.result)
        return
    import msgspec

    from opensession.client.render.numbers import count, size, span

    done = msgspec.convert(last.result, CompactResult)
    merged = count(done.merged_files, "file")
    before, after = size(done.archive_before), size(done.archive_after)
    output.note(f"archive: {before} → {after}, {merged} written anew")
    before, after = size(done.index_before), size(done.index_after)
    output.note(f"index: {before} → {after} in {span(time.monotonic() - begun)}")


def _days(text: str) -> float | None:
    if not text:
        return None
    try:
        return duration(text, 86_400) / 86_400
    except ValueError as error:
        raise UsageError(f"{text} is not {error}", "opensession storage prune -h") from error


def _tell(plan: PruneResult) -> None:
    from opensession.client.render import storage as render

    output.emit(render.prune_lines(plan, output.screen_of(sys.stdout)))
