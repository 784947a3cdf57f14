"""Which folder a workspace of the editor is, and which conversations are listed in it.

Until 2025 only the workspace's own database says to which folder a conversation belongs whose
content lies in the global one.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from opensession.parsers.agent import Root, Source, SourceGone, SourceRefused
from opensession.parsers.cursor import marks
from opensession.parsers.cursor.sources import beside, sources
from opensession.parsers.cursor.values import decoded, items, mapping, words
from opensession.parsers.databases import Allowed, open_database

_ALLOWED: Allowed = {"ItemTable": frozenset(("key", "value"))}
_WORKSPACES = 512
_LISTED = "SELECT value FROM ItemTable WHERE key = 'composer.composerData'"


def folder_of_workspace(described: dict[str, Any]) -> str:
    """The folder's URI in a `workspace.json`; a workspace of several folders has none."""
    return words(described.get("folder"))


def folders_of_conversations(source: Source) -> dict[str, str]:
    """The folders of the conversations that workspaces beside a global database list.

    What cannot be read is left out.
    """
    found: dict[str, str] = {}
    root, _, name = source.path.rpartition("/")[0].rpartition("/")
    if name != "globalStorage":
        return found
    root = f"{root}/workspaceStorage"
    for workspace in islice(sources(Root(source.agent, root)), _WORKSPACES):
        folder = folder_of_workspace(beside(workspace, "workspace.json"))
        if not folder:
            continue
        for conversation in _listed(root, workspace.path):
            if len(found) < marks.FOLDERS:
                found.setdefault(conversation, folder)
    return found


def _listed(root: str, path: str) -> list[str]:
    try:
        with open_database(path, _ALLOWED, root=root) as database:
            if not {"key", "value"} <= database.columns("ItemTable"):
                return []
            value = next((row[0] for row in database.rows(_LISTED)), None)
    except (SourceGone, SourceRefused, OSError):
        return []
    listed = mapping(decoded(value))
    heads = [mapping(head).get("composerId") for head in items(listed.get("allComposers"))]
    heads += items(listed.get("selectedComposerIds"))
    return [head for head in heads if isinstance(head, str) and head]
