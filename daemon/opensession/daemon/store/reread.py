"""What is known of a session while its source is read from the beginning again."""

from __future__ import annotations

import msgspec

from opensession.daemon import tally
from opensession.daemon.batch import PreparedSession, Tally


class Reread(msgspec.Struct, frozen=True, array_like=True):
    """`confirmed` events were seen again so far; `sums` and `redactions` are of these.

    `recount` says that the sums are to be taken from the stored events. The session's own counters
    stay as they are until the source is read to its end.
    """

    confirmed: int = 0
    sums: Tally = Tally()
    redactions: dict[str, int] = {}
    recount: bool = False


def encode(state: Reread) -> bytes:
    """As the column `session.reread` holds it."""
    return msgspec.msgpack.encode(state)


def decode(stored: bytes | None) -> Reread | None:
    """The state of a session, None if it is not being read again."""
    return None if stored is None else msgspec.msgpack.decode(stored, type=Reread)


def advanced(state: Reread, prepared: PreparedSession) -> Reread:
    """The state after another piece was read."""
    return Reread(
        confirmed=prepared.keep + len(prepared.rows),
        sums=tally.plus(state.sums, prepared.tally),
        redactions=added(state.redactions, prepared.redactions),
        recount=state.recount or prepared.keep < state.confirmed,
    )


def added(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    """The sums of two sets of counts."""
    total = dict(one)
    for kind, count in other.items():
        total[kind] = total.get(kind, 0) + count
    return total
