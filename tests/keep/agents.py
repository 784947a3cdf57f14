"""Files as agents write them, for the model: Claude Code (lines), Codex (lines), Gemini (whole)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

STAMP = "2026-01-02T03:{:02}:{:02}.000Z"

_ROOTS = {
    "claude-code": ".claude",
    "codex": ".codex",
    "gemini": ".gemini",
    "goose": ".local/share/goose",
}


class Chat:
    """A session as its agent has it: said words, the file they are in, or none any more.

    `words` are all that were ever said; each is a word that stands nowhere else. `root` is the
    agent's own folder in its home. Of what was not `acknowledged` nothing is promised.
    """

    in_rows = False
    """Whether it is not a file of its own, but rows of a database with others."""

    def __init__(self, agent: str, number: int, home: Path) -> None:
        self.agent = agent
        self.id = f"{number:08x}-1111-4222-8333-444455556666"
        self.lines: list[str] = []
        self.words: set[str] = set()
        self.acknowledged = False
        self.path = home / _place(agent, self.id)
        self.root = home / _ROOTS[agent]

    @property
    def there(self) -> bool:
        """Whether its agent has it."""
        return self.path.exists()

    @property
    def said(self) -> list[str]:
        """The words that it consists of now."""
        return [line.split()[0] for line in self.lines]

    def say(self, word: str, rng: random.Random) -> None:
        """One more message."""
        self.words.add(word)
        self.lines.append(f"{word} {'and so on ' * rng.randint(0, 40)}")

    def write(self, rng: random.Random) -> None:
        """Has the agent write what was said: on from the end where it goes on, else anew, in one
        step or in place.
        """
        data = self.data()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        before = self.path.read_bytes() if self.path.exists() else b""
        if before and data.startswith(before):
            with self.path.open("ab") as out:
                out.write(data[len(before) :])
        elif rng.random() < 0.5:
            temporary = self.path.with_suffix(".tmp")
            temporary.write_bytes(data)
            temporary.replace(self.path)
        else:
            self.path.write_bytes(data)

    def remove(self) -> None:
        """Has the agent delete it."""
        self.path.unlink(missing_ok=True)

    def data(self) -> bytes:
        """The bytes of the file."""
        if self.agent == "gemini":
            return json.dumps(
                {
                    "sessionId": self.id,
                    "projectHash": "f" * 64,
                    "startTime": STAMP.format(0, 0),
                    "lastUpdated": STAMP.format(0, len(self.lines) % 60),
                    "messages": [_gemini(n, text) for n, text in enumerate(self.lines)],
                }
            ).encode()
        make = _claude if self.agent == "claude-code" else _codex
        records = [make(self.id, n, text) for n, text in enumerate(self.lines)]
        if self.agent == "codex":
            meta = {"id": self.id, "timestamp": STAMP.format(0, 0), "cwd": "/w", "originator": "c"}
            records.insert(0, _of_codex("session_meta", 0, meta))
        return b"".join(json.dumps(record).encode() + b"\n" for record in records)

    @property
    def name(self) -> str:
        """As `agent/id`."""
        return f"{self.agent}/{self.id}"


def _place(agent: str, name: str) -> str:
    if agent == "codex":
        return f".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-{name}.jsonl"
    if agent == "gemini":
        return f".gemini/tmp/{'f' * 64}/chats/session-2026-01-02T03-04-{name[:8]}.json"
    return f".claude/projects/-w-p/{name}.jsonl"


def _claude(name: str, number: int, text: str) -> dict[str, Any]:
    return {
        "type": "user",
        "uuid": f"{name}-{number}",
        "sessionId": name,
        "timestamp": STAMP.format(number // 60 % 60, number % 60),
        "cwd": "/w/p",
        "version": "2.1.0",
        "message": {"role": "user", "content": text},
    }


def _of_codex(kind: str, number: int, payload: dict[str, Any]) -> dict[str, Any]:
    stamp = STAMP.format(number // 60 % 60, number % 60)
    return {"timestamp": stamp, "type": kind, "payload": payload}


def _codex(name: str, number: int, text: str) -> dict[str, Any]:
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return _of_codex("response_item", number, said)


def _gemini(number: int, text: str) -> dict[str, Any]:
    stamp = STAMP.format(number // 60 % 60, number % 60)
    return {"id": f"m{number}", "timestamp": stamp, "type": "user", "content": text}
