"""What our reading costs a program whose database we read: the time of its commits, its log.

A second process commits to a database of Goose's as fast as one commit in two milliseconds, alone,
beside the daemon, and beside a reader that never waits longer than 20 ms; in turn, several times.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.daemon import OURS, daemon, wait_indexed
from bench.table import Figure, at_most, percentile
from opensession.parsers.agent import Cursor, Source
from opensession.parsers.goose import AGENT

SECONDS = 8.0
ROUNDS = 3
PAUSE = 0.02

SCHEMA = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, name TEXT, working_dir TEXT, created_at TIMESTAMP,
    updated_at TIMESTAMP);
CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT, session_id TEXT,
    role TEXT, content_json TEXT, created_timestamp INTEGER, metadata_json TEXT);
CREATE INDEX idx_messages_session ON messages(session_id);
CREATE INDEX idx_sessions_updated ON sessions(updated_at DESC);
INSERT INTO sessions VALUES ('20260816_1', '', '/home/dev/work', datetime('now'), datetime('now'));
"""

WRITER = """
import json, os, sqlite3, sys, time
path, seconds = sys.argv[1], float(sys.argv[2])
db = sqlite3.connect(path, isolation_level=None, timeout=30)
db.execute("PRAGMA synchronous=NORMAL")
times, largest, words = [], 0, "some words of an answer " * 80
content = json.dumps([{"type": "text", "text": words}])
end = time.perf_counter() + seconds
while time.perf_counter() < end:
    begin = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO messages (message_id, session_id, role, content_json,"
               " created_timestamp) VALUES (?, '20260816_1', 'assistant', ?, ?)",
               (f"m{len(times)}", content, int(time.time())))
    db.execute("UPDATE sessions SET updated_at = datetime('now')")
    db.execute("COMMIT")
    times.append(round((time.perf_counter() - begin) * 1000, 3))
    if os.path.exists(path + "-wal"):
        largest = max(largest, os.stat(path + "-wal").st_size)
    time.sleep(0.002)
print(json.dumps([times, largest]))
"""


class Written(msgspec.Struct, array_like=True):
    """What the writer measured: its commits in ms, and the largest size of its log in bytes."""

    times: list[float]
    largest: int

    @property
    def p99(self) -> float:
        """The time that 99 of 100 commits did not exceed."""
        return percentile(self.times, 0.99)


def foreign_database(folder: Path) -> list[Figure]:
    """The figures for both ways in which SQLite keeps its transactions."""
    figures = []
    for mode in ("WAL", "DELETE"):
        kept = "write-ahead log" if mode == "WAL" else "rollback journal"
        alone: list[Written] = []
        beside: list[Written] = []
        busy: list[Written] = []
        failures = reads = 0
        for number in range(ROUNDS):
            alone.append(_alone(folder / f"{mode}-{number}-alone", mode))
            beside.append(_beside_daemon(folder / f"{mode}-{number}-daemon", mode))
            found, more, failed = _beside_reader(folder / f"{mode}-{number}-reader", mode)
            busy.append(found)
            reads, failures = reads + more, failures + failed
        usual = percentile([written.p99 for written in alone], 0.5)
        with_us = percentile([written.p99 for written in beside], 0.5)
        polled = percentile([written.p99 for written in busy], 0.5)
        commits = sum(len(written.times) for written in beside)
        how = f"p99 alone {usual:.2f} ms, with the daemon {with_us:.2f} ms, n={commits}"
        name = f"commit of another program, {kept}: p99 added by"
        figures.append(at_most(f"{name} the daemon", with_us - usual, "ms", 5, how))
        how = f"p99 {polled:.2f} ms; {reads} reads, {failures} of which failed"
        figures.append(Figure(f"{name} a read every 20 ms", f"{polled - usual:.3g} ms", note=how))
        if mode == "WAL":
            size = percentile([float(written.largest) for written in beside], 0.5)
            plain = percentile([float(written.largest) for written in alone], 0.5)
            how = f"largest size {size / 1e6:.2f} MB with the daemon, {plain / 1e6:.2f} MB alone"
            figures.append(
                at_most("its write-ahead log, with us by alone", size / plain, "×", 1.5, how)
            )
    return figures


def _alone(home: Path, mode: str) -> Written:
    with _writing(_make(home, mode)) as writer:
        return _result(writer)


def _beside_daemon(home: Path, mode: str) -> Written:
    path = _make(home, mode)
    with daemon(home) as running:
        client = running.client()
        wait_indexed(client)
        with _writing(path) as writer:
            written = _result(writer)
        _wait(lambda: _told(client.call("daemon.status")) >= len(written.times))
        client.close()
    shutil.rmtree(home / OURS, ignore_errors=True)
    return written


def _beside_reader(home: Path, mode: str) -> tuple[Written, int, int]:
    """Also how many reads there were, and how many failed."""
    path = _make(home, mode)
    source = Source("goose", str(path.parent), str(path))
    cursor: Cursor | None = None
    reads = failures = 0
    with _writing(path) as writer:
        while writer.poll() is None:
            try:
                cursor = AGENT.read(source, cursor).cursor
            except OSError:
                failures += 1
            reads += 1
            time.sleep(PAUSE)
        return _result(writer), reads, failures


def _make(home: Path, mode: str) -> Path:
    path = home / ".local/share/goose/sessions/sessions.db"
    path.parent.mkdir(parents=True)
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA journal_mode={mode}")
    db.executescript(SCHEMA)
    db.close()
    return path


def _writing(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), str(SECONDS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def _result(writer: subprocess.Popen[bytes]) -> Written:
    output, _ = writer.communicate()
    return msgspec.convert(json.loads(output), Written)


def _told(status: dict[str, dict[str, dict[str, int]]]) -> int:
    """How many events of Goose are stored."""
    return status["agents"].get("goose", {}).get("events", 0)


def _wait(done: Callable[[], bool], seconds: float = 30.0) -> None:
    """Raises a RuntimeError if it is not done in time: not all rows have arrived."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise RuntimeError("rows that were written did not arrive")
        time.sleep(0.1)
