"""What we cost, and when a backlog is slowed down."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opensession.daemon import budget
from opensession.daemon.budget import Strain
from tests.helpers.daemon import Home

MB = 1 << 20


@pytest.mark.parametrize(
    ("found", "now", "allowed"),
    [
        (Strain(memory=100 * MB), 2, 2),
        (Strain(memory=100 * MB, on_battery=True), 2, 1),
        (Strain(memory=100 * MB, memory_pressure=50.0), 2, 1),
        (Strain(memory=100 * MB, memory_pressure=1.0), 2, 2),
        (Strain(memory=290 * MB), 2, 0),
        (Strain(memory=250 * MB), 0, 0),
        (Strain(memory=250 * MB), 2, 2),
        (Strain(memory=200 * MB), 0, 2),
    ],
)
def test_a_backlog_gives_way(found: Strain, now: int, allowed: int) -> None:
    """DESIGN §5: two workers, one, none; and no to and fro around the cap."""
    assert budget.workers_allowed(2, now, found) == allowed


def test_one_worker_stays_one() -> None:
    """On a battery there are never more than there would be without."""
    assert budget.workers_allowed(1, 1, Strain(memory=0, on_battery=True)) == 1


def test_children_are_counted_in() -> None:
    """D25: status shows how many children there are, and their memory."""
    before = budget.cost()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        during = budget.cost()
        child.kill()

    assert during.children == before.children + 1
    assert during.rss_bytes > 10 * MB
    assert during.cpu_seconds > 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_shared_memory_counts_once() -> None:
    """PSS: a forked child that shares everything adds little."""
    ready, release = os.pipe(), os.pipe()
    alone = budget.cost().pss_bytes
    child = os.fork()
    if child == 0:
        os.write(ready[1], b"1")
        os.read(release[0], 1)
        os._exit(0)
    try:
        os.read(ready[0], 1)
        both = budget.cost().pss_bytes
    finally:
        os.write(release[1], b"1")
        os.waitpid(child, 0)
        for descriptor in (*ready, *release):
            os.close(descriptor)

    assert alone is not None
    assert both is not None
    assert both < 1.5 * alone


def test_pressure_is_read_as_the_kernel_gives_it(home: Home) -> None:
    """`some` within the last ten seconds; no such file is no pressure."""
    path = home.write(
        "memory",
        "some avg10=12.50 avg60=1.00 avg300=0.10 total=1\nfull avg10=7.00 avg60=0 total=0\n",
    )

    assert budget.pressure(path) == 12.5
    assert budget.pressure(Path("/nowhere")) == 0.0


def test_strain_can_be_asked_on_this_machine() -> None:
    """With or without a battery or the kernel's pressure files."""
    assert budget.strain().memory > 0
