"""Printing: data to stdout, everything else to stderr, errors as one line and what to do next."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from typing import IO, Any

import msgspec

from opensession.core.errors import OpenSessionError

_NAMES = {1: "failed", 2: "usage", 3: "unreachable", 4: "not_found", 5: "refused"}

_NEXT = {
    1: "opensession daemon logs",
    2: "opensession --help",
    3: "opensession daemon status",
    4: "opensession log --all",
    5: "opensession daemon health",
}
"""What to try where an error does not say."""


PIPE_COLUMNS = 400
"""Where lines end in a pipe: a tool's output in one line has no end of its own."""


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """How one stream is printed to: its width in columns, with colour or without.

    `terminal` says that a person looks at it. `line_width` is where one-line things end: at the
    width if that is known, far beyond it in a pipe.
    """

    width: int = 80
    color: bool = False
    terminal: bool = False
    line_width: int = PIPE_COLUMNS

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        return self._wrap("33", text)

    def cyan(self, text: str) -> str:
        return self._wrap("36", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and text else text


def screen_of(stream: IO[str], environ: Mapping[str, str] = os.environ) -> Screen:
    """How to print to a stream: `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb` and `COLUMNS` count."""
    terminal = stream.isatty()
    if environ.get("NO_COLOR"):
        color = False
    elif environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        color = True
    else:
        color = terminal and environ.get("TERM", "") != "dumb"
    columns = environ.get("COLUMNS", "")
    known = columns.isdecimal() and int(columns) > 0
    if known:
        width = int(columns)
    else:
        width = shutil.get_terminal_size((80, 24)).columns if terminal else 80
    width = max(width, 40)
    line_width = width if known or terminal else PIPE_COLUMNS
    return Screen(width=width, color=color, terminal=terminal, line_width=line_width)


def prepare_streams() -> None:
    """Have characters that the terminal's encoding lacks replaced, never raise for them."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def emit(lines: Iterable[str], *, flush: bool = False) -> None:
    """Write lines to stdout; with `flush` each at once, for a reader that waits for them."""
    write = sys.stdout.write
    for line in lines:
        write(line + "\n")
        if flush:
            sys.stdout.flush()


def emit_json(value: Any) -> None:
    """Write a value to stdout as indented JSON."""
    encoded = msgspec.json.encode(value)
    emit([msgspec.json.format(encoded, indent=2).decode()])


def emit_json_lines(values: Iterable[Any], *, flush: bool = False) -> None:
    """Write values to stdout as JSON, one a line."""
    emit((msgspec.json.encode(value).decode() for value in values), flush=flush)


def note(text: str) -> None:
    """Tell the person something that is not data."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def note_scope(said: list[str], indexing: float) -> None:
    """Say on stderr what an answer left out, and that it is not complete yet."""
    if indexing < 1:
        from opensession.client.render.numbers import percent

        said = [*said, f"still indexing: {percent(indexing)}"]
    if said:
        note(screen_of(sys.stderr).dim(" · ".join(said)))


def report(error: OpenSessionError, *, as_json: bool) -> int:
    """Print an error to stderr (DECISIONS §11) and give the exit code of the process."""
    code = error.exit_code
    hint = error.hint or _NEXT.get(code, "")
    message = str(error) or type(error).__name__
    if as_json:
        body = {"error": {"code": _NAMES.get(code, "failed"), "message": message, "next": hint}}
        note(msgspec.json.encode(body).decode())
        return code
    screen = screen_of(sys.stderr)
    candidates = getattr(error, "candidates", ())
    lines = [f"{screen.red('opensession:')} {message}"]
    lines += [f"  {candidate}" for candidate in candidates]
    if hint:
        lines.append(f"next: {hint}")
    note("\n".join(lines))
    return code
