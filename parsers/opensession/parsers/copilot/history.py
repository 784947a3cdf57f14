"""Reading a session of the old form, which is one object in one file."""

from __future__ import annotations

import re

from opensession.parsers.agent import Cursor, Delta, Source
from opensession.parsers.copilot import legacy
from opensession.parsers.copilot.book import NAME
from opensession.parsers.copilot.fields import string
from opensession.parsers.decoding import decode_any, mend_text
from opensession.parsers.jsonl import Fed
from opensession.parsers.timeline import State, Timeline, dump, load
from opensession.parsers.whole import Part, Record, read_parts

_NAME = re.compile(r"session_(.+?)(?:_\d+)?\.json\Z")


def read_history(source: Source, cursor: Cursor | None) -> Delta:
    """Reads a session of the old form, anew whenever it changed."""
    return read_parts(source, cursor, [Part("session", source.path, None)], feed, at_once=True)


def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
    """The feed of `whole.read_parts` for old sessions; a newer form of the same session wins."""
    line = Timeline(NAME, load(state) if state else State())
    for record in records:
        try:
            session = decode_any(record.data)
        except ValueError:
            session = None
        if not isinstance(session, dict):
            line.skip("malformed")
            continue
        line.state.id = string(session, "sessionId", 256) or _id_of(source.path)
        legacy.tell(line, session)
    sessions = [line.delta(secondary=True)] if line.state.id else []
    return Fed(
        sessions=sessions,
        state=dump(line.state),
        skipped=line.skipped,
        unknown=line.unknown_counts,
    )


def _id_of(path: str) -> str:
    name = path.rpartition("/")[2]
    found = _NAME.match(name)
    return mend_text(found[1] if found else name.removesuffix(".json")) or "unnamed"
