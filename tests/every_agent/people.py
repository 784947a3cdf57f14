"""The home of a person who uses every agent there is a sample of, laid out as the agents do it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.helpers.daemon import Home

VSCODE = ".config/Code/User"
CURSOR = ".config/Cursor/User"
WORKSPACE = "f87f6e0b2cf1ae8645cc0c5ffaa99529"

PLACES: dict[str, str] = {
    "claude-code/recorded": ".",
    "codex/recorded": ".",
    "copilot/recorded": ".",
    "gemini/recorded": ".",
    "qwen-code/recorded": ".",
    "opencode/recorded": ".",
    "opencode/recorded-subagent/opencode.db": ".local/share/opencode/opencode-beta.db",
    "opencode/json-tree-fixture/storage": ".local/share/opencode/storage",
    "kilo-code/recorded": ".",
    "cline/recorded": ".",
    "cline/recorded-subagent/sessions": ".cline/data/sessions",
    "roo-code/by-hand/globalStorage": f"{VSCODE}/globalStorage",
    "vscode-copilot/by-hand/workspaceStorage": f"{VSCODE}/workspaceStorage",
    "cursor/global-db-by-hand/state.vscdb": f"{CURSOR}/globalStorage/state.vscdb",
    "cursor/workspace-db-2024-11/state.vscdb": f"{CURSOR}/workspaceStorage/{WORKSPACE}/state.vscdb",
    "cursor/cli-by-hand/chats": ".cursor/chats",
    "cursor/cli-by-hand/projects": ".cursor/projects",
    "goose/sessions-v16/sessions.db": ".local/share/goose/sessions/sessions.db",
    "amp/by-hand/threads": ".local/share/amp/threads",
    "aider/local-0.86.2": "projects/acme",
    "aider/real-llm-history": "projects/names",
    "hail/public": ".local/share/hail",
}


def move_in(home: Home, corpus: Path) -> None:
    """Copies the samples to where their agents keep them; Aider's folder is named in the config."""
    for sample, place in PLACES.items():
        source, target = corpus / sample, home.path / place
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    home.configure(f'[watchers]\ncustom_paths = ["{home.path}/projects"]\n')
