"""`pause`, `privacy allow`: what a person says of what is taken in and of what may leave."""

from __future__ import annotations

from typing import Annotated

import typer

from opensession.client import output
from opensession.client.options import AsJson, NoStart
from opensession.client.start import reach
from opensession.core.config.values import duration
from opensession.core.errors import UsageError
from opensession.core.rpc.keeping import (
    AllowParams,
    AllowResult,
    PauseParams,
    PauseResult,
)

Session = Annotated[str, typer.Argument(metavar="REF", help="A short, an id or a prefix of it.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take it back.")]


def pause(
    length: Annotated[
        str, typer.Argument(metavar="[LENGTH]", help="Such as 30m, 2h; 1h unless given.")
    ] = "",
    off: Annotated[bool, typer.Option("--off", help="Go on now.")] = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take in nothing for a while. What agents write then is never archived nor indexed, also not
    later; the agents' own files are untouched. It survives a restart.

    opensession pause
    opensession pause 20m
    opensession pause --off
    """
    if off and length:
        raise UsageError("a pause either begins or ends", "opensession pause --off")
    try:
        seconds = duration(length or "1h", 1)
    except ValueError as error:
        raise UsageError(f"{length} is not {error}", "opensession pause 30m") from error
    if seconds <= 0 and not off:
        raise UsageError("a pause has a length", "opensession pause 30m")
    asked = PauseParams(off=True) if off else PauseParams(seconds=seconds)
    with reach(no_start=no_start) as daemon:
        now = daemon.call("privacy.pause", asked, PauseResult)
    if json:
        output.emit_json(now)
    elif now.paused:
        output.note(f"paused until {now.until}; what agents write until then is never taken in")
        output.note("next: opensession pause --off")
    else:
        output.note("not paused: what agents write from now on is taken in")


def allow(
    ref: Session, undo: Undo = False, json: AsJson = False, no_start: NoStart = False
) -> None:
    """Let a session leave this machine although it holds something of a set whose mode is `block`.

    opensession privacy allow 7f3a9c1e
    opensession privacy allow 7f3a9c1e --undo
    """
    with reach(no_start=no_start) as daemon:
        done = daemon.call("privacy.allow", AllowParams(ref=ref, undo=undo), AllowResult)
    if json:
        output.emit_json(done)
        return
    held = f"; it holds something of: {', '.join(done.blocked)}" if done.blocked else ""
    said = "may leave" if done.allowed else "is judged by its content again"
    output.note(f"{done.id} {said}{held}")
