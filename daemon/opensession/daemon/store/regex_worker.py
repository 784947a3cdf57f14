"""The process that `regex` starts: a request on stdin, a line for each match on stdout."""

from __future__ import annotations

import contextlib
import resource
import sys
from pathlib import Path
from typing import Any

import msgspec
import re2  # type: ignore[import-untyped]

from opensession.daemon.store.connect import open_reader
from opensession.daemon.store.event_text import Deadline, every_text
from opensession.daemon.store.regex import End, Match, Request
from opensession.daemon.store.snippet import Span, snippet

_MEMORY_BYTES = 1 << 30
_MAX_SPANS = 16


def main() -> None:
    """Answers one request and ends."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    _limit(request.seconds)
    options = re2.Options()
    options.log_errors = False
    try:
        # A line of the text is what `^` and `$` mean to somebody who searches.
        pattern = re2.compile(f"(?m){request.pattern}".encode(), options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        _tell(End(False, said.decode(errors="replace") if isinstance(said, bytes) else str(said)))
        return
    _tell(End(_search(request, pattern), ""))


def _search(request: Request, pattern: Any) -> bool:
    """Tells the matches; True if none was left out."""
    deadline = Deadline(request.seconds)
    count = 0
    for event in every_text(open_reader(Path(request.index)), request.narrowing):
        if deadline.passed():
            return False
        if event is None:
            continue
        data = event.text.encode()
        if pattern.search(data) is None:
            continue
        if count == request.most:
            return False
        count += 1
        shown = snippet(event.text, _spans(pattern, data)) if count <= request.shown else ""
        _tell(Match(event.key, shown))
    return True


def _spans(pattern: Any, data: bytes) -> list[Span]:
    spans = []
    for match in pattern.finditer(data):
        start = len(data[: match.start()].decode(errors="replace"))
        spans.append(Span(start, start + len(match.group().decode(errors="replace"))))
        if len(spans) == _MAX_SPANS:
            break
    return spans


def _tell(line: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _limit(seconds: float) -> None:
    """Bounds memory and CPU, where the platform lets itself be asked."""
    for kind, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, int(seconds) + 2),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main()
