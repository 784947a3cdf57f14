"""Files of every agent, for the rules that all agents keep: real ones of the corpus, by agent.

An agent of the list without a line here fails the suite.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.parsers.agent import Agent, Root, Source
from opensession.parsers.registry import BUILT_IN
from tests.conftest import CORPUS

LEVELS = 8

PATTERNS: dict[str, tuple[str, ...]] = {
    "claude-code": ("claude-code/recorded/**/*.jsonl", "claude-code/public/**/5a*.jsonl"),
    "codex": ("codex/recorded/**/rollout-*.jsonl",),
    "cursor": (
        "cursor/cli-by-hand/**/store.db",
        "cursor/cli-by-hand/**/agent-transcripts/**/*.*",
        "cursor/*/state.vscdb",
    ),
    "gemini": ("gemini/recorded/**/chats/**/*.jsonl",),
    "copilot": ("copilot/**/events.jsonl",),
    "vscode-copilot": ("vscode-copilot/**/chatSessions/*.json*",),
    "goose": ("goose/**/sessions.db",),
    "aider": ("aider/**/.aider.*.history*",),
    "opencode": ("opencode/recorded*/**/opencode.db", "opencode/**/storage/session/**/*.json"),
    "amp": ("amp/**/T-*.json",),
    "cline": ("cline/**/*.messages.json",),
    "roo-code": ("roo-code/**/ui_messages.json",),
    "kilo-code": ("kilo-code/**/kilo.db",),
    "qwen-code": ("qwen-code/**/chats/*.jsonl", "qwen-code/**/subagents/**/*.jsonl"),
    "hail": ("hail/**/*.hail.jsonl",),
}


def source_in(agent: Agent, path: Path) -> Source | None:
    """The source that a file is of, as if its agent's folder were one of those above it."""
    for folder in [*path.parents][:LEVELS]:
        source = agent.source_of(Root(agent.name, str(folder)), str(path))
        if source is not None:
            return source
    return None


def sources_of(agent: Agent, corpus: Path) -> Iterator[Source]:
    """The sources among the corpus files of an agent, each once."""
    found: dict[str, Source] = {}
    for pattern in PATTERNS[agent.name]:
        for path in sorted(corpus.glob(pattern)):
            source = source_in(agent, path)
            if source is not None:
                found.setdefault(source.path, source)
    yield from found.values()


def _cases() -> Iterator[tuple[Agent, str]]:
    for agent in BUILT_IN:
        if agent.name not in PATTERNS or not CORPUS.is_dir():
            continue
        for source in sources_of(agent, CORPUS):
            yield agent, str(Path(source.path).relative_to(CORPUS))


CASES = list(_cases())
EVERY_SAMPLE = pytest.mark.parametrize(
    ("agent", "sample"), CASES, ids=[f"{agent.name}-{Path(path).name}" for agent, path in CASES]
)


def copied(agent: Agent, sample: str, corpus: Path, into: Path) -> Source:
    """A sample with all that lies around it, copied below `into`: the same source there."""
    parts = Path(sample).parts
    shutil.copytree(corpus / parts[0] / parts[1], into / parts[0] / parts[1])
    for path in (into / parts[0]).rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    source = source_in(agent, into / sample)
    assert source is not None
    return source
