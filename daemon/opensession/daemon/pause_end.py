"""How far a file came in a pause that ran out unwatched, told by the times of its lines."""

from __future__ import annotations

import os
import re

from opensession.parsers.times import parse_stamp

_TIME = re.compile(rb'"(?:timestamp|time|ts|createdAt|created_at)"[ ]?:[ ]?"([0-9T:.+Z -]{19,35})"')
_BLOCK = 1 << 20
_LINE = 16 << 20


def reached(path: str, first: int, last: int, until_us: int) -> int:
    """Where in the bytes `first..last` the first line begins that is later than `until_us`, as are
    all that follow it. `last` where no line says so: what has no time may be of the pause.

    A line is as old as the oldest time in it: one that repeats earlier records is one of them.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return last
    try:
        return _reached(descriptor, first, last, until_us)
    except OSError:
        return last
    finally:
        os.close(descriptor)


def _reached(descriptor: int, first: int, last: int, until_us: int) -> int:
    border = last
    start = position = first
    held = b""
    while position < last:
        block = os.pread(descriptor, min(_BLOCK, last - position), position)
        if not block:
            break
        position += len(block)
        *lines, held = (held + block).split(b"\n")
        for line in lines:
            border = _judged(line, start, border, last, until_us)
            start += len(line) + 1
        if len(held) > _LINE:
            return last  # no such line is read as one: it is left to the pause
    return _judged(held, start, border, last, until_us)


def _judged(line: bytes, start: int, border: int, last: int, until_us: int) -> int:
    """The border as it is with this line."""
    stamps = [parse_stamp(each.decode("ascii")) for each in _TIME.findall(line)]
    times = [stamp for stamp in stamps if stamp is not None]
    if not times:
        return border
    if min(times) <= until_us:
        return last
    return min(border, start)
