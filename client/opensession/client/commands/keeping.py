"""`opensession pause`, `privacy allow`, `unforget`: what a person says of what is kept."""

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
    ForgetParams,
    ForgetResult,
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


def unforget(
    session: Annotated[
        str, typer.Argument(metavar="ID", help="The whole id of the session, as its agent has it.")
    ],
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take in again a session that a line `#private` made be forgotten, from its agent's file. Its
    `#private` does not count any more.

    opensession unforget 0a1b2c3d-1111-4222-8333-444455556666
    """
    with reach(no_start=no_start) as daemon:
        done = daemon.call("archive.forget", ForgetParams(ref=session, undo=True), ForgetResult)
    if json:
        output.emit_json(done)
    elif done.sources:
        output.note(f"{session} is taken in again")
    else:
        output.note(f"{session} may be taken in again, but its file is not here any more")
