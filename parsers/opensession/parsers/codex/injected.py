"""Telling what a person typed from what Codex puts into the same place.

User messages of a rollout also carry the environment, instructions, reports of subagents and marks
of interruptions. Recent versions say of each part what it is; older ones are told by the text.
"""

from __future__ import annotations

import re

_PREFIXES = (
    "# AGENTS.md instructions",
    "<user_instructions>",
    "<environment_context>",
    "<instructions>",
    "<INSTRUCTIONS>",
    "<permissions instructions>",
    "<subagent_notification",
    "<turn_aborted>",
    "<user_action>",
    "<user_shell_command>",
    "<skill>",
    "<skills_instructions>",
    "<hook_prompt",
    "<model_switch>",
    "<personality_spec>",
    "<collaboration_mode>",
    "<apps_instructions>",
    "<plugins_instructions>",
    "<realtime_conversation>",
    "<goal_context>",
    "<context_window",
    "<token_budget",
    "<multi_agent_",
    "Warning: apply_patch was requested via ",
    "Warning: The maximum number of unified exec processes",
    "You were originally given instructions from a user over one or more turns.",
    "Another language model started to solve this problem",
)

_REQUEST = re.compile(r"^## My request for Codex:[ \t]*\n?", re.MULTILINE)


def is_injected(text: str, kind: str = "") -> bool:
    """Reports whether a part of a user message was not typed; `kind` is what Codex says it is."""
    if kind and kind != "unknown":
        return not kind.startswith("user.")
    return text.lstrip().startswith(_PREFIXES)


def request_in(text: str) -> str:
    """What a person asked, without what an editor's extension put before it."""
    found = _REQUEST.search(text)
    return (text[found.end() :] if found else text).strip()
