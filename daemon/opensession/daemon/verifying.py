"""Looking through the archive, and mending what is damaged from the agents' own files."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import msgspec

from opensession.core.errors import OpenSessionError
from opensession.core.rpc.storage import DamagedFrame, VerifyResult
from opensession.daemon.archive import NewerArchive, file_for, mending, merge, scan
from opensession.daemon.archive.checking import Looked, look_through
from opensession.daemon.library import Library
from opensession.daemon.store import connect, losses, sources
from opensession.daemon.store.sources import SourceRow
from opensession.daemon.store.writer import Writer

SAMPLE_BYTES = 32 << 20
"""Archived bytes that a sample reads about."""

Told = Callable[[int, int, str], None]
"""Bytes done, bytes in all, agent."""


class Known(msgspec.Struct, frozen=True):
    """What the index says of the archive: the sources by the file each has, if any, and the ids of
    the sessions of each, those too of which it has a copy.
    """

    rows: dict[str, SourceRow]
    sessions: dict[int, list[str]]


class Piece(msgspec.Struct, frozen=True):
    """A file of the archive; `row` None: the index does not know whose it is."""

    file: Path
    size: int
    row: SourceRow | None


def known(db: apsw.Connection, archive_dir: Path) -> Known:
    """What the index says; rows are by the file's path."""
    found = {str(file_for(archive_dir, row.agent, row.path)): row for row in sources.load_all(db)}
    ids: dict[int, list[str]] = {}
    for source, native_id, *_ in db.execute(
        "SELECT source, native_id, role, id FROM session WHERE source IS NOT NULL"
        " UNION SELECT copy.source, native_id, role, id FROM copy JOIN session ON id = session"
        " ORDER BY role DESC, id"
    ):
        ids.setdefault(int(str(source)), []).append(str(native_id))
    return Known(found, ids)


def pieces(archive_dir: Path, what: Known) -> list[Piece]:
    """Every file of the archive: those that lie there and those that should."""
    found = {}
    for path in sorted(archive_dir.glob("[0-9a-f][0-9a-f]/*.zst")):
        try:
            found[str(path)] = path.lstat().st_size
        except FileNotFoundError:
            continue
    for name, row in what.rows.items():
        if row.archive_size or row.archived_len:
            found.setdefault(name, 0)
    return [Piece(Path(name), size, what.rows.get(name)) for name, size in found.items()]


def sample(found: Sequence[Piece], size: int = SAMPLE_BYTES) -> list[Piece]:
    """Some files, other ones each time, of about so many bytes; all that are not there, and those
    that are known to be damaged.
    """
    known = [piece.row is not None and piece.row.missing_bytes > 0 for piece in found]
    chosen = [piece for piece, bad in zip(found, known, strict=True) if bad or not piece.size]
    there = [piece for piece, bad in zip(found, known, strict=True) if piece.size and not bad]
    random.shuffle(there)
    for piece in there:
        if size <= 0:
            break
        chosen.append(piece)
        size -= piece.size
    return sorted(chosen, key=lambda piece: piece.file)


def look(piece: Piece) -> Looked:
    """What is wrong with one file."""
    row = piece.row
    if row is None:
        return look_through(piece.file)
    return look_through(piece.file, row.generation, row.archived_len)


def frames_of(piece: Piece, looked: Looked, what: Known) -> list[DamagedFrame]:
    """What is wrong with a file, by the names that people know it by."""
    row = piece.row
    agent, path = _named(piece)
    living = row is not None and row.state != "gone" and Path(row.path).exists()
    return [
        DamagedFrame(
            file=str(piece.file),
            first=broken.first,
            last=broken.last,
            tool=agent,
            path=path,
            reason=broken.reason,
            generation=broken.generation,
            offset=broken.offset,
            end=broken.end,
            sessions=what.sessions.get(row.id, []) if row is not None else [],
            living=living,
        )
        for broken in looked.broken
    ]


def sentence(frame: DamagedFrame) -> str:
    """One damage for a person: file, bytes, generation, session."""
    said = frame.file
    if frame.last > frame.first:
        said += f", bytes {frame.first} to {frame.last}"
    said += f": {frame.reason}"
    if frame.generation is not None and frame.offset is not None and frame.end is not None:
        said += f" (bytes {frame.offset} to {frame.end} of generation {frame.generation})"
    if frame.tool:
        names = ", ".join(frame.sessions[:3]) + (" and others" if len(frame.sessions) > 3 else "")
        said += f"; {frame.tool} {names or frame.path}"
    return said


