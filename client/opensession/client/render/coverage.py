"""`opensession coverage` as text: the agents with something wrong first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import pad
from opensession.client.render.overview import indexing_text
from opensession.client.render.words import line, tilde, time_us
from opensession.core.rpc.coverage import (
    AgentCoverage,
    CoverageResult,
    RootCoverage,
    SourceCoverage,
)

_MOST = 6
"""Reasons or types in one line."""

_LABEL = 10
_ORDER = {"red": 0, "warn": 1, "ok": 2}


def coverage_lines(
    found: CoverageResult, screen: Screen, now_us: int, home: str, *, everything: bool
) -> Iterator[str]:
    """Every agent of which there is something; with `everything` the folders that are not there,
    and the agents of which there is nothing, as well.
    """
    if found.indexing.active:
        yield indexing_text(found.indexing)
        yield ""
    present = [each for each in found.agents if everything or _is_present(each)]
    present.sort(key=lambda each: (_worst(each), not _is_present(each), -each.status.bytes))
    for each in present:
        yield from _agent_lines(each, screen, now_us, home, everything=everything)
        yield ""
    absent = [each.name for each in found.agents if each not in present]
    if absent:
        yield screen.dim(f"nothing found of: {', '.join(absent)}")
    for folder in found.unrecognised:
        path = tilde(line(folder.path), home)
        yield screen.yellow(f"! custom path {path}: {line(folder.reason)}")
    for problem in (*found.problems, *found.ignored):
        yield screen.yellow(f"! {line(problem)}")


def _is_present(agent: AgentCoverage) -> bool:
    return bool(agent.status.sources or agent.status.sessions or agent.gone or _worst(agent) < 2)


def _worst(agent: AgentCoverage) -> int:
    return min((_ORDER[check.state] for check in agent.checks), default=2)


def _agent_lines(
    agent: AgentCoverage, screen: Screen, now_us: int, home: str, *, everything: bool
) -> Iterator[str]:
    status = agent.status
    off = "" if agent.enabled else screen.yellow(" (off)")
    yield f"{screen.bold(line(agent.name))}{off}"
    for check in agent.checks:
        if check.state == "red":
            said = line(check.message).removeprefix(f"{agent.name}: ")
            yield f"  {screen.red(f'✗ {said}')}"
            if check.hint:
                yield f"    next: {line(check.hint)}"
    sources = numbers.count(status.sources, "file")
    facts = [f"{sources}, {numbers.size(status.bytes)}"]
    if agent.gone:
        facts.append(f"{numbers.grouped(agent.gone)} gone since, kept as read")
    yield from _row("found", facts)
    sessions = numbers.count(status.sessions, "session")
    if agent.auxiliary:
        sessions += f" and {numbers.grouped(agent.auxiliary)} of subagents"
    facts = [
        sessions,
        numbers.count(status.events, "event"),
        f"{numbers.size(agent.read_bytes)} read",
    ]
    if status.pending_sources:
        facts.append(f"{numbers.count(status.pending_sources, 'file')} waiting")
    yield from _row("indexed", facts)
    changed, indexed = time_us(status.newest_change), time_us(status.newest_indexed)
    if changed is not None:
        read = "not read yet" if indexed is None else f"indexed {numbers.ago(indexed, now_us)}"
        yield from _row("newest", [f"changed {numbers.ago(changed, now_us)}", read])
    yield from _row("skipped", _counted(agent.skipped, "line"))
    yield from _row("unknown", _counted(agent.unknown, "record", " of type "))
    yield from _row("refused", _counted(agent.refused, "file", ": "))
    yield from _row("failed", _counted(agent.failed, "file", ": "))
    for root in agent.roots:
        if root.sources or root.note or everything:
            yield from _row("folder", _root(root, screen, home))
    for source in agent.sources:
        yield from _source_lines(source, screen, home)
    left = agent.total - len(agent.sources)
    if left > 0:
        yield screen.dim(f"  … and {numbers.count(left, 'other')}: --limit {agent.total}")


def _row(label: str, facts: list[str]) -> Iterator[str]:
    if facts:
        yield f"  {pad(label, _LABEL)}{' · '.join(facts)}"


def _counted(counts: Mapping[str, int], one: str, between: str = " ") -> list[str]:
    """`3 lines malformed`; the rarest together."""
    facts = [f"{numbers.count(count, one)}{between}{line(name)}" for name, count in counts.items()]
    if len(facts) <= _MOST:
        return facts
    rest = sum(list(counts.values())[_MOST:])
    return [*facts[:_MOST], f"{numbers.count(rest, one)} of {len(facts) - _MOST} other kinds"]


def _root(root: RootCoverage, screen: Screen, home: str) -> list[str]:
    path = tilde(line(root.path), home)
    if not root.exists:
        return [screen.dim(f"{path}  not there")]
    facts = [f"{path}  {root.watching}", numbers.count(root.sources, "file")]
    return [*facts, screen.yellow(line(root.note))] if root.note else facts


def _source_lines(source: SourceCoverage, screen: Screen, home: str) -> Iterator[str]:
    wrong = source.state in ("error", "refused")
    mark = screen.yellow("!") if wrong else "·"
    yield f"  {mark} {tilde(line(source.path), home)}"
    facts = [source.state if source.state != "ok" else ""]
    if source.reason:
        facts = [f"{source.state}: {line(source.reason)}"]
    facts.append("waiting" if source.pending else "")
    facts.append(numbers.size(source.bytes) if source.bytes else "")
    if not wrong:
        facts.append(numbers.count(source.sessions, "session"))
        facts.append(numbers.count(source.events, "event"))
    facts += [f"skipped {fact}" for fact in _counted(source.skipped, "line")]
    facts += [f"unknown {fact}" for fact in _counted(source.unknown, "record", " of type ")]
    if source.missing_bytes:
        facts.append(f"{numbers.size(source.missing_bytes)} in no file any more")
    yield screen.dim(f"    {' · '.join(fact for fact in facts if fact)}")
