"""The list of agents: one line each. Config keys, help and docs are derived from it."""

from __future__ import annotations

from opensession.parsers.agent import Agent
from opensession.parsers.claude_code import AGENT as CLAUDE_CODE
from opensession.parsers.codex import AGENT as CODEX
from opensession.parsers.hail import AGENT as HAIL

AGENTS: tuple[Agent, ...] = (CLAUDE_CODE, CODEX, HAIL)


def agent(name: str) -> Agent:
    """The agent of a name; `claude_code` is accepted for `claude-code`.

    Raises KeyError for a name that no agent has.
    """
    wanted = name.replace("_", "-")
    for candidate in AGENTS:
        if candidate.name == wanted:
            return candidate
    raise KeyError(name)
