"""Where OpenCode, and what was made from it, keeps its sessions.

~/.local/share/opencode/opencode.db            (`opencode-<channel>.db` of other channels)
~/.local/share/opencode/storage/session/<project>/ses_….json
~/.local/share/opencode/project/<slug>/storage/session/info/ses_….json
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from opensession.parsers.agent import Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.opencode import tree
from opensession.parsers.opencode.feed import line_feed
from opensession.parsers.opencode.pull import ALLOWED, present, pull
from opensession.parsers.places import data_home
from opensession.parsers.rows import read_rows

_TREES = ("storage", "project")
_CERTAIN, _POSSIBLE = 0.9, 0.3


def roots(agent: str, env: Environment, name: str, variable: str) -> list[Root]:
    """The folders of the databases. The trees of older files below them are not watched, as each
    message has a folder of its own there: they are left to the reconcile.

    `name` is what the agent calls its folder, `variable` what relocates its database.
    """
    folders = [f"{data_home(env)}/{name}"]
    database = env.variables.get(variable, "")
    if database.startswith("/"):
        folders.append(str(PurePosixPath(database).parent))
    for extra in env.extra:
        path = PurePosixPath(extra)
        if path.is_absolute():
            folders.append(str(path.parent if path.name in _TREES or _is_file(path) else path))
    return [Root(agent, folder, 0) for folder in dict.fromkeys(folders)]


def sources(root: Root, name: str) -> Iterator[Source]:
    """The databases in a folder, and the sessions of the trees of files below it."""
    for folder in _trees(root):
        for source in tree.sources(root.agent, folder):
            yield msgspec.structs.replace(source, root=root.path)
    try:
        names = sorted(path.name for path in Path(root.path).iterdir())
    except OSError:
        return
    for each in names:
        if _is_database(root.path, each, name):
            yield Source(root.agent, root.path, f"{root.path.rstrip('/')}/{each}")


def source_of(root: Root, path: str, name: str) -> Source | None:
    """The source that a changed file belongs to."""
    for below in _trees(root):
        if path.startswith(f"{below}/"):
            found = tree.source_of(root.agent, below, path)
            return None if found is None else msgspec.structs.replace(found, root=root.path)
    folder, _, changed = path.rpartition("/")
    changed = changed.removesuffix("-wal")
    if folder != root.path.rstrip("/") or not _is_database(root.path, changed, name):
        return None
    return Source(root.agent, root.path, f"{folder}/{changed}")


def files(source: Source) -> tuple[str, ...]:
    """A database and its log, or all files of a session."""
    if is_database(source):
        return (source.path, source.path + "-wal")
    return tree.files(source)


def place_of(source: Source, name: str) -> str:
    """Where a file of a session lies that is archived under `name`."""
    return "" if is_database(source) else tree.place_of(source, name)


def storage(source: Source) -> Storage:
    """Rows, or files that are each written whole."""
    return "rows" if is_database(source) else "whole"


def read(source: Source, cursor: Cursor | None) -> Delta:
    """Reads on in a database or a session of files."""
    if is_database(source):
        return read_rows(source, cursor, ALLOWED, pull, line_feed(source.agent), present)
    return tree.read_tree(source.agent, source, cursor)


def recognised(head: bytes) -> float:
    """How sure it is that a file is of OpenCode or of what was made from it."""
    if head.startswith(b"SQLite format 3\0"):
        if b"aggregate_id" in head or b"`message_id` text NOT NULL" in head:
            return _CERTAIN
        has_ids = b"ses_" in head and (b"msg_" in head or b"evt_" in head)
        return _POSSIBLE if has_ids else 0.0
    is_session = begins_with_keys(head, "id", "directory", "time") and b'"ses_' in head
    return _CERTAIN if is_session else 0.0


def is_database(source: Source) -> bool:
    """Whether a source is a database."""
    return source.path.endswith(".db")


def _is_database(folder: str, file: str, name: str) -> bool:
    """Whether a file's name is that of a database.

    Kilo's first versions had OpenCode's name for theirs, in their own folder.
    """
    names = {name, "opencode"} if PurePosixPath(folder).name == name else {name}
    stem = file.removesuffix(".db")
    return stem != file and any(stem == each or stem.startswith(f"{each}-") for each in names)


def _trees(root: Root) -> list[str]:
    """The folders of older files: those below a root, or the root itself if it is named so."""
    folder = root.path.rstrip("/")
    if PurePosixPath(folder).name in _TREES:
        return [folder]
    return [f"{folder}/{each}" for each in _TREES]


def _is_file(path: PurePosixPath) -> bool:
    return path.suffix == ".db"
