"""`log --follow`: every event of the scope in one line, as it is committed."""

from __future__ import annotations

import sys

from opensession.client import output
from opensession.client.connection import Daemon
from opensession.client.output import Screen
from opensession.client.render import events
from opensession.client.render.cells import cut, pad, width
from opensession.client.render.words import clock
from opensession.core.rpc.events import EventNotice, SubscribeParams, SubscribeResult
from opensession.core.rpc.sessions import SessionsListParams


def follow(daemon: Daemon, params: SessionsListParams, *, as_json: bool) -> None:
    """Print events until the daemon ends or the person interrupts.

    A project given by name is compared with the name of the event's repository.
    """
    import gc

    gc.enable()  # switched off for the start; this may run for days
    folder = params.project if params.project.startswith("/") else ""
    name = params.project if not folder else ""
    daemon.call(
        "events.subscribe",
        SubscribeParams(
            tool=params.tool,
            scope=folder or params.scope,
            all=params.all or bool(name),
        ),
        SubscribeResult,
    )
    output.note("following; Ctrl-C ends it")
    screen = output.screen_of(sys.stdout)
    for notice in daemon.notices("events.event", EventNotice):
        if name and notice.project.partition("@")[0] != name:
            continue
        if as_json:
            output.emit_json_lines([notice], flush=True)
        else:
            if notice.lost:
                output.note(f"{notice.lost} events came too fast and are not shown")
            if notice.event is not None:
                output.emit([event_line(notice, screen, params.scope)], flush=True)


def event_line(notice: EventNotice, screen: Screen, folder: str) -> str:
    """`14:02:07  7f3a9c1e  you  The limiter lets …`; paths are given from `folder`."""
    event = notice.event
    if event is None:
        return ""
    kind = events.kind(event, notice.tool)
    outcome = events.outcome(event)
    left = f"{clock(event.timestamp)}  {notice.short}  {pad(cut(kind, 10), 10)}  "
    room = screen.line_width - width(left) - (width(outcome) + 2 if outcome else 0)
    said = cut(events.summary(event, folder), room)
    styled = (
        f"{screen.dim(clock(event.timestamp))}  {screen.cyan(notice.short)}  "
        f"{screen.bold(pad(cut(kind, 10), 10))}  {said}"
    )
    return f"{styled}  {events.outcome_styled(event, screen)}" if outcome else styled.rstrip()
