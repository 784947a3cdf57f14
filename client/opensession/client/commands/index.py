"""`opensession index`: compare everything on disk with the index now."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.options import AsJson, NoStart
from opensession.client.start import reach
from opensession.core.errors import UsageError
from opensession.core.rpc.index import IndexRunParams, JobResult, Progress


def index(
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Return when everything found is searchable.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the index anew from archive and sources.")
    ] = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Compare everything on disk with the index now; the daemon reads what is new.

    opensession index
    opensession index --wait
    opensession index --rebuild --wait
    """
    if json and not wait:
        raise UsageError(
            "--json tells how it ended: it goes with --wait", "opensession index --wait"
        )
    method = "index.rebuild" if rebuild else "index.run"
    with reach(no_start=no_start) as daemon:
        begun = time.monotonic()
        job = daemon.call(method, IndexRunParams(wait=wait), JobResult)
        if not wait:
            output.note("the daemon is on it: opensession daemon status")
            return
        from opensession.client import progress
        from opensession.client.render.numbers import count

        last = progress.wait_for(daemon, job.job, what="indexing")
    if json:
        output.emit_json({"seconds": round(time.monotonic() - begun, 3), **last.result})
    output.note(_summary(last, time.monotonic() - begun))
    if taken := int(last.result.get("carried", 0)):
        output.note(
            f"{count(taken, 'session')} could not be made again, from neither archive nor source:"
            f" taken over from the old index, which alone had {'it' if taken == 1 else 'them'}"
        )
    if left := int(last.result.get("left_behind", 0)):
        output.note(
            f"{count(left, 'session')} could not be made again, from neither archive nor source:"
            " the old index is kept"
        )
        output.note("next: opensession doctor")


def _summary(last: Progress, seconds: float) -> str:
    from opensession.client.render import numbers

    if not last.total:
        return "nothing new: everything found is searchable"
    said = f"everything found is searchable: {numbers.size(last.total)}"
    if seconds >= 1:
        said += f" in {numbers.span(seconds)} ({numbers.size(round(last.total / seconds))}/s)"
    return said
