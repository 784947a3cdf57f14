"""Sessions that are excluded now, and that were stored before they were."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import apsw

from opensession.core.privacy import excluded


def still_stored(db: apsw.Connection, agents: Collection[str], folders: Sequence[str]) -> int:
    """How many sessions of the index are of these agents, or in these folders (`excluded`)."""
    return sum(
        1
        for agent, *places in db.execute(
            "SELECT session.agent, session.cwd, session.last_cwd, source.path FROM session"
            " LEFT JOIN source ON source.id = session.source"
        )
        if agent in agents or any(excluded(place or "", folders) for place in places)
    )
