"""`opensession show`: one session, to read."""

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
from opensession.client.start import reach
from opensession.core.rpc.sessions import EventRow, SessionDetail

_CONTEXT = 3


def show(
    ref: Ref = "HEAD",
    full: Annotated[
        bool, typer.Option("--full", help="Outputs, diffs and thinking in full.")
    ] = False,
    format_: Annotated[SessionFormat | None, typer.Option("--format", help="How to print.")] = None,
    json: AsJson = False,
    all_: All = False,
    no_start: NoStart = False,
) -> None:
    """A session, to read. REF is HEAD (the newest of `opensession log`) unless given.

    opensession show                       # the newest here
    opensession show 7f3a9c1e --full       # with every output in full
    opensession show 7f3a9c1e#14           # one event, and what is around it
    opensession show HEAD^1 --format markdown > session.md
    """
    shape = one_format(format_, json)
    with reach(no_start=no_start) as daemon:
        found = transcripts.detail(daemon, ref, all_=all_)
        if shape == "hail":
            output.emit(transcripts.export_lines(daemon, found))
        elif shape in ("json", "jsonl", "stream"):
            output.emit(_data_lines(found, _pages(daemon, found, 0), shape))
        elif shape == "markdown":
            from opensession.client.render import markdown

            pages = _pages(daemon, found, 0)
            emit_paged(markdown.document_lines(found, pages, full=full))
        else:
            _emit_text(daemon, found, full=full)


def _emit_text(daemon: Daemon, found: SessionDetail, *, full: bool) -> None:
    from opensession.client.render import transcript

    screen = output.screen_of(sys.stdout)

    def lines() -> Iterator[str]:
        yield from transcript.header_lines(found, screen)
        if found.seq is None:
            pages = transcripts.pages(daemon, found)
            yield from transcript.transcript_lines(pages, found.session, screen, full=full)
            return
        before, event, after = transcripts.around(daemon, found, found.seq, _CONTEXT)
        whole = [*before, event, *after]
        results = transcript.paired_results(whole)
        for part, in_full in ((before, False), ([event], True), (after, False)):
            if in_full:
                yield ""
                yield screen.yellow(f"#{event.seq}")
            for each in part:
                result = results.get(each.event_id)
                yield from transcript.event_lines(
                    each, result, found.session, screen, full=in_full or full
                )

    emit_paged(lines())


def _pages(daemon: Daemon, found: SessionDetail, context: int) -> Iterator[list[EventRow]]:
    """The events that are asked for: all, or one with what is around it."""
    if found.seq is None:
        yield from transcripts.pages(daemon, found)
    else:
        before, event, after = transcripts.around(daemon, found, found.seq, context)
        yield [*before, event, *after]


def _data_lines(found: SessionDetail, pages: Iterator[list[EventRow]], shape: str) -> Iterator[str]:
    """The session as JSON: one object, or one line an event. Written as it comes, page by page."""
    if shape == "jsonl":
        for page in pages:
            yield from (msgspec.json.encode(event).decode() for event in page)
        return
    if shape == "stream":
        yield from _stream_lines(found, pages)
        return
    yield '{"session":' + msgspec.json.encode(found).decode() + ',"events":['
    last = ""
    for page in pages:
        for event in page:
            if last:
                yield last + ","
            last = msgspec.json.encode(event).decode()
    if last:
        yield last
    yield "]}"


def _stream_lines(found: SessionDetail, pages: Iterator[list[EventRow]]) -> Iterator[str]:
    from opensession.client.render import events, timeline

    row = found.session
    first = timeline.stream_object("session", row.title, row.created_at, row)
    yield msgspec.json.encode(first).decode()
    for page in pages:
        for event in page:
            message = f"{events.kind(event, row.tool)}: {events.summary(event)}"
            envelope = timeline.stream_object("event", message, event.timestamp, event)
            yield msgspec.json.encode(envelope).decode()
