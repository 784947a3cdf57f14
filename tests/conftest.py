"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers.daemon import Daemon, Home, running, temporary_home

# No deadlines: a busy machine is no failure, and what is slow is measured in bench/.
_UNTIMED = [HealthCheck.too_slow]
settings.register_profile("fast", deadline=None, max_examples=20, suppress_health_check=_UNTIMED)
settings.register_profile("deep", deadline=None, max_examples=2000, suppress_health_check=_UNTIMED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


@pytest.fixture
def home() -> Iterator[Home]:
    """The home of a person who has nothing yet; its path is short enough for a socket."""
    with temporary_home() as found:
        yield found


@pytest.fixture
def daemon(home: Home) -> Iterator[Daemon]:
    """A real daemon on `home`, ready."""
    with running(home) as found:
        yield found


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real session files of many agents, where they are at hand."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real sessions is not beside the checkout")
    return CORPUS
