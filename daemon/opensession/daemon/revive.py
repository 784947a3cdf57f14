"""Putting archived bytes back where an agent looks for them (DECISIONS §4).

A source is one file, or several that were archived together; its place today is below today's root
of its agent. What is put back are the bytes of the archive, each frame checked by its hash; it is
the same session, so that reading it again gives nothing new. A database of an agent is never
written: `revive_rows` makes of its rows what the agent's own `import` takes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import apsw
import msgspec
import zstandard

from opensession.core.errors import Refused
from opensession.core.rpc.revive import RevivedFile
from opensession.daemon import new_files
from opensession.daemon.archive import DamagedArchive, file_for, read
from opensession.daemon.revive_states import generation_of
from opensession.daemon.store import sources
from opensession.daemon.store.forgetting import family
from opensession.daemon.store.sources import SourceRow
from opensession.parsers import container
from opensession.parsers.agent import Agent, Root, Source

_LEVEL = 3
_MAX_DEPTH = 32


class Wanted(msgspec.Struct, frozen=True):
    """A session that is to be revived, with its subagents: the sources that hold them, and what is
    needed to go on with it. `id` is that of the session a person resumes, `members` are the ids of
    all with the keys of their sources; the first source is that of the session itself.
    """

    id: str
    agent: str
    short: str
    cwd: str
    sources: list[SourceRow]
    members: list[tuple[str, int]]


class Part(msgspec.Struct, frozen=True):
    """A file to be put back: where, and what gives its bytes (each time anew)."""

    root: str
    relative: str
    pieces: Callable[[], Iterator[bytes]]
    source: int

    @property
    def path(self) -> str:
        return f"{self.root.rstrip('/')}/{self.relative}"


def wanted(db: apsw.Connection, agent: str, native_id: str) -> Wanted:
    """What the index knows of a session that is to be revived: that of the conversation a person
    had, of which a subagent is a part.
    """
    top = native_id
    for _ in range(_MAX_DEPTH):
        query = "SELECT parent FROM session WHERE agent = ? AND native_id = ?"
        parent = db.execute(query, (agent, top)).get
        known = parent and db.execute(query, (agent, parent)).fetchone() is not None
        if not known:
            break
        top = str(parent)
    row = db.execute(
        "SELECT short, cwd FROM session WHERE agent = ? AND native_id = ?", (agent, top)
    ).fetchone()
    short, cwd = row if row is not None else ("", "")
    members = [
        (session.native_id, session.source)
        for session in sorted(family(db, agent, top), key=lambda each: each.native_id != top)
    ]
    rows = [sources.load(db, number) for number in dict.fromkeys(at for _, at in members)]
    return Wanted(top, agent, short, cwd, [row for row in rows if row is not None], members)


def parts_of(
    row: SourceRow, agent: Agent, roots: Sequence[Root], archive_dir: Path, older: int = 0
) -> list[Part]:
    """The files of a source, where they are to be put, as they were `older` states ago. Raises
    Refused with the reason where the archive does not hold all of it, or no folder of the agent
    fits.
    """
    file = file_for(archive_dir, row.agent, row.path)
    generation = generation_of(row, file, older)
    root = root_today(row, roots)
    source = msgspec.structs.replace(row.source, root=root, path=moved(row, root))
    if agent.storage(source) == "rows":
        raise in_a_database(agent)
    if agent.storage(source) == "whole" and container.is_one(_head(file, generation)):
        return _packed_parts(row, agent, source, roots, file, generation)
    compressed = row.path.endswith(".zst")

    def pieces() -> Iterator[bytes]:
        plain = checked(file, generation)
        return _compressed(plain) if compressed else plain

    return [Part(root, new_files.relative_to(root, source.path), pieces, row.id)]


def put_back(parts: Sequence[Part], *, really: bool) -> list[RevivedFile]:
    """Writes the files that are not there; what was done with each. Unless `really`, only looks.

    A file that several sources hold, as a manifest of a session and its subagents, is that of the
    first of them. Raises Refused, with nothing written, where other bytes stand at a place.
    """
    found: list[RevivedFile] = []
    absent: list[tuple[int, Part]] = []
    own: dict[str, Part] = {}
    for part in parts:
        own.setdefault(part.path, part)
    for part in own.values():
        how = new_files.standing(part.root, part.relative, _plain(part))
        if how == "other":
            raise Refused(
                f"another file is at {part.path}: nothing is ever written over",
                f"mv {part.path} {part.path}.other",
            )
        if how == "absent":
            absent.append((len(found), part))
        found.append(RevivedFile(path=part.path, state="present"))
    for index, part in absent:
        if not really:
            size = sum(map(len, part.pieces()))
            found[index] = RevivedFile(path=part.path, state="absent", bytes=size)
            continue
        try:
            size = new_files.write_new(part.root, part.relative, part.pieces())
        except FileExistsError as error:
            raise Refused(
                f"a file came up at {part.path}: nothing is ever written over", "opensession log"
            ) from error
        found[index] = RevivedFile(path=part.path, state="written", bytes=size)
    return found


def takes_back(agent: Agent, source: Source) -> bool:
    """Whether a session of a source can be had back: as files, or by the agent's own import."""
    return agent.storage(source) != "rows" or bool(agent.loads)


