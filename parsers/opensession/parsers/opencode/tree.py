"""Sessions as files of JSON, as OpenCode kept them until it had a database (January 2026).

<data>/storage/session/<project>/ses_8c1f….json
<data>/storage/message/ses_8c1f…/msg_73e0….json
<data>/storage/part/msg_73e0…/prt_73e0….json
<data>/project/<slug>/storage/session/{info,message,part}/…      before that (mid 2025)

The files were imported into the database once and stay on disk, so what they hold is secondary: the
same session from a database takes its place. A session is one source, of all its files in the order
of its messages; ids begin with the time they were made at, so that is the order of names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from opensession.parsers.agent import Cursor, Delta, Source
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed
from opensession.parsers.opencode.feed import (
    Reading,
    on_message,
    on_part,
    on_session,
    on_settled,
)
from opensession.parsers.opencode.memory import Memories
from opensession.parsers.opencode.values import Obj, number, obj, words
from opensession.parsers.whole import Part, Record, archived_names, read_parts

_TIMED = re.compile(r"(msg|prt)_[0-9a-f]{12}")
_PEEKED_BYTES = 1 << 20
_HEAD_BYTES = 4 << 10
_SESSION_ID = re.compile(rb'"sessionID"\s*:\s*"([A-Za-z0-9_-]{1,128})"')
_NOTES = ("time", "cost", "tokens", "error", "id")


class _State(msgspec.Struct, array_like=True):
    """Between two slices: the session's id, its memory, the message whose parts are being told."""

    session: str = ""
    memories: Memories = msgspec.field(default_factory=Memories)
    pending: dict[str, Any] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_State)


def read_tree(agent: str, source: Source, cursor: Cursor | None) -> Delta:
    """Reads a session of files."""
    return read_parts(source, cursor, _parts(source), partial(_feed, agent))


def files(source: Source) -> tuple[str, ...]:
    """All files of a session."""
    return tuple(part.path for part in _parts(source))


def place_of(source: Source, name: str) -> str:
    """Where the file lies that is archived under `name`; empty for the mark of the end."""
    kind, _, rest = name.partition("/")
    if kind == "session" and not rest:
        return source.path
    if kind == "message" and rest:
        return f"{_messages_of(source.path)}/{rest}.json"
    message_id, _, part_id = rest.partition("/")
    if kind == "part" and message_id and part_id:
        return f"{_parts_of(source.path, message_id)}/{part_id}.json"
    return ""


def sources(agent: str, root: str) -> Iterator[Source]:
    """The sessions below a folder `storage`, or `project`."""
    if root.rstrip("/").endswith("/project"):
        folders = [f"{slug}/storage/session/info" for slug in _entries(root)]
    else:
        folders = [each for each in _entries(f"{root}/session") if not each.endswith("/info")]
    for folder in folders:
        for path in _entries(folder):
            if path.endswith(".json"):
                yield Source(agent, root, path)


def source_of(agent: str, root: str, path: str) -> Source | None:
    """The session that a changed file belongs to, as far as names, or the file itself, tell it."""
    if not path.startswith(root.rstrip("/") + "/") or not path.endswith(".json"):
        return None
    steps = path[len(root.rstrip("/")) + 1 :].split("/")
    if root.rstrip("/").endswith("/project"):
        if len(steps) < 5 or steps[1:3] != ["storage", "session"]:
            return None
        base = f"{root.rstrip('/')}/{steps[0]}/storage/session"
        if steps[3] == "info" and len(steps) == 5:
            return Source(agent, root, path)
        if steps[3] in ("message", "part") and len(steps) >= 6:
            return _existing(agent, root, f"{base}/info/{steps[4]}.json")
        return None
    if steps[0] == "session" and len(steps) == 3:
        return Source(agent, root, path)
    session = ""
    if steps[0] == "message" and len(steps) == 3:
        session = steps[1]
    elif steps[0] == "part" and len(steps) == 3:
        found = _SESSION_ID.search(_head(path, _HEAD_BYTES))
        session = found[1].decode() if found else ""
    if session:
        for folder in _entries(f"{root}/session"):
            known = _existing(agent, root, f"{folder}/{session}.json")
            if known is not None:
                return known
    return None


