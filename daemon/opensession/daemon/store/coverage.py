"""What the index knows of each agent's sources: sums by reason, and a page of the sources."""

from __future__ import annotations

import apsw
import msgspec

_TELLING = (
    "(state IN ('error', 'refused') OR skipped <> '{}' OR unknown <> '{}' OR missing_bytes > 0"
    " OR (state = 'ok' AND offset > 0"
    " AND NOT EXISTS (SELECT 1 FROM session WHERE session.source = source.id)"
    " AND NOT EXISTS (SELECT 1 FROM copy WHERE copy.source = source.id)))"
)
"""Whether something is to be said of a source."""

_WEIGHT = (
    "CASE state WHEN 'error' THEN 0 WHEN 'refused' THEN 1 WHEN 'new' THEN 3 WHEN 'ok' THEN 3"
    " ELSE 4 END"
)

_ROWS = (
    "SELECT id, path, state, error, size, mtime_ns, offset, skipped, unknown, missing_bytes,"
    " (SELECT count(*) FROM session WHERE session.source = source.id),"
    " (SELECT coalesce(sum(event_count), 0) FROM session WHERE session.source = source.id)"
    " FROM source"
)

_counts = msgspec.json.Decoder(dict[str, int])


class Sums(msgspec.Struct):
    """What one agent's sources amount to. `auxiliary` counts subagents' sessions."""

    read_bytes: int = 0
    auxiliary: int = 0
    gone: int = 0
    refused: dict[str, int] = {}
    failed: dict[str, int] = {}
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A source as it is stored, with what is made of it."""

    id: int
    path: str
    state: str
    error: str
    size: int
    mtime_ns: int
    offset: int
    skipped: str
    unknown: str
    missing_bytes: int
    sessions: int
    events: int


def sums(db: apsw.Connection) -> dict[str, Sums]:
    """The sums of every agent that has sources."""
    found: dict[str, Sums] = {}
    states = (
        "SELECT agent, state, error, count(*), sum(offset) FROM source GROUP BY agent, state, error"
    )
    for agent, state, error, count, offset in db.execute(states):
        one = found.setdefault(agent, Sums())
        one.read_bytes += offset
        if state == "gone":
            one.gone += count
        elif state == "refused":
            one.refused[error] = count
        elif state == "error":
            one.failed[error] = count
    for column in ("skipped", "unknown"):
        query = (
            f"SELECT agent, each.key, sum(each.value) FROM source,"  # noqa: S608
            f" json_each(source.{column}) AS each WHERE source.{column} <> '{{}}' GROUP BY 1, 2"
        )
        for agent, name, count in db.execute(query):
            getattr(found.setdefault(agent, Sums()), column)[name] = count
    auxiliary = "SELECT agent, count(*) FROM session WHERE role <> 'primary' GROUP BY agent"
    for agent, count in db.execute(auxiliary):
        found.setdefault(agent, Sums()).auxiliary = count
    return found


def page(
    db: apsw.Connection, agent: str, *, everything: bool, limit: int, offset: int
) -> tuple[list[Row], int]:
    """Sources of an agent, those of which something is to be said first, then the newest; without
    `everything` only those. With it how many there are.
    """
    where = "agent = ?" if everything else f"agent = ? AND {_TELLING}"
    query = f"SELECT count(*) FROM source WHERE {where}"  # noqa: S608 - parts of ours
    total = db.execute(query, (agent,)).get
    telling = f"NOT {_TELLING}, " if everything else ""
    query = (
        f"{_ROWS} WHERE {where} ORDER BY {telling}{_WEIGHT}, mtime_ns DESC, path LIMIT ? OFFSET ?"
    )
    rows = [Row(*row) for row in db.execute(query, (agent, limit, offset))]
    return rows, int(total)


def counts(stored: str) -> dict[str, int]:
    """A column of counts."""
    return _counts.decode(stored)
