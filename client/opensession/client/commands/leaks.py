"""`opensession leaks`: the secrets that sessions hold, and getting rid of them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from opensession.client import output
from opensession.client.options import AsJson, NoStart
from opensession.client.start import reach
from opensession.core.rpc.leaks import (
    LeaksListParams,
    LeaksListResult,
    LeaksResolveParams,
    LeaksResolveResult,
)


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
