"""From the lines of Goose's rows, or of its older files, to sessions.

    {"table":"sessions","session":"20260816_3","whole":true,"id":"20260816_3","name":"Add …",…}
    {"table":"messages","session":"20260816_3","id":1,"role":"user","content_json":"[…]",…}
    {"table":"usage_ledger","session":"20260816_3","id":1,"input_tokens":7466,"cost":0.03,…}
    {"table":"end","session":"20260816_3"}

`whole` says that all rows of the session follow, from its first.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

import msgspec

from opensession.core.hail import text
from opensession.parsers import timeline
from opensession.parsers.agent import Source
from opensession.parsers.decoding import beginning, decode_any
from opensession.parsers.goose import usage
from opensession.parsers.goose.messages import on_message
from opensession.parsers.goose.pull import touch
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.timeline import State, Timeline

NAME = "goose"

_PLACEHOLDERS = re.compile(r"(new|cli|untitled) (chat|session)( \d+)?", re.IGNORECASE)
_OF_SESSION = re.compile(rb'"session":"([^"\\]{1,256})"')
_states = msgspec.msgpack.Decoder(dict[str, bytes])


def feed_rows(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `rows.read_rows` for Goose's database."""
    reading = _Reading(_states.decode(state) if state else {})
    for line in lines:
        if line.oversized:
            reading.oversized(line.data)
            continue
        try:
            row = decode_any(line.data)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("session"), str):
            reading.skip("malformed")
            continue
        reading.row(row)
    return reading.fed()


class _Reading:
    """One call of the feed over rows: the recent sessions, and those that it tells of."""

    def __init__(self, recent: dict[str, bytes]) -> None:
        self._recent = recent
        self._told: dict[str, Timeline] = {}
        self._over: list[Timeline] = []
        self._skipped: dict[str, int] = {}

    def row(self, row: dict[str, Any]) -> None:
        table, session = row.get("table"), row["session"]
        if table == "sessions":
            self._begin(session, row)
            return
        line = self._line(session)
        if line is None:
            self.skip("of a session that is not known")
            return
        own = line.state.own
        if table == "messages":
            number = row.get("id")
            if not isinstance(number, int) or number <= own.get("last", 0):
                return  # told before
            own["last"] = number
            _message_row(line, row)
        elif table == "usage_ledger":
            number = row.get("id")
            if not isinstance(number, int) or number <= own.get("last_ledger", 0):
                return
            own["last_ledger"] = number
            usage.on_ledger(line, row)
        elif table == "end":
            usage.on_sums(line, own.get("row", {}))
        else:
            self.skip("of an unknown table")

    def oversized(self, data: bytes) -> None:
        self.skip("oversized")
        found = _OF_SESSION.search(data, 0, 4096)
        line = self._line(found[1].decode("utf-8", "replace")) if found else None
        if line is not None:
            line.at(None, "oversized", data)
            words = data.decode("utf-8", "replace")
            line.emit("Custom", None, data={"kind": "oversized"}, blocks=[text(words)])

    def skip(self, reason: str) -> None:
        self._skipped[reason] = self._skipped.get(reason, 0) + 1

    def fed(self) -> Fed:
        for session, line in self._told.items():
            if session in self._recent:
                self._recent[session] = timeline.dump(line.state)
        unknown: dict[str, int] = {}
        for line in (*self._over, *self._told.values()):
            for counts, total in ((line.skipped, self._skipped), (line.unknown_counts, unknown)):
                for name, count in counts.items():
                    total[name] = total.get(name, 0) + count
        return Fed(
            sessions=[line.delta() for line in self._told.values()],
            state=msgspec.msgpack.encode(self._recent),
            skipped=self._skipped,
            unknown=unknown,
        )

    def _begin(self, session: str, row: dict[str, Any]) -> None:
        whole = row.get("whole") is True
        line = None if whole else self._line(session)
        if line is None:
            if not whole:
                self.skip("of a session that is not known")
                return
            replaced = self._told.pop(session, None)
            if replaced is not None:
                self._over.append(replaced)
            line = Timeline(NAME, State(id=session))
            self._told[session] = line
        touch(self._recent, session, self._recent.get(session, b""))
        line.state.own["row"] = _describe(line, row)

    def _line(self, session: str) -> Timeline | None:
        """The timeline of a session that was told before, in this call or an earlier one."""
        line = self._told.get(session)
        if line is None and self._recent.get(session):
            line = Timeline(NAME, timeline.load(self._recent[session]))
            self._told[session] = line
        return line


