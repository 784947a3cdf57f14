"""The text of stored events, as it is searched and shown: some of them, or all in order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apsw

from opensession.core.search_text import search_text
from opensession.daemon.store import body
from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK, Narrowing
from opensession.daemon.store.scope import EVERYTHING
from opensession.daemon.store.snippet import normal

TITLE = "Title"
"""The type that a match in a title is given; its seq is 0."""


class Found(NamedTuple):
    """An event or a title; `text` is in normal form C."""

    key: int
    event_id: str
    time_us: int
    type: str
    text: str


class Deadline:
    """A time by which to stop, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def passed(self) -> bool:
        """Reports whether it is time to stop."""
        return time.monotonic() > self._at


def newest_first(db: apsw.Connection) -> dict[int, int]:
    """Every session by last activity, latest first, with its time."""
    return dict(db.execute("SELECT id, updated_us FROM session ORDER BY updated_us DESC, id DESC"))


def texts(db: apsw.Connection, keys: Iterable[int], sign: bytes = b"") -> dict[int, Found]:
    """The events and titles of keys; what is not there, and events that cannot hold `sign` (a
    piece of ASCII in lower case), are left out.
    """
    keys = list(keys)
    found = {}
    for row in db.execute(
        f"SELECT id, event_id, time_us, type, task, body FROM event WHERE id IN {IDS}",  # noqa: S608
        (id_list(key for key in keys if key & SEQ_MASK),),
    ):
        if not sign or sign in body.unpack(row[5]).lower():
            found[row[0]] = _found(*row)
    titles = [key >> SEQ_BITS for key in keys if not key & SEQ_MASK]
    if titles:
        for session, updated_us, title in db.execute(
            f"SELECT id, updated_us, title FROM session WHERE id IN {IDS}",  # noqa: S608
            (id_list(titles),),
        ):
            key = session << SEQ_BITS
            found[key] = Found(key, "", updated_us, TITLE, normal(title))
    return found


def every_text(
    db: apsw.Connection, narrowing: Narrowing, sign: bytes = b""
) -> Iterator[Found | None]:
    """Every event (and title) that fits, newest sessions first, each from its end. What cannot
    hold `sign` (as in `texts`) comes as None, so that the caller can look at the
    clock.
    """
    fitting = narrowing.event("e").sql
    values = narrowing.event("e").values
    titles = narrowing.event("e") is EVERYTHING
    sessions = list(
        db.execute(
            f"SELECT s.id, s.updated_us, s.title FROM session s WHERE {narrowing.sessions.sql}"  # noqa: S608
            " ORDER BY s.updated_us DESC, s.id DESC",
            narrowing.sessions.values,
        )
    )
    for session, updated_us, title in sessions:
        rows = db.execute(
            "SELECT e.id, e.event_id, e.time_us, e.type, e.task, e.body FROM event e"  # noqa: S608
            f" WHERE e.id BETWEEN ? AND ? AND {fitting} ORDER BY e.id DESC",
            (session << SEQ_BITS, session << SEQ_BITS | SEQ_MASK, *values),
        )
        for row in rows:
            if sign and sign not in body.unpack(row[5]).lower():
                yield None
            else:
                yield _found(*row)
        if titles:
            yield Found(session << SEQ_BITS, "", updated_us, TITLE, normal(title))


def _found(
    key: int, event_id: str, time_us: int, code: int, task: str | None, content: bytes
) -> Found:
    event = body.decode(event_id, time_us, code, task, content)
    return Found(key, event_id, time_us, event.type, normal(search_text(event)))
