"""Worker processes on their own: they answer in order, die with the daemon, and tell who failed."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from opensession.daemon.reading import Ended, Got, Job
from opensession.daemon.workers import AHEAD, DIED, STUCK, Answer, Freed, Worker
from opensession.parsers.agent import Source
from tests.daemon.rig import Rig

PATIENCE = 60.0


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    made.place.scratch.mkdir()
    return made


class Started:
    """A worker and what it answered."""

    def __init__(self, rig: Rig, **other: object) -> None:
        self.rig = rig
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.worker = Worker(1, rig.options().setup, rig.place.scratch, self.answers.put, **other)  # type: ignore[arg-type]

    def job(self, number: int, session: str, size: int = 1) -> Job:
        source = Source("codex", str(self.rig.sessions), str(self.rig.file(session)))
        return Job(number, number, source, None, size)

    def next(self) -> Answer:
        return self.answers.get(timeout=PATIENCE)


@pytest.fixture
def started(rig: Rig) -> Iterator[Started]:
    made = Started(rig)
    yield made
    made.worker.kill()
    assert made.worker.join(PATIENCE)


def test_jobs_are_answered_in_their_order(started: Started) -> None:
    for number in (1, 2):
        started.rig.write(f"s{number}", 3)
        assert started.worker.take(started.job(number, f"s{number}"))
    answers = [started.next() for _ in range(4)]
    assert [type(answer) for answer in answers] == [Got, Ended, Got, Ended]
    assert [a.job for a in answers if isinstance(a, Got | Ended)] == [1, 1, 2, 2]
    started.worker.close()
    assert started.next() == Freed(1, [])


def test_what_cannot_be_read_is_an_answer_too(started: Started) -> None:
    started.worker.take(started.job(1, "missing"))
    answer = started.next()
    assert isinstance(answer, Ended)
    assert answer.failure is not None
    assert answer.failure.state == "gone"


def test_it_takes_only_so_many_jobs_and_bytes(started: Started) -> None:
    started.rig.write("s", 1)
    assert started.worker.free == AHEAD
    psutil.Process(started.worker.pid).suspend()
    started.worker.take(started.job(1, "s", size=100 << 20))
    assert started.worker.free == 0
    assert started.worker.busy


def test_the_job_at_hand_is_blamed_for_a_death_and_the_others_are_free(started: Started) -> None:
    process = psutil.Process(started.worker.pid)
    process.suspend()
    for number in (1, 2, 3):
        started.rig.write(f"s{number}", 1)
        started.worker.take(started.job(number, f"s{number}"))
    process.kill()
    blamed = started.next()
    assert isinstance(blamed, Ended)
    assert blamed.job == 1
    assert blamed.retry
    assert blamed.failure is not None
    assert blamed.failure.reason == DIED
    assert started.next() == Freed(1, [2, 3])
    assert not started.worker.take(started.job(4, "s1"))


def test_nobody_is_blamed_when_it_is_killed_by_us(started: Started) -> None:
    psutil.Process(started.worker.pid).suspend()
    started.rig.write("s", 1)
    started.worker.take(started.job(1, "s"))
    started.worker.kill()
    assert started.next() == Freed(1, [1])


def test_one_that_grew_too_large_ends_by_itself_and_nobody_is_blamed(rig: Rig) -> None:
    program = "from opensession.daemon import worker; worker.RESTING_BYTES = 1; worker.main()"
    started = Started(rig, command=(sys.executable, "-c", program))
    rig.write("s1", 1)
    rig.write("s2", 1)
    started.worker.take(started.job(1, "s1"))
    started.worker.take(started.job(2, "s2"))
    answers = [started.next() for _ in range(3)]
    assert isinstance(answers[0], Got)
    assert answers[1] == Ended(1)
    assert answers[2] in (Freed(1, [2]), Freed(1, []))
    assert started.worker.join(PATIENCE)


def test_one_that_speaks_nonsense_is_ended(rig: Rig) -> None:
    program = "import sys; sys.stdout.write('x' * 100); sys.stdout.flush(); sys.stdin.read()"
    started = Started(rig, command=(sys.executable, "-c", program))
    assert started.next() == Freed(1, [])


ORPHAN = """
import sys, threading
from pathlib import Path
sys.path.insert(0, {root!r})
from opensession.daemon.workers import Worker
from tests.daemon.rig import Rig
from tests.daemon.test_workers import HANGING, Started
started = Started(Rig(Path({path!r})), command=(sys.executable, "-c", HANGING))
started.worker.take(started.job(1, "s"))
threading.Event().wait()
"""

HANGING = """
import os, sys, threading
from opensession.daemon import reading, worker
def read(*given):
    sys.stderr.write(f"{os.getpid()}\\n")
    sys.stderr.flush()
    threading.Event().wait()
    yield
reading.read = read
worker.main()
"""


def test_it_dies_with_a_daemon_that_is_killed_whatever_it_does(rig: Rig) -> None:
    """users.md D25: no orphans, not even one that hangs in a read."""
    root = str(Path(__file__).resolve().parents[2])
    program = ORPHAN.format(root=root, path=str(rig.path))
    with subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stderr is not None
        worker = psutil.Process(int(parent.stderr.readline()))
        assert worker.nice() >= 10
        parent.send_signal(signal.SIGKILL)
        worker.wait(PATIENCE)


def test_one_that_answers_nothing_for_long_is_ended_and_costs_its_source_only(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has not begun is free again; until it has waited for long nothing is ended."""
    slow = Started(rig, command=(sys.executable, "-c", "import time; time.sleep(600)"))
    assert slow.worker.patience is None
    for number in (1, 2):
        slow.worker.take(slow.job(number, "s"))
    assert slow.worker.patience is not None
    assert slow.worker.patience > 60
    monkeypatch.setattr("opensession.daemon.workers.STUCK_SECONDS", 0.0)
    assert slow.worker.patience <= 0
    slow.worker.give_up()
    first = slow.next()
    assert isinstance(first, Ended)
    assert (first.job, first.retry) == (1, False)
    assert first.failure is not None
    assert first.failure.reason == STUCK
    assert slow.next() == Freed(1, [2])
