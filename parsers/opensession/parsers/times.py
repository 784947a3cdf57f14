"""The times of records, fast: neighbouring records mostly share their minute."""

from __future__ import annotations

from functools import lru_cache

from opensession.core.timeparse import parse_time


def parse_stamp(value: str) -> int | None:
    """Microseconds UTC of an RFC 3339 time, or None; as `core.timeparse.parse_time`."""
    if len(value) == 24 and value[23] == "Z" and value[16] == ":" and value[19] == ".":
        minute = _minute(value[:16])
        milliseconds = value[17:19] + value[20:23]
        if (
            minute is not None
            and milliseconds < "60"
            and milliseconds.isdecimal()
            and milliseconds.isascii()
        ):
            return minute + int(milliseconds) * 1000
    return parse_time(value)


@lru_cache(maxsize=128)
def _minute(value: str) -> int | None:
    return parse_time(value + ":00.000Z")
