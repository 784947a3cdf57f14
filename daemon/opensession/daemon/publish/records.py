"""What `user.db` knows of publications: what was sent, what the hub has, what a person said.

Functions take the connection; they are run in its thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from opensession.core.hail_lines import chain as chain_on
from opensession.core.hub import DoorFinding
from opensession.daemon.publish.lines import HASH_BYTES, line_hash
from opensession.daemon.store.connect import all_or_nothing

BLOCK = 64
"""Lines of which the hashes lie in one row."""


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One session on one hub; the columns of `publication`, where each is explained."""

    id: int
    hub: str
    account: str
    agent: str
    native_id: str
    generation: int = 1
    rewind: int = 0
    seq: int = 0
    chain: bytes = b""
    attempted: int = 0
    header: bytes = b""
    settled_us: int = -1
    parser_version: int = 0
    rules: str = ""
    wanted: int = 0
    approved_us: int = 0
    denied_us: int = 0
    recall_us: int = 0
    recalled_us: int = 0
    gone: int = 0
    refused: str = ""
    differs: int = 0
    differs_secret: int = 0
    failures: int = 0
    next_try_us: int = 0
    url: str = ""
    first_sent_us: int = 0
    last_sent_us: int = 0
    expires_us: int = 0
    findings: str = "{}"
    team_id: str = ""
    parents: str = "[]"

    @property
    def key(self) -> tuple[str, str]:
        """Agent and id."""
        return self.agent, self.native_id

    @property
    def asked(self) -> bool:
        """Whether a person's word is not carried out yet: events, or what is said beside them."""
        return self.wanted > self.seq or bool(self.wanted and self.seq and not self.header)


class Hub(msgspec.Struct, frozen=True):
    """Where publications go: the address, and the account there; empty while it is not known."""

    url: str
    account: str


_COLUMNS = ", ".join(Publication.__struct_fields__)
_OF_HUB = f"SELECT {_COLUMNS} FROM publication WHERE hub = ? AND account = ?"  # noqa: S608 - ours


def find(db: apsw.Connection, hub: Hub, agent: str, native_id: str) -> Publication | None:
    """The publication of a session, if there is one."""
    row = db.execute(
        f"{_OF_HUB} AND agent = ? AND native_id = ?", (hub.url, hub.account, agent, native_id)
    ).fetchone()
    return None if row is None else _made(row)


def obtain(db: apsw.Connection, hub: Hub, agent: str, native_id: str) -> Publication:
    """The publication of a session, made if there is none."""
    db.execute(
        "INSERT OR IGNORE INTO publication (hub, account, agent, native_id) VALUES (?, ?, ?, ?)",
        (hub.url, hub.account, agent, native_id),
    )
    found = find(db, hub, agent, native_id)
    assert found is not None  # noqa: S101 - just made
    return found


def of_hub(db: apsw.Connection, hub: Hub) -> list[Publication]:
    """All publications on a hub."""
    return [_made(row) for row in db.execute(_OF_HUB, (hub.url, hub.account))]


