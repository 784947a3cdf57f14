"""`opensession timeline`: one session, one line per event."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

import msgspec
import typer

from opensession.client import output, transcripts
from opensession.client.connection import Daemon
from opensession.client.options import All, AsJson, NoStart, Ref, SessionFormat, one_format
from opensession.client.paging import emit_paged
from opensession.client.render import events
from opensession.client.render import timeline as render
from opensession.client.start import reach
from opensession.core.rpc.sessions import EventRow, SessionDetail


def timeline(
    ref: Ref = "HEAD",
    full: Annotated[bool, typer.Option("--full", help="Do not cut lines.")] = False,
    format_: Annotated[SessionFormat | None, typer.Option("--format", help="How to print.")] = None,
    json: AsJson = False,
    all_: All = False,
    no_start: NoStart = False,
) -> None:
    """A session, one line per event, in order of time; off a terminal for pipes.

    opensession timeline                    # the newest here
    opensession timeline 7f3a9c1e | grep 'exit 1'
    opensession timeline 7f3a --format jsonl
    """
    shape = one_format(format_, json)
    with reach(no_start=no_start) as daemon:
        found = transcripts.detail(daemon, ref, all_=all_)
        row = found.session
        screen = output.screen_of(sys.stdout)
        pages = _pages(daemon, found)
        if shape == "hail":
            output.emit(transcripts.export_lines(daemon, found))
        elif shape == "json":
            output.emit_json([render.event_object(e, row) for page in pages for e in page])
        elif shape == "jsonl":
            output.emit_json_lines(render.event_object(e, row) for page in pages for e in page)
        elif shape == "stream":
            output.emit(_stream_lines(found, pages))
        elif shape == "markdown":
            emit_paged(
                line for page in pages for line in render.markdown_lines(page, row, full=full)
            )
        else:
            emit_paged(render.event_line(e, row, screen, full=full) for page in pages for e in page)


def _pages(daemon: Daemon, found: SessionDetail) -> Iterator[list[EventRow]]:
    if found.seq is None:
        yield from transcripts.pages(daemon, found)
    else:
        _, event, _ = transcripts.around(daemon, found, found.seq, 0)
        yield [event]


def _stream_lines(found: SessionDetail, pages: Iterator[list[EventRow]]) -> Iterator[str]:
    row = found.session
    for page in pages:
        for event in page:
            message = f"{events.kind(event, row.tool)}: {events.summary(event)}"
            line = render.stream_object(
                "event", message, event.timestamp, render.event_object(event, row)
            )
            yield msgspec.json.encode(line).decode()
