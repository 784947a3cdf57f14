"""A session as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from opensession.client.render import events
from opensession.client.render.transcript import header_facts, paired_results
from opensession.client.render.words import clock, day_and_clock, line, lines
from opensession.core.rpc.sessions import EventRow, SessionDetail, SessionRow

_OUTPUT_LINES = 20


def document_lines(
    found: SessionDetail, pages: Iterable[list[EventRow]], *, full: bool
) -> Iterator[str]:
    """Title, facts, what was said as it was written, what was done as items with their output."""
    row = found.session
    yield f"# {line(row.title) or '(no title)'}"
    yield ""
    yield f"{' · '.join(header_facts(row))}  "
    yield f"`{row.short}` · {day_and_clock(row.created_at)}"
    for page in pages:
        results = paired_results(page)
        shown = {result.event_id for result in results.values()}
        for event in page:
            if event.event_id not in shown:
                yield from _event_lines(event, results.get(event.event_id), row, full=full)


def _event_lines(
    event: EventRow, result: EventRow | None, row: SessionRow, *, full: bool
) -> Iterator[str]:
    said = events.kind(event, row.tool, inner=event.session_id != row.id)
    text = events.text(event).strip("\n")
    if event.type in events.SPOKEN:
        yield from ("", f"## {said} · {clock(event.timestamp)}", "", *lines(text))
        return
    if event.type == "Thinking" and not full:
        return
    if event.type in ("Thinking", "SystemMessage"):
        yield from ("", *(f"> {each}".rstrip() for each in lines(text if full else line(text))))
        return
    if event.type in ("Custom", "TaskStart", "TaskEnd") and not full:
        return
    outcome = events.outcome(event)
    about = events.subject(event, row.working_directory) or line(text)
    yield ""
    yield f"- **{said}** {_code(about)}" + (f" — {outcome}" if outcome else "")
    if diff := events.diff_of(event).rstrip("\n"):
        yield from _fenced(lines(diff), "diff", full=full)
    source = result or (event if event.type == "ToolResult" else None)
    quiet = event.type in ("FileRead", "FileEdit", "FileCreate", "FileDelete")
    if source is not None and (full or not quiet or events.is_error(source)):
        given = events.text(source).strip("\n")
        if given:
            yield from _fenced(lines(given), "", full=full)


def _fenced(body: list[str], language: str, *, full: bool) -> Iterator[str]:
    shown = body if full else body[:_OUTPUT_LINES]
    longest = max((len(run) for run in re.findall("`+", "\n".join(shown))), default=0)
    fence = "`" * max(3, longest + 1)
    yield ""
    yield f"  {fence}{language}"
    for each in shown:
        yield f"  {each}".rstrip()
    if len(shown) < len(body):
        yield f"  … {len(body) - len(shown)} more lines"
    yield f"  {fence}"


def _code(text: str) -> str:
    if not text:
        return ""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    gap = " " if len(ticks) > 1 else ""
    return f"{ticks}{gap}{text}{gap}{ticks}"
