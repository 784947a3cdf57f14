"""Questions about sessions: which one an id means, pages of them, what belongs to one."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from opensession.server.storage.interface import Ask, Event, Found, Key, Row, Visible
from opensession.server.storage.rows import LIVE, SELECT, nicknames, row_of, visible

_ORDER = {
    "recent": "s.updated_us",
    "popular": "s.messages",
    "longest": "(s.updated_us - s.created_us)",
}


def now_us() -> int:
    """The time."""
    return time.time_ns() // 1000


def resolve(
    db: apsw.Connection, id: str, who: Visible, agent: str = "", device: str = ""
) -> Row | None:
    """The session that an id means, as `Storage.resolve` has it."""
    values = {"id": id, "owner": who.owner, "agent": agent, "device": device, "now": now_us()}
    narrow = "s.native_id = :id AND (:agent = '' OR s.agent = :agent)"
    narrow += " AND (:device = '' OR s.device = :device)"
    order = "ORDER BY s.owner = :owner DESC, s.gone_us IS NULL DESC, s.updated_us DESC, s.id DESC"
    found = db.execute(
        f"SELECT {SELECT} FROM session s WHERE {narrow}"  # noqa: S608
        f" AND (({LIVE} AND {visible(who)}) OR (s.owner = :owner AND :owner <> '')) {order}",
        values,
    ).fetchall()
    rows = [row_of(values) for values in found]
    there = [row for row in rows if is_there(row)]
    chosen = there[:1] or rows[:1]
    return named(db, chosen)[0] if chosen else None


def is_there(row: Row) -> bool:
    """Neither taken away nor expired."""
    return row.gone_us is None and (row.expires_us is None or row.expires_us > now_us())


def find(db: apsw.Connection, ask: Ask, who: Visible, among: Sequence[int] | None) -> Found:
    """A page; `among` are the numbers of sessions that hold what is searched for."""
    values: dict[str, Any] = {
        "owner": who.owner,
        "now": now_us(),
        "tool": ask.tool,
        "model": ask.model,
        "repository": ask.repository,
        "since": ask.since_us,
        "before": ask.before_us,
    }
    where = [LIVE, visible(who)]
    where += ["s.agent = :tool"] if ask.tool else []
    where += ["s.model = :model"] if ask.model else []
    where += ["s.repository = :repository"] if ask.repository else []
    where += ["s.updated_us >= :since"] if ask.since_us is not None else []
    where += ["s.updated_us < :before"] if ask.before_us is not None else []
    if among is not None:
        where.append("s.id IN (SELECT value FROM json_each(:among))")
        values["among"] = msgspec.json.encode(list(among)).decode()
    order = _ORDER[ask.sort]
    condition = " AND ".join(where)
    total = db.execute(f"SELECT count(*) FROM session s WHERE {condition}", values).get  # noqa: S608
    if ask.after:
        values["place"], values["number"] = _place(ask.after, ask.sort)
        condition += f" AND ({order}, s.id) < (:place, :number)"
    found = db.execute(
        f"SELECT {order}, {SELECT} FROM session s WHERE {condition}"  # noqa: S608
        f" ORDER BY {order} DESC, s.id DESC LIMIT :limit OFFSET :offset",
        {**values, "limit": ask.limit + 1, "offset": 0 if ask.after else ask.offset},
    ).fetchall()
    rows = named(db, [row_of(values[1:]) for values in found[: ask.limit]])
    more = ""
    if len(found) > ask.limit and rows:
        more = _mark(ask.sort, int(str(found[ask.limit - 1][0])), rows[-1].number)
    return Found(rows, int(str(total)), more)


def related(db: apsw.Connection, row: Row, who: Visible) -> list[tuple[Row, str]]:
    """Visible sessions that one is linked with, and how."""
    kinds = dict.fromkeys(row.links, "handoff")
    if row.parent:
        kinds[row.parent] = "parent"
    found = db.execute(
        f"SELECT {SELECT} FROM session s WHERE {LIVE} AND {visible(who)} AND s.id <> :number"  # noqa: S608
        " AND (s.native_id IN (SELECT value FROM json_each(:ids))"
        "  OR (s.parent = :id AND s.owner = :of AND s.agent = :agent))"
        " ORDER BY s.owner = :of DESC, s.created_us, s.id LIMIT 200",
        {
            "now": now_us(),
            "owner": who.owner,
            "of": row.key.owner,
            "agent": row.key.agent,
            "number": row.number,
            "id": row.key.id,
            "ids": msgspec.json.encode(list(kinds)).decode(),
        },
    ).fetchall()
    linked: dict[str, tuple[Row, str]] = {}
    for one in named(db, [row_of(values) for values in found]):
        linked.setdefault(one.key.id, (one, kinds.get(one.key.id, "child")))
    return list(linked.values())


def repositories(db: apsw.Connection, who: Visible) -> list[str]:
    """The names of repositories that visible sessions are of."""
    return [
        str(found[0])
        for found in db.execute(
            f"SELECT DISTINCT s.repository FROM session s WHERE {LIVE} AND {visible(who)}"  # noqa: S608
            " AND s.repository <> '' ORDER BY 1",
            {"now": now_us(), "owner": who.owner},
        )
    ]


def changed(db: apsw.Connection, after: int, until: int, who: Visible) -> list[Event]:
    """The visible sessions whose last change is after a number and not after another."""
    found = db.execute(
        "SELECT s.change, s.owner, s.device, s.agent, s.native_id, s.change_kind, s.generation,"  # noqa: S608
        f" s.seq, s.created_change FROM session s WHERE s.change > :after AND s.change <= :until"
        f" AND {visible(who)} ORDER BY s.change",
        {"after": after, "until": until, "owner": who.owner},
    )
    return [
        Event(
            number=number,
            key=Key(owner, device, agent, id),
            kind="created" if kind != "deleted" and created > after else kind,
            generation=generation,
            seq=seq,
        )
        for number, owner, device, agent, id, kind, generation, seq, created in found
    ]


def named(db: apsw.Connection, rows: Sequence[Row]) -> list[Row]:
    """The rows with the nicknames of their owners."""
    names = nicknames(db, {row.key.owner for row in rows})
    return [msgspec.structs.replace(row, nickname=names.get(row.key.owner, "")) for row in rows]


def _mark(sort: str, place: int, number: int) -> str:
    return base64.urlsafe_b64encode(f"{sort} {place} {number}".encode()).decode().rstrip("=")


def _place(mark: str, sort: str) -> tuple[int, int]:
    """What `_mark` made. Raises ValueError."""
    try:
        text = base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("the cursor is none of ours") from error
    parts = text.split(" ")
    if len(parts) != 3 or parts[0] != sort or len(text) > 60:
        raise ValueError("the cursor is none of this list")
    place, number = int(parts[1]), int(parts[2])
    if max(abs(place), abs(number)) >= 1 << 63:
        raise ValueError("the cursor is none of ours")
    return place, number
