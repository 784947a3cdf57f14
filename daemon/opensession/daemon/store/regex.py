"""Regular expressions over all texts, in a process of their own.

The process reads the index itself, has limits on memory and CPU, tells its matches as it finds
them, and is killed when the time is over; what it told until then counts.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import NamedTuple

import apsw
import msgspec

from opensession.core.errors import OpenSessionError, UsageError
from opensession.daemon.store.narrowing import Narrowing

SECONDS = 8.0
MAX_MATCHES = 1000
_GRACE_SECONDS = 2.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is to do; it shows the first `shown` matches with a snippet each."""

    index: str
    pattern: str
    narrowing: Narrowing
    shown: int
    seconds: float
    most: int = MAX_MATCHES


class Match(msgspec.Struct, frozen=True, array_like=True):
    """An event or title that matches; beyond those to be shown the snippet is empty."""

    key: int
    snippet: str


class End(msgspec.Struct, frozen=True, array_like=True):
    """The last line: `complete` says that there are no other matches, `error` what is wrong with
    the pattern.
    """

    complete: bool
    error: str


class Matches(NamedTuple):
    """Matches, newest session first, the first of them with snippets."""

    matches: list[Match]
    total: int
    sessions: int
    complete: bool


def find(
    db: apsw.Connection,
    pattern: str,
    narrowing: Narrowing,
    shown: int,
    *,
    seconds: float = SECONDS,
) -> Matches:
    """What an RE2 expression matches. Raises UsageError if it is none."""
    request = Request(
        index=db.filename,
        pattern=pattern,
        narrowing=narrowing,
        shown=shown,
        seconds=seconds,
        most=max(MAX_MATCHES, shown + 1),
    )
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "opensession.daemon.store.regex_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with worker:
        try:
            told, _ = worker.communicate(
                msgspec.json.encode(request), timeout=seconds + _GRACE_SECONDS
            )
        except subprocess.TimeoutExpired:
            worker.kill()
            told, _ = worker.communicate()
        except BaseException:
            worker.kill()
            raise
    lines = told.split(b"\n")
    matches: list[Match] = []
    for line in lines[:-1]:
        if line.startswith(b"[true") or line.startswith(b"[false"):
            end = msgspec.json.decode(line, type=End)
            if end.error:
                raise UsageError(
                    f"not a regular expression: {end.error}",
                    "the syntax is that of RE2; --substring finds a text as it is",
                )
            return _matches(matches, end.complete)
        matches.append(msgspec.json.decode(line, type=Match))
    stopped = (-signal.SIGKILL, -signal.SIGXCPU)
    if not matches and worker.returncode not in stopped:
        raise OpenSessionError("the search by expression failed", "opensession daemon logs")
    return _matches(matches, False)


def _matches(matches: list[Match], complete: bool) -> Matches:
    return Matches(matches, len(matches), len({m.key >> 24 for m in matches}), complete)
