"""Receives requests' bodies and makes batches of them, off the event loop where it takes time."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from opensession.core.paths import make_private
from opensession.server.receiving.decode import ENCODINGS, Decoder, TooLarge
from opensession.server.receiving.door import Door
from opensession.server.receiving.lines import Prepared, prepare
from opensession.server.receiving.spool import Spool

T = TypeVar("T")

FOLDER = "receiving"
WORKERS = 2
IDLE_SECONDS = 60.0
"""How long a client may send nothing of a body that it has begun."""

LEAST_RATE = 1024
"""Bytes a second that come on average, beyond the first `IDLE_SECONDS`."""

_LOOK_SECONDS = 1.0


class Receiver:
    """What all requests share. Made in a thread; `close` waits for what is being worked on."""

    def __init__(self, data: Path, limit: int, least_free: int) -> None:
        self._folder = data / FOLDER
        make_private(self._folder)
        for left in self._folder.iterdir():
            left.unlink()  # of a crash
        self._limit = limit
        self._least_free = least_free
        self._room = True
        self._look_at = 0.0
        self._door = Door()
        self._workers = ThreadPoolExecutor(WORKERS, "hub-receive")

    def close(self) -> None:
        """Ends the workers."""
        self._workers.shutdown()

    def spool(self) -> Spool:
        """A new one."""
        return Spool(self._folder)

    async def receive(self, request: web.Request, spool: Spool) -> None:
        """Decodes the body into a spool.

        Raises KeyError for an encoding that the hub does not know, BadEncoding, TooLarge, an
        OSError ENOSPC where the disk has too little room, TimeoutError for a client that stalls.
        """
        self._check_room()
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ENCODINGS:
            raise KeyError(encoding)
        decoder = Decoder(encoding, self._limit)
        if encoding == "identity" and (request.content_length or 0) > self._limit:
            raise TooLarge(f"the body is larger than {self._limit} bytes")

        def add(chunk: bytes) -> None:
            for piece in decoder.feed(chunk):
                spool.add(piece)

        now = asyncio.get_running_loop().time
        end, sent = now() + IDLE_SECONDS, 0
        while True:
            async with asyncio.timeout_at(min(now() + IDLE_SECONDS, end + sent / LEAST_RATE)):
                chunk = await request.content.readany()
            if not chunk:
                break
            sent += len(chunk)
            if spool.held:
                add(chunk)
            else:
                await self.work(lambda chunk=chunk: add(chunk))  # type: ignore[misc]
        decoder.end()

    def _check_room(self) -> None:
        now = time.monotonic()
        if now >= self._look_at:
            self._room = shutil.disk_usage(self._folder).free >= self._least_free
            self._look_at = now + _LOOK_SECONDS
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def prepare(self, spool: Spool, start: int, first: int, chain: bytes) -> Prepared:
        """`lines.prepare`, with what is found at the door. Raises BadLine."""
        return await self.work(lambda: prepare(spool, start, first, chain, self._door.scan))

    async def work(self, what: Callable[[], T]) -> T:
        """Runs what blocks or computes."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, what)
