"""Times of records, fast."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from opensession.core.timeparse import parse_time
from opensession.parsers.times import parse_stamp


@given(
    st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z")
)
@example("2026-11-20T23:53:60.000Z")
@example("2026-11-20T23:53:0٣.000Z")
@example("2026-11-20T23:53:+1.000Z")
@example("2026-13-20T23:53:01.000Z")
@example("2026-11-20T23:53:01.000")
@example("2026-11-20T23:53:01Z")
@example("")
def test_the_fast_way_gives_what_the_slow_one_gives(value: str) -> None:
    assert parse_stamp(value) == parse_time(value)
