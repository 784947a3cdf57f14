"""A session as a text to read: what was said in full, what was done in a line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from opensession.client.output import Screen
from opensession.client.render import events, names, numbers
from opensession.client.render.cells import cut, cut_left, packed, pad, width
from opensession.client.render.sessions import SOURCES, cost_fact
from opensession.client.render.words import clock, line, lines, model_name, project_name
from opensession.core.rpc.sessions import EventRow, SessionDetail, SessionRow

_INDENT = " " * 9
_KIND_COLUMNS = 10
_DIFF_LINES = 8
_OUTPUT_LINES = 1


def header_lines(found: SessionDetail, screen: Screen) -> Iterator[str]:
    """Title, and facts in one line, or more where it is narrow."""
    row = found.session
    yield screen.bold(line(row.title) or "(no title)")
    for facts in packed(header_facts(row), screen.line_width):
        yield screen.dim(facts)
    yield from names.heading_lines(row, screen)
    if row.parent:
        yield screen.dim(f"a subagent of {line(row.parent)}")
    if row.blocked:
        yield screen.yellow(f"does not leave this machine: {line(row.blocked)}")
    if found.altered_at:
        yield screen.yellow(f"its archive is not as its agent wrote it since {found.altered_at}")
    if row.source in ("archived", "gone"):
        hint = f": opensession revive {row.short}" if row.source == "archived" else ""
        if hint and not found.revivable:
            hint = f", and all of it is here: {line(row.tool)} takes no session back"
        yield screen.yellow(f"{SOURCES[row.source]}{hint}")
    if row.moved_to:
        yield screen.yellow(f"its folder is now {line(row.moved_to)}")
    if found.missing_bytes:
        yield screen.yellow(f"{numbers.size(found.missing_bytes)} of its source are lost")


def header_facts(row: SessionRow) -> Iterator[str]:
    """Agent and model, project and commit, length, tokens, cost."""
    yield f"{line(row.tool)} {model_name(row.model)}".strip()
    if project := project_name(row):
        yield f"{project} {line(row.git_commit)[:7]}".strip()
    yield numbers.span(row.duration_seconds)
    yield numbers.count(row.message_count, "message")
    taken = row.total_input_tokens + row.total_cache_read_tokens + row.total_cache_write_tokens
    if taken or row.total_output_tokens:
        cached = (
            f" ({numbers.percent(row.total_cache_read_tokens / taken)} cached)" if taken else ""
        )
        yield f"{numbers.short(taken)} in{cached} {numbers.short(row.total_output_tokens)} out"
    if cost := cost_fact(row):
        yield cost


def transcript_lines(
    pages: Iterable[list[EventRow]], row: SessionRow, screen: Screen, *, full: bool
) -> Iterator[str]:
    """The events of a session. A result is shown with its call; without `full`, long outputs are
    cut and say so.
    """
    was_blank = False
    for page in pages:
        results = paired_results(page)
        shown = {result.event_id for result in results.values()}
        for event in page:
            if event.event_id in shown:
                continue
            inner = event.session_id != row.id
            room = msgspec.structs.replace(screen, width=screen.width - 2) if inner else screen
            for each in event_lines(event, results.get(event.event_id), row, room, full=full):
                if each or full or not was_blank:
                    yield f"{screen.dim('│')} {each}".rstrip() if inner else each
                was_blank = not each


def paired_results(page: list[EventRow]) -> dict[str, EventRow]:
    """The results on a page by the event ids of the calls on it that they answer."""
    calls = {
        (event.session_id, event.attributes.get("semantic.call_id")): event.event_id
        for event in page
        if event.type != "ToolResult" and event.attributes.get("semantic.call_id")
    }
    found: dict[str, EventRow] = {}
    for event in page:
        call = calls.get((event.session_id, event.attributes.get("semantic.call_id")))
        if event.type == "ToolResult" and call is not None:
            found[call] = event
    return found


def event_lines(
    event: EventRow, result: EventRow | None, row: SessionRow, screen: Screen, *, full: bool
) -> Iterator[str]:
    """One event, with the result of a call below it."""
    said = events.kind(event, row.tool, inner=event.session_id != row.id)
    if event.type in events.SPOKEN:
        yield from _spoken(event, said, screen)
    elif event.type in ("Thinking", "SystemMessage"):
        yield from _aside(event, said, screen, full=full)
    elif not full and _is_quiet(event):
        return
    else:
        yield _call_line(event, said, row.working_directory, screen)
        yield from _diff_lines(event, screen, full=full)
        yield from _output_lines(event, result, screen, full=full)


def _is_quiet(event: EventRow) -> bool:
    """Reports whether an event tells a reader nothing: counts of tokens, turns without a name."""
    if event.type == "Custom":
        return (event.data or {}).get("kind") == "token_count"
    return event.type in ("TaskStart", "TaskEnd") and not events.subject(event)


def _spoken(event: EventRow, said: str, screen: Screen) -> Iterator[str]:
    person = event.type == "UserMessage"
    mark = screen.cyan("▌") if person else " "
    name = screen.cyan(said) if person else screen.green(said)
    yield ""
    yield f"{mark} {screen.dim(clock(event.timestamp))}  {name}"
    for each in lines(events.text(event).strip("\n")):
        yield f"  {each}".rstrip()
    if person:
        yield ""


def _aside(event: EventRow, said: str, screen: Screen, *, full: bool) -> Iterator[str]:
    first = f"  {screen.dim(clock(event.timestamp))}  "
    text = events.text(event)
    if event.duration_ms is not None:
        said += "  " + numbers.span(event.duration_ms / 1000)
    if full:
        yield first + screen.dim(said)
        for each in lines(text.strip("\n")):
            yield screen.dim(f"{_INDENT}{each}".rstrip())
        return
    room = screen.width - 9 - max(width(said), _KIND_COLUMNS)
    shown = "" if event.type == "Thinking" else cut(line(text), room)
    yield (first + screen.dim(pad(said, _KIND_COLUMNS) + shown)).rstrip()


def _call_line(event: EventRow, said: str, folder: str, screen: Screen) -> str:
    outcome = events.outcome(event)
    room = screen.width - 9 - _KIND_COLUMNS - (width(outcome) + 2 if outcome else 0)
    about = events.summary(event, folder)
    shorten = cut_left if "path" in (event.data or {}) else cut
    about = shorten(about, max(room, 20))
    begin = f"  {screen.dim(clock(event.timestamp))}  {pad(cut(said, 9), _KIND_COLUMNS)}"
    if not outcome:
        return (begin + about).rstrip()
    return begin + pad(about, max(room, 20)) + "  " + events.outcome_styled(event, screen)


def _diff_lines(event: EventRow, screen: Screen, *, full: bool) -> Iterator[str]:
    changed = [
        each
        for each in lines(events.diff_of(event))
        if each[:1] in ("+", "-") and not each.startswith(("+++", "---"))
    ]
    if full:
        changed = lines(events.diff_of(event).rstrip("\n")) if changed else []
    shown = changed if full else changed[:_DIFF_LINES]
    for each in shown:
        text = _INDENT + (each if full else f"{each[0]} {each[1:]}")
        mark = each[:1]
        yield screen.green(text) if mark == "+" else screen.red(text) if mark == "-" else text
    if len(shown) < len(changed):
        yield screen.dim(f"{_INDENT}… {len(changed) - len(shown)} more lines (`--full`)")


def _output_lines(
    event: EventRow, result: EventRow | None, screen: Screen, *, full: bool
) -> Iterator[str]:
    """What a call gave back. Of a success only what a person would look at: of a read nothing."""
    source = result or (event if event.type == "ToolResult" else None)
    if source is None:
        return
    failed = events.is_error(source) or events.is_error(event)
    quiet = event.type in ("FileRead", "FileEdit", "FileCreate", "FileDelete")
    if quiet and not failed and not full:
        return
    said = [each for each in lines(events.text(source)) if full or each.strip()]
    shown = said if full else said[:_OUTPUT_LINES]
    hidden = len(said) - len(shown)
    for position, each in enumerate(shown):
        tail = ""
        if hidden and position == len(shown) - 1:
            tail = f" … {numbers.count(hidden, 'more line', 'more lines')} (`--full`)"
        text = each if full else cut(each.strip(), screen.width - len(_INDENT) - len(tail))
        yield (_INDENT + (screen.red(text) if failed else screen.dim(text)) + screen.dim(tail))
