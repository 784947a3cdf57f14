"""A whole ingest in a folder of its own, with Codex sessions to read: no socket, no client."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from opensession.core.config.settings import PrivacySettings
from opensession.daemon.admission import Rules
from opensession.daemon.ingest import Ingest, Options, Place, Summary
from opensession.daemon.reading import Setup
from opensession.daemon.schedule import Timing
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import open_reader
from opensession.parsers.agent import Agent, Root
from opensession.parsers.registry import agent

PATIENCE = 60.0
KEY = bytes(range(32))


def header(session: str, cwd: str = "/work/project") -> dict[str, Any]:
    """The first record of a Codex rollout."""
    return {
        "timestamp": "2026-01-02T03:04:05.000Z",
        "type": "session_meta",
        "payload": {
            "id": session,
            "timestamp": "2026-01-02T03:04:05.000Z",
            "cwd": cwd,
            "originator": "codex_cli_rs",
            "cli_version": "0.169.0",
        },
    }


def append(path: Path, *records: dict[str, Any]) -> None:
    """Records at the end of a session's file."""
    with path.open("ab") as out:
        out.write(lines(*records))


def said(text: str, number: int = 0) -> dict[str, Any]:
    """A record with one message of the agent: one event."""
    minute, second = divmod(number % 3600, 60)
    return {
        "timestamp": f"2026-01-02T04:{minute:02}:{second:02}.000Z",
        "type": "response_item",
        "payload": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": text}],
        },
    }


def lines(*records: dict[str, Any]) -> bytes:
    """Records as the agent writes them."""
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def session_bytes(session: str, count: int, *, cwd: str = "/work/project", pad: str = "") -> bytes:
    """A rollout with `count` messages."""
    records = [said(f"message {n} of {session} {pad}", n) for n in range(count)]
    return lines(header(session, cwd), *records)


class Rig:
    """Folders, an ingest made over them, and what it told."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.sessions = self.path / "codex" / "sessions"
        self.place = Place(self.path / "index.db", self.path / "archive", self.path / "scratch")
        self.rules = Rules()
        self.roots = [Root(agent="codex", path=str(self.sessions))]
        self.timing = Timing(0.05, 0.5)
        self.changes: list[Change] = []
        self.fatal: list[Exception] = []
        self._news = threading.Condition()

    def options(self, **other: Any) -> Options:
        setup = Setup(str(self.path), KEY, PrivacySettings(), True, self.rules)
        return Options(**{"setup": setup, "timing": self.timing, **other})

    @contextmanager
    def ingest(
        self, *, start: bool = True, history: bool = True, check: bool = False, **other: Any
    ) -> Iterator[Ingest]:
        """An ingest, until the block ends."""
        options = other.pop("options", None) or self.options()
        agents: list[Agent] = other.pop("agents", [agent("codex")])
        made = Ingest(
            self.place,
            agents,
            lambda: list(self.roots),
            options,
            on_changes=self._changed,
            on_fatal=self._ended,
            **other,
        )
        made.open(check=check)
        if start:
            made.start(history=history)
        try:
            yield made
        finally:
            assert made.stop()

    def file(self, session: str, day: str = "2026/01/02") -> Path:
        """Where a rollout lies."""
        return self.sessions / day / f"rollout-2026-01-02T03-04-05-{session}.jsonl"

    def write(self, session: str, count: int, **other: Any) -> Path:
        """Writes a whole rollout."""
        path = self.file(session)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(session_bytes(session, count, **other))
        return path

    def run(self, ingest: Ingest) -> Summary:
        """Waits until everything is searchable."""
        return ingest.run_until_idle().result(PATIENCE)

    def until(self, reached: Callable[[], bool]) -> None:
        """Waits for changes until something holds."""
        end = time.monotonic() + PATIENCE
        with self._news:
            while not reached():
                assert not self.fatal, self.fatal
                if not self._news.wait(end - time.monotonic()):
                    raise TimeoutError

    def until_more_changes(self, count: int) -> None:
        """Waits until more than so many changes were told."""
        self.until(lambda: len(self.changes) > count)

    def until_events(self, **wanted: int) -> None:
        """Waits until these sessions have exactly so many events."""
        self.until(lambda: {s: n for s, n in self.events().items() if s in wanted} == wanted)

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Rows of the index as a reader sees it."""
        try:
            db = open_reader(self.place.index)
        except apsw.CantOpenError:
            return []
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def events(self) -> dict[str, int]:
        """How many events each session has, counted one by one."""
        return dict(
            self.query(
                "SELECT native_id, (SELECT count(*) FROM event WHERE event.id >> 24 = session.id)"
                " FROM session"
            )
        )

    def states(self) -> dict[str, str]:
        """The state of each source, by file name without its beginning."""
        rows = self.query("SELECT path, state FROM source")
        return {Path(path).name.split("05-", 1)[-1].split(".")[0]: state for path, state in rows}

    def _changed(self, changes: list[Change]) -> None:
        with self._news:
            self.changes += changes
            self._news.notify_all()

    def _ended(self, error: Exception) -> None:
        with self._news:
            self.fatal.append(error)
            self._news.notify_all()
