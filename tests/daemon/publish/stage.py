"""A daemon with a hub: a real process each, a key between them, and sessions of now."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.helpers.daemon import Daemon, Home, eventually, running, temporary_home
from tests.helpers.hub import Account, Hub, running_hub

FOLDER = "/work/shop"


def stamp(number: int) -> str:
    """A time that is later than everything that was, and grows with the number."""
    at = time.time() + 60 + number / 1000
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{whole}.{int(at * 1000) % 1000:03}Z"


def record(session: str, number: int, said: str, at: str, *, cwd: str = FOLDER) -> bytes:
    """One record of a Claude Code transcript: what a person said, one event."""
    return (
        json.dumps(
            {
                "type": "user",
                "userType": "external",
                "uuid": f"{session}-{number}",
                "sessionId": session,
                "timestamp": at,
                "cwd": cwd,
                "gitBranch": "main",
                "version": "2.0.0",
                "message": {"role": "user", "content": said},
            }
        ).encode()
        + b"\n"
    )


class Transcript:
    """A session's file, written as its agent writes it."""

    def __init__(self, home: Home, session: str, *, cwd: str = FOLDER) -> None:
        self.session = session
        self.cwd = cwd
        self.records: list[bytes] = []
        self._number = 0
        name = cwd.replace("/", "-")
        self.path: Path = home.write(f".claude/projects/{name}/{session}.jsonl", b"")

    def say(self, *texts: str, at: str = "") -> None:
        """Append."""
        added = [self._record(text, at) for text in texts]
        self.records += added
        with self.path.open("ab") as file:
            file.write(b"".join(added))

    def rewrite(self, keep: int, *texts: str) -> None:
        """Write the file anew, with other records after the first `keep`."""
        self.records = self.records[:keep] + [self._record(text, "") for text in texts]
        other = self.path.with_suffix(".tmp")
        other.write_bytes(b"".join(self.records))
        other.replace(self.path)

    def _record(self, text: str, at: str) -> bytes:
        self._number += 1
        number = self._number
        return record(self.session, number, text, at or stamp(number), cwd=self.cwd)


class Stage:
    """What a test acts on. `hub_url` is where the daemon thinks that the hub is."""

    def __init__(self, home: Home, hub: Hub, account: Account, key: str) -> None:
        self.home = home
        self.hub = hub
        self.account = account
        self.key = key
        self.reader = hub.key(account, "read", "publish")

    def connect(self, url: str = "", more: str = "") -> None:
        """Write what `account login` writes, and the rest of the configuration."""
        self.home.configure(more)
        self.home.paths.login_file.write_text(
            f'[server]\nurl = "{url or self.hub.url}"\napi_key = "{self.key}"\n', encoding="utf-8"
        )
        self.home.paths.login_file.chmod(0o600)

    def transcript(self, session: str, *, cwd: str = FOLDER) -> Transcript:
        return Transcript(self.home, session, cwd=cwd)

    def raw(self, session: str) -> tuple[int, list[bytes]]:
        """Status and lines of what the hub was sent of a session."""
        reply = self.hub.call("GET", f"/api/sessions/{session}/raw?as=sent", bearer=self.reader)
        return reply.status, reply.body.splitlines()

    def texts(self, session: str) -> list[str]:
        """What was said in the events that the hub has."""
        status, lines = self.raw(session)
        if status != 200:
            return []
        found = [json.loads(line) for line in lines[1:]]
        return [event["content"]["blocks"][0]["text"] for event in found]

    def sessions(self) -> list[dict[str, Any]]:
        reply = self.hub.call("GET", "/api/sessions", bearer=self.reader)
        assert reply.status == 200, reply.body
        return list(reply.json["sessions"])


@contextlib.contextmanager
def stage(**environ: str) -> Iterator[Stage]:
    """A hub with one account, and a home whose daemon is connected to it and does not run yet."""
    with temporary_home() as home, running_hub(**environ) as hub:
        account = hub.account("ann")
        made = Stage(home, hub, account, hub.key(account, "read", "publish"))
        made.connect()
        yield made


def states(daemon: Daemon, *, everything: bool = True) -> dict[str, str]:
    """How each session stands, by id."""
    found = daemon.call("publish.pending", all=everything)["sessions"]
    return {row["id"]: row["state"] for row in found}


__all__ = ["FOLDER", "Stage", "Transcript", "eventually", "running", "stage", "states"]
