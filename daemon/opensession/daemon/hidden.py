"""Sessions that are not taken in of a source with several, and what is archived in their place.

A database is one source: its archive is a log of rows, a line each. A line that names a session
that is not taken in is archived as spaces, so that offsets stay and nothing of the session is kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec
import zstandard

from opensession.core import ids as session_ids
from opensession.daemon.archive import make_frame
from opensession.daemon.batch import Batch, Frame


def without_sessions(batch: Batch, ids: Collection[str]) -> Batch:
    """The batch without these sessions, and without the archived lines that name them."""
    if not ids:
        return batch
    return msgspec.structs.replace(
        batch,
        sessions=[each for each in batch.sessions if each.info.id not in ids],
        frame=blanked(batch.frame, ids) if batch.frame is not None else None,
    )


def blanked(frame: Frame, ids: Collection[str]) -> Frame:
    """The frame with the lines that name one of these sessions as spaces."""
    raw = zstandard.ZstdDecompressor().decompress(frame.data, max_output_size=frame.length)
    clean = blank_lines(raw, ids)
    return frame if clean == raw else make_frame(frame.offset, clean)


_TELLING = 16
"""An id of so many characters stands for itself; a shorter one may be part of anything."""


def _marks(session: str) -> list[bytes]:
    """What a line of JSON that names a session holds."""
    name = session.encode()
    if len(name) >= _TELLING:
        return [name]
    return [b'"%b"' % name, b":%b," % name, b":%b}" % name]


def blank_lines(raw: bytes, ids: Collection[str]) -> bytes:
    """Lines with those that name one of these sessions as so many spaces."""
    marks = [mark for each in ids for mark in _marks(each)]
    lines = raw.split(b"\n")
    return b"\n".join(
        b" " * len(line) if any(mark in line for mark in marks) else line for line in lines
    )


_OWN = re.compile(rb'\{"(?:table|kind)":"[^"\\]*","(?:session|id)":("(?:[^"\\]|\\.)*")')
"""How a row of a database is archived: whose it is stands before all that it holds."""


def blank_own_lines(raw: bytes, agent: str, ids: Collection[str]) -> bytes:
    """Lines with those that are of one of these sessions as so many spaces. What other sessions
    say of them stays.
    """
    lines = raw.split(b"\n")
    return b"\n".join(b" " * len(line) if _of(line, agent) in ids else line for line in lines)


def _of(line: bytes, agent: str) -> str:
    """The session that a row is of; empty where it does not say."""
    found = _OWN.match(line)
    if found is None:
        return ""
    try:
        return session_ids.fit(agent, msgspec.json.decode(found[1], type=str))
    except (msgspec.MsgspecError, UnicodeError):
        return ""
