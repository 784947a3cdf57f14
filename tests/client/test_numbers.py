"""Numbers and times for people."""

from __future__ import annotations

import pytest

from opensession.client.render import numbers


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (812, "812"),
        (1000, "1k"),
        (59_800, "59.8k"),
        (183_000, "183k"),
        (1_200_000, "1.2M"),
    ],
)
def test_counts_are_short(number: int, said: str) -> None:
    assert numbers.short(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0.4 s"), (2, "2 s"), (59.9, "59 s"), (1560, "26 min"), (11_100, "3 h 5 min"),
     (266_400, "3 d 2 h")],
)  # fmt: skip
def test_spans(seconds: float, said: str) -> None:
    assert numbers.span(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "now"), (12, "12 s ago"), (720, "12 min ago"), (7_200, "2 h ago"), (1_900_000, "3 w ago"),
     (-7_200, "in 2 h")],
)  # fmt: skip
def test_how_long_ago(seconds: int, said: str) -> None:
    now = 1_800_000_000_000_000

    assert numbers.ago(now - seconds * 1_000_000, now) == said
    assert numbers.ago(0, now) == "no time known"


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "0 %"), (0.62, "62 %"), (0.9999, "99 %"), (1, "100 %"), (0.0002, "0.02 %")],
)
def test_what_is_not_done_is_never_shown_as_done(part: float, said: str) -> None:
    assert numbers.percent(part) == said


def test_counts_with_their_noun() -> None:
    assert numbers.count(0, "error") == "no errors"
    assert numbers.count(1, "error") == "1 error"
    assert numbers.count(1204, "error") == "1,204 errors"
