"""Scores: ours, and those that other packages bring."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from opensession.server import score
from opensession.server.tally import Tally
from tests.server.storage.keeping import batch, line, storage_in

MODULE = """
def of_length(tally):
    return 7 * tally.events

def too_much(tally):
    return 1000

def broken(tally):
    raise ValueError("no")
"""
POINTS = """[opensession.scores]
length_v1 = scores_of_others:of_length
much_v1 = scores_of_others:too_much
broken_v1 = scores_of_others:broken
"""


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that is installed beside the hub, with scorers."""
    package = tmp_path / "site"
    told = package / "scores_of_others-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: scores-of-others\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(POINTS)
    (package / "scores_of_others.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(package))
    return tmp_path


def test_an_installed_scorer_counts_by_its_name(others: Path) -> None:
    assert {"heuristic_v1", "zero_v1", "length_v1"} <= set(score.names())

    async def run() -> None:
        async with storage_in(others) as storage:
            stored = await storage.take(batch(others, [line(1), line(2)], score_plugin="length_v1"))
            assert (stored.score, stored.score_plugin) == (14, "length_v1")

    asyncio.run(run())


def test_a_scorer_that_fails_or_exaggerates_costs_no_session(others: Path) -> None:
    assert score.score("much_v1", Tally()) == 100
    assert score.score("broken_v1", Tally()) == 0
