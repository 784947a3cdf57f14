"""The list of agents: one line each. Config keys, help and docs are derived from it."""

from __future__ import annotations

from collections.abc import Sequence

from opensession.core.config.settings import CommandAgent
from opensession.parsers.agent import Agent
from opensession.parsers.aider import AGENT as AIDER
from opensession.parsers.amp import AGENT as AMP
from opensession.parsers.claude_code import AGENT as CLAUDE_CODE
from opensession.parsers.cline import AGENT as CLINE
from opensession.parsers.codex import AGENT as CODEX
from opensession.parsers.copilot import AGENT as COPILOT
from opensession.parsers.cursor import AGENT as CURSOR
from opensession.parsers.gemini import AGENT as GEMINI
from opensession.parsers.goose import AGENT as GOOSE
from opensession.parsers.hail import AGENT as HAIL
from opensession.parsers.installed import installed
from opensession.parsers.kilo_code import AGENT as KILO_CODE
from opensession.parsers.opencode import AGENT as OPENCODE
from opensession.parsers.qwen_code import AGENT as QWEN_CODE
from opensession.parsers.roo_code import AGENT as ROO_CODE
from opensession.parsers.vscode_copilot import AGENT as VSCODE_COPILOT

BUILT_IN: tuple[Agent, ...] = (
    CLAUDE_CODE,
    CODEX,
    CURSOR,
    GEMINI,
    COPILOT,
    VSCODE_COPILOT,
    GOOSE,
    AIDER,
    OPENCODE,
    AMP,
    CLINE,
    ROO_CODE,
    KILO_CODE,
    QWEN_CODE,
    HAIL,
)

INSTALLED = installed({each.name for each in BUILT_IN})
"""What other distributions added, and which of that could not be loaded."""

AGENTS: tuple[Agent, ...] = (*BUILT_IN, *INSTALLED.agents)


def agents(commands: Sequence[CommandAgent] = ()) -> tuple[Agent, ...]:
    """All agents, with those that commands of the configuration know.

    A command whose name an agent has already is left out.
    """
    if not commands:
        return AGENTS
    from opensession.parsers.command import Commanded  # rarely configured

    taken = {each.name for each in AGENTS}
    return (*AGENTS, *(Commanded(each) for each in commands if each.name not in taken))


def agent(name: str, commands: Sequence[CommandAgent] = ()) -> Agent:
    """The agent of a name; `claude_code` is accepted for `claude-code`.

    Raises KeyError for a name that no agent has.
    """
    wanted = name.replace("_", "-")
    for candidate in agents(commands):
        if candidate.name == wanted:
            return candidate
    raise KeyError(name)
