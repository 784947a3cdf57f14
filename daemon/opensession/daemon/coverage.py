"""What `coverage` shows, put together from the index and from what the ingest knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import apsw
import msgspec

from opensession.core.rpc.coverage import (
    MOST_SOURCES,
    AgentCoverage,
    CoverageParams,
    RootCoverage,
    SourceCoverage,
)
from opensession.core.rpc.daemon import AgentStatus, Check
from opensession.core.timeparse import format_time
from opensession.daemon import admission
from opensession.daemon.book import Entry
from opensession.daemon.store import coverage as stored
from opensession.daemon.watch import RootState
from opensession.parsers.agent import Agent, Root

OTHER = "(not a plain name)"

_TYPE = re.compile(r"[A-Za-z0-9_.:/ -]{1,64}")


class Facts(msgspec.Struct, frozen=True):
    """What the ingest knows: how each root is watched, the sources it holds, by id, and which of
    them are not completely read.
    """

    states: Mapping[Root, RootState] = {}
    entries: Mapping[int, Entry] = {}
    waiting: Collection[int] = frozenset()


def agents(
    db: apsw.Connection,
    params: CoverageParams,
    wanted: Sequence[tuple[Agent, bool, list[Root]]],
    statuses: Mapping[str, AgentStatus],
    checks: Sequence[Check],
    facts: Facts,
) -> list[AgentCoverage]:
    """Each wanted agent, whether it is enabled, and its roots. Reads the index alone."""
    sums = stored.sums(db)
    per_root: dict[tuple[str, str], int] = {}
    for entry in facts.entries.values():
        if entry.disk is not None:
            key = (entry.source.agent, entry.source.root)
            per_root[key] = per_root.get(key, 0) + 1
    found = []
    for agent, enabled, roots in wanted:
        rows, total = stored.page(
            db,
            agent.name,
            everything=params.all,
            limit=max(0, min(params.limit, MOST_SOURCES)),
            offset=max(0, params.offset),
        )
        own = sums.get(agent.name, stored.Sums())
        found.append(
            AgentCoverage(
                name=agent.name,
                label=agent.label,
                enabled=enabled,
                status=statuses.get(agent.name, AgentStatus()),
                read_bytes=own.read_bytes,
                auxiliary=own.auxiliary,
                gone=own.gone,
                refused=_plain(own.refused),
                failed=own.failed,
                skipped=_largest_first(own.skipped),
                unknown=_types(own.unknown),
                roots=[_root(root, facts, per_root) for root in roots],
                checks=[one for one in checks if one.name.startswith(f"agent.{agent.name}.")],
                sources=[_source(row, facts) for row in rows],
                total=total,
            )
        )
    return found


def _root(root: Root, facts: Facts, per_root: Mapping[tuple[str, str], int]) -> RootCoverage:
    state = facts.states.get(root) or RootState("off", exists=Path(root.path).is_dir())
    return RootCoverage(
        path=root.path,
        exists=state.exists,
        watching=state.mode,
        sources=per_root.get((root.agent, root.path), 0),
        note=state.note,
    )


def _source(row: stored.Row, facts: Facts) -> SourceCoverage:
    entry = facts.entries.get(row.id)
    disk = entry.disk if entry is not None else None
    reading = row.state == "ok"
    return SourceCoverage(
        path=row.path,
        state=row.state,
        reason=admission.plain(row.error),
        pending=row.id in facts.waiting,
        bytes=disk.size if disk is not None else 0 if row.state == "gone" else row.size,
        read_bytes=row.offset,
        sessions=row.sessions,
        events=row.events,
        skipped=_largest_first(stored.counts(row.skipped)),
        unknown=_types(stored.counts(row.unknown)),
        missing_bytes=row.missing_bytes,
        changed=_time(disk.mtime_ns if disk is not None else 0),
        indexed=_time(row.mtime_ns if reading else 0),
    )


def _plain(reasons: Mapping[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for reason, count in reasons.items():
        plain = admission.plain(reason)
        total[plain] = total.get(plain, 0) + count
    return _largest_first(total)


def _types(counts: Mapping[str, int]) -> dict[str, int]:
    """Record types; what does not look like a type may be anything and is not repeated."""
    total: dict[str, int] = {}
    for name, count in counts.items():
        shown = name if _TYPE.fullmatch(name) else OTHER
        total[shown] = total.get(shown, 0) + count
    return _largest_first(total)


def _largest_first(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _time(ns: int) -> str | None:
    return format_time(ns // 1000) if ns else None
