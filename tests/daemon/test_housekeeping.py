"""What is done when nothing else is."""

from __future__ import annotations

from typing import Any, cast

import pytest

from opensession.daemon import housekeeping
from opensession.daemon.housekeeping import UNUSED_SECONDS, Housekeeping
from opensession.daemon.writing import Writing


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    calls: list[float] = []
    monkeypatch.setattr(housekeeping, "close_databases", calls.append)
    monkeypatch.setattr(housekeeping, "databases_open", lambda: True)
    return calls


def keeping() -> Housekeeping:
    return Housekeeping(cast(Writing, cast(Any, None)), 1000.0)


def test_databases_are_closed_a_while_after_the_last_read(closed: list[float]) -> None:
    """A program that ends removes its write-ahead log only if nobody has the database open."""
    made = keeping()
    assert made.next_due() is None
    made.stored(0, 100.0)
    assert made.next_due() == 100.0 + UNUSED_SECONDS
    made.close(100.0 + UNUSED_SECONDS - 1)
    assert closed == []
    made.close(100.0 + UNUSED_SECONDS)
    assert closed == [UNUSED_SECONDS]
    assert made.next_due() == 1100.0  # the merging alone


def test_what_was_read_meanwhile_is_closed_later(closed: list[float]) -> None:
    made = keeping()
    made.stored(0, 100.0)
    made.stored(0, 140.0)
    made.close(160.0)
    assert made.next_due() == 140.0 + UNUSED_SECONDS
    made.close(140.0 + UNUSED_SECONDS)
    assert len(closed) == 2
    assert made.next_due() == 1100.0


def test_where_none_is_open_nothing_is_waited_for(
    closed: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "databases_open", lambda: False)
    made = keeping()
    made.stored(0, 100.0)
    assert made.next_due() == 1100.0
