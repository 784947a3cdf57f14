"""Times as files have them and as people type them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.errors import UsageError
from opensession.core.timeparse import day_start, format_time, parse_time, parse_when

NOW = "2026-11-21T03:04:05.678Z"
HOUR = 3_600_000_000


def us(text: str) -> int:
    found = parse_time(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000),
        ("1970-01-01T00:00:00.123Z", 123_000),
        ("1970-01-01T00:00:00.123456Z", 123_456),
        ("1970-01-01T00:00:00.123456789Z", 123_456),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T19:00:00-0500", 0),
        ("1970-01-01 00:00:00", 0),
        ("1970-01-01T00:00Z", 0),
        ("1969-12-31T23:59:60Z", 0),
        ("1969-12-31T23:59:59.999Z", -1000),
    ],
)
def test_rfc3339(text: str, expected: int) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "x", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00.000Z",
     "2026-01-01T25:00:00Z", "2026-01-01T00:00:00+99:00", "²026-01-01T00:00:00.000Z"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    assert parse_time(text) is None


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    parse_time(text)
    parse_when(text, 0)


@given(st.datetimes())
def test_a_written_time_is_read_as_the_same_millisecond(moment: dt.datetime) -> None:
    time_us = (moment - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1)
    text = format_time(time_us)
    assert len(text) == 24
    assert parse_time(text) == time_us // 1000 * 1000


@given(st.integers(-(1 << 80), 1 << 80))
def test_any_number_can_be_written(time_us: int) -> None:
    assert parse_time(format_time(time_us)) is not None


@pytest.mark.parametrize(
    ("text", "back"),
    [("now", 0), ("2h", 2 * HOUR), ("3 days ago", 72 * HOUR), ("30d", 720 * HOUR),
     ("90 minutes", HOUR * 3 // 2), ("an hour ago", HOUR), ("1.5h", HOUR * 3 // 2),
     ("2 weeks", 336 * HOUR), ("1 month ago", 720 * HOUR), ("5s", 5_000_000), ("2m", HOUR // 30)],
)  # fmt: skip
def test_back_from_now(text: str, back: int) -> None:
    assert parse_when(text, us(NOW)) == us(NOW) - back


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-11-20T05:00:00.000Z"),
        ("Yesterday", "2026-11-19T05:00:00.000Z"),
        ("2026-11-01", "2026-11-01T04:00:00.000Z"),
        ("2026-11-02", "2026-11-02T05:00:00.000Z"),
        ("2026-03", "2026-03-01T05:00:00.000Z"),
        ("2026-11-20T10:00", "2026-11-20T15:00:00.000Z"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00.000Z"),
    ],
)
def test_days_are_the_users(text: str, expected: str) -> None:
    """DECISIONS §3: days are the user's local days (here 22:04 of the 20th, New York)."""
    found = parse_when(text, us(NOW), "America/New_York")
    assert found is not None
    assert format_time(found) == expected


@pytest.mark.parametrize("text", ["", "soon", "5x", "s", "2026-13-01", "-3d", "3 d days"])
def test_what_is_no_moment(text: str) -> None:
    assert parse_when(text, us(NOW)) is None


def test_days_across_a_change_of_the_clock() -> None:
    """DECISIONS §3: the days of 2026-03-29 and 2026-10-25 have 23 and 25 hours in Berlin."""
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        start = parse_when(day, 0, "Europe/Berlin")
        assert start is not None
        noon_after = start + (hours + 12) * HOUR
        assert day_start(noon_after, "Europe/Berlin", days_back=1) == start
        assert day_start(noon_after, "Europe/Berlin") == start + hours * HOUR


def test_a_day_that_has_no_midnight() -> None:
    """In Havana 2026-03-08 began at one o'clock."""
    start = parse_when("2026-03-08", 0, "America/Havana")
    assert start == us("2026-03-08T05:00:00Z")


def test_an_unknown_zone_is_a_mistake_in_words() -> None:
    with pytest.raises(UsageError):
        parse_when("today", us(NOW), "Mars/Olympus")
    with pytest.raises(UsageError):
        day_start(us(NOW), "../../etc/passwd")
