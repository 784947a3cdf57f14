"""Agents that are known by a command of the configuration: it gets a path and prints HAIL.

    [[watchers.commands]]
    name = "acme"                          # of its sessions, everywhere
    files = "~/.acme/sessions/*.json"      # one session a file
    command = ["acme-to-hail"]             # + the file's path

The file's bytes are archived as they are. The command is run with the path of the file, or of a
copy where the file is gone, whenever its content changed.
"""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from opensession.core.config.settings import CommandAgent
from opensession.parsers.agent import (
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    Source,
    SourceRefused,
    Storage,
)
from opensession.parsers.hail.feed import feed_as
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.opening import opened, walk
from opensession.parsers.stamps import stamp_of

FILE_BYTES = 64 << 20
"""A larger file is refused."""

OUTPUT_BYTES = 32 << 20
"""A command that prints more gives nothing."""

SECONDS = 60.0
"""A command that takes longer is ended."""

_PASSED_ON = ("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "USER", "XDG_CONFIG_HOME")


class Commanded(Agent):
    """The row of such an agent."""

    color = "#78716c"
    parser_version = 1
    variables: tuple[str, ...] = ()
    retention_days: int | None = None
    resume: tuple[str, ...] = ()
    ids = "the session id in the header that its command prints"
    foreign = True

    def __init__(self, settings: CommandAgent) -> None:
        self.name = settings.name
        self.label = settings.name
        self._command = settings.command
        self._folder, self._pattern = os.path.split(settings.files)

    def roots(self, env: Environment) -> list[Root]:
        """The folder of its files."""
        return [Root(self.name, self._folder, 0)]

    def sources(self, root: Root) -> Iterator[Source]:
        """Every file of its pattern in the folder."""
        for path in walk(root.path, self._is_wanted):
            if PurePosixPath(path).parent == PurePosixPath(root.path):
                yield Source(self.name, root.path, path)

    def source_of(self, root: Root, path: str) -> Source | None:
        """The file that `path` is, if it is one of its."""
        folder, name = os.path.split(path)
        if folder == root.path.rstrip("/") and self._is_wanted(name):
            return Source(self.name, root.path, path)
        return None

    def storage(self, source: Source) -> Storage:
        """A command is always given the whole file."""
        return "whole"

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Runs the command if the file changed; SourceRefused says why it gave nothing."""
        before = stamp_of(self.files(source)) if not source.read_from else None
        with opened(source) as (descriptor, status):
            if status.st_size > FILE_BYTES:
                raise SourceRefused(f"larger than {FILE_BYTES >> 20} MiB")
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(FILE_BYTES + 1)
        digest = hashlib.blake2b(data, digest_size=16).digest()
        new = Cursor(
            offset=len(data),
            dev=status.st_dev,
            ino=before.ino if before else status.st_ino,
            size=before.size if before else status.st_size,
            mtime_ns=before.mtime_ns if before else status.st_mtime_ns,
            tail=digest,
        )
        if cursor is not None and cursor.tail == digest:
            return Delta(cursor=new, raw_offset=len(data))
        fed = self._run(source)
        return Delta(
            cursor=new,
            sessions=fed.sessions,
            raw=data,
            restarted=cursor is not None,
            skipped=fed.skipped,
            unknown=fed.unknown,
        )

    def _is_wanted(self, name: str) -> bool:
        return fnmatch.fnmatchcase(name, self._pattern)

    def _run(self, source: Source) -> Fed:
        """What the command prints, as a session."""
        with tempfile.TemporaryFile() as output:
            _run([*self._command, str(source.data_path)], output)
            size = output.seek(0, os.SEEK_END)
            if size > OUTPUT_BYTES:
                raise SourceRefused(f"its command prints more than {OUTPUT_BYTES >> 20} MiB")
            output.seek(0)
            lines, offset = [], 0
            for line in output:
                if line.strip():
                    lines.append(Line(offset, line.rstrip(b"\r\n"), oversized=False))
                offset += len(line)
        fed = feed_as(self.name, source, b"", lines)
        if not fed.sessions:
            raise SourceRefused("its command prints no HAIL")
        return fed


def _run(words: list[str], output: IO[bytes]) -> None:
    """Runs a command to its end; SourceRefused where it cannot be, fails or takes too long."""
    environ = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={**environ, "OPENSESSION_INTERNAL": "1"},
            start_new_session=True,
        )
    except OSError as error:
        raise SourceRefused(f"its command cannot be run: {error.strerror}") from error
    try:
        code = child.wait(SECONDS)
    except subprocess.TimeoutExpired:
        raise SourceRefused(f"its command takes more than {SECONDS:.0f} s") from None
    finally:
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if code:
        raise SourceRefused(f"its command ended with code {code}")
