"""What stays of a body that is rewound, made ready before the writer takes it.

The events that stay may be many: to count and to copy them takes as long as it takes, and all other
sessions would wait for it. So it is done in another thread; the writer only renames what it finds.
"""

from __future__ import annotations

from typing import NamedTuple

from opensession.server.events import decode_event
from opensession.server.storage.bodies import Bodies, Reading, Writing
from opensession.server.tally import Tally, added, fact

INLINE = 256 << 10
"""Bytes that the writer's thread copies itself."""


class Prefix(NamedTuple):
    """What the first `seq` events of a body add up to; `copy` is a body of them alone, on the disk
    ("": none was made).
    """

    body: str
    seq: int
    tally: Tally
    copy: str


class NeedsPrefix(Exception):
    """The batch keeps some of the events of a body: a `Prefix` must come with it."""

    def __init__(self, body: str, seq: int) -> None:
        super().__init__("what stays of the session is to be made ready")
        self.body = body
        self.seq = seq


def prefix_of(bodies: Bodies, body: str, seq: int) -> Prefix | None:
    """The prefix of a body; None if that is gone by now. Blocks. The copy is the caller's."""
    tally = Tally()
    try:
        with Reading(bodies, body, seq) as reading:
            for place in reading.places():
                line = reading.read(place.start, place.end - 1)
                tally = added(tally, [fact(decode_event(line))])
            copy = ""
            if reading.end_of(seq) > INLINE:
                copy = bodies.copy_name()
                _copied(bodies, copy, reading, seq)
    except FileNotFoundError:
        return None
    return Prefix(body, seq, tally, copy)


def _copied(bodies: Bodies, name: str, reading: Reading, seq: int) -> None:
    try:
        writing = Writing(bodies, name, 0, 0)
        try:
            writing.copy(reading, seq)
            writing.sync()
        finally:
            writing.close()
    except BaseException:
        bodies.unlink(name)
        raise
