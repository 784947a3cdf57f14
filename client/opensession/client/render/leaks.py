"""`leaks` as text."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut, cut_left
from opensession.client.render.words import day, line
from opensession.core.rpc.leaks import LeakRow, LeakSession, LeaksListResult, ScrubReport

_SESSIONS = 5
_FILES = 3


def lines(found: LeaksListResult, screen: Screen) -> Iterator[str]:
    """One secret after the other, last seen first."""
    if not found.leaks:
        others = found.total - found.unresolved
        yield "no unresolved secret" + (f", {others} others: --all" if others else "")
        return
    for row in found.leaks:
        yield from _leak(row, screen)
    if not found.unresolved:
        return
    yield ""
    yield f"{numbers.count(found.unresolved, 'unresolved secret')}: change each where it is valid,"
    yield "  then: opensession leaks resolve ID"


def _leak(row: LeakRow, screen: Screen) -> Iterator[str]:
    state = ""
    if row.resolved_at:
        state = f"  resolved {day(row.resolved_at)}"
    if row.scrubbed_at:
        state += f"  scrubbed {day(row.scrubbed_at)}"
    first, last = day(row.first_seen), day(row.last_seen)
    seen = first if first == last else f"{first} to {last}"
    head = f"{screen.cyan(row.id)}  {screen.bold(line(row.kind))}"
    yield f"{head}  {row.confidence}  {seen}  {numbers.grouped(row.count)}×{screen.green(state)}"
    for session in row.sessions[:_SESSIONS]:
        yield from _session(session, screen)
    if len(row.sessions) > _SESSIONS:
        more = numbers.count(len(row.sessions) - _SESSIONS, "further session")
        yield screen.dim(f"    {more}: --json lists them")
    if not row.sessions:
        yield screen.dim("    in no session any more")
    if row.published:
        yield screen.red(f"    published: {', '.join(line(each) for each in row.published)}")


def _session(session: LeakSession, screen: Screen) -> Iterator[str]:
    span = f"#{session.first_seq}"
    if session.last_seq != session.first_seq:
        span += f" to #{session.last_seq}"
    name = session.short or line(session.id)
    facts = f"    {name}  {line(session.tool)}  {span}  {numbers.grouped(session.count)}×"
    yield cut(f"{facts}  {line(session.title)}".rstrip(), screen.line_width)
    for path in session.files[:_FILES]:
        yield screen.dim(f"      {cut_left(line(path), screen.line_width - 6)}")
    if len(session.files) > _FILES:
        yield screen.dim(f"      {numbers.count(len(session.files) - _FILES, 'further file')}")


def scrub_lines(report: ScrubReport) -> Iterator[str]:
    """What was taken out of what."""
    if not report.found:
        yield f"{report.id}: no file and no archive holds it any more"
    yield (
        f"{report.id}: index {numbers.count(report.events, 'event')},"
        f" {numbers.count(report.titles, 'title')} changed"
    )
    if report.archives:
        yield (
            f"  archive: {numbers.count(report.occurrences, 'occurrence')} masked"
            f" in {numbers.count(report.archives, 'file')}"
        )
    for path in report.holders:
        yield f"  still in {line(path)}"
    for problem in report.problems:
        yield f"  {line(problem)}"
