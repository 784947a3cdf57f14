"""By which rules a session is stripped, and what of its files is left out: the user's, made
stricter by its repository's.

What must be known at the next read of a source (which calls touched excluded files, by which files
of repositories its events were made) is carried in the cursor beside the parser's own state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec

from opensession.core.privacy import Stripper
from opensession.daemon.file_globs import FileGlobs
from opensession.daemon.left_out import Left, without_files
from opensession.daemon.repository_rules import RepositoryRules, rules_for
from opensession.parsers.agent import Cursor, SessionDelta

MOST_FOLDERS = 64
"""Folders of one source's sessions whose repositories are looked at again at the next read."""

_OWN = b"\xc1"
"""A byte that msgpack never writes: what begins with it is ours, else the parser's alone."""


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """What a cursor's state holds beside the parser's. `folders` map to the mark of their rules."""

    state: bytes = b""
    left: Left = {}
    folders: dict[str, str] = {}


class Means(msgspec.Struct, frozen=True):
    """What is used for the sessions of one folder. `told` are the modes in use whose findings are
    counted for themselves: `block`, `warn`.
    """

    stripper: Stripper
    globs: FileGlobs
    rules: RepositoryRules
    told: frozenset[str] = frozenset()


Made: TypeAlias = Callable[[Mapping[str, str]], tuple[Stripper, frozenset[str]]]
"""The stripper with these modes where they are stricter, and the modes then in use."""


class Taking:
    """For the reads of one job: `patterns` are the user's globs, `told` the modes in use that are
    counted (see `Means`). `paused` are times whose events are not kept.
    """

    def __init__(
        self,
        stripper: Stripper,
        patterns: Iterable[str] = (),
        home: str = "",
        told: frozenset[str] = frozenset(),
        made: Made | None = None,
    ) -> None:
        self._stripper = stripper
        self._told = told
        self._made = made
        self.paused: tuple[tuple[int, int], ...] = ()
        self._patterns = tuple(patterns)
        self._home = home
        self._plain = FileGlobs(self._patterns, home)
        self._folders: dict[str, Means] = {}
        self._left: Left = {}
        self._marks: dict[str, str] = {}

    def begin(self, cursor: Cursor | None) -> tuple[Cursor | None, bool]:
        """The parser's cursor, and whether what was read before is to be read anew, since the
        rules of a repository are other ones now.
        """
        self._left, self._marks = {}, {}
        if cursor is None or not cursor.state.startswith(_OWN):
            return cursor, False
        try:
            carried = msgspec.msgpack.decode(cursor.state[1:], type=Carried)
        except msgspec.MsgspecError:
            return None, True
        if any(rules_for(folder).mark != mark for folder, mark in carried.folders.items()):
            return None, True
        self._left, self._marks = carried.left, carried.folders
        return msgspec.structs.replace(cursor, state=carried.state), False

    def carried(self, cursor: Cursor) -> Cursor:
        """The parser's cursor, with what is to be known at the next read."""
        if not self._left and not self._marks:
            return cursor
        state = Carried(cursor.state, self._left, self._marks)
        return msgspec.structs.replace(cursor, state=_OWN + msgspec.msgpack.encode(state))

    def of(self, folder: str) -> Means:
        """What is used for sessions of a folder."""
        means = self._folders.get(folder)
        if means is None:
            means = self._folders[folder] = self._find(folder)
        if folder.startswith("/") and folder not in self._marks:
            self._marks[folder] = means.rules.mark
            while len(self._marks) > MOST_FOLDERS:
                del self._marks[next(iter(self._marks))]
        return means

    def without_files(self, delta: SessionDelta) -> SessionDelta:
        """The delta without the content of excluded files."""
        globs = self.of(delta.info.cwd).globs
        if not globs and delta.info.id not in self._left:
            return delta
        return without_files(delta, globs, self._left)

    def _find(self, folder: str) -> Means:
        rules = rules_for(folder)
        stripper, globs, told = self._stripper, self._plain, self._told
        if rules.exclude_patterns:
            globs = FileGlobs((*self._patterns, *rules.exclude_patterns), self._home)
        if rules.modes and self._made is not None:
            stripper, told = self._made(rules.modes)
        return Means(stripper, globs, rules, told)
