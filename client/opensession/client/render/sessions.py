"""A list of sessions: two lines each, or a Markdown table."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut, packed, pad, width
from opensession.client.render.names import STAR, tags_of
from opensession.client.render.words import line, model_name, project_name, time_us
from opensession.core.money import format_dollars
from opensession.core.rpc.sessions import SessionRow

_MODEL_COLUMNS = 14
_PROJECT_COLUMNS = 28
SOURCES = {"archived": "source gone, archived", "gone": "source gone, kept", "moved": "moved"}
_GOOD_TITLE = 40
"""Columns below which a title is not cut for the project's sake: that goes into the second line."""


def list_lines(rows: list[SessionRow], screen: Screen, now_us: int) -> Iterator[str]:
    """Two lines a session: what it is, and what happened in it; more where a line is narrow."""
    tools = max((width(line(row.tool)) for row in rows), default=0)
    models = min(max((width(_model(row)) for row in rows), default=0), _MODEL_COLUMNS)
    titles = [_title(row) for row in rows]
    projects = [cut(project_name(row), _PROJECT_COLUMNS) for row in rows]
    room = screen.width - (8 + 2 + tools + 2 + models + 2)
    beside = room - max((width(project) + 2 for project in projects), default=0)
    below = beside < _GOOD_TITLE and any(width(title) > beside for title in titles)
    for row, title, project in zip(rows, titles, projects, strict=True):
        first = [
            screen.cyan(row.short),
            pad(line(row.tool), tools),
            screen.dim(pad(cut(_model(row), models), models)),
        ]
        facts = list(_facts(row, screen, now_us))
        if below or not project:
            first.append(screen.bold(cut(title, max(room, 8))))
            facts = [project, *facts] if project else facts
        else:
            shown = cut(title, beside)
            gap = " " * (room - width(shown) - width(project))
            first.append(screen.bold(shown) + gap + screen.dim(project))
        yield "  ".join(first)
        for facts_line in packed(facts, screen.line_width - 10):
            yield " " * 10 + facts_line


def _title(row: SessionRow) -> str:
    title = line(row.title) or "(no title)"
    return f"{STAR} {title}" if row.starred else title


def _model(row: SessionRow) -> str:
    return model_name(row.model) or "-"


def _facts(row: SessionRow, screen: Screen, now_us: int) -> Iterator[str]:
    age = numbers.ago(time_us(row.updated_at), now_us)
    yield screen.green(f"running, {age}") if row.running else age
    yield numbers.count(row.message_count, "message")
    yield files_fact(row)
    if row.error_count:
        yield screen.red(numbers.count(row.error_count, "error"))
    if row.children:
        yield numbers.count(row.children, "subagent")
    if cost := cost_fact(row):
        yield cost
    if tags := tags_of(row.tool, row.tags):
        yield screen.yellow(tags)
    if row.note:
        yield "note"
    if row.blocked:
        yield screen.yellow("blocked")
    if row.source:
        yield screen.yellow(SOURCES.get(row.source, row.source))


def files_fact(row: SessionRow) -> str:
    """`6 files +88 −12`."""
    text = numbers.count(len(row.files_modified), "file")
    if row.lines_added or row.lines_removed:
        text += f" +{row.lines_added:,} −{row.lines_removed:,}"
    return text


def cost_fact(row: SessionRow) -> str:
    """`$0.84`; a model without a price is named as such, never counted as nothing."""
    if row.cost_microdollars is None:
        return "unpriced" if row.unpriced_models else ""
    text = format_dollars(row.cost_microdollars)
    return f"{text} + unpriced" if row.unpriced_models else text


def markdown_lines(rows: list[SessionRow], now_us: int) -> Iterator[str]:
    """A table."""
    yield "| session | agent | model | title | project | last activity | messages | cost |"
    yield "|---|---|---|---|---|---|---:|---:|"
    for row in rows:
        cells = (
            f"`{row.short}`",
            line(row.tool),
            _model(row),
            " ".join(part for part in (_title(row), tags_of(row.tool, row.tags)) if part),
            project_name(row),
            numbers.ago(time_us(row.updated_at), now_us),
            str(row.message_count),
            cost_fact(row),
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
