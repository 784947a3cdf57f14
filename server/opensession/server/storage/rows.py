"""A session's row as the structs that others work with."""

from __future__ import annotations

import json
from typing import Any

import apsw

from opensession.server.storage.interface import Key, Row, Visible

_COLUMNS = (
    "id", "owner", "device", "agent", "native_id", "generation", "rewind", "seq", "chain", "bytes",
    "body", "header", "gone_us", "expires_us", "links", "body_url", "score_plugin", "score",
    "uploaded_us", "received_us", "role", "parent", "title", "description", "provider", "model",
    "tags", "repository", "git_remote", "git_branch", "git_commit", "directory", "created_us",
    "updated_us", "messages", "user_messages", "tool_calls", "tasks", "input_tokens",
    "output_tokens", "has_errors",
)  # fmt: skip

SELECT = ", ".join(f"s.{name}" for name in _COLUMNS)
"""What `row_of` is made of; the table is called `s`."""

LIVE = "s.gone_us IS NULL AND (s.expires_us IS NULL OR s.expires_us > :now)"
"""Sessions that are there at the time `now`."""


def row_of(values: tuple[Any, ...]) -> Row:
    """The row of `SELECT`'s values; the nickname is filled in by `named`."""
    found = dict(zip(_COLUMNS, values, strict=True))
    key = Key(found.pop("owner"), found.pop("device"), found.pop("agent"), found.pop("native_id"))
    return Row(
        number=found.pop("id"),
        size=found.pop("bytes"),
        key=key,
        nickname="",
        links=json.loads(found.pop("links")),
        tags=json.loads(found.pop("tags")),
        has_errors=bool(found.pop("has_errors")),
        **found,
    )


def visible(who: Visible) -> str:
    """The condition that a session is visible; `owner` is bound to who asks."""
    if who.everyone:
        return "1"
    return "s.owner = :owner" if who.owner else "0"


def nicknames(db: apsw.Connection, owners: set[str]) -> dict[str, str]:
    """What accounts are called."""
    if not owners:
        return {}
    return dict(
        db.execute(
            "SELECT id, nickname FROM account WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(owners)),),
        )
    )
