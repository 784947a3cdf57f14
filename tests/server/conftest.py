"""One hub for all tests of a module that only need some hub."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.hub import Hub, running_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub without accounts at the beginning of the module; registration is open, no limits."""
    with running_hub() as found:
        yield found
