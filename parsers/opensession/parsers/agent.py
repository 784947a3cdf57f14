"""What an agent is to OpenSession: the protocol every parser module fulfils, and what a read gives.

Parsing is pure bookkeeping over bytes: `read` opens the source, reads a bounded piece from the
cursor on, and says what it found. It keeps nothing between calls; all it needs to go on is in the
cursor. The same bytes give the same events however they were cut into reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import msgspec

from opensession.core.hail import Event, SessionInfo, Usage

SLICE_BYTES = 4 << 20
"""About how many source bytes one `read` takes; what bounds the memory of any read."""


Storage: TypeAlias = Literal["lines", "whole", "rows"]
"""How a source is written: `lines` are only added, the file is written `whole` each time, or it is
the `rows` of a database.
"""


class Environment(msgspec.Struct, frozen=True):
    """Where to look: the home folder, the variables that relocate agents, the platform.

    `platform` is `sys.platform` (`linux`, `darwin`), or `win32` for a Windows home that is seen
    from the Linux below it. `extra` are folders of this agent from the configuration or from a
    client's environment, `projects` folders of projects that the user named; all absolute.
    """

    home: str
    variables: Mapping[str, str]
    platform: str
    extra: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()


class Root(msgspec.Struct, frozen=True):
    """A folder that holds sources of one agent.

    `watch_depth` is how many levels below `path` get watches (None: all of them);
    deeper or older folders are left to the reconcile.
    """

    agent: str
    path: str
    watch_depth: int | None = None


class Source(msgspec.Struct, frozen=True):
    """One place to read a session from.

    `path` is the absolute path as the agent names it, and with `agent` the source's identity;
    `root` the root it was found below. `read_from` replaces the path when the bytes are read from
    somewhere else, as from the archive once the agent deleted its file. `masks` are bytes of a file
    that only grows, first and end, that read as blank lines, to the end of the line they end in.
    """

    agent: str
    root: str
    path: str
    read_from: str = ""
    masks: tuple[tuple[int, int], ...] = ()

    @property
    def data_path(self) -> Path:
        """The file to open."""
        return Path(self.read_from or self.path)


class Cursor(msgspec.Struct, frozen=True):
    """Where a parser stopped in a source, with what it needs to go on.

    `offset` counts bytes of the (decompressed) source; `dev`, `ino`, `size`, `mtime_ns` are of the
    file when it was read; `tail` is a hash of the last block before `offset`; `state` is the
    agent's own, msgpack. Its size must not grow with the session's. Of a source of several files
    `size`, `mtime_ns` and `ino` are their common stamp (`stamps.stamp_of`); of a database `offset`
    counts the bytes of the rows read from it, as they are archived.
    """

    offset: int = 0
    dev: int = 0
    ino: int = 0
    size: int = 0
    mtime_ns: int = 0
    tail: bytes = b""
    state: bytes = b""


class SessionDelta(msgspec.Struct, frozen=True, kw_only=True):
    """What one read says of one session.

    Events 1..`keep` stay; `events` are number `keep + 1` and on, and nothing comes after them.
    `usage[].seq` counts in the same numbers. `secondary` marks a copy of a session that is carried
    inside another's source (a subagent's progress records): it gives way to a source of its own.
    `ended` says that the agent recorded the end of the session.
    """

    info: SessionInfo
    keep: int
    events: list[Event]
    usage: list[Usage] = []
    secondary: bool = False
    ended: bool = False


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What one read of a source gave.

    `raw` are the bytes read, to be archived, from logical offset `raw_offset` on; they are exactly
    the bytes between the old and the new cursor. `restarted` says that the source is not the one
    the cursor was made for (replaced, truncated, rewritten) and was read from its beginning.
    `skipped` counts lines that gave nothing, by reason (`malformed`, `oversized`, …); `unknown`
    counts record types this version does not know (each was kept as a Custom event). `more` says
    that another read at once will give more. With `keeps`, a session that a whole read does not
    mention stays as it is: rows that an agent deletes from its database are no reason to lose ours.
    `present` are the ids of all sessions that are in the source now, of which some may have nothing
    in them; None where that was not asked, or is as it was at the cursor the read began from.
    """

    cursor: Cursor
    sessions: list[SessionDelta] = []
    raw: bytes = b""
    raw_offset: int = 0
    restarted: bool = False
    skipped: dict[str, int] = {}
    unknown: dict[str, int] = {}
    more: bool = False
    keeps: bool = False
    present: list[str] | None = None


class SourceGone(Exception):
    """The file is not there (any more): a state, not an error."""


class SourceRefused(Exception):
    """The file is there and is not read: not a regular file, not ours, a link that leads away.

    `str(error)` is the reason, without any text of the file.
    """


class Agent(Protocol):
    """Everything OpenSession knows about one coding agent; config keys, help and docs come from it.

    `parser_version` is raised when the same bytes give other events than before. `variables` are
    the environment variables that relocate its folders. `retention_days` is how long the agent
    keeps its files unless told otherwise (None: for ever). `resume` is the command that resumes a
    session, with `{id}`, empty where there is none; `loads` the one by which it takes up what
    `exported` gave, from a `{file}`. `ids` says in half a sentence where a session's id comes from.

    With `foreign`, to read runs code that is not OpenSession's own, which may do anything: the
    daemon does it in another process.

    Most agents write one growing file a session: what differs from that has a method with a default
    here, so every agent inherits from this class.
    """

    name: str
    label: str
    color: str
    parser_version: int
    variables: tuple[str, ...]
    retention_days: int | None
    resume: tuple[str, ...]
    ids: str
    foreign: bool = False
    loads: tuple[str, ...] = ()

    def roots(self, env: Environment) -> list[Root]:
        """The folders to look in, existing or not, without duplicates."""
        ...

    def sources(self, root: Root) -> Iterator[Source]:
        """Every source below `root`, found by names alone. A missing root yields nothing."""
        ...

    def source_of(self, root: Root, path: str) -> Source | None:
        """The source that a changed `path` below `root` belongs to, or None."""
        ...

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Read on from `cursor` (None: from the beginning), about `SLICE_BYTES` at most.

        Raises `SourceGone`, `SourceRefused` or OSError; never for what the bytes hold.
        """
        ...

    def files(self, source: Source) -> tuple[str, ...]:
        """The files whose change is a change of `source`, its own path first."""
        return (source.path,)

    def storage(self, source: Source) -> Storage:
        """How `source` is written, which tells how much of it a change makes to be read."""
        return "lines"

    def place_of(self, source: Source, name: str) -> str:
        """Where a file of `source` lies that is archived with others under `name`; empty where it
        is none of its own.
        """
        return ""

    def exported(self, lines: Iterable[bytes], session: str) -> bytes:
        """A session of a database, from its archived rows, as `loads` takes it; empty without."""
        return b""

    def holds(self, source: Source, session: str) -> bool:
        """Whether a database has a session now. Raises what `read` raises."""
        return False

    def names_file(self, root: str) -> str:
        """The file that names sessions below `root` apart from them; empty: there is none."""
        return ""

    def names_in(self, path: str) -> Mapping[str, str]:
        """The names in such a file, by the ids of sessions. Raises what `read` raises."""
        return {}

    def recognises(self, path: str, head: bytes) -> float:
        """How sure it is, from 0 to 1, that a file that begins with `head` is its own.

        By content alone; what the name and the folder say is added by `detection`.
        """
        return 0.0
