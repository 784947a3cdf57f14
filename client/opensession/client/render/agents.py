"""Agents as tables: what was found, and what is watched."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut_left, pad, pad_left, width
from opensession.client.render.words import line, tilde
from opensession.core.rpc.index import AgentRow


def found_lines(rows: list[AgentRow], screen: Screen, home: str) -> Iterator[str]:
    """What lies on disk, the largest first; agents without anything in one line."""
    present = sorted((row for row in rows if row.sources), key=lambda row: -row.bytes)
    names = max((width(row.name) for row in present), default=0)
    for row in present:
        folders = ", ".join(tilde(line(path), home) for path in row.existing)
        begin = (
            f"{screen.bold(pad(row.name, names))}  "
            f"{pad_left(numbers.count(row.sources, 'session file'), 20)}"
            f"  {pad_left(numbers.size(row.bytes), 8)}"
        )
        room = screen.width - names - 2 - 20 - 2 - 8 - 2
        off = "" if row.enabled else screen.yellow(" (off)")
        yield f"{begin}  {screen.dim(cut_left(folders, room))}{off}"
    absent = [row.name for row in rows if not row.sources]
    if absent:
        yield screen.dim(f"nothing found of: {', '.join(absent)}")


def watched_lines(rows: list[AgentRow], screen: Screen, home: str) -> Iterator[str]:
    """Which agents are watched, how, and where."""
    names = max((width(row.name) for row in rows), default=0)
    for row in rows:
        state = (row.watching if row.enabled else "disabled") or "off"
        folders = [tilde(line(path), home) for path in row.existing or row.folders]
        room = screen.width - names - 2 - 10
        yield (
            f"{screen.bold(pad(row.name, names))}  {_colored(state, screen)}"
            f"{cut_left(', '.join(folders), room)}"
        ).rstrip()


def _colored(state: str, screen: Screen) -> str:
    padded = pad(state, 10)
    if state == "events":
        return screen.green(padded)
    return screen.yellow(padded) if state == "polling" else screen.dim(padded)
