"""Sessions whose events were stripped by other rules than those that are in use now."""

from __future__ import annotations

import apsw
import msgspec


class Outdated(msgspec.Struct, frozen=True):
    """`waiting` were stripped by other rules and are read again; `staying`, whatever their rules,
    are made of bytes that are neither on disk nor in the archive any more.
    """

    waiting: int
    staying: int


def outdated(db: apsw.Connection, rules: str) -> Outdated:
    """How many sessions were stripped by others than these rules."""
    waiting, staying = db.execute(
        "SELECT count(*) FILTER (WHERE other AND NOT lost), count(*) FILTER (WHERE lost) FROM"
        " (SELECT source.rules <> ? AS other, (source.state = 'gone' OR session.absent)"
        " AND source.archived_len = 0 AS lost"
        " FROM session JOIN source ON source.id = session.source)",
        (rules,),
    ).get
    return Outdated(int(waiting), int(staying))
