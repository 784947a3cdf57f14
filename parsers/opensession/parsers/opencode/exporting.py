"""A session of the archived rows, as OpenCode's own `import` takes it.

    {"info": {session}, "messages": [{"info": {message}, "parts": [{part}, …]}, …]}

The import is strict: what it needs and old versions did not write is filled in, what was left out
of the archive (`pull._lean`) and may be missing is left out here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from opensession.parsers.agent import Source, SourceGone
from opensession.parsers.databases import open_database
from opensession.parsers.decoding import decode_any
from opensession.parsers.opencode.pull import ALLOWED
from opensession.parsers.opencode.values import Obj, number, obj, words

_HEAD_BYTES = 512
_VERSION = re.compile(r"\.\d+$")
_NO_TOKENS = {"input": 0, "output": 0, "reasoning": 0, "cache": {"read": 0, "write": 0}}
_LOCATED = ("projectID", "directory", "path")


class _Session:
    """What the log says of one session, as its last lines have it."""

    def __init__(self, session: str) -> None:
        self.id = session
        self.info: Obj = {}
        self.messages: dict[str, Obj] = {}
        self.parts: dict[str, dict[str, Obj]] = {}

    def take(self, record: Obj) -> None:
        """One line of the log."""
        table, data = words(record, "table"), obj(record.get("data"))
        if table == "event":
            self._event(_VERSION.sub("", words(record, "type")), data)
        elif table == "session":
            if record.get("whole") is True:
                self.messages, self.parts = {}, {}
            self.info = {**self.info, **data}
        elif table == "message" and data:
            self.messages[words(record, "id")] = data
        elif table == "part" and data:
            self.parts.setdefault(words(record, "message"), {})[words(record, "id")] = data

    def _event(self, name: str, data: Obj) -> None:
        info, part = obj(data.get("info")), obj(data.get("part"))
        if name in ("session.created", "session.updated"):
            self.info = {**self.info, **info}
        elif name == "message.updated" and words(info, "id"):
            self.messages[words(info, "id")] = info
        elif name == "message.part.updated" and words(part, "id"):
            self.parts.setdefault(words(part, "messageID"), {})[words(part, "id")] = part
        elif name == "message.removed":
            self.messages.pop(words(data, "messageID"), None)
        elif name == "message.part.removed":
            self.parts.get(words(data, "messageID"), {}).pop(words(data, "partID"), None)


def exported(lines: Iterable[bytes], session: str) -> bytes:
    """The export of a session; empty if the lines say nothing of it."""
    found = _Session(session)
    needle = b'"session":' + msgspec.json.encode(session)
    for line in lines:
        if needle not in line[:_HEAD_BYTES]:
            continue
        try:
            record = decode_any(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("session") == session:
            found.take(record)
    if not found.info and not found.messages:
        return b""
    messages = [
        {
            "info": _message(message_id, session, data),
            "parts": [
                _part(part_id, message_id, session, part)
                for part_id, part in sorted(found.parts.get(message_id, {}).items())
            ],
        }
        for message_id, data in sorted(found.messages.items(), key=_begun)
    ]
    return msgspec.json.encode({"info": _info(found), "messages": messages})


def holds(source: Source, session: str) -> bool:
    """Whether the database has a session now. Raises what a read may, but for a missing file."""
    try:
        with open_database(source.path, ALLOWED) as database:
            found = database.rows("SELECT 1 FROM session WHERE id = ?", (session,))
            return next(found, None) is not None
    except SourceGone:
        return False


def _begun(item: tuple[str, Obj]) -> tuple[int, str]:
    return number(obj(item[1].get("time")), "created"), item[0]


def _info(found: _Session) -> Obj:
    """Without the folder: the import puts in that which it is run in."""
    info = _plain({key: value for key, value in found.info.items() if key not in _LOCATED})
    title = words(info, "title") or found.id
    times = obj(info.get("time"))
    created = number(times, "created")
    return {
        **info,
        "id": found.id,
        "slug": words(info, "slug") or re.sub(r"[^a-z0-9]+", "-", title.lower())[:40].strip("-"),
        "title": title,
        "version": words(info, "version") or "1.0.0",
        "time": {**times, "created": created, "updated": number(times, "updated") or created},
    }


def _message(message_id: str, session: str, data: Obj) -> Obj:
    message = {**_plain(data), "id": message_id, "sessionID": session}
    if words(data, "role") == "user":
        message.pop("summary", None)
        defaults: Obj = {"agent": "build", "model": {"providerID": "", "modelID": ""}}
    else:
        defaults = {
            "parentID": "",
            "mode": "build",
            "agent": words(data, "mode") or "build",
            "path": {"cwd": "", "root": ""},
            "cost": 0,
            "tokens": _NO_TOKENS,
            "modelID": "",
            "providerID": "",
        }
    message.setdefault("time", {"created": 0})
    return {**defaults, **message}


def _part(part_id: str, message_id: str, session: str, data: Obj) -> Obj:
    part = {**_plain(data), "id": part_id, "messageID": message_id, "sessionID": session}
    if words(data, "type") == "tool":
        part["state"] = _state(obj(part.get("state")))
    return part


def _state(state: Obj) -> Obj:
    """The state of a call. One that never ended did not go on: it is told as broken off."""
    times = obj(state.get("time"))
    start = number(times, "start")
    ended = {**times, "start": start, "end": number(times, "end") or start}
    if words(state, "status") == "completed":
        defaults: Obj = {"input": {}, "output": "", "title": "", "metadata": {}}
        return {**defaults, **state, "time": ended}
    error = words(state, "error") or "Tool execution aborted"
    told: Obj = {"status": "error", "input": state.get("input") or {}, "error": error}
    return {**told, "time": ended}


def _plain(data: Obj) -> dict[str, Any]:
    """Without what is null: the import takes a missing key, and no null."""
    return {key: value for key, value in data.items() if value is not None}
