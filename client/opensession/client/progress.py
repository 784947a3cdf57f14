"""Long work: one line on stderr while it runs, on a terminal only; a summary when it is done."""

from __future__ import annotations

import sys

from opensession.client import output
from opensession.client.connection import Daemon
from opensession.client.render import numbers
from opensession.client.render.cells import cut
from opensession.client.render.words import line
from opensession.core.errors import BY_CODE, OpenSessionError, Unreachable
from opensession.core.rpc.index import Progress

_BAR = 20


def wait_for(daemon: Daemon, job: str, *, what: str) -> Progress:
    """Wait until a job is done and give its last word. Raises OpenSessionError if it failed."""
    screen = output.screen_of(sys.stderr)
    for progress in daemon.notices("jobs.progress", Progress):
        if progress.job != job:
            continue
        if screen.terminal:
            sys.stderr.write("\r\x1b[K")
            if not progress.finished:
                sys.stderr.write(cut(progress_line(progress), screen.width - 1))
            sys.stderr.flush()
        if progress.finished:
            if progress.error:
                if progress.code:  # said for a person
                    known = BY_CODE.get(progress.code, OpenSessionError)
                    raise known(line(progress.error), line(progress.hint))
                raise OpenSessionError(
                    f"{what} failed: {line(progress.error)}", "opensession daemon logs"
                )
            return progress
    raise Unreachable("the daemon ended the connection", "opensession daemon status")


def progress_line(progress: Progress) -> str:
    """`████████░░░░  62 %  1.2 GB of 1.9 GB  84 MB/s  9 s left  claude-code`."""
    share = progress.done / progress.total if progress.total else 0.0
    filled = int(share * _BAR)
    show = numbers.size if progress.unit == "bytes" else numbers.grouped
    parts = [
        "█" * filled + "░" * (_BAR - filled),
        f"{numbers.percent(share):>5}",
        f"{show(progress.done)} of {show(progress.total)}",
    ]
    if progress.per_second:
        parts.append(f"{show(round(progress.per_second))}/s")
    if progress.seconds_left is not None:
        parts.append(f"{numbers.span(progress.seconds_left)} left")
    if progress.detail:
        parts.append(line(progress.detail))
    return "  ".join(parts)
