"""The lines of a request: each checked, its chain computed, and what is to be known of it counted.

Nothing of a request counts if one of its lines is bad; `BadLine` says which, from 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from opensession.core.hail import Event
from opensession.core.hub import MAX_LINE_BYTES, DoorFinding
from opensession.server.events import decode_event
from opensession.server.receiving.spool import Spool, Tail
from opensession.server.tally import Fact, fact

MAX_HEADER_BYTES = 1 << 20
_LOT_BYTES = 512 << 10


class BadLine(Exception):
    """A line that is not what it should be; nothing of its text is in the message."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"line {number}: {why}")
        self.number = number


class Received(NamedTuple):
    """An event with its line."""

    seq: int
    line: bytes
    event: Event


class Prepared(msgspec.Struct, frozen=True):
    """The events of a request: chain, end and facts of each, and what was found at the door."""

    lines: Tail
    hashes: list[bytes]
    ends: list[int]
    facts: list[Fact]
    findings: list[DoorFinding]


def first_line(spool: Spool) -> bytes:
    """The first line, without its line feed. Raises BadLine where it is too long."""
    for end in (16 << 10, MAX_HEADER_BYTES + 1):
        line, feed, _ = spool.read(0, end).partition(b"\n")
        if feed or spool.size() <= end:
            if len(line) > MAX_HEADER_BYTES:
                break
            return line
    raise BadLine(1, f"the header is longer than {MAX_HEADER_BYTES} bytes")


def prepare(
    spool: Spool,
    start: int,
    first: int,
    chain: bytes,
    scan: Callable[[Sequence[Received]], list[DoorFinding]],
) -> Prepared:
    """The events that follow the first `start` bytes; `first` is the seq of the first of them,
    `chain` the chain before it. Raises BadLine. Blocks.
    """
    hashes: list[bytes] = []
    ends: list[int] = []
    facts: list[Fact] = []
    findings: list[DoorFinding] = []
    end = 0
    lot: list[Received] = []
    held = 0
    for number, line in enumerate(split(spool, start), 2):
        try:
            event = decode_event(line)
        except ValueError as error:
            raise BadLine(number, str(error)) from None
        chain = hashlib.sha256(chain + line).digest()
        end += len(line) + 1
        hashes.append(chain)
        ends.append(end)
        facts.append(fact(event))
        lot.append(Received(first + len(facts) - 1, line, event))
        if end - held >= _LOT_BYTES:
            findings += scan(lot)
            lot, held = [], end
    findings += scan(lot)
    return Prepared(Tail(spool, start), hashes, ends, facts, findings)


def split(spool: Spool, start: int) -> Iterator[bytes]:
    """The lines from a place on, without their line feeds; never more than one is held. Raises
    BadLine for one that is longer than the hub takes.
    """
    rest: list[bytes] = []
    number = 2
    for piece in spool.pieces(start):
        *lines, tail = piece.split(b"\n")
        if lines:
            lines[0] = b"".join([*rest, lines[0]])
            rest = []
        rest.append(tail)
        for line in lines:
            yield line
            number += 1
        if sum(map(len, rest)) > MAX_LINE_BYTES:
            raise BadLine(number, f"longer than {MAX_LINE_BYTES} bytes")
    if last := b"".join(rest):
        yield last