def _message_row(line: Timeline, row: dict[str, Any]) -> None:
    content = row.get("content_json")
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else b""
    try:
        items = decode_any(raw)
    except ValueError:
        line.skip("malformed")
        return
    on_message(
        line,
        role=row.get("role"),
        created=row.get("created_timestamp"),
        content=items,
        raw=raw,
        message_id=_string(row, "message_id"),
        metadata=_object(row.get("metadata_json")),
    )


def feed_lines(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `jsonl.read_lines` for a session of before October 2025.

    Such a file was taken over into the database with its id, so it is told as a copy (`secondary`):
    where the database has the session, that is the one.
    """
    now = timeline.load(state)
    now.id = now.id or PurePosixPath(source.path).name.removesuffix(".jsonl")
    line = Timeline(NAME, now)
    for each in lines:
        if each.oversized:
            line.skip("oversized")
            line.at(None, "oversized", each.data)
            words = each.data.decode("utf-8", "replace")
            line.emit("Custom", None, data={"kind": "oversized"}, blocks=[text(words)])
            continue
        try:
            record = decode_any(each.data)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            line.skip("malformed")
        elif "role" in record and "content" in record:
            on_message(
                line,
                role=record.get("role"),
                created=record.get("created"),
                content=record["content"],
                raw=each.data,
                message_id=_string(record, "id"),
                metadata=_object(record.get("metadata")),
            )
        elif "working_dir" in record or "description" in record or "message_count" in record:
            line.state.own["row"] = _describe(line, record)
        else:
            line.at(None, "unknown", each.data)
            line.unknown("record", record)
    usage.on_sums(line, line.state.own.get("row", {}))
    return Fed(
        sessions=[line.delta(secondary=True)],
        state=timeline.dump(line.state),
        skipped=line.skipped,
        unknown=line.unknown_counts,
    )


_SUMS = (
    "input_tokens",
    "output_tokens",
    "accumulated_input_tokens",
    "accumulated_output_tokens",
    "accumulated_cache_read_tokens",
    "accumulated_cache_write_tokens",
    "accumulated_cost",
)


def _describe(line: Timeline, row: dict[str, Any]) -> dict[str, Any]:
    """Takes over what a row says of its session; gives its sums, which are told at its end."""
    state = line.state
    title = _string(row, "name") or _string(row, "description")
    if title and not _PLACEHOLDERS.fullmatch(title.strip()):
        state.title = beginning(title, timeline.TITLE_CHARACTERS)
    folder = _string(row, "working_dir")
    if folder and len(folder) <= timeline.PATH_CHARACTERS:
        state.cwd = state.cwd or folder
        state.last_cwd = folder
    state.provider = _string(row, "provider_name") or state.provider
    state.model = _string(_object(row.get("model_config_json")), "model_name") or state.model
    kind = _string(row, "session_type")
    if kind and kind != "user":
        state.attributes["goose.session_type"] = kind
    schedule = _string(row, "schedule_id")
    if schedule:
        state.attributes["goose.schedule_id"] = schedule
    parent = _string(row, "parent_session_id")
    state.parent = parent or state.parent
    state.auxiliary = bool(state.parent) or kind == "sub_agent"
    return {name: row[name] for name in _SUMS if isinstance(row.get(name), int | float)}


def _object(value: Any) -> dict[str, Any]:
    """An object, or the one that a string of JSON holds; empty for anything else."""
    if isinstance(value, str):
        try:
            value = decode_any(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _string(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value[:4096] if isinstance(value, str) else ""
