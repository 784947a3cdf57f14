"""A worker process: reads the sources it is told to, and answers with batches.

Started by `workers`, with jobs on stdin and answers on stdout; ends with its stdin or its parent.
It keeps nothing, so it may be killed at any moment.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO

from opensession.core.privacy import Stripper
from opensession.daemon import reading, wire
from opensession.daemon.reading import Ended, Got, Job

RESTING_BYTES = 160 << 20
"""A worker that is larger than this between two jobs ends, and is replaced by a new one."""

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Works until there are no more jobs."""
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get among the answers
    hello = wire.receive_hello(jobs)
    if hello is None:
        return
    _follow(hello.parent)
    os.nice(10)
    _limit_memory(hello.memory)
    stripper = hello.setup.stripper()
    while (job := wire.receive_job(jobs)) is not None:
        _work(hello, stripper, job, answers)
        if _resident_bytes() > RESTING_BYTES:
            gc.collect()
        if _resident_bytes() > RESTING_BYTES:
            wire.send(answers, wire.Bye())
            return


def _work(hello: wire.Hello, stripper: Stripper, job: Job, answers: IO[bytes]) -> None:
    try:
        for batch in reading.read(hello.setup, stripper, job, Path(hello.scratch)):
            wire.send(answers, Got(job.number, batch))
    except BrokenPipeError:
        raise  # the daemon is gone
    except Exception as error:
        ended = reading.ended(job, error)
        del error
    else:
        ended = Ended(job.number)
    wire.send(answers, ended)


def _follow(parent: int) -> None:
    """Dies with the daemon, also if that is killed (elsewhere: at the end of its stdin)."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)  # it died before we could ask to be told


def _limit_memory(limit: int) -> None:
    """Makes a read that needs more than `limit` bytes fail with MemoryError, where the system
    counts them.
    """
    if limit and sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0  # not told here: the limit of the daemon's budget remains
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
