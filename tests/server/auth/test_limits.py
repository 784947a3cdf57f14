"""How often an address may try."""

from __future__ import annotations

import pytest

from opensession.server.api.errors import ApiError
from opensession.server.auth import limits
from opensession.server.auth.limits import Limits


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_a_minute_and_then_it_says_when() -> None:
    clock = Clock()
    found = Limits(6, clock)
    for _ in range(6):
        found.count("enter", "192.0.2.1")
    with pytest.raises(ApiError) as raised:
        found.count("enter", "192.0.2.1")

    assert raised.value.code == "rate_limited"
    assert raised.value.retry_after == 10
    clock.now += 10
    found.count("enter", "192.0.2.1")
    with pytest.raises(ApiError):
        found.count("enter", "192.0.2.1")


def test_others_and_other_limits_are_counted_apart() -> None:
    found = Limits(1, Clock())
    found.count("enter", "192.0.2.1")
    found.count("enter", "192.0.2.2")
    found.count("keys", "192.0.2.1")


def test_looking_is_no_try() -> None:
    found = Limits(1, Clock())
    assert found.check("password", "ann") == 1
    assert found.check("password", "ann") == 1


def test_refused_tries_do_not_make_it_longer() -> None:
    clock = Clock()
    found = Limits(60, clock)
    for _ in range(60):
        found.count("enter", "192.0.2.1")
    for _ in range(50):
        with pytest.raises(ApiError):
            found.count("enter", "192.0.2.1")
    clock.now += 1
    found.count("enter", "192.0.2.1")


def test_memory_is_bounded_by_forgetting_whom_it_saw_longest_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MOST_BUCKETS", 10)
    found = Limits(1, Clock())
    for number in range(11):
        found.count("enter", str(number))
    found.count("enter", "0")  # forgotten, so it has its try again
    with pytest.raises(ApiError):
        found.count("enter", "10")


def test_no_limit() -> None:
    found = Limits(0, Clock())
    for _ in range(1000):
        found.count("enter", "192.0.2.1")
