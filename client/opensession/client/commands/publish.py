"""`opensession publish …` and `recall`: what waits, what was sent, and taking it back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.options import AsJson, NoStart, Yes
from opensession.client.start import reach
from opensession.core.errors import UsageError
from opensession.core.rpc.publish import (
    DecideParams,
    DecideResult,
    PendingParams,
    PendingResult,
    RecallParams,
    RecallResult,
    ReceiptsParams,
    ReceiptsResult,
)

Refs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[REF]...", help="Shorts, ids or prefixes of them.", show_default=False),
]
Every = Annotated[bool, typer.Option("--all", "-a", help="Every session that waits for this.")]
Expires = Annotated[
    str, typer.Option("--expires", metavar="LENGTH", help="The hub deletes it then: 30d, 12h.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, max=10_000, metavar="N", help="Rows.")]


def pending(
    all_: Annotated[
        bool, typer.Option("--all", "-a", help="Also what never goes, and what waits for its end.")
    ] = False,
    limit: Limit = 100,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Sessions that are not, or not wholly, on the hub, and why.

    opensession publish pending
    opensession publish pending --all --json
    """
    with reach(no_start=no_start) as daemon:
        params = PendingParams(all=all_, limit=limit)
        found = daemon.call("publish.pending", params, PendingResult)
    if json:
        output.emit_json(found)
        return
    from opensession.client.render import publish as render

    output.emit(render.pending_lines(found, output.screen_of(sys.stdout)))


def approve(
    refs: Refs = None,
    all_: Every = False,
    expires: Expires = "",
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Let sessions go that wait for a person; `privacy preview REF` shows the bytes.

    opensession publish approve 7f3a9c1e
    opensession publish approve --all --expires 30d
    """
    params = _decide(refs, all_=all_, seconds=seconds_of(expires))
    _ask("sessions would leave this machine", yes=yes)
    with reach(no_start=no_start) as daemon:
        done = daemon.call("publish.approve", params, DecideResult)
    _print(done, "approved", json=json)


def deny(
    refs: Refs = None, all_: Every = False, json: AsJson = False, no_start: NoStart = False
) -> None:
    """Keep sessions here; `publish approve` lets them go after all.

    opensession publish deny 7f3a9c1e
    """
    with reach(no_start=no_start) as daemon:
        done = daemon.call("publish.deny", _decide(refs, all_=all_), DecideResult)
    _print(done, "stay here", json=json)


def refresh(
    refs: Refs = None,
    all_: Every = False,
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Send again what newer rules or a newer parser made different from what was sent.

    opensession publish refresh 7f3a9c1e
    opensession publish refresh --all
    """
    params = _decide(refs, all_=all_)
    _ask("sessions would be sent anew", yes=yes)
    with reach(no_start=no_start) as daemon:
        done = daemon.call("publish.refresh", params, DecideResult)
    _print(done, "to be sent anew", json=json)


def receipts(
    ref: Annotated[
        str, typer.Argument(metavar="[REF]", help="One session alone.", show_default=False)
    ] = "",
    limit: Limit = 100,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """What hubs acknowledged, and the secrets that they found in it.

    opensession publish receipts
    opensession publish receipts 7f3a9c1e --json
    """
    params = ReceiptsParams(ref=ref, scope=str(Path.cwd()), limit=limit)
    with reach(no_start=no_start) as daemon:
        found = daemon.call("publish.receipts", params, ReceiptsResult)
    if json:
        output.emit_json(found)
        return
    from opensession.client.render import publish as render

    output.emit(render.receipt_lines(found, output.screen_of(sys.stdout)))


def recall(
    refs: Annotated[
        list[str], typer.Argument(metavar="REF...", help="Shorts, ids or prefixes of them.")
    ],
    yes: Yes = False,
    json: AsJson = False,
    no_start: NoStart = False,
) -> None:
    """Take publications back: the hub deletes what it has of them and takes no more. Here nothing
    is deleted. Who read them meanwhile has read them.

    opensession recall 7f3a9c1e
    """
    params = RecallParams(refs=refs, scope=str(Path.cwd()), really=False)
    with reach(no_start=no_start) as daemon:
        meant = daemon.call("publish.recall", params, RecallResult).waiting
        _ask(f"the hub would delete publications, for good: {_some(meant)}", yes=yes)
        params = msgspec.structs.replace(params, really=True)
        done = daemon.call("publish.recall", params, RecallResult)
    if json:
        output.emit_json(done)
        return
    from opensession.client.render.numbers import count

    if done.ids or not done.waiting:
        output.note(f"recalled: {count(len(done.ids), 'session')}")
    if done.waiting:
        waits = count(len(done.waiting), "session")
        output.note(f"as soon as the hub answers: {waits}; next: opensession server status")


def _some(ids: list[str]) -> str:
    """The first ids of some, and how many more there are."""
    from opensession.client.render.words import line

    told = ", ".join(line(each) for each in ids[:3])
    return f"{told} and {len(ids) - 3:,} more" if len(ids) > 3 else told


def seconds_of(length: str) -> float:
    """Seconds of a length of time; 0 for none. Raises UsageError."""
    if not length:
        return 0
    from opensession.core.config.values import duration

    try:
        seconds = duration(length, 1)
    except ValueError as error:
        raise UsageError(f"--expires {length} is not {error}", "--expires 30d") from error
    if seconds <= 0:
        raise UsageError("a publication expires later than now", "--expires 30d")
    return seconds


def _decide(refs: list[str] | None, *, all_: bool, seconds: float = 0) -> DecideParams:
    if all_ == bool(refs):
        raise UsageError("name sessions, or say --all", "opensession publish pending")
    scope = str(Path.cwd())
    return DecideParams(refs=refs or [], scope=scope, all=all_, expires_seconds=seconds)


def _ask(what: str, *, yes: bool) -> None:
    from opensession.client import confirming

    confirming.go_on(what, yes=yes, otherwise="opensession publish pending")


def _print(done: DecideResult, what: str, *, json: bool) -> None:
    if json:
        output.emit_json(done)
        return
    from opensession.client.render.numbers import count
    from opensession.client.render.words import line

    output.emit(line(each) for each in done.ids)
    output.note(f"{what}: {count(len(done.ids), 'session')}")
