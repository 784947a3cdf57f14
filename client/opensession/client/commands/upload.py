"""`opensession upload` and `upload-all`: sessions that a person sends, said before and asked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.commands.publish import Expires, seconds_of
from opensession.client.connection import Daemon
from opensession.client.options import AsJson, NoStart, Yes
from opensession.client.start import reach
from opensession.core.errors import NotFound, OpenSessionError, Refused, UsageError
from opensession.core.rpc.hub import HubUploadParams, HubUploadResult, UploadRow

Team = Annotated[str, typer.Option("--team", metavar="ID", help="The team it goes to.")]
SENT = ("new", "grown")
"""The states of a plan's rows that something would be sent of."""


class Uploaded(msgspec.Struct, frozen=True):
    """The end of an upload's job."""

    sessions: list[UploadRow] = []


def upload(
    what: Annotated[
        list[str], typer.Argument(metavar="FILE|REF...", help="Session files, shorts or ids.")
    ],
    parent: Annotated[
        list[str] | None, typer.Option("--parent", metavar="ID", help="A session that it follows.")
    ] = None,
    team: Team = "",
    expires: Expires = "",
    git: Annotated[bool, typer.Option("--git", help="Into the repository, not to a hub.")] = False,
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Send sessions to the hub, once: their subagents go along, what the hub has is not sent
    again. What is private is taken out first; `privacy preview REF` shows the bytes.

    opensession upload HEAD
    opensession upload 7f3a9c1e --expires 30d
    opensession upload ~/old/rollout.jsonl
    """
    if git:
        raise Refused("sessions in git do not exist yet: an upload goes to a hub", "without --git")
    files = [name for name in what if _is_file(name)]
    if files and len(what) > 1:
        raise UsageError("one file at a time, without sessions beside it", "opensession upload -h")
    params = HubUploadParams(
        refs=[] if files else what,
        path=str(Path(files[0]).expanduser().resolve()) if files else "",
        scope=str(Path.cwd()),
        parents=parent or [],
        team_id=team,
        expires_seconds=seconds_of(expires),
    )
    _run(params, yes=yes, json=json, no_start=no_start)


def upload_all(
    team: Team = "",
    expires: Expires = "",
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Send every session that the hub does not have: says how many and how large, and asks first.
    Subagents go with their sessions; what is blocked, excluded or denied stays here.

    opensession upload-all
    """
    params = HubUploadParams(
        all=True, scope=str(Path.cwd()), team_id=team, expires_seconds=seconds_of(expires)
    )
    _run(params, yes=yes, json=json, no_start=no_start)


def _run(params: HubUploadParams, *, yes: bool, json: bool, no_start: bool) -> None:
    from opensession.client import confirming
    from opensession.client.render import publish as render

    with reach(no_start=no_start) as daemon:
        plan = daemon.call("hub.upload", params, HubUploadResult)
        going = [row for row in plan.sessions if row.state in SENT]
        if not going:
            _nothing(plan, json=json)
            return
        for said in render.plan_lines(plan, going, output.screen_of(sys.stderr)):
            output.note(said)
        what = f"this sends sessions to {plan.server}"
        confirming.go_on(what, yes=yes, otherwise="opensession privacy preview REF")
        rows = _send(daemon, params, plan)
    failed = [row for row in rows if row.state == "failed"]
    if json:
        output.emit_json({"server": plan.server, "sessions": rows})
    else:
        output.emit(render.uploaded_lines(rows, output.screen_of(sys.stdout)))
    if failed:
        raise OpenSessionError(
            f"{len(failed)} of {len(rows)} could not be sent", "opensession publish pending"
        )


def _send(daemon: Daemon, params: HubUploadParams, plan: HubUploadResult) -> list[UploadRow]:
    from opensession.client import progress

    really = msgspec.structs.replace(params, really=True)
    started = daemon.call("hub.upload", really, HubUploadResult)
    if not started.job:
        return started.sessions
    last = progress.wait_for(daemon, started.job, what="uploading")
    return msgspec.convert(last.result, Uploaded).sessions if last.result else plan.sessions


def _nothing(plan: HubUploadResult, *, json: bool) -> None:
    """Say why nothing is sent; raise if all of it is kept here by a rule."""
    if json:
        output.emit_json({"server": plan.server, "sessions": plan.sessions})
    kept = [row for row in plan.sessions if row.state != "there"]
    if kept and len(kept) == len(plan.sessions):
        reasons = "; ".join(sorted({row.reason or row.state for row in kept}))
        raise Refused(f"nothing of it may leave: {reasons}", "opensession privacy explain REF")
    if not plan.sessions:
        output.note("there is no session to send")
    elif not json:
        output.note(f"the hub has all of it ({len(plan.sessions) - len(kept)})")
        output.emit(_urls(plan.sessions))


def _urls(rows: Iterable[UploadRow]) -> list[str]:
    from opensession.client.render.words import line

    return [line(row.url) for row in rows if row.url]


def _is_file(name: str) -> bool:
    path = Path(name).expanduser()
    if path.is_file():
        return True
    if "/" in name or name.startswith("~"):
        raise NotFound(f"no such file: {name}", "opensession upload REF")
    return False