async def verify(library: Library, archive_dir: Path, told: Told, *, only: bool) -> VerifyResult:
    """Looks through the archive, or (`only`) a sample of it, and notes what is lost, and what no
    longer is.
    """
    what = await _known(library, archive_dir)
    found = await asyncio.to_thread(pieces, archive_dir, what)
    wanted = sample(found) if only else found
    total = sum(piece.size for piece in wanted)
    done = 0
    damaged: list[DamagedFrame] = []
    lost: dict[int, int] = {}
    back: list[int] = []
    for piece in wanted:
        looked = await asyncio.to_thread(look, piece)
        if looked.broken:
            frames, now, row = await _again(library, archive_dir, piece)
            damaged += frames
            if now.lost and row is not None:
                lost[row.id] = now.lost
        elif piece.row is not None and 0 < piece.row.offset <= piece.row.archived_len:
            back += [piece.row.id] if piece.row.missing_bytes else []
        done += piece.size
        told(done, total, piece.row.agent if piece.row else "")
    with contextlib.suppress(OpenSessionError):  # where no daemon works, it is told alone
        if lost:
            await library.write(lambda writer: losses.record(writer.db, lost))
        if back:
            await library.write(lambda writer: losses.found_again(writer.db, *back))
    return VerifyResult(files=len(wanted), bytes=done, total_files=len(found), damaged=damaged)


async def _again(
    library: Library, archive_dir: Path, piece: Piece
) -> tuple[list[DamagedFrame], Looked, SourceRow | None]:
    """What is wrong with a file where it is not just being written anew or taken away."""
    what = await _known(library, archive_dir)
    now = msgspec.structs.replace(piece, row=what.rows.get(str(piece.file)))
    if now.row is None and not now.file.exists():
        return [], Looked(0, []), None
    looked = await asyncio.to_thread(look, now)
    return frames_of(now, looked, what), looked, now.row


async def _known(library: Library, archive_dir: Path) -> Known:
    """What the index says; nothing where there is none that can be read."""
    try:
        return await library.query(known, archive_dir)
    except (OpenSessionError, apsw.Error):
        return Known({}, {})


async def mend(library: Library, archive_dir: Path, found: VerifyResult) -> VerifyResult:
    """Reads the living sources of what is damaged once more, which archives what is missing, and
    writes files that are whole again without what is damaged in them.
    """
    what = await library.query(known, archive_dir)
    rows = {f.file: what.rows[f.file] for f in found.damaged if f.file in what.rows}
    living = [rows[f.file].id for f in found.damaged if f.living and f.file in rows]
    if living:
        await library.write(functools.partial(_look_into, living=living))
        await library.read_again(list(dict.fromkeys(living)))
        await library.run_until_idle(lambda now: None)
    whole = set()
    for name, row in rows.items():
        if await library.write(functools.partial(rewrite, source_id=row.id)):
            whole.add(name)
    damaged = [
        msgspec.structs.replace(frame, mended=frame.file in whole) for frame in found.damaged
    ]
    return msgspec.structs.replace(found, damaged=damaged)


def _look_into(writer: Writer, living: list[int]) -> None:
    """Their archive files are looked into when they are written to next: a lost frame changes no
    size.
    """
    with connect.Transaction(writer.db, writer.index):
        writer.db.executemany(
            "UPDATE source SET archive_size = archive_size + 1 WHERE id = ? AND archive_size > 0",
            [(number,) for number in living],
        )


def rewrite(writer: Writer, source_id: int) -> bool:
    """Writes a file anew without the damage in it, where all of its bytes can be had; whether it
    is whole then.
    """
    row = sources.load(writer.db, source_id)
    if row is None:
        return False
    whole = _is_whole(writer, row)
    if whole and row.missing_bytes:
        losses.found_again(writer.db, source_id)
    return whole


def _is_whole(writer: Writer, row: SourceRow) -> bool:
    file = file_for(writer.archive_dir, row.agent, row.path)
    looked = look_through(file, row.generation, row.archived_len)
    if looked.broken and mending.mend(file, row.source):
        looked = look_through(file, row.generation, row.archived_len)
    if not looked.spent:
        return not looked.broken
    state = merge(file, row.source, mended=True)
    if state is None:
        return False
    sources.record_archived(writer.db, row.id, state)
    return not look_through(file, state.generation, state.length).broken


def _named(piece: Piece) -> tuple[str, str]:
    """Agent and path, from the index or as the file says itself."""
    if piece.row is not None:
        return piece.row.agent, piece.row.path
    try:
        identity = scan(piece.file).identity
    except (OSError, NewerArchive):
        return "", ""
    return (identity.agent, identity.path) if identity is not None else ("", "")
