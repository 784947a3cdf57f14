"""A pager where a person looks at more than fits; else straight to stdout."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable

from opensession.client import output


def emit_paged(lines: Iterable[str]) -> None:
    """Write lines; on a terminal, what does not fit goes through `$PAGER` (`less` if unset)."""
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        output.emit(lines)
        return
    height = shutil.get_terminal_size((80, 24)).lines
    iterator = iter(lines)
    first = list(itertools.islice(iterator, height - 1))
    pager = os.environ.get("OPENSESSION_PAGER", os.environ.get("PAGER", "less"))
    words = shlex.split(pager)
    if len(first) < height - 1 or not words or words[0] == "cat" or not shutil.which(words[0]):
        output.emit(itertools.chain(first, iterator))
        return
    environ = {"LESS": "FRX", "LV": "-c", **os.environ}
    process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environ, text=True)
    try:
        if process.stdin is not None:
            with process.stdin as pipe:
                for line in itertools.chain(first, iterator):
                    pipe.write(line + "\n")
    except BrokenPipeError:
        return  # the person has seen enough
    finally:
        process.wait()
