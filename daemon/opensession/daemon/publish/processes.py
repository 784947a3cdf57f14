"""Which agents have a process in which folder. Looks at processes of this user only."""

from __future__ import annotations

from collections.abc import Mapping

PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "claude-code": ("claude",),
    "codex": ("codex",),
    "gemini": ("gemini",),
    "opencode": ("opencode",),
    "qwen-code": ("qwen",),
    "goose": ("goose",),
    "aider": ("aider",),
    "amp": ("amp",),
    "copilot": ("copilot",),
}
"""What the program of an agent is called, where it is one of its own."""

_WORDS = 3
"""An interpreter comes before the program's name."""


def working() -> set[tuple[str, str]]:
    """(agent, folder) of every process of an agent; may take a tenth of a second."""
    import psutil  # only where a session waits for its end

    names = {name: agent for agent, all_names in PROGRAMS.items() for name in all_names}
    found = set()
    for process in psutil.process_iter():
        try:
            words = process.cmdline()[:_WORDS]
            agents = {names[base] for word in words if (base := _base(word)) in names}
            if agents:
                folder = process.cwd()
                found |= {(agent, folder) for agent in agents}
        except (psutil.Error, OSError):
            continue
    return found


def _base(word: str) -> str:
    name = word.rpartition("/")[2]
    return name.removesuffix(".js").removesuffix(".mjs")
