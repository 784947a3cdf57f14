"""A session's file that is not in the index, as an index of its own for as long as it is needed."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw
import msgspec

from opensession.core.errors import OpenSessionError
from opensession.daemon.admission import rules_of
from opensession.daemon.publish.gathering import Gathered, Request
from opensession.daemon.publish.parts import Parts
from opensession.daemon.store.connect import open_reader

P = ParamSpec("P")
T = TypeVar("T")

COMMAND = (sys.executable, "-P", "-m", "opensession.daemon", "gather")
PREFIX = "gathered-"


class Foreign:
    """A file's index until `close`. `private` are the sessions that say `#private`."""

    def __init__(self, folder: Path, found: Gathered) -> None:
        self._folder = folder
        self._db = open_reader(Path(found.index))
        self._turn = asyncio.Lock()
        self.private = frozenset(found.private)

    async def query(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `fn(db, …)` gives, in a thread."""
        async with self._turn:
            return await asyncio.to_thread(fn, self._db, *args, **kwargs)

    async def close(self) -> None:
        """The index is deleted."""
        async with self._turn:
            await asyncio.to_thread(self._db.close)
            await asyncio.to_thread(shutil.rmtree, self._folder, True)


async def gather(parts: Parts, path: str) -> Foreign:
    """Reads a file. Raises OpenSessionError with the reason where that does not do."""
    setup = await parts.library.setup()
    rules = msgspec.structs.replace(rules_of(parts.settings()), repos=())
    setup = msgspec.structs.replace(setup, archive=False, rules=rules)
    scratch = parts.paths.state_dir / "work"
    scratch.mkdir(mode=0o700, exist_ok=True)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=PREFIX, dir=scratch))
    try:
        found = await _asked(parts, Request(setup, path, str(folder)))
        return await asyncio.to_thread(Foreign, folder, found)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def tidy(scratch: Path) -> None:
    """Removes what a daemon left that was killed."""
    for folder in scratch.glob(f"{PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


async def _asked(parts: Parts, request: Request) -> Gathered:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback may hold words of a session
        env=dict(parts.environ),
        cwd="/",
    )
    try:
        out, _ = await process.communicate(msgspec.msgpack.encode(request))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode or not out:
        raise OpenSessionError(
            f"{request.file}: the process that reads it ended with {process.returncode}",
            "opensession daemon logs",
        )
    found = msgspec.json.decode(out, type=Gathered)
    if found.error:
        raise OpenSessionError(found.error, found.hint)
    return found
