"""A connection to the daemon: JSON-RPC 2.0, one object a line, over its Unix socket.

The socket is found through `daemon.json`, never guessed (DECISIONS §6).
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from opensession.core import __version__
from opensession.core.errors import (
    BY_CODE,
    NotFound,
    OpenSessionError,
    ProtocolMismatch,
    Refused,
    Unreachable,
)
from opensession.core.paths import Paths
from opensession.core.rpc.envelope import PROTOCOL, REQUEST_LIMIT, Params, Response, encode_line
from opensession.core.run_file import (
    RunFile,
    boot_id,
    host_name,
    is_alive,
    read_run_file,
)

ANSWER_SECONDS = 3.0
"""How soon a healthy daemon greets: one that does not is taken for wedged."""

ENDING_SECONDS = 1.0
"""How long a process that was killed may take to end after its connections did."""

CALL_SECONDS = 70.0
"""Longer than the daemon's own deadline, so that its answer is what a person reads."""

RELOCATING = (
    "AIDER_CHAT_HISTORY_FILE",
    "AIDER_LLM_HISTORY_FILE",
    "AMP_DATA_DIR",
    "CLAUDE_CONFIG_DIR",
    "CLINE_DATA_DIR",
    "CLINE_DIR",
    "CODEX_HOME",
    "COPILOT_HOME",
    "CURSOR_CONFIG_DIR",
    "GEMINI_CLI_HOME",
    "GOOSE_PATH_ROOT",
    "KILO_DB",
    "OPENCODE_DB",
    "QWEN_HOME",
    "QWEN_RUNTIME_DIR",
    "VSCODE_PORTABLE",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
)
"""Variables that move the folders of agents: a daemon started as a service does not have them."""

R = TypeVar("R")


class NotRunning(Unreachable):
    """There is no daemon: none was started, or it was killed."""


class Ended(Unreachable):
    """The daemon went away amid a connection."""


def find(paths: Paths) -> RunFile:
    """Who `daemon.json` says the daemon is.

    Raises NotRunning if there is none, Refused if it is another machine's.
    """
    run = read_run_file(paths.run_file)
    if run is None:
        raise _not_running()
    here = host_name()
    if run.host != here and (not run.boot_id or run.boot_id != boot_id()):
        raise Refused(
            f"this home is in use by a daemon on {run.host}, and this machine is {here}",
            "export OPENSESSION_HOME=/a/folder/on/this/machine",
        )
    return run


def connect(paths: Paths, environ: Mapping[str, str], *, client: str = "cli") -> Daemon:
    """A greeted connection.

    Raises NotRunning where no daemon is, Unreachable where one hangs, ProtocolMismatch where
    one of the two programs is too old.
    """
    run = find(paths)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(ANSWER_SECONDS)
    try:
        link.connect(run.socket)
    except OSError as error:
        link.close()
        if not _ends(run):
            raise _wedged(run) from error
        raise _not_running() from None
    daemon = Daemon(link, run)
    try:
        if peer_uid(link) != os.getuid():
            raise Refused(
                f"the socket {run.socket} is answered by another user",
                "opensession daemon status",
            )
        daemon.greet(environ, client)
    except Ended:
        daemon.close()
        if _ends(run):
            raise _not_running() from None
        raise
    except BaseException:
        daemon.close()
        raise
    return daemon


def peer_uid(link: socket.socket) -> int:
    """The user at the other end, as the kernel tells it."""
    if sys.platform == "linux":
        credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return int(struct.unpack("3i", credentials)[1])
    local_peercred = 1
    credentials = link.getsockopt(0, local_peercred, 128)
    return int(struct.unpack_from("II", credentials)[1])


def _ends(run: RunFile) -> bool:
    """Whether a daemon is gone, or is just going: it was killed, and closed its socket first."""
    deadline = time.monotonic() + ENDING_SECONDS
    while is_alive(run):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _not_running() -> NotRunning:
    return NotRunning("no daemon is running", "opensession daemon start")


def _wedged(run: RunFile) -> Unreachable:
    return Unreachable(
        f"the daemon (pid {run.pid}) runs and does not answer", "opensession daemon restart"
    )


