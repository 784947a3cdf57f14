"""Transcripts made by hand, and reading them as the daemon does: piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from opensession.core.hail import Event, SessionInfo, Usage
from opensession.parsers.agent import SessionDelta, Source
from opensession.parsers.claude_code.feed import feed_with
from opensession.parsers.claude_code.sources import Meta
from opensession.parsers.jsonl import Line

SESSION = "11111111-2222-4333-8444-555555555555"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
CLAUDE = CORPUS / "claude-code"


class Read(msgspec.Struct):
    """One session as it stands after all reads."""

    info: SessionInfo
    events: list[Event] = []
    usage: dict[str, Usage] = {}
    secondary: bool = False
    ended: bool = False

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def one(self, event_type: str) -> Event:
        (found,) = [event for event in self.events if event.type == event_type]
        return found


class Reads(msgspec.Struct):
    """All sessions of a source, its own first."""

    sessions: dict[str, Read] = {}
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}
    state: bytes = b""

    @property
    def own(self) -> Read:
        return next(iter(self.sessions.values()))

    def apply(self, deltas: Iterable[SessionDelta]) -> None:
        for delta in deltas:
            read = self.sessions.setdefault(delta.info.id, Read(info=delta.info))
            assert delta.keep <= len(read.events)
            read.info, read.secondary, read.ended = delta.info, delta.secondary, delta.ended
            read.events = read.events[: delta.keep] + delta.events
            for usage in delta.usage:
                assert 1 <= usage.seq <= len(read.events)
                read.usage[usage.message_id] = usage

    def count(self, skipped: dict[str, int], unknown: dict[str, int]) -> None:
        for total, found in ((self.skipped, skipped), (self.unknown, unknown)):
            for name, number in found.items():
                total[name] = total.get(name, 0) + number


def source_of(name: str = SESSION, folder: str = "-home-me-acme") -> Source:
    root = "/home/me/.claude/projects"
    return Source(agent="claude-code", root=root, path=f"{root}/{folder}/{name}.jsonl")


def numbered(data: Iterable[bytes]) -> list[Line]:
    lines, offset = [], 0
    for piece in data:
        lines.append(Line(offset, piece, False))
        offset += len(piece) + 1
    return lines


def read(
    records: Sequence[dict[str, Any] | bytes],
    *,
    cuts: Iterable[int] = (),
    source: Source | None = None,
    meta: Meta | None = None,
) -> Reads:
    """Reads records as lines, a call of the feed up to each cut."""
    lines = numbered(r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)
    reads = Reads()
    feed = feed_with(meta)
    edges = [0, *sorted(cut for cut in cuts if 0 < cut < len(lines)), len(lines)]
    for start, stop in pairwise(edges):
        fed = feed(source or source_of(), reads.state, lines[start:stop])
        reads.state = fed.state
        reads.apply(fed.sessions)
        reads.count(fed.skipped, fed.unknown)
    return reads


class Talk:
    """Writes the records of a conversation one after the other, a second apart."""

    def __init__(self, **common: Any) -> None:
        self.records: list[dict[str, Any]] = []
        self.common = {"sessionId": SESSION, "cwd": "/home/me/acme", "version": "2.1.30", **common}
        self.last: str | None = None

    def add(self, record_type: str, **fields: Any) -> str:
        number = len(self.records) + 1
        uuid = f"00000000-0000-4000-8000-{number:012d}"
        record = {
            "parentUuid": self.last,
            "isSidechain": False,
            "type": record_type,
            "uuid": uuid,
            "timestamp": f"2026-02-01T10:{number // 60:02d}:{number % 60:02d}.000Z",
            **self.common,
            **fields,
        }
        self.records.append({key: value for key, value in record.items() if value is not ...})
        self.last = uuid
        return uuid

    def user(self, content: Any, **fields: Any) -> str:
        return self.add("user", message={"role": "user", "content": content}, **fields)

    def assistant(self, *blocks: dict[str, Any], **fields: Any) -> str:
        message = {
            "id": f"msg_{len(self.records) + 1}",
            "role": "assistant",
            "model": "claude-opus-4-6",
            "content": list(blocks),
            "usage": {"input_tokens": 3, "output_tokens": 5},
            **fields.pop("message", {}),
        }
        message = {key: value for key, value in message.items() if value is not ...}
        return self.add("assistant", message=message, **fields)

    def call(self, name: str, call_id: str = "toolu_1", **given: Any) -> str:
        return self.assistant({"type": "tool_use", "id": call_id, "name": name, "input": given})

    def result(
        self, content: Any, call_id: str = "toolu_1", *, error: bool | None = None, **fields: Any
    ) -> str:
        block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        if error is not None:
            block["is_error"] = error
        return self.user([block], **fields)

    def read(self, **options: Any) -> Reads:
        return read(self.records, **options)


def said(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def corpus_files() -> list[Path]:
    return sorted(CLAUDE.glob("**/*.jsonl")) if CLAUDE.is_dir() else []
