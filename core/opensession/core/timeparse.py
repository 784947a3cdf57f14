"""Times: RFC 3339 and what people type, as integer microseconds UTC; the user's days.

`parse_time` is for timestamps in files and is fast; `parse_when` is for what a person types.
"""

from __future__ import annotations

import datetime as dt
import re

_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_EPOCH = dt.datetime(1970, 1, 1)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d)?)?\Z",
    re.ASCII,
)


def parse_time(value: str) -> int | None:
    """Microseconds UTC of an RFC 3339 time, or None for anything else.

    A fraction of any length is cut to microseconds; a time without a zone is taken as UTC; a leap
    second is the second after it.
    """
    if len(value) == 24 and value[23] == "Z":
        # The form that nearly every record has; anything unusual about it goes the long way.
        try:
            parsed = dt.datetime.fromisoformat(value)
        except ValueError:
            return _parse_slowly(value)
        return (
            (parsed.toordinal() - _EPOCH_ORDINAL) * 86400
            + parsed.hour * 3600
            + parsed.minute * 60
            + parsed.second
        ) * 1_000_000 + parsed.microsecond
    return _parse_slowly(value)


def _parse_slowly(value: str) -> int | None:
    match = _RFC3339.match(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute = (int(part) for part in match.group(1, 2, 3, 4, 5))
    second = int(match[6] or 0)
    fraction = int((match[7] or "")[:6].ljust(6, "0"))
    offset = 0
    if match[9]:
        offset_hour, offset_minute = int(match[10]), int(match[11] or 0)
        if offset_hour > 23 or offset_minute > 59:
            return None
        offset = (offset_hour * 60 + offset_minute) * (60 if match[9] == "+" else -60)
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        days = dt.date(year, month, day).toordinal() - _EPOCH_ORDINAL
    except ValueError:
        return None
    return (days * 86400 + hour * 3600 + minute * 60 + second - offset) * 1_000_000 + fraction


def format_time(time_us: int) -> str:
    """RFC 3339 with milliseconds and Z, as all our output has it (cut, not rounded).

    Times outside of the years 1 to 9999 become the nearest that can be written.
    """
    try:
        return (_EPOCH + dt.timedelta(microseconds=time_us)).isoformat(
            timespec="milliseconds"
        ) + "Z"
    except OverflowError:
        return "0001-01-01T00:00:00.000Z" if time_us < 0 else "9999-12-31T23:59:59.999Z"
