"""The daemon's log: a file of our own (0600, rotated), and stderr when somebody looks.

Nothing of a session's text is ever logged. Messages of ours are written that way; the text of a
foreign exception may quote what it choked on, so of those only type and place are kept.
"""

from __future__ import annotations

import io
import logging
import logging.handlers
import os
import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import apsw

from opensession.core.errors import OpenSessionError

ROTATE_BYTES = 4 << 20
KEPT_FILES = 3
TAIL_BYTES = 1 << 20

_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


def describe(error: BaseException) -> str:
    """An error in one line that quotes no session: the text only where we or SQLite or the system
    wrote it.
    """
    name = type(error).__name__
    if isinstance(error, OpenSessionError | OSError | apsw.Error) and str(error):
        return f"{name}: {' '.join(str(error).split())}"
    return name


class Formatter(logging.Formatter):
    """One line per record, UTC; tracebacks with places and `describe`d errors."""

    def __init__(self, *, with_time: bool = True) -> None:
        start = "%(asctime)s.%(msecs)03dZ " if with_time else ""
        super().__init__(f"{start}%(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")

    converter = staticmethod(time.gmtime)

    def formatException(self, ei: _ExcInfo) -> str:
        """The frames of an error and of those that led to it."""
        lines: list[str] = []
        error = ei[1]
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            lines.append(describe(error))
            lines += [f"    {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
            error = error.__cause__ or error.__context__
        return "\n".join(lines)


class PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating log whose files are 0600 from the moment they exist."""

    def _open(self) -> io.TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.baseFilename, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        return io.TextIOWrapper(os.fdopen(descriptor, "ab"), "utf-8", "backslashreplace")


def set_up(path: Path, level: str, environ: Mapping[str, str], *, foreground: bool) -> None:
    """Send the log to `path`, and to stderr too where it is a terminal or `foreground` is set.

    Under a service manager that keeps stderr with times of its own, lines there carry none.
    """
    file = PrivateFile(path, maxBytes=ROTATE_BYTES, backupCount=KEPT_FILES)
    file.setFormatter(Formatter())
    handlers: list[logging.Handler] = [file]
    if sys.stderr is not None and (foreground or sys.stderr.isatty()):
        stream = logging.StreamHandler(sys.stderr)
        stream.setFormatter(Formatter(with_time="JOURNAL_STREAM" not in environ))
        handlers.append(stream)
    logging.getLogger().handlers[:] = handlers
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a full disk costs log lines, not tracebacks on stderr
    set_level(level)


def set_level(level: str) -> None:
    """Log from `level` on: `debug`, `info`, `warning` or `error`."""
    logging.getLogger().setLevel(level.upper())


def tail(path: Path, count: int) -> list[str]:
    """The last `count` lines of the log, oldest first, at most a megabyte of them."""
    if count <= 0:
        return []
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            start = file.seek(max(0, end - TAIL_BYTES))
            data = file.read()
    except FileNotFoundError:
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    return (lines[1:] if start else lines)[-count:]
