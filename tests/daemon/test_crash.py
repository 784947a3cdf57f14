"""A real daemon killed again and again while files grow: nothing is lost, nothing is doubled."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from opensession.daemon.dispatch import BACKLOG_BYTES
from opensession.daemon.store.connect import open_reader
from opensession.parsers.agent import Source
from tests.daemon.rig import header, said
from tests.daemon.same_index import archived_bytes, assert_same, hits
from tests.helpers.daemon import Home, running, temporary_home

ROUNDS = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 5
COMMITS = 12


def claude_line(session: str, number: int, text: str) -> dict[str, Any]:
    minute, second = divmod(number % 3600, 60)
    return {
        "type": "user" if number % 2 else "assistant",
        "uuid": f"{session}-{number}",
        "sessionId": session,
        "timestamp": f"2026-01-02T05:{minute:02}:{second:02}.000Z",
        "cwd": "/work/project",
        "version": "2.1.329",
        "message": (
            {"role": "user", "content": text}
            if number % 2
            else {
                "id": f"msg-{session}-{number}",
                "role": "assistant",
                "model": "claude-opus-4-5",
                "content": [{"type": "text", "text": text}],
                "usage": {"input_tokens": number, "output_tokens": 3},
            }
        ),
    }


class Agents:
    """Agents that write all the time: whole lines, lines in two pieces, files replaced by longer
    ones in one step, files cut and written on.
    """

    def __init__(self, home: Home, seed: int) -> None:
        self.random = random.Random(seed)
        self.home = home
        self.files: dict[str, Path] = {}
        self.count: dict[str, int] = {}
        self.torn: dict[str, bytes] = {}
        self.words: set[str] = set()
        self.steps = 0

    def step(self) -> None:
        """One thing that an agent does to its file."""
        self.steps += 1
        if len(self.files) < 3 or self.random.random() < 0.03:
            self._begin()
        name = self.random.choice(sorted(self.files))
        choice = self.random.random()
        if name in self.torn:
            self._write(name, self.torn.pop(name))
        elif choice < 0.1:
            self._replace(name)
        elif choice < 0.14:
            self._cut(name)
        elif choice < 0.3:
            line = self._line(name)
            at = self.random.randrange(1, len(line))
            self._write(name, line[:at])
            self.torn[name] = line[at:]
        else:
            self._write(name, b"".join(self._line(name) for _ in range(self.random.randint(1, 5))))

    def finish(self) -> None:
        """Ends every line that was begun."""
        for name in sorted(self.torn):
            self._write(name, self.torn.pop(name))

    def _begin(self) -> None:
        number = len(self.files)
        name = f"session-{number:03}"
        if number % 2:
            path = f".claude/projects/-work-project/{name}.jsonl"
            first = b""
        else:
            day = f"2026/01/{number % 28 + 1:02}"
            path = f".codex/sessions/{day}/rollout-2026-01-02T03-04-05-{name}.jsonl"
            first = json.dumps(header(name)).encode() + b"\n"
        self.count[name] = 0
        self.files[name] = self.home.write(path, first)

    def _line(self, name: str) -> bytes:
        self.count[name] += 1
        number = self.count[name]
        word = f"word{name[-3:]}x{number}"
        self.words.add(word)
        text = f"{word} {'and so on ' * self.random.randint(0, 60)}"
        record = claude_line(name, number, text) if int(name[-3:]) % 2 else said(text, number)
        return json.dumps(record).encode() + b"\n"

    def _write(self, name: str, data: bytes) -> None:
        with self.files[name].open("ab") as out:
            out.write(data)

    def _replace(self, name: str) -> None:
        path = self.files[name]
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(path.read_bytes() + self._line(name))
        temporary.replace(path)

    def _cut(self, name: str) -> None:
        """Takes away the last lines and writes another in their place."""
        path = self.files[name]
        kept = path.read_bytes().splitlines(keepends=True)[:-2]
        if len(kept) < 3:
            return
        with path.open("rb+") as out:
            out.truncate(sum(map(len, kept)))
        self._write(name, self._line(name))


def clean_copy(home: Home) -> Path:
    """The index that another daemon makes of the same files from nothing."""
    other = home.path / "clean"
    data = other / "data"
    data.mkdir(parents=True, mode=0o700)
    other.chmod(0o700)
    shutil.copy(home.paths.key_file, data / home.paths.key_file.name)
    environ = {"OPENSESSION_HOME": str(other)}
    with running(home, environ=environ):
        pass
    made = Home.__new__(Home)
    made.path = home.path
    made.environ = {**home.environ, **environ}
    with running(made) as daemon:
        daemon.index()
        daemon.stop()
    return made.paths.index_db


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_or_doubled_by_kills(seed: int) -> None:
    """DECISIONS §4: a crash at any arrow loses and doubles nothing; archive and source agree byte
    by byte, index and a clean index event by event.
    """
    with temporary_home() as home:
        home.configure("[daemon]\nrealtime_debounce_ms = 5\ndebounce_secs = 0.05\n")
        agents = Agents(home, seed)
        for _ in range(ROUNDS):
            stopped = threading.Event()
            writing = threading.Thread(target=_write_until, args=(agents, stopped))
            writing.start()
            with running(home) as daemon:
                _await_commits(home, agents.random.randint(0, COMMITS))
                daemon.kill()
            stopped.set()
            writing.join()
        agents.finish()
        with running(home) as daemon:
            daemon.index()
            status = daemon.call("daemon.status")
            assert all(a["failed_sources"] == 0 for a in status["agents"].values()), status
            assert daemon.stop() == 0
        clean = clean_copy(home)
        assert_same(home.paths.index_db, clean)
        assert hits(home.paths.index_db, sorted(agents.words)) == hits(clean, sorted(agents.words))
        for path in agents.files.values():
            agent = "codex" if ".codex" in path.parts else "claude-code"
            archived = archived_bytes(home.paths.archive_dir, Source(agent, "", str(path)))
            assert archived == path.read_bytes()


def test_a_first_index_that_is_killed_again_and_again() -> None:
    """The same with workers: every start goes on where the last one was killed."""
    rng = random.Random(3)
    with temporary_home() as home:
        paths = []
        for number in range(24):
            name = f"session-{number:03}"
            text = "words of many kinds " * 40
            records = [said(f"{name}x{line} {text}", line) for line in range(500)]
            data = b"".join(json.dumps(r).encode() + b"\n" for r in [header(name), *records])
            path = (
                f".codex/sessions/2026/01/{number + 1:02}/rollout-2026-01-02T03-04-05-{name}.jsonl"
            )
            paths.append(home.write(path, data))
        assert sum(file.stat().st_size for file in paths) > BACKLOG_BYTES
        for _ in range(6):
            with running(home) as daemon:
                _await_commits(home, rng.randint(1, 3))
                daemon.kill()
        with running(home) as daemon:
            daemon.index()
            daemon.stop()
        clean = clean_copy(home)
        assert_same(home.paths.index_db, clean)
        words = [f"session-{number:03}x{line}" for number in range(24) for line in (0, 499)]
        quoted = [f'"{word}"' for word in words]
        assert hits(home.paths.index_db, quoted) == hits(clean, quoted)
        for file in paths:
            archived = archived_bytes(home.paths.archive_dir, Source("codex", "", str(file)))
            assert archived == file.read_bytes()


def _write_until(agents: Agents, stopped: threading.Event) -> None:
    """Writes as an agent does, a little at a time."""
    while not stopped.wait(0.001):
        agents.step()


def _await_commits(home: Home, count: int) -> None:
    """Waits until the daemon has committed so many times more."""
    db = open_reader(home.paths.index_db)
    try:
        for _ in range(count):
            seen = db.execute("PRAGMA data_version").get
            while db.execute("PRAGMA data_version").get == seen:
                threading.Event().wait(0.001)
    finally:
        db.close()
