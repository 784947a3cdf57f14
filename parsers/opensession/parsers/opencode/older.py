"""Taking changed rows of sessions that OpenCode's log of changes does not hold.

`session.time_updated` tells which sessions changed. One that is new, or no longer remembered, is
taken whole: message by message, and the parts of each in the order in which they were finished. A
tool's part gives two lines, its call at its start and its result at its end, as it would have while
it ran. Of one that is remembered, those rows are taken that changed since the last look, and a
little before: the feed tells nothing twice.

Sessions of a version that does not update the row of a session with each step are looked at as long
as a message of theirs is not complete.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from opensession.parsers.databases import Database
from opensession.parsers.opencode.lines import (
    Row,
    is_complete,
    is_running,
    is_user,
    message_line,
    part_lines,
    row_of,
)
from opensession.parsers.opencode.memory import is_id, touch
from opensession.parsers.opencode.queries import (
    changed_since,
    is_open,
    messages_by_id,
    parts_by_id,
    session_info,
)
from opensession.parsers.opencode.values import Obj, number, obj
from opensession.parsers.rows import Slice

OVERLAP_MS = 60_000
"""Sessions are looked at again so long before the newest: another process may commit late."""

ROWS_OVERLAP_MS = 2_000
IDLE_MS = 3_600_000
"""An incomplete message is waited for so long while other sessions change."""

CHUNK_BYTES = 8 << 20
"""Parts of one message are put in order up to this size; and more than this changed is taken as a
session that is new."""

SEEN = 512


class Session(msgspec.Struct, array_like=True):
    """A remembered session: when its row and its messages changed last (ms), whether one is open,
    and what was taken in the last moments before.
    """

    row: int = 0
    rows: int = 0
    open: bool = False
    recent: list[tuple[str, int, int]] = []


class Progress(msgspec.Struct, array_like=True):
    """Where the taking of a whole session stopped: after a message, or after a part of one.

    `started` and `recent` are what `Session` is to say of its rows as they were at the beginning.
    """

    session: str
    started: int
    row: int
    recent: list[tuple[str, int, int]] = []
    time: int = -1
    message: str = ""
    part: str = ""
    open: bool = False


class Mark(msgspec.Struct, array_like=True):
    """Where the rows are: the newest session seen, those seen lately with their time, and those
    that are remembered. What is not above `floor` was seen too long ago to be looked at again.
    """

    newest: int = 0
    floor: tuple[int, str] = (-1, "")
    seen: dict[str, int] = {}
    sessions: dict[str, Session] = {}
    progress: Progress | None = None


def pull_rows(
    database: Database,
    mark: Mark,
    order: dict[str, int],
    taken: Slice,
    logged: Callable[[str], bool],
) -> bool:
    """Takes rows of sessions that are not `logged`; whether there are more."""
    if mark.progress is not None and _whole(database, mark, order, taken):
        return True
    newest = mark.newest
    changed = database.rows(
        "SELECT id, time_updated FROM session WHERE time_updated >= ? ORDER BY time_updated, id",
        (max(0, mark.newest - OVERLAP_MS),),
    )
    for session, time in list(changed):
        if not is_id(session) or not isinstance(time, int):
            continue
        newest = max(newest, time)
        if mark.seen.get(session) == time or (time, session) <= mark.floor or logged(session):
            continue
        if session in mark.sessions and session in order:
            complete = _changed(database, mark, order, taken, session, time)
        else:
            complete = False
        if not complete:
            _begin(database, mark, session, time)
            if _whole(database, mark, order, taken):
                return True
        _see(mark, session, time)
        if taken.full:
            return True
    mark.newest = newest
    for session in [each for each in mark.sessions if each not in order]:
        del mark.sessions[session]
    for session, known in list(mark.sessions.items()):
        if not known.open or newest - known.rows >= IDLE_MS:
            continue
        if not _changed(database, mark, order, taken, session, 0):
            _begin(database, mark, session, known.row)
            if _whole(database, mark, order, taken):
                return True
    return False


def _see(mark: Mark, session: str, time: int) -> None:
    mark.seen.pop(session, None)
    mark.seen[session] = time
    mark.newest = max(mark.newest, time)
    if len(mark.seen) > SEEN:
        oldest = next(iter(mark.seen))
        mark.floor = max(mark.floor, (mark.seen.pop(oldest), oldest))


def _begin(database: Database, mark: Mark, session: str, time: int) -> None:
    """Begins to take a whole session; what changes meanwhile is taken afterwards."""
    started = 0
    for table in ("message", "part"):
        query = f"SELECT max(time_updated) FROM {table} WHERE session_id = ?"  # noqa: S608
        for (found,) in database.rows(query, (session,)):
            started = max(started, found if isinstance(found, int) else 0)
    rows = [*changed_since(database, session, "message", started - ROWS_OVERLAP_MS)]
    rows += changed_since(database, session, "part", started - ROWS_OVERLAP_MS)
    mark.sessions.pop(session, None)
    mark.progress = Progress(session, started, time, rows[-SEEN:])


def _whole(database: Database, mark: Mark, order: dict[str, int], taken: Slice) -> bool:
    """Goes on taking a whole session; whether there is more of it."""
    progress = mark.progress
    if progress is None:
        return False
    session = progress.session
    if progress.time < 0 and not progress.message:
        info = session_info(database, session)
        _add(order, taken, session, {"table": "session", "whole": True, "data": info})
    while True:
        found = list(
            database.rows(
                "SELECT id, time_created FROM message WHERE session_id = ?"
                " AND (time_created > ? OR time_created = ? AND id > ?)"
                " AND typeof(id) = 'text' AND typeof(time_created) = 'integer'"
                " ORDER BY time_created, id LIMIT 200",
                (session, progress.time, progress.time, progress.message),
            )
        )
        for message_id, time in found:
            if not _message(database, progress, order, taken, message_id):
                return True
            progress.time, progress.message, progress.part = time, message_id, ""
            if taken.full:
                return True
        if not found:
            break
    mark.sessions[session] = Session(progress.row, progress.started, progress.open, progress.recent)
    _see(mark, session, progress.row)
    mark.progress = None
    return False


def _message(
    database: Database, progress: Progress, order: dict[str, int], taken: Slice, message_id: str
) -> bool:
    """Takes one message with its parts; False where only some of these were."""
    message = next(messages_by_id(database, message_id), None)
    if message is None:
        return True
    session = progress.session
    if not progress.part:
        _add(order, taken, session, message_line(message, first=True))
    parts = database.rows(
        "SELECT id, time_created, data FROM part WHERE message_id = ? AND id > ?"
        " AND typeof(id) = 'text' ORDER BY id",
        (message.id, progress.part),
    )
    chunk: list[Row] = []
    size = 0
    for row in parts:
        if size > CHUNK_BYTES:
            _add_parts(order, taken, session, message, chunk, progress)
            progress.part, chunk, size = chunk[-1].id, [], 0
            if taken.full:
                return False
        chunk.append(row_of(*row))
        size += len(row[2]) if isinstance(row[2], str) else 0
    _add_parts(order, taken, session, message, chunk, progress)
    if not is_user(message):
        if is_complete(message.data):
            _add(order, taken, session, message_line(message))
        else:
            progress.open = True
    return True


def _add_parts(
    order: dict[str, int],
    taken: Slice,
    session: str,
    message: Row,
    parts: list[Row],
    progress: Progress,
) -> None:
    lines: list[tuple[int, Obj]] = []
    for part in parts:
        lines += part_lines(message.id, part, user=is_user(message))
        progress.open = progress.open or is_running(part.data)
    for _, line in sorted(lines, key=lambda each: each[0]):
        _add(order, taken, session, line)


def _changed(
    database: Database,
    mark: Mark,
    order: dict[str, int],
    taken: Slice,
    session: str,
    time: int,
) -> bool:
    """Takes what changed of a remembered session; False if that is too much.

    `time` is that of its row, 0 where that did not change.
    """
    known = mark.sessions[session]
    since = known.rows - ROWS_OVERLAP_MS
    recent: list[tuple[str, int, int]] = []
    found: dict[str, list[str]] = {}
    total = 0
    for table in ("message", "part"):
        rows = changed_since(database, session, table, since)
        recent += rows
        new = [row for row in rows if row not in known.recent]
        found[table] = [row[0] for row in new]
        total += sum(row[2] for row in new)
    if total > CHUNK_BYTES:
        return False
    if time:
        data = session_info(database, session)
        _add(order, taken, session, {"table": "session", "data": data})
    lines: list[tuple[int, Obj]] = []
    for message_id in found["message"]:
        for message in messages_by_id(database, message_id):
            lines.append((message.created, message_line(message, first=True)))
            if not is_user(message) and is_complete(message.data):
                completed = number(obj(message.data.get("time")), "completed")
                lines.append((completed or message.created, message_line(message)))
    for part_id in found["part"]:
        for part_of, part in parts_by_id(database, part_id):
            lines += part_lines(part_of, part, user=False)
    for _, line in sorted(lines, key=lambda each: each[0]):
        _add(order, taken, session, line)
    rows_until = max((row[1] for row in recent), default=0)
    mark.sessions[session] = Session(
        time or known.row,
        max(known.rows, rows_until),
        is_open(database, session),
        [row for row in recent if row[1] >= rows_until - ROWS_OVERLAP_MS][-SEEN:],
    )
    return True


def _add(order: dict[str, int], taken: Slice, session: str, line: Obj) -> None:
    table = line.pop("table")
    taken.add({"table": table, "session": session, **line})
    touch(order, session, -1)
