"""The pool of worker processes: there while a backlog lasts, gone with it.

    take ──send──▶ worker ──pipe──▶ drain thread ──▶ deliver (blocks while the writer is behind)

Each worker has a thread that drains its pipe, so that neither side waits for the other as long as
there is room; the room is bounded by `deliver`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

from opensession.daemon import wire
from opensession.daemon.batch import Failure
from opensession.daemon.reading import Ended, Got, Job, Setup

log = logging.getLogger(__name__)

AHEAD = 16
"""Jobs a worker has at most: the one it reads and those it need not ask for."""

AHEAD_BYTES = 8 << 20
"""A worker with more than this to read is given nothing more."""

MEMORY_BYTES = 400 << 20
"""What a worker may use for data at most; a read that needs more fails."""

COMMAND = (sys.executable, "-P", "-m", "opensession.daemon.worker")

STUCK_SECONDS = 180.0
"""A worker that has a job and answers nothing for so long is ended. One read takes seconds, a
command that prints a session a minute at most.
"""

DIED = "the process that read it died"
STUCK = "takes too long to be read"


class Freed(msgspec.Struct, frozen=True):
    """A worker is gone. `jobs` were not answered, through no fault of theirs."""

    worker: int
    jobs: list[int]


Answer = Got | Ended | Freed


class Worker:
    """One process. `deliver` is called from its drain thread, in the order of the answers; the last
    call is a `Freed`.
    """

    def __init__(
        self,
        number: int,
        setup: Setup,
        scratch: Path,
        deliver: Callable[[Answer], None],
        *,
        command: tuple[str, ...] = COMMAND,
        memory: int = MEMORY_BYTES,
    ) -> None:
        """Raises OSError if no process can be started."""
        self.number = number
        self._deliver = deliver
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._closed = False
        self._killed = False
        self._stuck = False
        self._since: float | None = None
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
        )
        self._send(wire.Hello(setup, str(scratch), memory, os.getpid()))
        self._thread = threading.Thread(target=self._drain, name=f"worker {number}", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def free(self) -> int:
        """How many more jobs it takes now."""
        with self._lock:
            if self._closed or sum(job.size for job in self._jobs) > AHEAD_BYTES:
                return 0
            return AHEAD - len(self._jobs)

    @property
    def busy(self) -> bool:
        """Whether jobs of it are not answered yet."""
        with self._lock:
            return bool(self._jobs)

    def take(self, job: Job) -> bool:
        """Gives it a job; False if it takes none any more."""
        with self._lock:
            if self._closed:
                return False
            if not self._jobs:
                self._since = time.monotonic()
            self._jobs.append(job)
        self._send(job)
        return True

    def close(self) -> None:
        """Lets it end once its jobs are answered."""
        with self._lock:
            self._closed = True
        self._close_stdin()

    @property
    def patience(self) -> float | None:
        """In how many seconds it counts as stuck; None while nothing is waited for."""
        with self._lock:
            if self._since is None or not self._jobs or self._stuck:
                return None
            return self._since + STUCK_SECONDS - time.monotonic()

    def give_up(self) -> None:
        """Ends it for its first job's sake, which fails; the others are free again."""
        with self._lock:
            self._closed = self._stuck = True
        self._process.kill()

    def kill(self) -> None:
        """Ends it at once; its jobs are free again."""
        with self._lock:
            self._closed = self._killed = True
        self._process.kill()

    def join(self, timeout: float) -> bool:
        """Waits until it is gone and its last answer is delivered; False if it is not in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _send(self, message: wire.Hello | Job) -> None:
        """Sends; that the worker has died is seen by the drain thread."""
        with contextlib.suppress(OSError, ValueError):
            wire.send(self._stdin, message)

    def _close_stdin(self) -> None:
        with contextlib.suppress(OSError):
            self._stdin.close()

    @property
    def _stdin(self) -> IO[bytes]:
        stream = self._process.stdin
        assert stream is not None  # noqa: S101 - it was asked for
        return stream

    @property
    def _stdout(self) -> IO[bytes]:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - it was asked for
        return stream

    def _drain(self) -> None:
        own_choice = False
        try:
            while (answer := wire.receive_answer(self._stdout)) is not None:
                if isinstance(answer, wire.Bye):
                    own_choice = True
                    self.close()
                    continue
                with self._lock:
                    self._since = None
                    if isinstance(answer, Ended):
                        self._jobs.popleft()
                self._deliver(answer)
                with self._lock:
                    self._since = time.monotonic()
        except (ValueError, IndexError, msgspec.DecodeError) as error:
            log.error("worker %d spoke nonsense: %s", self.number, type(error).__name__)
            self._process.kill()
        self._finish(own_choice)

    def _finish(self, own_choice: bool) -> None:
        """The process ended: whose fault was it, and which jobs are free again?"""
        with self._lock:
            self._closed = True
        self._close_stdin()
        self._stdout.close()
        code = self._process.wait()
        with self._lock:
            jobs = list(self._jobs)
            self._jobs.clear()
        if jobs and not own_choice and not self._killed:
            blamed = jobs.pop(0)
            log.error("worker %d ended with %d while it read a source", self.number, code)
            failure = Failure(blamed.source_id, "error", STUCK if self._stuck else DIED)
            self._deliver(Ended(blamed.number, failure, retry=not self._stuck))
        self._deliver(Freed(self.number, [job.number for job in jobs]))
