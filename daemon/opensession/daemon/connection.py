"""One client's connection: its requests in, answers and notifications out.

Requests of one connection run beside one another, up to a limit, and are answered as they finish.
A client that does not read makes only its own requests wait, and is cut off in the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from opensession.core.rpc.envelope import (
    REQUEST_LIMIT,
    Error,
    ErrorData,
    error_line,
    notification_line,
)
from opensession.daemon import tasks

log = logging.getLogger(__name__)

IN_FLIGHT = 16
"""Requests of one connection that run at a time; further ones are read when one has ended."""

UNREAD_BYTES = 1 << 20
"""Bytes of answers that may wait for a client before its own requests wait too."""

SEND_SECONDS = 30.0
"""How long a client may leave its answers unread before it is cut off."""

DISCARD_BYTES = 64 << 20
"""How much of an oversized request is read and thrown away, so that its error arrives."""

Answer = Callable[["ClientConnection", bytes], Awaitable[bytes | None]]


class ClientConnection:
    """`serve` runs until the client is gone; `notify` sends beside the answers.

    `client` is what it called itself in `daemon.hello`.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer
    ) -> None:
        self.client = ""
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._at_close: list[Callable[[], None]] = []
        self._ended = False
        writer.transport.set_write_buffer_limits(high=UNREAD_BYTES)

    async def serve(self) -> None:
        """Answer requests until the client closes its side; what it asked is still answered."""
        try:
            await self._read_requests()
            self._end()
            await asyncio.gather(*self._in_flight, return_exceptions=True)
        except OSError as error:
            log.debug("%s went away: %s", self.client or "a client", error)
        finally:
            await self.close()

    async def _read_requests(self) -> None:
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
            except asyncio.IncompleteReadError as rest:
                line = rest.partial  # a last request may lack its line end
                if not line.strip():
                    return
            except asyncio.LimitOverrunError:
                await self._refuse_oversized()
                return
            if line.strip():
                await self._slots.acquire()
                task = tasks.spawn(self._run(line), name=f"request of {self.client or 'a client'}")
                self._in_flight.add(task)
                task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._slots.release()

    async def _run(self, line: bytes) -> None:
        answer = await self._answer(self, line)
        if answer is not None:
            try:
                await self.send(answer)
            except ConnectionError:
                return  # nobody is left to be told

    async def _refuse_oversized(self) -> None:
        limit = f"{REQUEST_LIMIT >> 20} MiB"
        error = Error(-32600, f"a request is larger than {limit}", ErrorData("give it by path"))
        await self.send(error_line(None, error))
        left = DISCARD_BYTES
        async with asyncio.timeout(SEND_SECONDS):
            while left > 0 and (piece := await self._reader.read(1 << 16)):
                left -= len(piece)

    async def send(self, line: bytes) -> None:
        """Send one line; returns when the client has room for more.

        Raises ConnectionError if it is gone, or was cut off because it does not read.
        """
        self._writer.write(line)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._writer.drain()
        except TimeoutError:
            log.warning("%s does not read its answers: cut off", self.client or "a client")
            self._writer.transport.abort()
            raise ConnectionAbortedError("the client does not read") from None

    async def notify(self, method: str, params: Any) -> None:
        """Send a notification, as `send` does."""
        await self.send(notification_line(method, params))

    def at_close(self, action: Callable[[], None]) -> None:
        """Have `action` called when the client closes the connection (at once if it has)."""
        if self._ended:
            action()
        else:
            self._at_close.append(action)

    def not_at_close(self, action: Callable[[], None]) -> None:
        """Take back what `at_close` was given."""
        if action in self._at_close:
            self._at_close.remove(action)

    def _end(self) -> None:
        self._ended = True
        actions, self._at_close = self._at_close, []
        for action in actions:
            action()

    async def close(self) -> None:
        """End the connection: what runs for it is cancelled, what is written is still sent."""
        self._end()
        await tasks.cancel(list(self._in_flight))
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except (TimeoutError, OSError):
            self._writer.transport.abort()
