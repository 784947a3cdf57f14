"""A backlog is read by worker processes, and what goes wrong in one costs one source."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from opensession.daemon import dispatch, schedule
from opensession.parsers.agent import Source
from tests.daemon.rig import PATIENCE, Rig, append, said
from tests.daemon.same_index import archived_bytes, assert_same


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.fixture
def small_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is more than a few kilobytes counts as a backlog."""
    monkeypatch.setattr(dispatch, "BACKLOG_BYTES", 4096)
    monkeypatch.setattr(schedule, "RETRY_SECONDS", (0.0, 0.0, 0.0))


def children() -> set[int]:
    import psutil

    return {child.pid for child in psutil.Process().children()}


@pytest.mark.usefixtures("small_backlog")
def test_a_backlog_is_read_by_workers_that_are_gone_afterwards(rig: Rig, tmp_path: Path) -> None:
    """users.md D25: no children when the backlog is done; the result is that of one process."""
    for number in range(12):
        rig.write(f"s{number:02}", 30, pad="x" * 200)
    other = Rig(tmp_path / "other")
    other.roots = rig.roots
    with rig.ingest() as made:
        seen: set[int] = set()
        before = children()

        def told(_: object) -> None:
            seen.update(made._dispatch.pool.workers)

        made.run_until_idle(told).result(PATIENCE)
        assert seen
        pool = made._dispatch.pool
        assert pool.join(PATIENCE)
        assert children() == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "BACKLOG_BYTES", 1 << 40)
        with other.ingest() as made:
            other.run(made)
    assert_same(rig.place.index, other.place.index)


WORKER = """
import os, sys
from opensession.daemon import worker
from opensession.parsers import registry
codex = registry.agent("codex")
class Odd:
    def __getattr__(self, name):
        return getattr(codex, name)
    def read(self, source, cursor):
        if "odd" in source.path:
            {act}
        return codex.read(source, cursor)
registry.agent = lambda name, commands=(): Odd()
worker.main()
"""


def odd_worker(act: str) -> tuple[str, ...]:
    """A worker in which reading a session called `odd` does something else."""
    import sys

    return (sys.executable, "-c", WORKER.format(act=act))


@pytest.mark.usefixtures("small_backlog")
def test_a_worker_that_dies_costs_that_source_only(rig: Rig) -> None:
    """users.md D21, D25: marked, tried again a few times, then left until it changes."""
    for number in range(8):
        rig.write(f"s{number}", 20, pad="x" * 100)
    odd = rig.write("odd", 20, pad="x" * 100)
    os.utime(odd, (4e9, 4e9))
    with rig.ingest(worker=odd_worker("os.kill(os.getpid(), 9)")) as made:
        rig.until_events(**{f"s{number}": 20 for number in range(8)})
        while made.queue_depth():
            rig.run(made)
        assert rig.states()["odd"] == "error"
        status = made.agent_status()["codex"]
        assert status.failed_sources == 1
        assert "odd" not in rig.events()
    with rig.ingest() as made:
        rig.run(made)
        assert rig.events()["odd"] == 20
        assert rig.states()["odd"] == "ok"


@pytest.mark.usefixtures("small_backlog")
def test_a_source_that_needs_too_much_memory_costs_that_source_only(rig: Rig) -> None:
    for number in range(4):
        rig.write(f"s{number}", 20, pad="x" * 100)
    rig.write("odd", 20)
    worker = odd_worker("held = [bytearray(1 << 20) for _ in range(2000)]")
    with rig.ingest(worker=worker, worker_memory=300 << 20) as made:
        rig.run(made)
        assert rig.states() == {**{f"s{n}": "ok" for n in range(4)}, "odd": "error"}
        (reason,) = rig.query("SELECT error FROM source WHERE state = 'error'")[0]
        assert "memory" in reason


@pytest.mark.usefixtures("small_backlog")
def test_a_parser_that_fails_is_tried_again_on_a_change_only(rig: Rig) -> None:
    odd = rig.write("odd", 2)
    rig.write("fine", 30, pad="x" * 200)
    worker = odd_worker("raise ValueError('secret words')")
    with rig.ingest(worker=worker) as made:
        rig.run(made)
        assert rig.query("SELECT error, retries FROM source WHERE state = 'error'") == [
            ("ValueError", 1)
        ]
        rig.run(made)
        assert rig.query("SELECT retries FROM source WHERE state = 'error'") == [(1,)]
        append(odd, said("more", 3))
        rig.run(made)
        assert rig.query("SELECT retries FROM source WHERE state = 'error'") == [(2,)]


@pytest.mark.usefixtures("small_backlog")
def test_a_killed_worker_loses_and_doubles_nothing(rig: Rig, tmp_path: Path) -> None:
    for number in range(6):
        rig.write(f"s{number}", 400, pad="x" * 300)
    killed: set[int] = set()
    with rig.ingest() as made:

        def told(_: object) -> None:
            for pid in made._dispatch.pool.workers:
                if len(killed) < 4 and pid not in killed:
                    killed.add(pid)
                    os.kill(pid, 9)

        made.run_until_idle(told).result(PATIENCE)
        while made.queue_depth():
            rig.run(made)
    assert killed
    clean = Rig(tmp_path / "clean")
    clean.roots = rig.roots
    with clean.ingest() as made:
        clean.run(made)
    assert_same(rig.place.index, clean.place.index)
    for number in range(6):
        path = rig.file(f"s{number}")
        source = Source("codex", str(rig.sessions), str(path))
        assert archived_bytes(rig.place.archive, source) == path.read_bytes()


@pytest.mark.usefixtures("small_backlog")
def test_a_live_append_does_not_wait_for_the_backlog(rig: Rig) -> None:
    """A held backlog stays; the append is searchable."""
    live = rig.write("live", 1)
    with rig.ingest() as made:
        rig.run(made)
        made.set_pace(0)
        for number in range(6):
            rig.write(f"s{number}", 40, pad="x" * 300)
        seen: list[int] = []
        future = made.run_until_idle(lambda _: seen.append(made.queue_depth()))
        while 6 not in seen:
            count = len(rig.changes)
            append(live, said("more", count))
            rig.until_more_changes(count)
        assert set(rig.events()) == {"live"}
        assert not future.done()
        made.set_pace(2)
        future.result(PATIENCE)
        assert len(rig.events()) == 7


@pytest.mark.usefixtures("small_backlog")
def test_progress_goes_up_to_the_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensession.daemon.backlog.SHOWN_BYTES", 0)
    for number in range(6):
        rig.write(f"s{number}", 200, pad="x" * 300)
    told: list[Any] = []
    with rig.ingest() as made:
        summary = made.run_until_idle(told.append).result(PATIENCE)
        assert made.progress().active is False
    active = [step for step in told if step.active]
    assert active
    assert all(0 <= step.fraction <= 1 and step.agent == "codex" for step in active)
    assert [s.bytes_left for s in active] == sorted((s.bytes_left for s in active), reverse=True)
    assert summary.bytes == sum(path.stat().st_size for path in rig.sessions.rglob("*.jsonl"))
