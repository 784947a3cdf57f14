"""Joining an archive file of a backup with the one of the same source that is here."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from opensession.core.paths import make_private
from opensession.daemon.archive import (
    Appending,
    Archived,
    DamagedArchive,
    file_for,
    make_frame,
    read,
    scan,
)
from opensession.daemon.archive.append import PIECE_BYTES, sync_folder
from opensession.daemon.archive.checking import look_through
from opensession.daemon.archive.frames import Scan, frame_header, layout, open_file, scan_open
from opensession.daemon.archive.mending import bytes_of
from opensession.daemon.archive.merging import digest
from opensession.daemon.archive.reading import not_intact, read_around, read_range
from opensession.parsers.agent import Source


def merge_file(archive_dir: Path, target: Path, other: Path) -> bool:
    """Joins an archive file with the one of the same source that is here; reports whether there was
    one. Of two states where one begins with the other the longer stands; else the one here is the
    newest, and the other an older generation. What is damaged here and whole there is mended first.

    Raises DamagedArchive, with nothing changed, where bytes that are here would be lost.
    """
    make_private(archive_dir)
    make_private(target.parent)
    if not target.exists():
        other.rename(target)
        sync_folder(target.parent)
        return False
    identity = scan(target).identity or scan(other).identity
    if identity is None:
        raise DamagedArchive("neither says whose it is")
    source = Source(identity.agent, identity.root, identity.path)
    if not mend_from(target, other, source):
        left = _uncovered(other, target)
        if left is None or (left and look_through(other).broken):
            raise DamagedArchive("what is here is damaged, and the backup has not all of it")
        if not left:
            other.replace(target)
            sync_folder(target.parent)
            return True
        return _write(target, source, _of(other, _generations(other)) + _of(target, left))
    mine = _generations(target)
    theirs = _unknown(other, target)
    if not theirs:
        return True
    newest = _generations(other)[-1]
    found = _common(read(target, mine[-1]), read(other, newest))
    # An earlier state of what is here is no newer one, though it may be longer.
    longer = found == "second longer" and not _is_begun_with(target, other, newest)
    if longer and len(mine) == 1:
        other.replace(target)
        sync_folder(target.parent)
        return True
    states = [_of(target, mine), _of(other, theirs)]
    return _write(target, source, list(chain(*(states if longer else reversed(states)))))


def _of(file: Path, states: list[int]) -> list[tuple[Path, int]]:
    return [(file, each) for each in states]


def _write(target: Path, source: Source, states: list[tuple[Path, int]]) -> bool:
    """Writes an archive file anew, of states in files."""
    archive_dir = target.parent.parent
    with tempfile.TemporaryDirectory(dir=archive_dir, prefix=".forgetting-") as folder:
        state = Archived()
        with Appending(Path(folder)) as appending:
            for file, generation in states:
                state = _append(appending, source, state, read(file, generation))
            appending.sync()
        file_for(Path(folder), source.agent, source.path).replace(target)
        sync_folder(target.parent)
    return True


def _unknown(other: Path, target: Path) -> list[int]:
    """The states of a file that another does not have; the last one may be part of one of its."""
    known = {digest(_until_damage(read(target, each))) for each in _generations(target)}
    states = _generations(other)
    found = [each for each in states if digest(_until_damage(read(other, each))) not in known]
    return [] if found == states[-1:] and _is_begun_with(target, other, found[0]) else found


def _is_begun_with(target: Path, other: Path, generation: int) -> bool:
    """Reports whether a state of a file begins with one of another."""
    ways = (_common(read(target, each), read(other, generation)) for each in _generations(target))
    return any(way in ("same", "first longer") for way in ways)


def mend_from(target: Path, other: Path, source: Source) -> bool:
    """Appends to the archive file of a source what another has of its damaged frames, by their
    hashes; reports whether it is whole then.
    """
    mine, theirs = open_file(target, os.O_RDWR), open_file(other)
    try:
        found, held = scan_open(mine), scan_open(theirs)
        at = found.end
        if not found.damaged and found.identity is not None:
            os.ftruncate(mine, at)  # the rest of an append that did not complete
        else:
            at = found.size
        whole = not found.damaged
        for entry in not_intact(mine, found.entries):
            raw = bytes_of(theirs, held.entries, entry)
            if raw is None:
                whole = False
                continue
            frame = make_frame(entry.offset, raw)
            head = frame_header(
                source, entry.generation, entry.offset, len(raw), len(frame.data), frame.sha256
            )
            for data in (head, frame.data):
                at += os.pwrite(mine, data, at)
        os.fsync(mine)
        return whole or not look_through(target).broken
    finally:
        os.close(mine)
        os.close(theirs)


def _uncovered(other: Path, target: Path) -> list[int] | None:
    """The states of a damaged file of which another does not have every byte that is intact; None
    where one of these has a gap itself, so that it cannot be written anew, and no whole one has all
    that is left of it.
    """
    mine, theirs = open_file(target), open_file(other)
    try:
        found, held = scan_open(mine), scan_open(theirs)
        left = []
        for state in _states(found):
            if any(_has(theirs, held, each, mine, found, state) for each in _states(held)):
                continue
            if _is_whole(mine, found, state):
                left.append(state)
            elif not any(
                _is_whole(mine, found, each) and _has(mine, found, each, mine, found, state)
                for each in _states(found)
            ):
                return None
        return left
    finally:
        os.close(mine)
        os.close(theirs)


def _has(theirs: int, held: Scan, its: int, mine: int, found: Scan, state: int) -> bool:
    """Whether a state of one file has all that is intact of a state of another."""
    try:
        for start, piece in read_around(mine, found.entries, state):
            there = read_range(theirs, held.entries, its, start, start + len(piece))
            if b"".join(there) != piece:
                return False
    except DamagedArchive:
        return False
    return True


def _is_whole(mine: int, found: Scan, state: int) -> bool:
    """Whether there is no gap in what is left of a state."""
    at = 0
    for start, piece in read_around(mine, found.entries, state):
        if start != at:
            return False
        at += len(piece)
    return at == max((entry.end for entry in layout(found.entries, state)), default=0)


def _append(
    appending: Appending, source: Source, state: Archived, pieces: Iterator[bytes]
) -> Archived:
    """One more state of a source. What is damaged ends it."""
    offset = 0
    try:
        for piece in pieces:
            for start in range(0, len(piece), PIECE_BYTES):
                part = piece[start : start + PIECE_BYTES]
                state = appending.append(source, state, make_frame(offset, part))
                offset += len(part)
    except DamagedArchive:
        return state
    return appending.cut(source, state, offset) if offset < state.length else state


def _generations(file: Path) -> list[int]:
    return _states(scan(file))


def _states(found: Scan) -> list[int]:
    return sorted({entry.generation for entry in found.entries}) or [1]


def _common(first: Iterator[bytes], second: Iterator[bytes]) -> str:
    """How two strings of bytes, given in pieces, go together; damage counts as an end."""
    one = two = b""
    first, second = _until_damage(first), _until_damage(second)
    while True:
        one = one or next(first, b"")
        two = two or next(second, b"")
        if not one or not two:
            return "first longer" if one else "second longer" if two else "same"
        size = min(len(one), len(two))
        if one[:size] != two[:size]:
            return "different"
        one, two = one[size:], two[size:]


def _until_damage(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from filter(None, pieces)
    except DamagedArchive:
        return
