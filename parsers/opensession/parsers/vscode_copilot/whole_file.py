"""Sessions as they were written before the operation log: one object in one file."""

from __future__ import annotations

import os

from opensession.parsers.agent import Cursor, Delta, SessionDelta, Source
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed
from opensession.parsers.timeline import Timeline, dump, load
from opensession.parsers.vscode_copilot import requests, session
from opensession.parsers.whole import Part, Record, read_parts


def read_whole(source: Source, cursor: Cursor | None) -> Delta:
    """Reads a session anew whenever its file changed, request by request."""
    return read_parts(source, cursor, [Part("session", source.path, ("requests",))], feed)


def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
    """The feed of `whole.read_parts`. Where there is a log of the same session, that wins."""
    line = Timeline(requests.NAME, load(state) if state else session.begin(source))
    told: list[SessionDelta] = []
    for record in records:
        try:
            value = decode_any(record.data)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            line.skip("malformed")
        elif record.item < 0:
            session.head(line.state, value)
        else:
            told += requests.tell(line, value)
    secondary = os.path.lexists(source.path.removesuffix(".json") + ".jsonl")
    own = line.delta(secondary=secondary)
    if not session.is_empty(own.info, line.state.count):
        told.insert(0, own)
    return Fed(
        sessions=told,
        state=dump(line.state),
        skipped=line.skipped,
        unknown=line.unknown_counts,
    )
