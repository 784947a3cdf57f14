"""GitHub Copilot's chat in VS Code and the editors made from it, one file a session.

<User>/workspaceStorage/<hash>/chatSessions/<uuid>.jsonl      an operation log; before: .json
<User>/workspaceStorage/no-workspace/chatSessions/<uuid>.json
<User>/globalStorage/emptyWindowChatSessions/<uuid>.jsonl     of windows without a folder
<User>/globalStorage/transferredChatSessions/<uuid>.jsonl     handed over to another window

A title that is in the workspace's database alone (`state.vscdb`) is not read: a session has the one
in its own file, else its first prompt.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.places import absolute, vscode_users
from opensession.parsers.vscode_copilot.log import read_log
from opensession.parsers.vscode_copilot.requests import NAME
from opensession.parsers.vscode_copilot.whole_file import read_whole

WORKSPACES = "workspaceStorage"
GLOBAL = ("emptyWindowChatSessions", "transferredChatSessions")
SESSIONS = "chatSessions"

_SURE = 0.9
_WATCH_DEPTH = 2
"""The workspaces' folders, and in them those of the sessions."""


class VSCodeCopilot(Agent):
    """The row of Copilot in VS Code; it holds no state."""

    name = NAME
    label = "GitHub Copilot in VS Code"
    color = "#0078d4"
    parser_version = 1
    variables: tuple[str, ...] = ("VSCODE_PORTABLE",)
    retention_days: int | None = None
    resume: tuple[str, ...] = ()
    ids = "the name of the session's file"

    def roots(self, env: Environment) -> list[Root]:
        """The folders of sessions of every editor, a portable one's among them."""
        found = []
        users = vscode_users(env)
        if portable := absolute(env.variables.get("VSCODE_PORTABLE", "")):
            users = list(dict.fromkeys([f"{portable}/user-data/User", *users]))
        for user in users:
            found.append(Root(self.name, f"{user}/{WORKSPACES}", _WATCH_DEPTH))
            found += [Root(self.name, f"{user}/globalStorage/{name}", 0) for name in GLOBAL]
        return found

    def sources(self, root: Root) -> Iterator[Source]:
        """Every session below `root`; nothing else of a workspace's folder is looked at."""
        folders = [root.path]
        if _holds_workspaces(root):
            folders = [f"{root.path}/{name}/{SESSIONS}" for name in _names(root.path)]
        for folder in folders:
            for name in _names(folder):
                source = self.source_of(root, f"{folder}/{name}")
                if source is not None:
                    yield source

    def source_of(self, root: Root, path: str) -> Source | None:
        """The session that `path` is, if it is one."""
        base = root.path.rstrip("/") + "/"
        parts = path[len(base) :].split("/") if path.startswith(base) else []
        if not parts or not parts[-1].endswith((".json", ".jsonl")):
            return None
        if _holds_workspaces(root):
            found = len(parts) == 3 and parts[1] == SESSIONS
        else:
            found = len(parts) == 1 and _name_of(root) in (SESSIONS, *GLOBAL)
        return Source(self.name, root.path, path) if found else None

    def recognises(self, path: str, head: bytes) -> float:
        """By what a session holds, or the first line of a log."""
        if begins_with_keys(head, "kind", "v") and b'"sessionId"' in head:
            return _SURE
        return _SURE if begins_with_keys(head, "requests", "responderUsername") else 0.0

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a session."""
        if source.path.endswith(".json"):
            return read_whole(source, cursor)
        return read_log(source, cursor)

    def storage(self, source: Source) -> Storage:
        """A log is added to, but all of it is played again for what is added."""
        return "whole"


def _holds_workspaces(root: Root) -> bool:
    return _name_of(root) == WORKSPACES


def _name_of(root: Root) -> str:
    return root.path.rstrip("/").rpartition("/")[2]


def _names(folder: str) -> list[str]:
    """The names in a folder; none where it cannot be listed."""
    try:
        return sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return []


AGENT: Agent = VSCodeCopilot()
