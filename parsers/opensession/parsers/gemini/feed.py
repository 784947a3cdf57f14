"""From the records of a session to events, in both of Gemini CLI's forms.

A file `.jsonl` grows by lines: a header, messages (written again under their id when more is known
of them), `{"$set": {…}}` for what is said of the session, `{"$rewindTo": id}` for messages that
were taken back. Before, a file `.json` held the header's fields with all messages in a list and was
written whole each time.

~/.gemini/tmp/acme-api/chats/session-2026-11-20T23-53-1f77a83f.jsonl
~/.gemini/tmp/acme-api/chats/<session id>/<subagent's session id>.jsonl
~/.gemini/tmp/<sha256 of the folder>/chats/session-2025-10-18T14-57-f86f5318.json
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from opensession.core.hail import text
from opensession.parsers.actions import Given, string
from opensession.parsers.agent import Source
from opensession.parsers.decoding import decode_any
from opensession.parsers.gemini.folders import note_folders
from opensession.parsers.gemini.messages import tell
from opensession.parsers.gemini.reading import Reading
from opensession.parsers.gemini.responses import tokens_in
from opensession.parsers.gemini_parts import name_in
from opensession.parsers.jsonl import Fed, Feed, Line
from opensession.parsers.timeline import load
from opensession.parsers.times import parse_stamp
from opensession.parsers.whole import Record, RecordFeed

_ID_CHARACTERS = 4096
_HEADERS = frozenset(("", "session_metadata"))


def line_feed(agent: str, provider: str, folder: Callable[[], str]) -> Feed:
    """The feed for lines. `folder` says where the session worked, for one that does not tell."""

    def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
        reading = _begin(agent, provider, source, state)
        for line in lines:
            _read_line(reading, line)
            _name(reading, source)
        return _fed(reading, folder)

    return feed


def record_feed(agent: str, provider: str, folder: Callable[[], str]) -> RecordFeed:
    """The feed for a file that is written whole: its head, then its messages."""

    def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
        reading = _begin(agent, provider, source, state)
        for record in records:
            try:
                value = decode_any(record.data)
            except ValueError:
                value = None
            if not isinstance(value, dict):
                reading.line.skip("malformed")
            elif record.item < 0:
                _header(reading, value)
            elif string(value, "type"):
                tell(reading, value, record.data)
            else:
                reading.line.skip("without a type")
            _name(reading, source)
        return _fed(reading, folder)

    return feed


def _begin(agent: str, provider: str, source: Source, state: bytes) -> Reading:
    reading = Reading(agent, load(state))
    if not state:
        reading.state.provider = provider
        path = PurePath(source.path)
        if path.parent.name != "chats" and path.parent.parent.name == "chats":
            reading.state.auxiliary = True
            reading.state.parent = path.parent.name
    return reading


def _name(reading: Reading, source: Source) -> None:
    """Names a session after its file where events came before a header."""
    if reading.state.count and not reading.state.id:
        reading.state.id = PurePath(source.path).stem


def _fed(reading: Reading, folder: Callable[[], str]) -> Fed:
    state, line = reading.state, reading.line
    if not state.cwd:
        state.cwd = folder()
    return Fed(
        sessions=[line.delta()] if state.count else [],
        state=reading.finish(),
        skipped=line.skipped,
        unknown=line.unknown_counts,
    )


def _read_line(reading: Reading, line: Line) -> None:
    if line.oversized:
        reading.line.skip("oversized")
        reading.line.at(None, "oversized", line.data)
        words = [text(line.data.decode("utf-8", "replace"))]
        reading.line.emit("Custom", None, data={"kind": "oversized"}, blocks=words)
        return
    try:
        record = decode_any(line.data)
    except ValueError:
        record = None
    if isinstance(record, dict):
        _take(reading, record, line.data)
    else:
        reading.line.skip("malformed")


def _take(reading: Reading, record: Given, raw: bytes) -> None:
    """One line that is a record."""
    kind, update = string(record, "type"), record.get("$set")
    if string(record, "$rewindTo"):
        reading.line.at(None, "$rewindTo", raw)
        reading.rewind(string(record, "$rewindTo"))
    elif isinstance(update, dict):
        _header(reading, update)
        _listed(reading, update.get("messages"), raw)
    elif kind == "message_update":
        _update(reading, record)
    elif kind not in _HEADERS:
        tell(reading, record, raw)
    elif string(record, "sessionId"):
        _header(reading, record)
    else:
        reading.line.skip("without a type")


def _header(reading: Reading, head: Given) -> None:
    """What is said of the session as a whole; its first id is its id."""
    state, memory = reading.state, reading.memory
    state.id = state.id or string(head, "sessionId")[:_ID_CHARACTERS]
    memory.hash = string(head, "projectHash")[:64] or memory.hash
    started = parse_stamp(string(head, "startTime"))
    if started is not None and not state.time_us:
        reading.line.at(started, "")
    if string(head, "kind") == "subagent":
        state.auxiliary = True
    folders = head.get("directories")
    if isinstance(folders, list):
        note_folders(reading, folders)
    state.title = string(head, "summary")[:4096] or state.title


def _listed(reading: Reading, messages: Any, raw: bytes) -> None:
    """A history that is listed anew: what of it was told before is not told again.

    Where more messages were told than are remembered, those before the first remembered one are
    taken for told.
    """
    if not isinstance(messages, list):
        return
    found = [each for each in messages if isinstance(each, dict) and string(each, "type")]
    ids = [name_in(each, "id") for each in found]
    told = [reading.knows(each) for each in ids]
    first = told.index(True) if True in told and reading.memory.forgot else 0
    begun = bool(reading.memory.known)
    for message, known in list(zip(found, told, strict=True))[first:]:
        if not known:
            tell(reading, message, raw, listed=begun)


def _update(reading: Reading, record: Given) -> None:
    """The tokens of a message, told after it."""
    tokens = tokens_in(record.get("tokens"))
    if tokens is not None:
        reading.spend(name_in(record, "id"), reading.state.model, tokens)
