"""What is known to be lost: bytes that were read once and stand neither in the archive nor, since
the source is gone, in a file of its agent.
"""

from __future__ import annotations

from collections.abc import Mapping

import apsw
import msgspec

NAMED = 3


class Loss(msgspec.Struct, frozen=True):
    """Of one source: how many bytes, and the ids of its sessions (their agents' own), first ones
    first.
    """

    agent: str
    path: str
    bytes: int
    sessions: list[str]


def record(db: apsw.Connection, lost: Mapping[int, int]) -> None:
    """Notes bytes of sources, by their number, that were found to be damaged in the archive. What
    is there still is read again when archiving begins anew.
    """
    db.executemany(
        "UPDATE source SET archive_gap = max(archive_gap, state <> 'gone'),"
        " missing_bytes = iif(state = 'gone', ?, missing_bytes) WHERE id = ?",
        [(size, number) for number, size in lost.items()],
    )


def found_again(db: apsw.Connection, *source_ids: int) -> None:
    """Notes that nothing of these sources is missing any more."""
    db.executemany(
        "UPDATE source SET missing_bytes = 0 WHERE id = ?", [(number,) for number in source_ids]
    )


def losses(db: apsw.Connection) -> list[Loss]:
    """Everything that is lost, largest first."""
    found = []
    for number, agent, path, size in db.execute(
        "SELECT id, agent, path, missing_bytes FROM source WHERE missing_bytes > 0"
        " ORDER BY missing_bytes DESC, id"
    ):
        ids = db.execute(
            "SELECT native_id FROM session WHERE source = ? ORDER BY role DESC, id", (number,)
        )
        found.append(Loss(str(agent), str(path), int(size), [str(each) for (each,) in ids]))
    return found


def sentence(found: list[Loss]) -> str:
    """What is lost, for a person; empty if nothing is."""
    if not found:
        return ""
    total = sum(each.bytes for each in found)
    names = [f"{each.agent} {each.sessions[0] if each.sessions else each.path}" for each in found]
    said = ", ".join(names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    what = "1 byte" if total == 1 else f"{total:,} bytes"
    return (
        f"{what} that were read once are neither whole in the archive nor on disk any more:"
        f" {said}{more}"
    )
