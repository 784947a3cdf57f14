"""What is held of each agent: sums over sources and sessions, for `storage`."""

from __future__ import annotations

from collections.abc import Mapping

import apsw
import msgspec

_DAY_US = 86_400_000_000

_SHARE = """
    SELECT s.agent, sum(length(e.body))
    FROM session s JOIN event e ON e.id BETWEEN s.id << 24 AND (s.id << 24) + 16777215
    GROUP BY s.agent
"""
_SOURCES = """
    SELECT agent,
           count(*) FILTER (WHERE state <> 'gone' AND size > 0),
           sum(size) FILTER (WHERE state <> 'gone'),
           count(*) FILTER (WHERE archive_size > 0),
           sum(archive_size), sum(iif(archive_size > 0, archived_len, 0))
    FROM source GROUP BY agent
"""
_COPIES = """
    SELECT agent, count(*), sum(size) FROM source o
    WHERE state <> 'gone' AND EXISTS (SELECT 1 FROM copy WHERE source = o.id)
          AND NOT EXISTS (SELECT 1 FROM session WHERE source = o.id)
    GROUP BY agent
"""
_SESSIONS = """
    SELECT s.agent, count(*),
           count(*) FILTER (WHERE o.archived_len > 0 AND o.archived_len >= o.offset
                            AND o.archive_gap = 0 AND o.missing_bytes = 0),
           count(*) FILTER (WHERE (o.state = 'gone' OR s.absent) AND o.archived_len > 0
                            AND o.archived_len >= o.offset AND o.missing_bytes = 0)
    FROM session s JOIN source o ON o.id = s.source
    WHERE s.role = 'primary' GROUP BY s.agent
"""
_GROWTH = """
    SELECT o.agent, o.offset, o.archived_len, o.archive_size,
           (SELECT sum(iif(s.created_us >= ?1, s.event_count,
                      (SELECT count(*) FROM event e WHERE e.id >> 24 = s.id AND e.time_us >= ?1)))
            FROM session s WHERE s.source = o.id),
           (SELECT sum(s.event_count) FROM session s WHERE s.source = o.id)
    FROM source o
    WHERE EXISTS (SELECT 1 FROM session s WHERE s.source = o.id AND s.updated_us >= ?1)
"""


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """Of one agent; the fields are those of `core.rpc.storage.AgentStorage`."""

    own_files: int = 0
    own_bytes: int = 0
    archive_files: int = 0
    archive_bytes: int = 0
    archived_bytes: int = 0
    duplicate_files: int = 0
    duplicate_bytes: int = 0
    grown_bytes: int = 0
    grown_archive_bytes: int = 0
    sessions: int = 0
    safe_sessions: int = 0
    only_here: int = 0


def holdings(db: apsw.Connection, now_us: int, days: int) -> dict[str, Holding]:
    """What is held, by agent. Growth is that of the last `days`: the share of a source's events
    with a time since then is taken for the share of its bytes.
    """
    found: dict[str, dict[str, int]] = {}

    def add(agent: object, values: Mapping[str, object]) -> None:
        own = found.setdefault(str(agent), {})
        for name, value in values.items():
            own[name] = own.get(name, 0) + int(str(value or 0))

    for agent, *numbers in db.execute(_SOURCES):
        names = ("own_files", "own_bytes", "archive_files", "archive_bytes", "archived_bytes")
        add(agent, dict(zip(names, numbers, strict=True)))
    for agent, files, size in db.execute(_COPIES):
        add(agent, {"duplicate_files": files, "duplicate_bytes": size})
    for agent, sessions, safe, only in db.execute(_SESSIONS):
        add(agent, {"sessions": sessions, "safe_sessions": safe, "only_here": only})
    since = now_us - days * _DAY_US
    for agent, read, archived, packed, new, events in db.execute(_GROWTH, (since,)):
        if not events or not new:
            continue
        share = min(int(new) / int(events), 1.0)
        grown = round(int(read) * share)
        stored = round(int(packed) * share) if archived else 0
        add(agent, {"grown_bytes": grown, "grown_archive_bytes": stored})
    return {agent: Holding(**numbers) for agent, numbers in found.items()}


def shares(db: apsw.Connection) -> dict[str, float]:
    """The share of each agent in the bytes of all events, 0 to 1."""
    sizes = {str(agent): int(size or 0) for agent, size in db.execute(_SHARE)}
    total = sum(sizes.values())
    return {agent: size / total for agent, size in sizes.items()} if total else {}
