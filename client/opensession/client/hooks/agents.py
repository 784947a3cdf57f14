"""The agents with hooks: where their settings are, and what is put into them.

    claude-code  ~/.claude/settings.json      hooks.<Event>[] of {matcher, hooks: [{type, command}]}
    gemini       ~/.gemini/settings.json      as Claude Code's; other events, timeout in ms
    cursor       ~/.cursor/hooks.json         hooks.<event>[] of {command}
    copilot      ~/.copilot/hooks/*.json      hooks.<event>[] of {type, bash}; a file of our own
    codex        ~/.codex/config.toml         notify = [program, arguments…], one for all

What an agent gives its hooks was read off the agents themselves: JSON on stdin with the session's
id, Codex as the last argument.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from opensession.client.hooks import in_json, in_toml
from opensession.core.hints import Happened


class Edit(Protocol):
    """How a format takes our hooks. `add` raises Clash with a sentence where something stands in
    the way, and NotReadable for what it cannot read.
    """

    def add(self, text: str, hints_dir: str) -> str:
        """The settings with our hooks; equal where all are there."""
        ...

    def remove(self, text: str, hints_dir: str, before: str | None) -> str:
        """The settings without our hooks; `before` is what they were when ours were added."""
        ...


class Hooked(msgspec.Struct, frozen=True, kw_only=True):
    """An agent with hooks. `folder` is the agent's own, in the home unless `variable` moves it; an
    agent without it was never used here.
    """

    name: str
    label: str
    folder: str
    variable: str
    file: str
    edit: Edit

    def home(self, environ: Mapping[str, str], home: Path) -> Path:
        """The agent's folder."""
        moved = environ.get(self.variable, "") if self.variable else ""
        return Path(moved) if moved and Path(moved).is_absolute() else home / self.folder

    def path(self, environ: Mapping[str, str], home: Path) -> Path:
        """The settings that are edited."""
        return self.home(environ, home) / self.file


_TIMEOUT_SECONDS = 5


def _claude(script: str) -> dict[str, Any]:
    return {"hooks": [{"type": "command", "command": script, "timeout": _TIMEOUT_SECONDS}]}


def _gemini(script: str) -> dict[str, Any]:
    milliseconds = _TIMEOUT_SECONDS * 1000
    hook = {"name": "opensession", "type": "command", "command": script, "timeout": milliseconds}
    return {"hooks": [hook]}


def _cursor(script: str) -> dict[str, Any]:
    return {"command": script}


def _copilot(script: str) -> dict[str, Any]:
    return {"type": "command", "bash": script, "timeoutSec": _TIMEOUT_SECONDS}


def _events(
    agent: str,
    key: str,
    entry: Callable[[str], dict[str, Any]],
    turns: tuple[str, ...],
    ends: tuple[str, ...],
    version: int | None = None,
) -> in_json.Events:
    happened: list[tuple[str, Happened]] = [(event, "turn") for event in turns]
    happened += [(event, "end") for event in ends]
    return in_json.Events(
        agent=agent, key=key, entry=entry, events=tuple(happened), version=version
    )


HOOKED: tuple[Hooked, ...] = (
    Hooked(
        name="claude-code",
        label="Claude Code",
        folder=".claude",
        variable="CLAUDE_CONFIG_DIR",
        file="settings.json",
        edit=_events(
            "claude-code", "session_id", _claude, ("PostToolUse", "Stop"), ("SessionEnd",)
        ),
    ),
    Hooked(
        name="codex",
        label="Codex",
        folder=".codex",
        variable="CODEX_HOME",
        file="config.toml",
        edit=in_toml.Notify(agent="codex", key="thread-id"),
    ),
    Hooked(
        name="gemini",
        label="Gemini CLI",
        folder=".gemini",
        variable="",
        file="settings.json",
        edit=_events("gemini", "session_id", _gemini, ("AfterTool", "AfterAgent"), ("SessionEnd",)),
    ),
    Hooked(
        name="copilot",
        label="GitHub Copilot CLI",
        folder=".copilot",
        variable="COPILOT_HOME",
        file="hooks/opensession.json",
        edit=_events("copilot", "sessionId", _copilot, ("postToolUse",), ("sessionEnd",), 1),
    ),
    Hooked(
        name="cursor",
        label="Cursor",
        folder=".cursor",
        variable="",
        file="hooks.json",
        edit=_events(
            "cursor", "conversation_id", _cursor, ("afterFileEdit", "stop"), ("sessionEnd",), 1
        ),
    ),
)


def find(agent: str) -> Hooked | None:
    """The agent of a name, if it has hooks."""
    return next((each for each in HOOKED if each.name == agent.replace("_", "-").lower()), None)
