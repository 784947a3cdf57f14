"""The times of records, fast: neighbouring records mostly share their minute."""

from __future__ import annotations

from functools import lru_cache

from opensession.core.timeparse import parse_time

_SECONDS = {f"{n:02}": n * 1_000_000 for n in range(60)}
_MILLISECONDS = {f"{n:03}": n * 1000 for n in range(1000)}


def parse_stamp(value: str) -> int | None:
    """Microseconds UTC of an RFC 3339 time, or None; as `core.timeparse.parse_time`."""
    if len(value) == 24 and value[23] == "Z" and value[16] == ":" and value[19] == ".":
        minute = _minute(value[:16])
        second = _SECONDS.get(value[17:19])
        millisecond = _MILLISECONDS.get(value[20:23])
        if minute is not None and second is not None and millisecond is not None:
            return minute + second + millisecond
    return parse_time(value)


@lru_cache(maxsize=128)
def _minute(value: str) -> int | None:
    return parse_time(value + ":00.000Z")
