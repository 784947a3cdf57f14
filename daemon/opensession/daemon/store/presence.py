"""Which sessions a source says that it holds: those that its agent deleted from it are marked.

A session that is absent is kept, shown and found as one whose file is gone. Where another source
holds all of it, that becomes its source.
"""

from __future__ import annotations

from collections.abc import Collection

import apsw
import msgspec

from opensession.daemon.store import intake, sessions_write
from opensession.daemon.store.sources import SourceRow


class _Named(msgspec.Struct):
    """Of what a parser said of a session (`SessionInfo`) its own id alone, which has no suffix."""

    id: str


_named = msgspec.msgpack.Decoder(_Named)


def record(db: apsw.Connection, row: SourceRow, present: Collection[str]) -> None:
    """A source holds these sessions and no others, by their agent's ids; within a transaction."""
    own = frozenset(present)
    here = own if row.suffix == 1 else own | {intake.suffixed(row, name) for name in own}

    def holds(name: str, info: bytes) -> bool:
        return name in here or (bool(info) and _named.decode(info).id in own)

    for number, name, info in list(
        db.execute(
            "SELECT session.id, native_id, info FROM copy JOIN session ON session.id = copy.session"
            " WHERE copy.source = ?",
            (row.id,),
        )
    ):
        if not holds(name, info):
            db.execute("DELETE FROM copy WHERE source = ? AND session = ?", (row.id, number))
    for number, name, absent, info in list(
        db.execute("SELECT id, native_id, absent, info FROM session WHERE source = ?", (row.id,))
    ):
        gone = not holds(name, info)
        if gone != bool(absent):
            db.execute("UPDATE session SET absent = ? WHERE id = ?", (gone, number))
            session = sessions_write.load(db, number) if gone else None
            if session is not None:
                intake.hand_on(db, session)
