"""Taking a session away: its row becomes a tombstone, its body goes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable, Sequence

import apsw

from opensession.server.storage.bodies import Bodies
from opensession.server.storage.interface import Event, Row, Why

_BLANK = (
    "chain = x'', seq = 0, bytes = 0, body = '', header = x'', tally = x'', team = '',"
    " links = '[]', body_url = '', pr = '{}', score = 0, role = 'primary', parent = '', title = '',"
    " description = '', provider = '', model = '', tags = '[]', repository = '', git_remote = '',"
    " git_branch = '', git_commit = '', directory = '', created_us = 0, updated_us = 0,"
    " messages = 0, user_messages = 0, tool_calls = 0, tasks = 0, input_tokens = 0,"
    " output_tokens = 0, has_errors = 0"
)
"""All that a tombstone no longer tells."""


class Removing:
    """The change that takes a session away; it gives whether it was there."""

    def __init__(
        self,
        bodies: Bodies,
        row: Row,
        why: Why,
        *,
        number: Callable[[], int],
        tell: Callable[[Event], None],
    ) -> None:
        self.lane: Hashable = row.key
        self._bodies = bodies
        self._row = row
        self._why = why
        self._number = number
        self._tell = tell
        self._body = ""
        self._event: Event | None = None

    def stage(self, db: apsw.Connection) -> Sequence[int]:
        """Nothing: the body goes when the tombstone is there."""
        return ()

    def apply(self, db: apsw.Connection) -> bool:
        """Makes the tombstone."""
        found = db.execute(
            "SELECT body, generation, expires_us FROM session WHERE id = ? AND gone_us IS NULL",
            (self._row.number,),
        ).fetchone()
        now = time.time_ns() // 1000
        if found is None or (self._why == "expired" and (found[2] is None or found[2] > now)):
            return False  # it went already, or it may stay longer by now
        self._body = found[0]
        number = self._number()
        db.execute(
            f"UPDATE session SET {_BLANK}, gone_us = ?, gone_why = ?, change = ?,"  # noqa: S608
            " change_kind = 'deleted' WHERE id = ?",
            (now, self._why, number, self._row.number),
        )
        self._event = Event(
            number=number, key=self._row.key, kind="deleted", generation=found[1], seq=0
        )
        return True

    def done(self, committed: bool) -> None:
        """Removes the body, and tells of it."""
        if committed and self._event is not None:
            with contextlib.suppress(OSError):  # then the next start removes it
                self._bodies.unlink(self._body)
            self._tell(self._event)
