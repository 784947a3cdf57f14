"""How fast events are stripped: MB of their text per second of CPU, on one core."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench import corpus
from bench.privacy_labels.planted import planted
from bench.privacy_score import text_at
from bench.table import Figure, at_least, percentile
from opensession.core.hail import Event
from opensession.core.privacy.stripper import Stripper
from opensession.parsers.agent import Cursor, Root
from opensession.parsers.claude_code import AGENT

MB = 1_000_000
_LINE_SHARE = 100


def throughput(
    stripper: Stripper,
    seed: int,
    real: Sequence[Event] = (),
    *,
    megabytes: int = 12,
    runs: int = 5,
) -> list[Figure]:
    """Stripping the events of made Claude Code sessions of so many MB of files: without the home
    folders that are in them (nothing is found then), as they are, and with one line in a hundred
    replaced by one that holds a secret; and of real sessions, where there are any.
    """
    usual = _events(seed, megabytes * MB)
    clean = _changed(usual, lambda text: text.replace(corpus.HOME, "~"))
    dirty = _changed(clean, _with_secrets(seed))
    figures: list[Figure] = []
    for name, events, limit in (
        ("clean text", clean, 60.0),
        ("text with home folders", usual, 0.0),
        ("1 % secret lines", dirty, 0.0),
        ("real transcripts", list(real), 0.0),
    ):
        if not events:
            continue
        lines = [
            json.dumps([event.data, event.blocks, event.attributes], ensure_ascii=False)
            for event in events
        ]
        size = sum(len(text.encode()) for event in events for text in _texts(event))
        encoded = sum(len(line.encode()) for line in lines)
        speeds: list[float] = []
        plain: list[float] = []
        for _ in range(runs):
            begin = time.process_time()
            stripper.strip_events(events)
            speeds.append(size / MB / (time.process_time() - begin))
            begin = time.process_time()
            for line in lines:
                json.loads(line)
            plain.append(encoded / MB / (time.process_time() - begin))
        shares = [speed / each for speed, each in zip(speeds, plain, strict=True)]
        how = (
            f"{size / MB:.1f} MB of text in {len(events)} events, median of {runs}, by CPU time; "
            f"{percentile(shares, 0.5):.2f} of json.loads of the same events "
            f"({percentile(plain, 0.5):.0f} MB/s in this run)"
        )
        speed = percentile(speeds, 0.5)
        title = f"privacy, throughput, {name}"
        if limit:
            figures.append(at_least(title, speed, "MB/s", limit, how))
        else:
            figures.append(Figure(title, f"{speed:.3g} MB/s", note=how))
    return figures


def _events(seed: int, size: int) -> list[Event]:
    events: list[Event] = []
    with tempfile.TemporaryDirectory(prefix="osbench-") as folder:
        root = Root(AGENT.name, f"{folder}/.claude/projects")
        path = Path(root.path) / "-work-app" / "11111111-2222-4333-8444-555555555555.jsonl"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            for line in corpus.claude_session(seed, size):
                file.write(line)
        source = AGENT.source_of(root, str(path))
        if source is None:
            raise RuntimeError("Claude Code's own file is not known as one")
        cursor: Cursor | None = None
        more = True
        while more:
            delta = AGENT.read(source, cursor)
            cursor, more = delta.cursor, delta.more
            events += [event for session in delta.sessions for event in session.events]
    return events


def _with_secrets(seed: int) -> Callable[[str], str]:
    """Replaces one line in a hundred."""
    random = Random(seed)
    texts = [
        text_at(sample.event, secret.place)
        for sample in planted(seed, 2)
        for secret in sample.secrets
        if len(secret.parts) == 1
    ]
    lines = [line for text in texts for line in text.split("\n")]

    def change(text: str) -> str:
        return "\n".join(
            random.choice(lines) if random.randrange(_LINE_SHARE) == 0 else line
            for line in text.split("\n")
        )

    return change


def _changed(events: list[Event], change: Callable[[str], str]) -> list[Event]:
    def changed(root: Any) -> Any:
        if isinstance(root, str):
            return change(root)
        if isinstance(root, dict):
            return {key: changed(value) for key, value in root.items()}
        return [changed(value) for value in root] if isinstance(root, list) else root

    return [
        msgspec.structs.replace(
            event,
            data=changed(event.data),
            blocks=changed(event.blocks),
            attributes=changed(event.attributes),
        )
        for event in events
    ]


def _texts(event: Event) -> Iterator[str]:
    stack: list[Any] = [event.data, event.blocks, event.attributes]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            stack += node.values()
        elif isinstance(node, list):
            stack += node
