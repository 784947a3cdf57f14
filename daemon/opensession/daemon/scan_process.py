"""Having a scan done by a process of its own, which ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping

import msgspec

from opensession.core.errors import OpenSessionError
from opensession.daemon.scanning import Answer, Request

COMMAND = (sys.executable, "-P", "-m", "opensession.daemon", "scan", "--request")
_LINE_BYTES = 256 << 20


async def ask(
    environ: Mapping[str, str], request: Request, told: Callable[[Answer], None] = lambda _: None
) -> msgspec.Raw:
    """The result of a request as JSON; `told` is called as it goes on.

    Raises OpenSessionError with what the process said, or if it died. Cancelled, it is killed.
    """
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback may hold words of a session
        env=dict(environ),
        cwd="/",
        limit=_LINE_BYTES,
    )
    try:
        return await _answered(process, request, told)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _answered(
    process: asyncio.subprocess.Process, request: Request, told: Callable[[Answer], None]
) -> msgspec.Raw:
    assert process.stdin is not None  # noqa: S101 - it was asked for
    assert process.stdout is not None  # noqa: S101 - it was asked for
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(msgspec.msgpack.encode(request))
        await process.stdin.drain()
        process.stdin.close()
    while line := await process.stdout.readline():
        answer = msgspec.json.decode(line, type=Answer)
        if answer.error:
            raise OpenSessionError(answer.error, answer.hint)
        if bytes(answer.result):
            return answer.result
        told(answer)
    code = await process.wait()
    raise OpenSessionError(f"the process that looks ended with {code}", "opensession daemon logs")
