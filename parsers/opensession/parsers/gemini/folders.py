"""The folder a session worked in, from what the session says of it."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from opensession.parsers.gemini.reading import Reading

_FOLDERS = re.compile(r"\*\*Workspace Directories:\*\*\n((?:  - .+\n?)+)")
_WORKING = re.compile(r"I'm currently working in the directory: (.+)")
_PATH_CHARACTERS = 4096


def note_folder(reading: Reading, words: str) -> None:
    """The folder that the agent works in, from what it tells the model."""
    state = reading.state
    found = _FOLDERS.search(words)
    if found is not None:
        folders = [line[4:].strip() for line in found[1].splitlines()]
    else:
        named = _WORKING.search(words)
        folders = [named[1].strip()] if named is not None else []
    note_folders(reading, folders)
    state.last_cwd = state.last_cwd or state.cwd


def note_folders(reading: Reading, folders: list[Any]) -> None:
    """Of the folders that a record names, the one that the session's project hash is made of."""
    if reading.state.cwd:
        return
    named = [
        each for each in folders if isinstance(each, str) and 0 < len(each) <= _PATH_CHARACTERS
    ]
    of_hash = [each for each in named if project_hash(each) == reading.memory.hash]
    if of_hash or named:
        reading.state.cwd = (of_hash or named)[0]


def project_hash(folder: str) -> str:
    """What Gemini CLI calls a project that has no name yet: the sha256 of its folder."""
    return hashlib.sha256(folder.encode("utf-8", "replace")).hexdigest()
