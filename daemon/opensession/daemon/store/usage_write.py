"""The `usage` table: tokens by session and message, of which the last record counts."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from opensession.core.hail import Event, Usage

_UPSERT = (
    "INSERT INTO usage (session, message_id, seq, time_us, provider, model, input, output,"
    " cache_read, cache_write, cache_write_1h, cost_recorded)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (session, message_id) DO UPDATE SET seq = excluded.seq,"
    " time_us = excluded.time_us, provider = excluded.provider, model = excluded.model,"
    " input = excluded.input, output = excluded.output, cache_read = excluded.cache_read,"
    " cache_write = excluded.cache_write, cache_write_1h = excluded.cache_write_1h,"
    " cost_recorded = excluded.cost_recorded"
    " WHERE (seq, time_us, provider, model, input, output, cache_read, cache_write,"
    " cache_write_1h, cost_recorded) IS NOT (excluded.seq, excluded.time_us, excluded.provider,"
    " excluded.model, excluded.input, excluded.output, excluded.cache_read,"
    " excluded.cache_write, excluded.cache_write_1h, excluded.cost_recorded)"
)


def record(db: apsw.Connection, session: int, usage: Sequence[Usage]) -> None:
    """Stores records in their order; one of a message that is known replaces what was stored."""
    db.executemany(
        _UPSERT,
        [
            (
                session,
                item.message_id,
                item.seq,
                item.time_us,
                item.provider,
                item.model,
                item.input,
                item.output,
                item.cache_read,
                item.cache_write,
                item.cache_write_1h,
                item.cost_microdollars,
            )
            for item in usage
        ],
    )


def replace(
    db: apsw.Connection, session: int, first_seq: int, last_seq: int, usage: Sequence[Usage]
) -> None:
    """Makes `usage` all that the events `first_seq` to `last_seq` record, as in a re-read."""
    given = {item.message_id for item in usage}
    stored = db.execute(
        "SELECT message_id FROM usage WHERE session = ? AND seq BETWEEN ? AND ?",
        (session, first_seq, last_seq),
    ).fetchall()
    db.executemany(
        "DELETE FROM usage WHERE session = ? AND message_id = ?",
        [(session, name) for (name,) in stored if name not in given],
    )
    record(db, session, usage)


def rewind(db: apsw.Connection, session: int, keep: int, events: Sequence[Event] | None) -> None:
    """Forgets what events after seq `keep` recorded.

    A message that an earlier event recorded as well gets that record back, from the attributes of
    `events` (seq 1 to `keep`); with None they are expected to be given again by a re-read.
    """
    lost = db.execute(
        "DELETE FROM usage WHERE session = ? AND seq > ? RETURNING message_id, provider",
        (session, keep),
    ).fetchall()
    if not lost or events is None:
        return
    providers = {str(name): str(provider) for name, provider in lost}
    earlier: dict[str, Usage] = {}
    for seq, event in enumerate(events, start=1):
        name = event.attributes.get("message_id")
        if isinstance(name, str) and name in providers:
            earlier[name] = _of_event(event, seq, name, providers[name])
    record(db, session, list(earlier.values()))


def _of_event(event: Event, seq: int, message_id: str, provider: str) -> Usage:
    found = event.attributes
    model = found.get("model")
    counts = [
        value if isinstance(value := found.get(name), int) and 0 <= value < 2**63 else 0
        for name in (
            "input_tokens",
            "output_tokens",
            "cache_read_tokens",
            "cache_write_tokens",
            "cache_write_1h_tokens",
        )
    ]
    return Usage(
        seq=seq,
        time_us=event.time_us,
        message_id=message_id,
        model=model if isinstance(model, str) else "",
        provider=provider,
        input=counts[0],
        output=counts[1],
        cache_read=counts[2],
        cache_write=counts[3],
        cache_write_1h=counts[4],
    )
