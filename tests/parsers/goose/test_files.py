"""Goose's older files, made by hand; and where both a file and the database hold a session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.privacy import Stripper
from opensession.daemon.prepare import batches
from opensession.daemon.store.writer import Writer
from opensession.parsers.agent import Environment, Root, Source
from opensession.parsers.databases import close_databases
from opensession.parsers.goose import AGENT
from tests.helpers.jot import dump
from tests.helpers.lines import read_all, source_of
from tests.parsers.goose.making import START, Goose, answered, called, said

NAME = "20250801_101500"
HEADER: dict[str, Any] = {
    "working_dir": "/home/dev/demo",
    "description": "Look around",
    "schedule_id": None,
    "message_count": 4,
    "total_tokens": 110,
    "input_tokens": 100,
    "output_tokens": 10,
    "accumulated_total_tokens": 330,
    "accumulated_input_tokens": 300,
    "accumulated_output_tokens": 30,
}
MESSAGES = [
    {"role": "user", "created": START, "content": said("look around")},
    {
        "role": "assistant",
        "created": START + 1,
        "content": [*said("I look."), called("c1", "developer__shell", command="ls")],
    },
    {"role": "user", "created": START + 2, "content": [answered("c1", said("a.py"))]},
    {"id": "m4", "role": "assistant", "created": START + 3, "content": said("One file.")},
]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_databases()


def write(folder: Path, *records: dict[str, Any], name: str = NAME) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_a_file(tmp_path: Path) -> None:
    whole, _ = read_all(AGENT.read, source_of(write(tmp_path, HEADER, *MESSAGES), "goose"))
    assert [event.type for event in whole.events] == [
        "UserMessage", "AgentMessage", "ShellCommand", "ToolResult", "AgentMessage",
    ]  # fmt: skip
    info = whole.info
    assert (info.id, info.title, info.cwd) == (NAME, "Look around", "/home/dev/demo")
    assert info.first_prompt == "look around"
    assert whole.events[3].attributes["result.call_seq"] == 3
    (usage,) = whole.usage[NAME]
    assert (usage.input, usage.output) == (300, 30)
    assert not whole.skipped and not whole.unknown


def test_a_file_without_its_first_line(tmp_path: Path) -> None:
    whole, _ = read_all(AGENT.read, source_of(write(tmp_path, *MESSAGES, name="a plan"), "goose"))
    assert len(whole.events) == 5
    assert whole.info.attributes["native_id"] == "a plan"


def test_a_file_that_was_rewritten_whole(tmp_path: Path) -> None:
    """As Goose saves: the first line changes its counts, the messages stay and more follow."""
    source = source_of(write(tmp_path, HEADER, *MESSAGES[:2]), "goose")
    whole, cursor = read_all(AGENT.read, source)
    before = whole.events[:]
    write(tmp_path, {**HEADER, "accumulated_input_tokens": 1300}, *MESSAGES)
    again, _ = read_all(AGENT.read, source, cursor, whole)
    assert again.restarts == 1
    assert again.events[: len(before)] == before
    assert len(again.events) == 5
    assert again.usage[NAME][-1].input == 1300


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([json.dumps(m).encode() for m in MESSAGES]))
)
def test_no_file_breaks_a_read(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    whole, _ = read_all(AGENT.read, source_of(path, "goose"))
    ids = [event.event_id for events in whole.sessions.values() for event in events]
    assert len(set(ids)) == len(ids)


def imported(folder: Path) -> Goose:
    """The database as the first start of a newer Goose makes it: the content serialized anew."""
    goose = Goose(folder)
    goose.session(NAME, name="Look around")
    for message in MESSAGES:
        goose.message(NAME, str(message["role"]), message["content"])
    return goose


@pytest.mark.parametrize("first", ["file", "database"])
def test_a_session_that_is_in_a_file_and_in_the_database(tmp_path: Path, first: str) -> None:
    """One session, and it is the database's, whichever is read first."""
    folder = tmp_path / "sessions"
    folder.mkdir()
    path = write(folder, HEADER, *MESSAGES)
    writer = Writer(tmp_path / "index.db", tmp_path / "archive")
    cursors: dict[str, Any] = {}

    def read(source: Source) -> None:
        number = writer.register([source])[0]
        stripper = Stripper(str(tmp_path), bytes(32))
        for batch in batches(
            AGENT, number, source, cursors.get(source.path), stripper, archive=True
        ):
            writer.apply([batch])
            cursors[source.path] = batch.cursor

    file = Source("goose", str(folder), str(path))
    database = Source("goose", str(folder), str(folder / "sessions.db"))
    if first == "file":
        read(file)
        assert len(dump(tmp_path / "index.db")[NAME]["events"]) == 5
        goose = imported(folder)
        read(database)
    else:
        goose = imported(folder)
        read(database)
        read(file)
    goose.message(NAME, "user", said("and then?"))
    read(database)
    write(folder, {**HEADER, "message_count": 5}, *MESSAGES)
    read(file)
    writer.close()
    found = dump(tmp_path / "index.db")
    assert list(found) == [NAME]
    assert len(found[NAME]["events"]) == 6


def env(platform: str = "linux", extra: tuple[str, ...] = (), **variables: str) -> Environment:
    return Environment("/home/a", variables, platform, extra)


def test_where_goose_keeps_its_sessions() -> None:
    def roots(env: Environment) -> list[str]:
        return [root.path for root in AGENT.roots(env)]

    assert roots(env()) == ["/home/a/.local/share/goose/sessions"]
    assert roots(env("darwin", XDG_DATA_HOME="/d")) == ["/d/goose/sessions"]
    assert roots(env(GOOSE_PATH_ROOT="/g"))[0] == "/g/data/sessions"
    assert roots(env(GOOSE_PATH_ROOT="relative")) == ["/home/a/.local/share/goose/sessions"]
    assert roots(env("win32")) == ["/home/a/AppData/Roaming/Block/goose/data/sessions"]
    assert roots(env(extra=("/x/sessions", "/y")))[:3] == [
        "/x/sessions",
        "/y/sessions",
        "/y/data/sessions",
    ]


def test_what_is_a_source(tmp_path: Path) -> None:
    for name in ("sessions.db", "sessions.db-wal", "sessions.db-shm", "b.jsonl", "note.txt"):
        (tmp_path / name).write_bytes(b"")
    root = Root("goose", str(tmp_path), 0)
    found = [Path(source.path).name for source in AGENT.sources(root)]
    assert found == ["b.jsonl", "sessions.db"]

    def owner(name: str) -> str | None:
        source = AGENT.source_of(root, f"{tmp_path}/{name}")
        return Path(source.path).name if source is not None else None

    assert owner("sessions.db-wal") == owner("sessions.db") == "sessions.db"
    assert owner("b.jsonl") == "b.jsonl"
    assert [owner(name) for name in ("sessions.db-shm", "sessions.db-journal", "x/b.jsonl")] == [
        None
    ] * 3
    database = Source("goose", str(tmp_path), str(tmp_path / "sessions.db"))
    assert AGENT.files(database) == (database.path, database.path + "-wal")
    assert AGENT.storage(database) == "rows"


def test_files_of_goose_are_known_by_how_they_begin(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER, *MESSAGES)
    assert AGENT.recognises("x", path.read_bytes()) > 0.8
    goose = imported(tmp_path)
    goose.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    goose.db.close()
    assert AGENT.recognises("x", goose.path.read_bytes()) > 0.9
    assert AGENT.recognises("x", b'{"type":"session_meta"}\n') == 0
    assert AGENT.recognises("x", b"SQLite format 3\0") == 0
