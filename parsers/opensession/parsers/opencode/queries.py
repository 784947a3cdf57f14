"""Queries for rows of sessions, messages and parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opensession.parsers.databases import Database
from opensession.parsers.decoding import decode_any
from opensession.parsers.opencode.lines import Row, is_complete, is_user, row_of
from opensession.parsers.opencode.values import Obj

SESSION_COLUMNS = (
    "id",
    "parent_id",
    "directory",
    "title",
    "version",
    "agent",
    "model",
    "revert",
    "time_created",
    "time_updated",
    "time_archived",
)
_REQUIRED = ("id", "directory", "title", "time_created", "time_updated")


def session_info(database: Database, session: str) -> Obj:
    """The row of a session, with the names that its JSON has in events and files."""
    there = database.columns("session")
    columns = [name for name in SESSION_COLUMNS if name in there or name in _REQUIRED]
    query = f"SELECT {', '.join(columns)} FROM session WHERE id = ?"  # noqa: S608
    row = next(database.rows(query, (session,)), None)
    if row is None:
        return {}
    values = dict(zip(columns, row, strict=True))
    return {
        "id": session,
        "parentID": values.get("parent_id"),
        "directory": values["directory"],
        "title": values["title"],
        "version": values.get("version"),
        "agent": values.get("agent"),
        "model": _json(values.get("model")),
        "revert": _json(values.get("revert")),
        "time": {
            "created": values["time_created"],
            "updated": values["time_updated"],
            "archived": values.get("time_archived"),
        },
    }


def changed_since(
    database: Database, session: str, table: str, since: int
) -> list[tuple[str, int, int]]:
    """Id, time of change and size of a session's rows that changed since then."""
    found = database.rows(
        f"SELECT id, time_updated, octet_length(data) FROM {table}"  # noqa: S608
        " WHERE session_id = ? AND time_updated >= ?"
        " AND typeof(id) = 'text' AND typeof(time_updated) = 'integer'",
        (session, since),
    )
    return [(row_id, time, size or 0) for row_id, time, size in found]


def is_open(database: Database, session: str) -> bool:
    """Whether the last message of a session is not complete, or there is a call without result."""
    last = database.rows(
        "SELECT id, time_created, data FROM message WHERE session_id = ?"
        " ORDER BY time_created DESC, id DESC LIMIT 1",
        (session,),
    )
    for row in list(last):
        message = row_of(*row)
        return not is_user(message) and not is_complete(message.data)
    return False


def messages_by_id(database: Database, row_id: str) -> Iterator[Row]:
    """The message of an id; none if it is gone."""
    query = "SELECT id, time_created, data FROM message WHERE id = ?"
    return (row_of(*row) for row in database.rows(query, (row_id,)))


def parts_by_id(database: Database, part_id: str) -> Iterator[tuple[str, Row]]:
    """The part of an id, and the id of its message."""
    query = "SELECT message_id, id, time_created, data FROM part WHERE id = ?"
    return ((str(row[0]), row_of(*row[1:])) for row in database.rows(query, (part_id,)))


def _json(value: Any) -> Any:
    try:
        return decode_any(value) if isinstance(value, str) else None
    except ValueError:
        return None
