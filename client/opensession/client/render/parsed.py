"""What is in a session file, as `opensession parse --preview` tells it."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut, width
from opensession.client.render.words import line
from opensession.core.parsed import Parsed, ParsedSession

_SHOWN = 50


def lines(parsed: Parsed, screen: Screen) -> Iterator[str]:
    """The agent, its sessions, and what was not read."""
    found = numbers.count(len(parsed.sessions), "session")
    yield f"{screen.bold(parsed.agent)}  {found}"
    others = [each for each in parsed.candidates if each.agent != parsed.agent]
    for each in parsed.candidates:
        if each.agent == parsed.agent:
            yield screen.dim(f"  {each.confidence:.0%} sure: {line(each.reason)}")
    if others:
        told = ", ".join(f"{each.agent} {each.confidence:.0%}" for each in others)
        yield screen.dim(f"  others with --agent NAME: {told}")
    for problem in parsed.problems:
        yield screen.yellow(f"  {line(problem)}")
    newest = sorted(parsed.sessions, key=lambda each: each.ended, reverse=True)
    for session in newest[:_SHOWN]:
        yield from _session(session, screen)
    if len(newest) > _SHOWN:
        yield screen.dim(f"{len(newest) - _SHOWN} more: --preview --json lists all")
    for reason, count in sorted(parsed.skipped.items()):
        yield screen.yellow(f"skipped: {numbers.count(count, 'record')} {line(reason)}")
    for kind, count in sorted(parsed.unknown.items()):
        yield screen.yellow(f"unknown: {numbers.count(count, 'record')} of type {line(kind)}")


def _session(session: ParsedSession, screen: Screen) -> Iterator[str]:
    yield ""
    role = "" if session.role == "primary" else screen.dim("  (a subagent's)")
    yield f"{screen.cyan(line(session.id))}{role}"
    title = line(session.title)
    if title:
        yield f"  {title if width(title) <= screen.width - 2 else cut(title, screen.width - 2)}"
    stats = session.stats
    yield (
        f"  {numbers.count(stats.event_count, 'event')}"
        f", {numbers.count(stats.message_count, 'message')}"
        f", {numbers.count(stats.tool_call_count, 'tool call')}"
        f"  {session.started[:19].replace('T', ' ')} to {session.ended[:19].replace('T', ' ')} UTC"
    )
    where = "  ".join(word for word in (line(session.model), line(session.cwd)) if word)
    if where:
        yield screen.dim(f"  {where}")
    for violation in session.violations:
        yield screen.yellow(f"  {line(violation)}")
