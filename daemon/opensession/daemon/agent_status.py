"""What `status` and `health` say of each agent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import apsw
import msgspec

from opensession.core.rpc.daemon import AgentStatus, Watching
from opensession.core.timeparse import format_time
from opensession.daemon import admission
from opensession.daemon.book import Entry
from opensession.daemon.watch import RootState
from opensession.parsers.agent import Agent

MOST_REASONS = 5


class Counts(msgspec.Struct, frozen=True):
    """What the index holds of one agent."""

    sessions: int = 0
    events: int = 0
    skipped_lines: int = 0
    unknown_records: int = 0


def counts(db: apsw.Connection) -> dict[str, Counts]:
    """What the index holds, by agent; subagents are no sessions of their own, as in `log`."""
    found: dict[str, dict[str, int]] = {}
    query = (
        "SELECT agent, count(*) FILTER (WHERE role = 'primary'), sum(event_count)"
        " FROM session GROUP BY agent"
    )
    for agent, sessions, events in db.execute(query):
        found.setdefault(agent, {}).update(sessions=sessions, events=events)
    for column, name in (("skipped", "skipped_lines"), ("unknown", "unknown_records")):
        query = (
            f"SELECT agent, sum(each.value) FROM source, json_each(source.{column}) AS each"  # noqa: S608
            f" WHERE source.{column} <> '{{}}' GROUP BY agent"
        )
        for agent, total in db.execute(query):
            found.setdefault(agent, {})[name] = total
    return {agent: Counts(**numbers) for agent, numbers in found.items()}


def statuses(
    agents: Sequence[Agent],
    states: Mapping[str, list[RootState]],
    entries: Iterable[Entry],
    waiting: Collection[int],
    numbers: Mapping[str, Counts],
    newest: Mapping[str, int],
) -> dict[str, AgentStatus]:
    """The status of every agent, in their order; one without roots is `off`. `waiting` are the
    sources that are not completely read, `newest` changes on disk (ns) beyond those of `entries`.
    """
    own: dict[str, list[Entry]] = {agent.name: [] for agent in agents}
    for entry in entries:
        own.setdefault(entry.source.agent, []).append(entry)
    return {
        agent.name: _status(
            own[agent.name],
            states.get(agent.name, []),
            waiting,
            numbers.get(agent.name, Counts()),
            newest.get(agent.name, 0),
        )
        for agent in agents
    }


def _status(
    entries: list[Entry],
    states: list[RootState],
    waiting: Collection[int],
    numbers: Counts,
    newest: int,
) -> AgentStatus:
    present = [entry for entry in entries if entry.state != "gone"]
    wanted = [entry for entry in present if not is_left_out(entry)]
    wrong = [entry for entry in wanted if entry.state in ("error", "refused")]
    changed = max((entry.disk.mtime_ns for entry in wanted if entry.disk), default=0)
    indexed = max(
        (
            entry.stamp.mtime_ns
            for entry in wanted
            if entry.stamp and entry.state == "ok" and entry.id not in waiting
        ),
        default=0,
    )
    return AgentStatus(
        sources=len(present),
        sessions=numbers.sessions,
        events=numbers.events,
        bytes=sum(entry.disk.size for entry in present if entry.disk),
        newest_change=_time(max(changed, indexed, newest)),
        newest_indexed=_time(indexed),
        watching=_watching(states),
        skipped_lines=numbers.skipped_lines,
        unknown_records=numbers.unknown_records,
        failed_sources=sum(entry.state == "error" for entry in wrong),
        refused_sources=sum(entry.state == "refused" for entry in wrong),
        pending_sources=sum(entry.id in waiting for entry in entries),
        note="; ".join(dict.fromkeys(state.note for state in states if state.note)),
        read_bytes=sum(entry.offset for entry in wanted if entry.state == "ok"),
        reasons=dict(Counter(entry.reason for entry in wrong).most_common(MOST_REASONS)),
    )


def is_left_out(entry: Entry) -> bool:
    """Reports whether a source is not read, and is not meant to be."""
    return entry.state == "refused" and admission.is_meant(entry.reason)


def _watching(states: list[RootState]) -> Watching:
    modes = {state.mode for state in states}
    if "polling" in modes:
        return "polling"
    return "events" if "events" in modes else "off"


def _time(ns: int) -> str | None:
    return format_time(ns // 1000) if ns else None
