"""How fast each agent's files are read: bytes to events, in one process, without storing."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path

from bench.table import Figure
from opensession.parsers.agent import Agent, Cursor, Source
from opensession.parsers.registry import BUILT_IN
from tests.conftest import CORPUS
from tests.parsers.conformance.samples import sources_of

MB = 1_000_000
SECONDS = 1.0
"""So long each agent's samples are read again and again."""


def agents() -> list[Figure]:
    """MB/s of every agent over its samples of the corpus, the best of its rounds.

    Small samples cost mostly what opening a file costs: their sizes are told.
    """
    if not CORPUS.is_dir():
        return [Figure("parsing", "not measured", note="the corpus is not beside the checkout")]
    figures = [Figure("`json.loads` of Claude Code's lines", f"{_json_speed():.0f} MB/s")]
    with tempfile.TemporaryDirectory(prefix="osbench-") as folder:
        samples = Path(folder) / "corpus"  # SQLite makes files beside a database that it reads
        shutil.copytree(CORPUS, samples)
        for agent in BUILT_IN:
            sources = list(sources_of(agent, samples))
            if sources:
                figures.append(_of(agent, sources))
    return figures


def _of(agent: Agent, sources: list[Source]) -> Figure:
    size = sum(Path(source.path).stat().st_size for source in sources)
    events, best = 0, float("inf")
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or best == float("inf"):
        begin = time.perf_counter()
        events = sum(_read(agent, source) for source in sources)
        best = min(best, time.perf_counter() - begin)
    return Figure(
        f"parsing {agent.name}",
        f"{size / best / MB:.1f} MB/s",
        note=f"{len(sources)} sources, {size / MB:.2f} MB, {events} events, {events / best:,.0f}/s",
    )


def _read(agent: Agent, source: Source) -> int:
    cursor: Cursor | None = None
    events, more = 0, True
    while more:
        delta = agent.read(source, cursor)
        cursor, more = delta.cursor, delta.more
        events += sum(len(session.events) for session in delta.sessions)
    return events


def _json_speed() -> float:
    paths = sorted(CORPUS.glob("claude-code/public/**/*.jsonl"))
    lines = [line for path in paths for line in path.read_bytes().split(b"\n") if _is_json(line)]
    best = float("inf")
    for _ in range(3):
        begin = time.perf_counter()
        for line in lines:
            json.loads(line)
        best = min(best, time.perf_counter() - begin)
    return sum(map(len, lines)) / best / MB


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