def everything(db: apsw.Connection) -> list[Publication]:
    """All publications on all hubs, the latest sent first."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM publication ORDER BY last_sent_us DESC, id")  # noqa: S608
    return [_made(row) for row in rows]


def adopt(db: apsw.Connection, hub: Hub) -> None:
    """What was said before the account was known is of this account."""
    with all_or_nothing(db):
        db.execute(
            "UPDATE OR IGNORE publication SET account = ? WHERE hub = ? AND account = ''",
            (hub.account, hub.url),
        )
        db.execute("DELETE FROM publication WHERE hub = ? AND account = ''", (hub.url,))


def change(db: apsw.Connection, number: int, /, **values: Any) -> Publication:
    """Sets columns of a publication; it as it is then."""
    names = ", ".join(f"{name} = ?" for name in values)
    db.execute(
        f"UPDATE publication SET {names} WHERE id = ?",  # noqa: S608 - names of our own code
        (*values.values(), number),
    )
    row = db.execute(f"SELECT {_COLUMNS} FROM publication WHERE id = ?", (number,)).fetchone()  # noqa: S608
    return _made(row)


_OF_LANE = (
    "generation", "rewind", "seq", "chain", "attempted", "header", "settled_us", "parser_version",
    "rules", "gone", "refused", "differs", "differs_secret", "failures", "next_try_us", "url",
    "first_sent_us", "last_sent_us", "findings",
)  # fmt: skip


def replace(db: apsw.Connection, made: Publication) -> None:
    """Makes what sending knows of a publication what `made` says; what a person said stays."""
    change(db, made.id, **{name: getattr(made, name) for name in _OF_LANE})


def attempt(
    db: apsw.Connection, made: Publication, before: bytes, lines: Sequence[bytes]
) -> Publication:
    """Notes, before they go, that the lines after `made.seq` may reach the hub; `before` is the
    chain before them. Lines that may have reached it before are the same ones.
    """
    with all_or_nothing(db):
        _write_hashes(db, made, before, lines)
        after = change(
            db,
            made.id,
            attempted=max(made.attempted, made.seq + len(lines)),
            settled_us=made.settled_us,
            parser_version=made.parser_version,
            rules=made.rules,
        )
    return after


def cut(db: apsw.Connection, number: int, keep: int) -> None:
    """Forgets the hashes of the lines after `keep`."""
    block = keep // BLOCK
    part = keep % BLOCK
    db.execute(
        "DELETE FROM sent_block WHERE publication = ? AND block >= ?", (number, block + bool(part))
    )
    if part:
        db.execute(
            "UPDATE sent_block SET hashes = substr(hashes, 1, ?)"
            " WHERE publication = ? AND block = ?",
            (part * HASH_BYTES, number, block),
        )


def hashes(db: apsw.Connection, number: int, first: int, last: int) -> dict[int, bytes]:
    """The hashes of lines that were sent, by seq."""
    found: dict[int, bytes] = {}
    for block, data in db.execute(
        "SELECT block, hashes FROM sent_block WHERE publication = ? AND block BETWEEN ? AND ?",
        (number, (first - 1) // BLOCK, (last - 1) // BLOCK),
    ):
        for index in range(len(data) // HASH_BYTES):
            seq = block * BLOCK + index + 1
            if first <= seq <= last:
                found[seq] = data[index * HASH_BYTES : (index + 1) * HASH_BYTES]
    return found


def chain_before(db: apsw.Connection, number: int, seq: int) -> tuple[int, bytes] | None:
    """The nearest place at or before a line of which the chain is known: the seq of the first line
    of its block, and the chain before that.
    """
    block = (seq - 1) // BLOCK
    row = db.execute(
        "SELECT chain FROM sent_block WHERE publication = ? AND block = ?", (number, block)
    ).fetchone()
    return None if row is None else (block * BLOCK + 1, row[0])


def with_findings(stored: str, found: Sequence[DoorFinding]) -> str:
    """The kinds that a hub found so far, with more."""
    kinds = msgspec.json.decode(stored, type=dict[str, int])
    for one in found:
        kinds[one.kind] = kinds.get(one.kind, 0) + one.count
    return msgspec.json.encode(kinds, order="sorted").decode()


def now_us() -> int:
    """The time, as it is stored."""
    return time.time_ns() // 1000


def _write_hashes(
    db: apsw.Connection, made: Publication, before: bytes, lines: Sequence[bytes]
) -> None:
    """Adds the hashes of those lines that were not attempted before, a block at a time."""
    chain = before
    chains: dict[int, bytes] = {}
    fresh: dict[int, list[bytes]] = {}
    begins: dict[int, int] = {}
    for seq, line in enumerate(lines, made.seq + 1):
        block, index = divmod(seq - 1, BLOCK)
        if index == 0:
            chains[block] = chain
        if seq > made.attempted:
            fresh.setdefault(block, []).append(line_hash(line))
            begins.setdefault(block, index)
        chain = chain_on(chain, line)
    for block, found in fresh.items():
        index = begins[block]
        if index == 0:
            db.execute(
                "INSERT OR REPLACE INTO sent_block (publication, block, hashes, chain)"
                " VALUES (?, ?, ?, ?)",
                (made.id, block, b"".join(found), chains[block]),
            )
        else:
            db.execute(
                "UPDATE sent_block SET hashes = CAST(substr(hashes, 1, ?) || ? AS BLOB)"
                " WHERE publication = ? AND block = ?",
                (index * HASH_BYTES, b"".join(found), made.id, block),
            )


def _made(row: Any) -> Publication:
    return Publication(**dict(zip(Publication.__struct_fields__, row, strict=True)))
