"""`pause`, `privacy allow` and `unforget`, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.program import Cli


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    made = Cli(tmp_path)
    try:
        yield made
    finally:
        made.run("daemon", "stop")


def test_what_a_person_says_of_what_is_kept(cli: Cli) -> None:
    """DECISIONS §5: a pause lasts 1 h unless told, and ends with `--off`; status shows it."""
    cli.fails(2, "pause", "soon")
    cli.fails(2, "pause", "1h", "--off")
    began = cli.json("pause", "--json")
    assert began["paused"]
    assert began["until"] > began["since"]
    status = cli.json("daemon", "status", "--json")
    assert status["paused_until"] == began["until"]
    assert "paused until" in cli.ok("daemon", "status")
    assert not cli.json("pause", "--off", "--json")["paused"]
    assert "not paused" in cli.run("pause", "--off").stderr
    cli.fails(4, "unforget", "0a1b2c3d-0000-0000-0000-000000000000")
    cli.fails(4, "privacy", "allow", "0a1b2c3d")
    assert json.loads(cli.ok("config", "get", "privacy.exclude_patterns")) == [
        ".env", ".env.*", "*.pem", "id_*", "*.kdbx",
    ]  # fmt: skip
