"""A home with the demo's sessions and a real daemon, shared by all tests that only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.program import Cli


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """A daemon that has read the demo's sessions. Tests must not change it."""
    cli = Cli(tmp_path_factory.mktemp("cli"))
    cli.stage.set_up()
    cli.cwd = cli.stage.home / "acme-api"
    cli.ok("daemon", "start")
    try:
        cli.ok("index", "--wait")
        yield cli
    finally:
        cli.stop()


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """A home of its own, with nothing in it and no daemon yet."""
    own = Cli(tmp_path)
    try:
        yield own
    finally:
        own.stop()
