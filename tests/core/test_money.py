"""Micro-dollars."""

from __future__ import annotations

import pytest

from opensession.core.money import format_dollars


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (840_000, "$0.84"),
        (1_204_100_000, "$1,204.10"),
        (4_200, "$0.0042"),
        (0, "$0.00"),
        (3, "<$0.0001"),
        (None, "unpriced"),
    ],
)
def test_dollars_as_people_read_them(micros: int | None, shown: str) -> None:
    assert format_dollars(micros) == shown
