"""Anything may stand in a database, its log, or a file."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.agent import Source
from opensession.parsers.databases import close_databases
from opensession.parsers.jsonl import Line
from opensession.parsers.opencode import AGENT
from opensession.parsers.opencode.feed import line_feed
from tests.helpers.lines import read_all
from tests.parsers.opencode.making import Made, read_by

SOURCE = Source("opencode", "/", "/opencode.db")
S = "ses_0001"

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["tool", "text", "completed", "running", "user", "assistant", S, "msg_1"]),
)
_KEYS = st.sampled_from([
    "id", "role", "time", "created", "completed", "start", "end", "type", "text", "tool",
    "callID", "state", "status", "input", "output", "error", "metadata", "sessionID",
    "messageID", "exit", "diff", "filediff", "files", "tokens", "cache", "cost", "path",
    "cwd", "title", "model", "modelID", "providerID", "parentID", "revert", "summary",
    "diffs", "attachments", "url", "mime", "part", "info", "data", "name", "session",
    "table", "seq", "whole", "synthetic",
])  # fmt: skip
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=6)),
    max_leaves=20,
)
OBJECTS = st.dictionaries(_KEYS, VALUES, max_size=8)
KINDS = st.sampled_from(
    [
        "session.created.1",
        "session.updated.1",
        "message.updated.1",
        "message.part.updated.1",
        "message.removed.1",
        "other",
    ]
)


def event(kind: str, data: Any) -> dict[str, Any]:
    return {"table": "event", "session": S, "seq": 0, "type": kind, "data": data}


def part(data: dict[str, Any]) -> dict[str, Any]:
    whole = {"id": "prt_1", "messageID": "msg_1", **data}
    return event("message.part.updated.1", {"part": whole, "time": 1_795_000_000_000})


RECORDS = st.one_of(
    OBJECTS,
    VALUES,
    st.builds(event, KINDS, st.one_of(OBJECTS, VALUES)),
    st.builds(lambda info: event("message.updated.1", {"info": {"id": "msg_1", **info}}), OBJECTS),
    st.builds(part, OBJECTS),
    st.builds(lambda state: part({"type": "tool", "tool": "bash", "state": state}), OBJECTS),
    st.builds(
        lambda table, data: {"table": table, "session": S, "id": "msg_1", "data": data},
        st.sampled_from(["session", "message", "part"]),
        st.one_of(OBJECTS, VALUES),
    ),
)


def _line(record: Any) -> bytes:
    return json.dumps(record).encode()


@given(st.lists(st.one_of(RECORDS.map(_line), st.binary(max_size=40)), max_size=12))
def test_no_line_ends_a_read_and_cuts_change_nothing(lines: list[bytes]) -> None:
    feed = line_feed("opencode")
    given_lines = [Line(0, line, False) for line in lines]
    whole = feed(SOURCE, b"", given_lines)
    state = b""
    told: list[Any] = []
    for line in given_lines:
        fed = feed(SOURCE, state, [line])
        state = fed.state
        for session in fed.sessions:
            if session.info.id == S:
                assert session.keep <= len(told)
                del told[session.keep :]
                told += session.events
    last: list[Any] = []
    for session in whole.sessions:
        if session.info.id == S:
            del last[session.keep :]
            last += session.events
    assert told == last


@given(st.lists(st.tuples(st.sampled_from(["event", "message", "part", "session"]), OBJECTS)))
def test_no_row_ends_a_read(rows: list[tuple[str, dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        made = Made(Path(folder) / "opencode.db")
        made.session(S)
        made.prompt(S, 1, "Build it")
        made.events = False
        made.session("ses_0002")
        made.events = True
        for number, (table, data) in enumerate(rows):
            if table == "event":
                made.event(S, "message.part.updated.1", _line(data).decode())
            else:
                _insert(made.db, table, number, data)
        whole = read_all(read_by(100), made.source)[0]
        assert len(whole.sessions[S]) >= 1
        close_databases()
        made.db.close()


def _insert(db: apsw.Connection, table: str, number: int, data: dict[str, Any]) -> None:
    value = data.get("time")
    time = value if isinstance(value, float | str) else number
    text = _line(data) if number % 3 == 0 else _line(data).decode()[: None if number % 2 else 9]
    columns: dict[str, Any] = {"id": f"x_{number}", "time_created": time, "time_updated": number}
    if table == "session":
        columns |= {"directory": text, "title": text, "version": text, "model": text}
    elif table == "message":
        columns |= {"session_id": "ses_0002", "data": text}
    else:
        columns |= {"session_id": "ses_0002", "message_id": f"x_{number - 1}", "data": text}
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    query = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"
    db.execute(query, tuple(columns.values()))


@given(
    OBJECTS,
    st.lists(st.one_of(OBJECTS.map(_line), st.binary(max_size=30)), max_size=4),
    st.lists(st.one_of(OBJECTS.map(_line), st.binary(max_size=30)), max_size=4),
)
def test_no_file_of_a_tree_ends_a_read(
    info: dict[str, Any], messages: list[bytes], parts: list[bytes]
) -> None:
    with TemporaryDirectory() as folder:
        storage = Path(folder) / "storage"
        path = storage / "session" / "p" / f"{S}.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(_line({"id": S, **{key: info[key] for key in info if key != "id"}}))
        for number, data in enumerate(messages):
            message = storage / "message" / S / f"msg_{number}.json"
            message.parent.mkdir(parents=True, exist_ok=True)
            message.write_bytes(data)
            for place, other in enumerate(parts):
                part_path = storage / "part" / f"msg_{number}" / f"prt_{place}.json"
                part_path.parent.mkdir(parents=True, exist_ok=True)
                part_path.write_bytes(other)
        source = Source("opencode", str(storage), str(path))
        read_all(AGENT.read, source)