def _existing(agent: str, root: str, path: str) -> Source | None:
    return Source(agent, root, path) if os.path.lexists(path) else None


def _parts(source: Source) -> list[Part]:
    """The session's file, its messages with their parts, and its file again to mark the end."""
    if source.read_from:
        names = archived_names(source) or ["session"]
        return [Part(name, source.path, None) for name in names]
    found = [Part("session", source.path, None)]
    for message in _ordered(_messages_of(source.path)):
        message_id = PurePosixPath(message).stem
        found.append(Part(f"message/{message_id}", message, None))
        found += [
            Part(f"part/{message_id}/{PurePosixPath(part).stem}", part, None)
            for part in _ordered(_parts_of(source.path, message_id))
        ]
    found.append(Part("end", source.path, None))
    return found


def _messages_of(path: str) -> str:
    """The folder of a session's messages."""
    session, storage = PurePosixPath(path).stem, PurePosixPath(path).parents[1]
    if _is_older(path):
        return f"{storage}/message/{session}"
    return f"{storage.parent}/message/{session}"


def _parts_of(path: str, message_id: str) -> str:
    """The folder of a message's parts."""
    session, storage = PurePosixPath(path).stem, PurePosixPath(path).parents[1]
    if _is_older(path):
        return f"{storage}/part/{session}/{message_id}"
    folder = f"{storage.parent}/part/{message_id}"
    if not message_id.startswith("msg_") and not Path(folder).is_dir():
        return f"{storage.parent}/part/msg_{message_id}"
    return folder


def _is_older(path: str) -> bool:
    return PurePosixPath(path).parent.name == "info"


def _ordered(folder: str) -> list[str]:
    """The files of a folder in the order in which they were made.

    Names that do not tell it make that the files are looked into.
    """
    paths = [path for path in _entries(folder) if path.endswith(".json")]
    if all(_TIMED.match(PurePosixPath(path).name) for path in paths):
        return paths
    return sorted(paths, key=_time_in)


def _time_in(path: str) -> int:
    """The time (ms) that a message or a part says it began at; 0 if it says none."""
    data = _head(path, _PEEKED_BYTES)
    try:
        record = obj(decode_any(data))
    except ValueError:
        return 0
    for holder in (record, obj(record.get("state"))):
        time = obj(holder.get("time"))
        if found := number(time, "created") or number(time, "start"):
            return found
    return 0


def _head(path: str, size: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(descriptor, size, 0)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _entries(folder: str) -> list[str]:
    """The paths in a folder, by name; none if it cannot be listed."""
    try:
        return sorted(str(path) for path in Path(folder).iterdir())
    except OSError:
        return []


def _feed(agent: str, source: Source, state: bytes, records: list[Record]) -> Fed:
    now = _decoder.decode(state) if state else _State()
    reading = Reading(agent, now.memories, secondary=True)
    for record in records:
        try:
            value = decode_any(record.data)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            reading.skip("malformed")
            value = {}
        if not now.session:
            named = words(value, "id")[:256] if record.name == "session" else ""
            now.session = named or PurePosixPath(source.path).stem
        _record(reading, now, record.name, value)
    return reading.fed(lambda: _encoder.encode(now))


def _record(reading: Reading, now: _State, name: str, value: Obj) -> None:
    session = now.session
    table, _, rest = name.partition("/")
    if table in ("message", "end") and now.pending:
        on_settled(reading, session, now.pending)
        now.pending = {}
    if not value:
        return
    if table == "session":
        on_session(reading, session, value, anew=True)
    elif table == "message":
        info = {**value, "id": words(value, "id") or rest}
        on_message(reading, session, info, settled=False)
        now.pending = {key: info[key] for key in _NOTES if key in info}
        inline = value.get("parts")
        for position, part in enumerate(inline if isinstance(inline, list) else ()):
            own = {**obj(part), "id": words(obj(part), "id") or f"{info['id']}:{position}"}
            on_part(reading, session, info["id"], own, None)
    elif table == "part":
        message_id, _, part_id = rest.partition("/")
        message_id = words(value, "messageID") or message_id
        part = {**value, "id": words(value, "id") or part_id}
        on_part(reading, session, message_id, part, None)
