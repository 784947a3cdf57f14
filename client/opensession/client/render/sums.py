"""`stats` as text: sums, bars, top files."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut, cut_left, pad, pad_left, width
from opensession.client.render.words import day, line, model_name, tilde
from opensession.core.money import format_dollars
from opensession.core.rpc.stats import FileStats, ModelStats, Stats, ToolStats

_PERIODS = {
    "day": "today",
    "week": "the last 7 days",
    "month": "the last 30 days",
    "all": "all time",
}
_FILES = 5
_BAR = 16
_SHORTEST_BAR = 4


def stats_lines(found: Stats, screen: Screen, home: str) -> Iterator[str]:
    """All of it."""
    since = f" (since {day(found.since)})" if found.since else ""
    yield screen.bold(f"{_PERIODS[found.period]}{since}")
    yield (
        f"  {numbers.count(found.total_sessions, 'session')}"
        f" · {numbers.count(found.total_messages, 'message')}"
        f" · {numbers.count(found.total_tool_calls, 'tool call')}"
        f" · {numbers.span(found.total_duration_seconds)}"
    )
    kept = found.archived_sessions + found.gone_sessions
    if kept:
        yield (
            f"  {numbers.grouped(kept)} of them without a file any more,"
            f" {numbers.grouped(found.archived_sessions)} archived"
        )
    taken = (
        found.total_input_tokens + found.total_cache_read_tokens + found.total_cache_write_tokens
    )
    cached = f" ({numbers.percent(found.total_cache_read_tokens / taken)} cached)" if taken else ""
    yield (
        f"  {numbers.short(taken)} tokens in{cached}"
        f" · {numbers.short(found.total_output_tokens)} out"
        f" · {format_dollars(found.estimated_cost_microdollars)}"
    )
    if found.unpriced_models:
        models = ", ".join(model_name(model) or "unknown" for model in found.unpriced_models)
        yield screen.yellow(f"  without a price, not in the sum: {models}")
    if found.error_count:
        yield screen.red(
            f"  {numbers.count(found.error_count, 'error')}"
            f" ({numbers.percent(found.error_rate)} of the tool calls)"
        )
    yield from _tool_lines(found.by_tool, screen)
    yield from _model_lines(found.by_model, screen)
    yield from _file_lines(found.top_files, screen, home)


def _tool_lines(tools: list[ToolStats], screen: Screen) -> Iterator[str]:
    if not tools:
        return
    yield ""
    yield screen.bold("by agent")
    names = max(width(line(tool.tool)) for tool in tools)
    most = max(tool.sessions for tool in tools)
    facts = [
        (
            numbers.count(tool.sessions, "session"),
            numbers.count(tool.messages, "message"),
            numbers.count(tool.errors, "error"),
            format_dollars(tool.cost_microdollars),
        )
        for tool in tools
    ]
    columns = [max(width(row[place]) for row in facts) for place in range(4)]
    room = min(_BAR, screen.width - names - sum(columns) - 2 * 6)
    for tool, row in zip(tools, facts, strict=True):
        cells = [pad(line(tool.tool), names)]
        if room >= _SHORTEST_BAR:
            cells.append(screen.cyan(bar(tool.sessions, most, room)))
        cells += [pad_left(fact, column) for fact, column in zip(row, columns, strict=True)]
        yield "  " + "  ".join(cells)


def _model_lines(models: list[ModelStats], screen: Screen) -> Iterator[str]:
    if not models:
        return
    yield ""
    yield screen.bold("by model")
    names = min(max(width(model_name(model.model)) for model in models), 28)
    for model in models:
        taken = model.input_tokens + model.cache_read_tokens + model.cache_write_tokens
        yield (
            f"  {pad(cut(model_name(model.model), names), names)}"
            f"  {pad_left(numbers.short(taken), 6)} in"
            f"  {pad_left(numbers.short(model.output_tokens), 6)} out"
            f"  {pad_left(format_dollars(model.cost_microdollars), 9)}"
        )


def _file_lines(files: list[FileStats], screen: Screen, home: str) -> Iterator[str]:
    if not files:
        return
    yield ""
    yield screen.bold("most edited")
    room = screen.width - 30
    for file in files[:_FILES]:
        path = cut_left(line(tilde(file.path, home)), room)
        edits = numbers.count(file.edits, "edit")
        yield f"  {pad(path, room)}  {edits} in {numbers.count(file.sessions, 'session')}"


def bar(value: int, most: int, columns: int = _BAR) -> str:
    """A bar of blocks, as long as its share; never empty for something."""
    filled = max(round(value / most * columns) if most else 0, 1 if value else 0)
    return "█" * filled + " " * (columns - filled)
