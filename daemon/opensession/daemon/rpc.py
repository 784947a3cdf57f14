"""The socket server: JSON-RPC 2.0, one object per line, answered by the handlers of `methods`."""

from __future__ import annotations

import asyncio
import difflib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from opensession.core.errors import OpenSessionError, Refused, Unreachable
from opensession.core.rpc.envelope import (
    REQUEST_LIMIT,
    Error,
    ErrorData,
    Method,
    Request,
    error_line,
    result_line,
)
from opensession.core.rpc.methods import METHODS
from opensession.daemon import sockets, tasks
from opensession.daemon.archive import DiskFull
from opensession.daemon.connection import ClientConnection

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 60.0
"""How long any one call may take; longer work is a job."""

Call: TypeAlias = Callable[[Any, ClientConnection], Awaitable[Any]]
"""A handler with the application already given: parameters and connection to result."""

_requests = msgspec.json.Decoder(Request)
_by_name: Mapping[str, Method[Any, Any]] = {method.name: method for method in METHODS}


class BadRequest(Exception):
    """A line that is no call; carries the whole error line."""

    def __init__(self, line: bytes) -> None:
        super().__init__()
        self.line = line


def read_request(line: bytes) -> Request:
    """The request on a line. Raises BadRequest with the answer as JSON-RPC defines it."""
    if line.lstrip()[:1] == b"[":
        raise BadRequest(_invalid(None, "batches are not accepted: send one object per line"))
    try:
        request = _requests.decode(line)
    except msgspec.ValidationError as error:
        raise BadRequest(_invalid(_id_of(line), f"invalid request: {error}")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest(error_line(None, Error(-32700, "not a line of JSON"))) from None
    if request.jsonrpc != "2.0":
        raise BadRequest(_invalid(request.id, 'invalid request: "jsonrpc" is not "2.0"'))
    return request


def read_params(request: Request) -> Any:
    """The parameters of a request. Raises BadRequest if the method is not there or they do not fit
    it; the messages name fields and types, never values.
    """
    method = _by_name.get(request.method)
    if method is None:
        near = difflib.get_close_matches(request.method, _by_name, n=1)
        hint = f"opensession rpc {near[0]}" if near else ""
        error = Error(-32601, "no such method", ErrorData(hint))
        raise BadRequest(error_line(request.id, error))
    try:
        return msgspec.json.decode(request.params, type=method.params)
    except msgspec.ValidationError as error:
        said = f"invalid params of {method.name}: {error}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = f"invalid params of {method.name}: not JSON"
    hint = f"see {method.name} in docs/rpc.md"
    raise BadRequest(error_line(request.id, Error(-32602, said, ErrorData(hint))))


def error_of(error: Exception) -> Error:
    """An application error as it is sent. What nobody foresaw is logged and named, not quoted."""
    if isinstance(error, OpenSessionError):
        candidates = [_sendable(each) for each in getattr(error, "candidates", ())]
        data = ErrorData(_sendable(error.hint), candidates)
        return Error(error.code, _sendable(str(error)), data)
    if isinstance(error, DiskFull):
        full = Refused("there is no room on the disk", "free some space, then the same again")
        return error_of(full)
    log.error("a call failed", exc_info=error)
    said = f"internal error ({type(error).__name__})"
    return Error(-32603, said, ErrorData("opensession daemon logs"))


class Server:
    """Accepts connections of our own user and answers them with `calls`, by method name.

    `changed` is called when a connection comes or goes, with the number that are open.
    """

    def __init__(self, calls: Mapping[str, Call], changed: Callable[[int], None]) -> None:
        self._calls = calls
        self._changed = changed
        self._connections: set[ClientConnection] = set()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def start(self, listening: socket.socket) -> None:
        """Answer on a listening socket from now on."""
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listening, limit=REQUEST_LIMIT
        )

    async def close(self) -> None:
        """Accept nobody any more and end every connection; what is being answered is not."""
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(each.close() for each in list(self._connections)))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = sockets.peer_uid(writer.get_extra_info("socket"))
        if uid != os.getuid():
            log.warning("refused a connection of user %s", uid)
            writer.write(error_line(None, Error(-32002, "this daemon is another user's")))
            writer.close()
            return
        connection = ClientConnection(reader, writer, self._answer)
        tasks.spawn(self._serve(connection), name="connection")

    async def _serve(self, connection: ClientConnection) -> None:
        self._connections.add(connection)
        self._changed(len(self._connections))
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self._changed(len(self._connections))

    async def _answer(self, connection: ClientConnection, line: bytes) -> bytes | None:
        try:
            request = read_request(line)
        except BadRequest as bad:
            return bad.line
        try:
            answer = await self._run(request, read_params(request), connection)
        except BadRequest as bad:
            answer = bad.line
        return None if request.id is None else answer

    async def _run(self, request: Request, params: Any, connection: ClientConnection) -> bytes:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                result = await self._calls[request.method](params, connection)
            return result_line(request.id, result)
        except TimeoutError:
            late = Unreachable(f"{request.method} took longer than {DEADLINE_SECONDS:.0f} s")
            return error_line(request.id, error_of(late))
        except Exception as error:
            return error_line(request.id, error_of(error))


def _invalid(call: int | str | None, said: str) -> bytes:
    return error_line(call, Error(-32600, said))


def _sendable(text: str) -> str:
    """A text as UTF-8 can carry it: paths may hold bytes that are no text."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _id_of(line: bytes) -> int | str | None:
    """The id of a request that is wrong otherwise, as far as it can be told."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    call = found.get("id") if isinstance(found, dict) else None
    return call if isinstance(call, int | str) and not isinstance(call, bool) else None
