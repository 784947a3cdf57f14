"""Times: RFC 3339 and what people type, as integer microseconds UTC; the user's days.

`parse_time` is for timestamps in files and is fast; `parse_when` is for what a person types. A
`zone` is an IANA name; empty means the machine's own.
"""

from __future__ import annotations

import datetime as dt
import re

from opensession.core.errors import UsageError

_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_EPOCH = dt.datetime(1970, 1, 1)
_FIRST_US = (dt.datetime.min - _EPOCH) // dt.timedelta(microseconds=1)
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


_SECONDS = {
    "second": 1, "sec": 1, "s": 1,
    "minute": 60, "min": 60, "m": 60,
    "hour": 3600, "hr": 3600, "h": 3600,
    "day": 86400, "d": 86400,
    "week": 604_800, "wk": 604_800, "w": 604_800,
    "month": 2_592_000, "mo": 2_592_000,
    "year": 31_536_000, "yr": 31_536_000, "y": 31_536_000,
}  # fmt: skip
_AGO = re.compile(
    r"(?P<number>\d{1,9}(?:\.\d{1,6})?|an?)\s*(?P<unit>[a-z]+?)s?(?:\s+ago)?\Z", re.ASCII
)
_DATE = re.compile(r"(\d{4})-(\d\d)(?:-(\d\d))?\Z", re.ASCII)


def parse_when(text: str, now_us: int, zone: str = "") -> int | None:
    """The moment a person means, or None if it is none.

    `2h`, `30 minutes ago`, `3 days ago` count back from now (a month is 30 days, a year 365);
    `today`, `yesterday`, `2026-11-21` and `2026-11` begin at the user's midnight; a time of day
    without a zone is the user's. Raises UsageError for an unknown zone.
    """
    words = " ".join(text.lower().split())
    if words == "now":
        return now_us
    if words in ("today", "yesterday"):
        return day_start(now_us, zone, days_back=int(words == "yesterday"))
    ago = _AGO.match(words)
    if ago is not None:
        return _back(ago["number"], ago["unit"], now_us)
    date = _DATE.match(words)
    if date is not None:
        try:
            day = dt.date(int(date[1]), int(date[2]), int(date[3] or 1))
        except ValueError:
            return None
        return _at(dt.datetime.combine(day, dt.time()), zone)
    moment = _RFC3339.match(text.strip())
    if moment is None:
        return None
    utc = _parse_slowly(text)
    if utc is None or moment[8] or moment[9]:
        return utc
    naive = _EPOCH + dt.timedelta(microseconds=utc)
    return _at(naive, zone)


def day_start(now_us: int, zone: str = "", *, days_back: int = 0) -> int:
    """The midnight with which the user's day began, so many days back; across changes of the
    clock. Raises UsageError for an unknown zone.
    """
    today = dt.datetime.fromtimestamp(now_us // 1_000_000, dt.UTC).astimezone(_zone(zone)).date()
    start = _at(dt.datetime.combine(today - dt.timedelta(days=days_back), dt.time()), zone)
    assert start is not None  # noqa: S101  a day near now can be counted
    return start


def _back(number: str, unit: str, now_us: int) -> int | None:
    # "s" is a unit, and the plural of others: "5s" leaves nothing of it.
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit + "s")
    if seconds is None:
        return None
    count = 1.0 if number in ("a", "an") else float(number)
    return max(_FIRST_US, now_us - round(count * seconds * 1_000_000))


def _at(naive: dt.datetime, zone: str) -> int | None:
    local = _zone(zone)
    try:
        aware = naive.astimezone() if local is None else naive.replace(tzinfo=local)
        since = aware - _EPOCH.replace(tzinfo=dt.UTC)
    except (OverflowError, ValueError, OSError):
        return None  # a year at the edge of what the system counts
    return since // dt.timedelta(microseconds=1)


def _zone(name: str) -> dt.tzinfo | None:
    if not name:
        return None
    import zoneinfo  # only where a zone is named: a command must start fast

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(
            f"no such time zone: {name}", "give one as Europe/Berlin, or leave TZ unset"
        ) from None
