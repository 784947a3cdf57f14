"""How all sessions stand that publishing is about."""

from __future__ import annotations

import apsw

from opensession.daemon.publish import records, session
from opensession.daemon.publish.parts import Parts
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.standing import Standing, judge

Stood = tuple[Family, Publication | None, Standing]


async def standings(parts: Parts, now_us: int) -> list[Stood]:
    """How every session stands that a policy covers, or of which there is a record."""
    made = {one.key: one for one in await parts.record(records.of_hub, parts.link.hub)}
    publishing = [row.since_us for row in parts.streams if row.mode != "manual"]
    here = parts.circumstances(now_us)

    def work(db: apsw.Connection) -> list[Stood]:
        found = session.active_since(db, min(publishing)) if publishing else []
        there = {one.session.key for one in found}
        found += session.several(db, [key for key in made if key not in there])
        return [
            (one, made.get(one.session.key), judge(one, made.get(one.session.key), here))
            for one in found
        ]

    return await parts.query(work)
