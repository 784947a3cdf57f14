"""`pause`, `privacy allow`, `forget`, `unforget`: what a person says of what is kept."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from opensession.client import output, transcripts
from opensession.client.options import All, AsJson, NoStart, Yes
from opensession.client.start import reach
from opensession.core.config.values import duration
from opensession.core.errors import Refused, UsageError
from opensession.core.rpc.keeping import (
    AllowParams,
    AllowResult,
    ForgetParams,
    ForgetResult,
    PauseParams,
    PauseResult,
)
from opensession.core.rpc.sessions import SessionDetail

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


def forget(
    ref: Session,
    yes: Yes = False,
    all_: All = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take away what is stored of a session and of its subagents, the archive included, and take
    in no more of it. It is hidden at once; its bytes are overwritten in the background. The agent's
    own file is untouched.

    opensession forget 7f3a9c1e
    opensession forget 7f3a9c1e --yes
    """
    with reach(no_start=no_start) as daemon:
        found = transcripts.detail(daemon, ref, all_=all_)
        if found.seq is not None:
            raise UsageError("a session is forgotten, not one event of it", "opensession forget -h")
        _confirm(found, yes=yes)
        params = ForgetParams(ref=transcripts.exact(found))
        done = daemon.call("archive.forget", params, ForgetResult)
    if json:
        output.emit_json(done)
        return
    from opensession.client.render.numbers import count

    output.note(f"forgotten: {count(len(done.ids), 'session')}; the agent's own file is untouched")
    output.note(f"next: opensession unforget {found.session.id}")


def _confirm(found: SessionDetail, *, yes: bool) -> None:
    """Say what will be taken away, and ask; refuse where nobody can answer."""
    from opensession.client.render.numbers import count
    from opensession.client.render.words import line

    row = found.session
    named = f"{line(row.tool)} {row.short} {line(row.title)}".strip()
    others = f" and {count(row.children, 'subagent')}" if row.children else ""
    output.note(f"{named}{others}: will be forgotten, what the archive has of it as well")
    if row.source_gone:
        output.note("its agent has deleted the file: there will be no way back")
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused("this takes data away and nobody is there to confirm", "add --yes")
    if not typer.confirm("Go on?", err=True):
        raise Refused("nothing was changed", "opensession show")


def unforget(
    session: Annotated[
        str, typer.Argument(metavar="ID", help="The whole id of the session, as its agent has it.")
    ],
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take in again a session that `forget` or a line `#private` made be forgotten, from its
    agent's file. Lines `#private` that are in it now count no more; later ones do.

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