class Daemon:
    """One connection. `call` asks and waits; `notices` waits for what comes by itself.

    Notifications that arrive between are kept for `notices`.
    """

    def __init__(self, link: socket.socket, run: RunFile) -> None:
        self.run = run
        self.version = run.version
        self._link = link
        self._lines = link.makefile("rb")
        self._number = 0
        self._waiting: list[Response] = []

    def __enter__(self) -> Daemon:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; work that was asked for over it is cancelled."""
        self._lines.close()
        self._link.close()

    def greet(self, environ: Mapping[str, str], client: str) -> None:
        """Say hello: versions, and where this client's environment puts the agents' folders."""
        from opensession.core.rpc.daemon import Hello, HelloParams

        env = {name: environ[name] for name in RELOCATING if environ.get(name)}
        try:
            hello = self.call(
                "daemon.hello",
                HelloParams(client=f"{client}/{__version__}", protocol=PROTOCOL, env=env),
                Hello,
                seconds=ANSWER_SECONDS,
            )
        except TimeoutError as error:
            raise _wedged(self.run) from error
        self.version = hello.version
        if hello.protocol != PROTOCOL:
            raise ProtocolMismatch(
                f"the daemon is {hello.version} (protocol {hello.protocol}), this program is"
                f" {__version__} (protocol {PROTOCOL})",
                "opensession daemon restart",
            )

    def call(
        self, method: str, params: Params, result: type[R], *, seconds: float = CALL_SECONDS
    ) -> R:
        """The result of a method.

        Raises the error that the daemon answered with, or Unreachable if it went away.
        """
        try:
            return msgspec.json.decode(self.call_raw(method, params, seconds=seconds), type=result)
        except msgspec.ValidationError as error:
            raise ProtocolMismatch(
                f"the daemon ({self.run.version}) answers {method} in a way that this program"
                f" ({__version__}) does not understand: {error}",
                "opensession daemon restart",
            ) from None

    def call_raw(self, method: str, params: Any, *, seconds: float = CALL_SECONDS) -> msgspec.Raw:
        """As `call`, with the result as the JSON it came in."""
        self._number += 1
        line = encode_line(
            {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        )
        if len(line) > REQUEST_LIMIT:
            raise OpenSessionError(f"the request to {method} is larger than 4 MiB")
        self._link.settimeout(seconds)
        try:
            self._link.sendall(line)
            while True:
                response = self._read()
                if response.method:
                    self._waiting.append(response)
                elif response.id == self._number:
                    break
                elif response.id is None and response.error is not None:
                    break  # the daemon could not read the line
        except TimeoutError:
            if method == "daemon.hello":
                raise
            raise Unreachable(
                f"the daemon did not answer {method} within {seconds:.0f} s",
                "opensession daemon health",
            ) from None
        except ConnectionError as error:
            raise _gone() from error
        if response.error is not None:
            raise _error_of(response)
        return response.result

    def notices(self, method: str, kind: type[R]) -> Iterator[R]:
        """The notifications of one name, as they come, without end.

        Raises Unreachable when the daemon goes away.
        """
        for name, params in self.all_notices():
            if name == method:
                yield msgspec.json.decode(params, type=kind)

    def all_notices(self) -> Iterator[tuple[str, msgspec.Raw]]:
        """Every notification as it comes, without end: its name and its parameters as JSON."""
        self._link.settimeout(None)
        while True:
            response = self._waiting.pop(0) if self._waiting else self._read()
            if response.method:
                yield response.method, response.params

    def _read(self) -> Response:
        try:
            line = self._lines.readline()
        except TimeoutError:
            raise
        except OSError as error:
            raise _gone() from error
        if not line.endswith(b"\n"):
            raise _gone()
        return msgspec.json.decode(line, type=Response)


def _gone() -> Ended:
    return Ended("the daemon ended the connection", "opensession daemon status")


def _error_of(response: Response) -> OpenSessionError:
    error = response.error
    if error is None:
        return OpenSessionError("an answer without result or error")
    if error.code == -32601:
        return ProtocolMismatch(
            f"the running daemon does not know this: {error.message}",
            error.data.hint or "opensession daemon restart",
        )
    if error.code == -32602:
        from opensession.core.errors import UsageError

        return UsageError(error.message, error.data.hint)
    if error.data.candidates:
        return NotFound(error.message, error.data.hint, tuple(error.data.candidates))
    return BY_CODE.get(error.code, OpenSessionError)(error.message, error.data.hint)