def in_a_database(agent: Agent, short: str = "REF") -> Refused:
    """Why a session of a database is not put back."""
    return Refused(
        f"{agent.label} keeps this session in its database, which only {agent.label} writes to;"
        " it takes none from a file",
        f"opensession show {short}    # has all of it",
    )


def export(
    row: SourceRow,
    agent: Agent,
    native_id: str,
    archive_dir: Path,
    folder: Path,
    older: int = 0,
) -> str:
    """Writes what the agent's own import takes of a session, as it was `older` states ago, to a
    private file in `folder`; its path, empty where the database has the session. Raises Refused.
    """
    if agent.holds(row.source, native_id):
        return ""
    file = file_for(archive_dir, row.agent, row.path)
    data = agent.exported(_lines(file, generation_of(row, file, older)), native_id)
    if not data:
        raise Refused("the archive has no rows of this session", "opensession show")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, path = tempfile.mkstemp(prefix="archived-", suffix=".json", dir=folder)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
    return path


def root_today(row: SourceRow, roots: Sequence[Root]) -> str:
    """The root of today that a source belongs below: its own, or the one that is named most alike.

    Raises Refused where the agent has none.
    """
    mine = [root.path.rstrip("/") for root in roots if root.agent == row.agent]
    own = row.root.rstrip("/")
    if own in mine:
        return own
    inside = [root for root in mine if own.startswith(root + "/")]
    if inside:
        return max(inside, key=len)
    ends = [(_common_end(own, root), Path(root).is_dir(), root) for root in mine]
    best = max(ends, default=(0, False, ""))
    if best[0] == 0:
        raise Refused(
            f"no folder of {row.agent} is like {row.root}, where it was", "opensession watcher list"
        )
    return best[2]


def moved(row: SourceRow, root: str) -> str:
    """Where a source that lay below its root lies below another."""
    own = row.root.rstrip("/")
    if row.path.startswith(root + "/"):
        return row.path
    return f"{root}/{new_files.relative_to(own, row.path)}"


def checked(file: Path, generation: int) -> Iterator[bytes]:
    """The archived bytes. Raises Refused, naming the place, where they are not what was written."""
    try:
        yield from read(file, generation)
    except DamagedArchive as error:
        raise Refused(
            f"the archive is damaged ({file.parent.name}/{file.name}: {error})",
            "opensession doctor --deep",
        ) from error
    except FileNotFoundError as error:
        raise Refused("the archive does not hold this session", "opensession show") from error


def _packed_parts(
    row: SourceRow,
    agent: Agent,
    source: Source,
    roots: Sequence[Root],
    file: Path,
    generation: int,
) -> list[Part]:
    try:
        held = container.unpack(b"".join(checked(file, generation)))
    except ValueError as error:
        raise Refused(f"the archive is damaged: {error}", "opensession doctor --deep") from error
    parts = []
    for name, data in held:
        path = agent.place_of(source, name)
        if not path:
            continue
        at = source.root
        if not path.startswith(at + "/"):  # a neighbour, as an older form of the same session
            beside = [root.path for root in roots if path.startswith(root.path.rstrip("/") + "/")]
            if not beside:
                continue
            at = max(beside, key=len).rstrip("/")
        parts.append(Part(at, new_files.relative_to(at, path), _giver(data), row.id))
    if not parts:
        raise Refused(f"{agent.label} does not tell where its files go", "opensession show")
    return parts


def _lines(file: Path, generation: int) -> Iterator[bytes]:
    """The archived lines of a log of rows."""
    rest = b""
    for piece in checked(file, generation):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _giver(data: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter((data,))


def _head(file: Path, generation: int) -> bytes:
    return next(checked(file, generation), b"")[:64]


def _plain(part: Part) -> Iterator[bytes]:
    """What is compared with a file that is there. One that is compressed is only seen to be."""
    return iter(()) if part.relative.endswith(".zst") else part.pieces()


def _compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def _common_end(one: str, other: str) -> int:
    """How many names two paths end in in common."""
    count = 0
    pairs = zip(
        reversed(PurePosixPath(one).parts), reversed(PurePosixPath(other).parts), strict=False
    )
    for first, second in pairs:
        if first != second:
            break
        count += 1
    return count
