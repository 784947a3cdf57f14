"""`opensession rpc`: any method of the daemon, for scripts and for looking around."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import typer

from opensession.client import output
from opensession.client.options import NoStart
from opensession.client.start import reach
from opensession.core.errors import UsageError


def rpc(
    method: Annotated[str, typer.Argument(metavar="[METHOD]", show_default=False)] = "",
    params: Annotated[
        str, typer.Argument(metavar="[JSON]", help="An object; - reads stdin.")
    ] = "{}",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Then print notifications, one a line.")
    ] = False,
    no_start: NoStart = False,
) -> None:
    """Call a method of the daemon and print its result. Without METHOD: the list of them.

    opensession rpc
    opensession rpc daemon.status
    opensession rpc search.query '{"query": "rate limit", "limit": 3}'
    opensession rpc events.subscribe '{}' --follow
    """
    if not method:
        _print_methods()
        return
    given = _object(sys.stdin.read() if params == "-" else params)
    with reach(no_start=no_start, client="rpc") as daemon:
        result = daemon.call_raw(method, given)
        output.emit([msgspec.json.format(result, indent=2).decode()], flush=True)
        if follow:
            for name, notice in daemon.all_notices():
                output.emit_json_lines([{"method": name, "params": notice}], flush=True)


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise UsageError(
            f"the parameters are not a JSON object: {error}",
            """opensession rpc search.query '{"query": "words"}'""",
        ) from None


def _print_methods() -> None:
    from opensession.client.render.cells import pad
    from opensession.core.rpc.methods import METHODS

    columns = max(len(method.name) for method in METHODS)
    output.emit(f"{pad(method.name, columns)}  {method.summary}" for method in METHODS)
