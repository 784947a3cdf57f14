"""A second process writes a database while it is read."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from opensession.parsers.agent import Cursor, Source
from opensession.parsers.opencode.sources import read
from tests.helpers.lines import Whole, read_all
from tests.parsers.opencode.making import KILO_SUBAGENT, RECORDED, SUBAGENT, copied

_WRITER = """
import json, sys
import apsw

recorded, path, events = sys.argv[1], sys.argv[2], sys.argv[3] == "events"
source = apsw.Connection(recorded, flags=apsw.SQLITE_OPEN_READONLY)
db = apsw.Connection(path)
db.set_busy_timeout(10_000)
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
clock = 0
for row in source.execute("SELECT id, aggregate_id, seq, type, data FROM event ORDER BY rowid"):
    data = json.loads(row[4])
    info, part = data.get("info", {}), data.get("part", {})
    clock = max(clock + 1, data.get("time") or max((info.get("time") or {"": 0}).values()))
    with db:
        if events:
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?)", row)
        if row[3].startswith("session."):
            time = info["time"]
            db.execute(
                "INSERT INTO session (id, project_id, parent_id, slug, directory, title, version,"
                " agent, model, time_created, time_updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET title = excluded.title, agent = excluded.agent,"
                " model = excluded.model, time_updated = excluded.time_updated",
                (info["id"], info["projectID"], info.get("parentID"), info["slug"],
                 info["directory"], info["title"], info["version"], info.get("agent"),
                 json.dumps(info["model"]) if "model" in info else None, time["created"], clock))
        elif row[3].startswith("message.updated"):
            rest = {key: info[key] for key in info if key not in ("id", "sessionID")}
            db.execute(
                "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5)"
                " ON CONFLICT DO UPDATE SET time_updated = ?4, data = ?5",
                (info["id"], info["sessionID"], info["time"]["created"], clock, json.dumps(rest)))
        elif row[3].startswith("message.part.updated"):
            rest = {key: part[key] for key in part if key not in ("id", "sessionID", "messageID")}
            db.execute(
                "INSERT INTO part VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                " ON CONFLICT DO UPDATE SET time_updated = ?5, data = ?6",
                (part["id"], part["messageID"], part["sessionID"], data["time"], clock,
                 json.dumps(rest)))
        elif row[3].startswith("message.part.removed"):
            db.execute("DELETE FROM part WHERE id = ?", (data["partID"],))
"""


def emptied(corpus: Path, sample: str, folder: Path, *, events: bool) -> Source:
    source = copied(corpus, sample, folder)
    db = apsw.Connection(source.path)
    db.execute("PRAGMA foreign_keys=OFF")
    for table in ("event", "part", "message", "session"):
        db.execute(f"DELETE FROM {table}")
    if not events:
        db.execute("DROP TABLE event")
    db.execute("PRAGMA journal_mode=WAL").fetchall()
    db.close()
    return source


@pytest.mark.parametrize("events", [True, False])
@pytest.mark.parametrize("sample", [RECORDED, SUBAGENT, KILO_SUBAGENT])
def test_what_is_read_while_it_is_written_is_what_is_read_afterwards(
    sample: str, events: bool, corpus: Path, tmp_path: Path
) -> None:
    source = emptied(corpus, sample, tmp_path, events=events)
    command = [sys.executable, "-c", _WRITER, str(corpus / sample), source.path]
    whole, cursor = Whole(), None
    looks = 0
    with subprocess.Popen(
        [*command, "events" if events else "rows"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        assert writer.stdout.readline() == "ready\n"
        writer.stdin.write("go\n")
        writer.stdin.flush()
        while writer.poll() is None:
            cursor = _look(source, cursor, whole)
            looks += 1
        assert writer.returncode == 0
    cursor = _look(source, cursor, whole)
    after = read_all(read, source)[0]
    assert looks > 3
    assert whole.restarts == 0
    assert whole.sessions == after.sessions
    assert whole.infos == after.infos
    kept = tmp_path / "kept"
    kept.write_bytes(whole.raw)
    archived = Source(source.agent, source.root, source.path, read_from=str(kept))
    assert read_all(read, archived)[0].sessions == whole.sessions
    assert json.loads(whole.raw.split(b"\n", 1)[0])["session"].startswith("ses_")


def _look(source: Source, cursor: Cursor | None, whole: Whole) -> Cursor:
    return read_all(read, source, cursor, whole)[1]
