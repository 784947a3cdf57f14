"""One hub for all tests of a worker that only need some hub, and people on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.helpers.hub import Account, Hub, running_hub

Newcomer = Callable[[], Account]


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """A hub with an admin; registration is open, tries are not limited. Tests share it."""
    with running_hub() as found:
        found.account("admin")
        yield found


@pytest.fixture(scope="session")
def newcomer(hub: Hub) -> Newcomer:
    """Makes an account that no other test has."""
    numbers = itertools.count(1)
    return lambda: hub.account(f"somebody{next(numbers)}")
