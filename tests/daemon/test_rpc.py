"""The socket server on a real socket, with handlers of the test's own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opensession.core.errors import NotFound
from opensession.core.rpc.daemon import LogsParams, LogsResult, StopResult
from opensession.core.rpc.envelope import REQUEST_LIMIT
from opensession.daemon import connection, rpc, sockets
from opensession.daemon.connection import ClientConnection
from opensession.daemon.rpc import Call, Server, read_request
from tests.helpers.daemon import Home

STOP = b'{"jsonrpc":"2.0","id":1,"method":"daemon.stop"}\n'
STOPPED = {"jsonrpc": "2.0", "id": 1, "result": {"stopping": True}}


async def stop(params: Any, client: ClientConnection) -> StopResult:
    return StopResult(stopping=True)


class Peer:
    """The other end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, line: bytes) -> Any:
        self.writer.write(line)
        await self.writer.drain()
        return await self.receive()

    async def receive(self) -> Any:
        async with asyncio.timeout(30):
            line = await self.reader.readline()
        return json.loads(line) if line else None

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Serving:
    """A server and those who connect to it."""

    def __init__(self, server: Server, path: Path) -> None:
        self.server = server
        self.path = path
        self.peers: list[Peer] = []

    async def connect(self) -> Peer:
        peer = Peer(*await asyncio.open_unix_connection(self.path, limit=64 << 20))
        self.peers.append(peer)
        return peer


@contextlib.asynccontextmanager
async def serving(home: Home, calls: Mapping[str, Call]) -> AsyncIterator[Serving]:
    """A server of `calls` on a socket below `home`."""
    found = Serving(Server(calls, lambda connections: None), home.path / "s")
    await found.server.start(sockets.listen(found.path))
    try:
        yield found
    finally:
        for peer in found.peers:
            await peer.close()
        await found.server.close()


def ask(home: Home, line: bytes, calls: Mapping[str, Call] | None = None) -> Any:
    """What a server answers to one line."""

    async def main() -> Any:
        async with serving(home, calls or {"daemon.stop": stop}) as found:
            peer = await found.connect()
            answer = await peer.ask(line)
            await peer.close()
            return answer

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("line", "code", "call"),
    [
        (b"nonsense\n", -32700, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"daemon.stop"\n', -32700, None),
        (b'{"method":"\xff","id":1}\n', -32700, None),
        (b"[" * 100_000 + b"\n", -32600, None),
        (b'{"method":"daemon.stop","id":1,"params":' + b"[" * 100_000 + b"\n", -32700, None),
        (b"17\n", -32600, None),
        (b'"text"\n', -32600, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"daemon.stop"}]\n', -32600, None),
        (b'{"jsonrpc":"2.0","id":7}\n', -32600, 7),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"daemon.stop"}\n', -32600, None),
        (b'{"jsonrpc":"1.0","id":7,"method":"daemon.stop"}\n', -32600, 7),
        (b'{"jsonrpc":"2.0","id":"a","method":"daemon.no"}\n', -32601, "a"),
        (b'{"jsonrpc":"2.0","id":7,"method":"daemon.stop","params":{"now":true}}\n', -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"daemon.stop","params":[1]}\n', -32602, 7),
        (b'{"jsonrpc":"2.0","id":7,"method":"daemon.logs","params":{"lines":"x"}}\n', -32602, 7),
    ],
)
def test_malformed_requests_get_the_error_of_the_standard(
    home: Home, line: bytes, code: int, call: int | str | None
) -> None:
    """DECISIONS §7: params are objects, an unknown one is an error, batches are refused."""
    answer = ask(home, line)

    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == call
    assert answer["error"]["code"] == code


def test_an_unknown_method_names_the_nearest(home: Home) -> None:
    """A mistyped name costs one look, not a search in the docs."""
    answer = ask(home, b'{"jsonrpc":"2.0","id":1,"method":"daemon.stopp"}\n')

    assert answer["error"]["data"]["hint"] == "opensession rpc daemon.stop"


def test_a_message_about_params_quotes_no_value(home: Home) -> None:
    """What was asked may be private: errors name fields and types."""
    answer = ask(
        home, b'{"jsonrpc":"2.0","id":1,"method":"daemon.logs","params":{"lines":"secret"}}\n'
    )

    assert "secret" not in json.dumps(answer)
    assert "lines" in answer["error"]["message"]


def test_notifications_get_no_answer(home: Home) -> None:
    """Neither a result nor an error answers a call without id; the next call is answered."""
    lines = b'{"jsonrpc":"2.0","method":"daemon.stop"}\n{"jsonrpc":"2.0","method":"nope"}\n'

    assert ask(home, lines + b"\n \n" + STOP) == STOPPED


def test_a_last_line_without_end_is_answered_and_then_the_connection_ends(home: Home) -> None:
    """`printf … | socat` closes its side first and still gets its answer."""

    async def main() -> list[Any]:
        async with serving(home, {"daemon.stop": stop}) as found:
            peer = await found.connect()
            peer.writer.write(STOP.rstrip())
            peer.writer.write_eof()
            return [await peer.receive(), await peer.receive()]

    assert asyncio.run(main()) == [STOPPED, None]


def test_errors_of_ours_keep_code_hint_and_candidates(home: Home) -> None:
    """DECISIONS §7: each error has a code, a message and a hint."""

    async def fail(params: Any, client: ClientConnection) -> None:
        raise NotFound("aaaa names two sessions", "opensession log", ("aaaa1111", "aaaa2222\udcff"))

    error = ask(home, STOP, {"daemon.stop": fail})["error"]

    assert error["code"] == -32001
    assert error["message"] == "aaaa names two sessions"
    assert error["data"] == {"hint": "opensession log", "candidates": ["aaaa1111", "aaaa2222?"]}


def test_an_error_nobody_foresaw_is_named_and_not_quoted(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """The text of a foreign exception may hold a session's text: not in the answer."""

    async def fail(params: Any, client: ClientConnection) -> None:
        raise ValueError("a private line")

    answer = ask(home, STOP, {"daemon.stop": fail})

    assert answer["error"]["code"] == -32603
    assert "ValueError" in answer["error"]["message"]
    assert "private" not in json.dumps(answer)


def test_a_result_that_cannot_be_sent_is_an_error_and_not_silence(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """A client waits for every call it made."""

    async def broken(params: LogsParams, client: ClientConnection) -> LogsResult:
        return LogsResult(path="\udcff", lines=[])

    answer = ask(home, STOP, {"daemon.stop": broken})

    assert answer["error"]["code"] == -32603


def test_a_call_that_takes_too_long_is_given_up(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN §6: requests have a deadline; the error is "busy" (exit 3)."""
    monkeypatch.setattr(rpc, "DEADLINE_SECONDS", 0.05)
    ended = []

    async def hang(params: Any, client: ClientConnection) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    answer = ask(home, STOP, {"daemon.stop": hang})

    assert answer["error"]["code"] == -32004
    assert ended == [True]


def test_an_oversized_request_gets_an_error_and_the_connection_ends(home: Home) -> None:
    """DECISIONS §7: requests up to 4 MiB; larger input goes by path."""

    async def main() -> tuple[Any, Any, Any]:
        async with serving(home, {"daemon.stop": stop}) as found:
            peer = await found.connect()
            answer = await peer.ask(b'{"x":"' + b"a" * (REQUEST_LIMIT + 1) + b'"}\n' + STOP)
            peer.writer.write_eof()
            after = await peer.receive()
            other = await found.connect()
            return answer, after, await other.ask(STOP)

    answer, after, other = asyncio.run(main())

    assert answer["error"]["code"] == -32600
    assert "4 MiB" in answer["error"]["message"]
    assert after is None
    assert other == STOPPED


def test_a_request_just_below_the_limit_is_answered(home: Home) -> None:
    """The limit is on the line, as it is written down."""
    padding = b" " * (REQUEST_LIMIT - len(STOP))

    assert ask(home, padding + STOP) == STOPPED


def test_requests_of_one_connection_run_beside_one_another(home: Home) -> None:
    """A slow call does not hold up a quick one; answers carry the ids."""
    release = asyncio.Event()

    async def slow(params: Any, client: ClientConnection) -> StopResult:
        await release.wait()
        return StopResult(stopping=False)

    async def quick(params: Any, client: ClientConnection) -> StopResult:
        release.set()
        return StopResult(stopping=True)

    async def main() -> list[Any]:
        async with serving(home, {"daemon.reload": slow, "daemon.stop": quick}) as found:
            peer = await found.connect()
            first = await peer.ask(b'{"jsonrpc":"2.0","id":2,"method":"daemon.reload"}\n' + STOP)
            return [first["id"], (await peer.receive())["id"]]

    assert asyncio.run(main()) == [1, 2]


def test_what_runs_for_a_connection_ends_with_it(home: Home) -> None:
    """DECISIONS §7: closing the connection cancels its long work."""
    closed = asyncio.Event()

    async def subscribe(params: Any, client: ClientConnection) -> StopResult:
        client.at_close(closed.set)
        return StopResult(stopping=False)

    async def main() -> None:
        async with serving(home, {"daemon.stop": subscribe}) as found:
            peer = await found.connect()
            await peer.ask(STOP)
            assert not closed.is_set()
            await peer.close()
            async with asyncio.timeout(30):
                await closed.wait()

    asyncio.run(main())


def test_a_client_that_does_not_read_holds_up_nobody_else(home: Home) -> None:
    """Forty clients, one of which never reads what it asks for."""
    sent = 0

    async def large(params: Any, client: ClientConnection) -> LogsResult:
        nonlocal sent
        sent += 1
        return LogsResult(path="", lines=["x" * 500_000])

    async def main() -> int:
        async with serving(home, {"daemon.logs": large, "daemon.stop": stop}) as found:
            silent = await found.connect()
            for number in range(200):
                silent.writer.write(b'{"jsonrpc":"2.0","id":%d,"method":"daemon.logs"}\n' % number)
            others = [await found.connect() for _ in range(40)]
            answers = await asyncio.gather(*(peer.ask(STOP) for peer in others))
            assert answers == [STOPPED] * 40
            assert found.server.connections == 41
            # It gets as many answers as may run at a time, and what the buffers take.
            return sent

    assert asyncio.run(main()) < connection.IN_FLIGHT + 20


def test_a_client_that_never_reads_is_cut_off(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a client that hangs does not stay in memory for ever."""
    monkeypatch.setattr(connection, "SEND_SECONDS", 0.05)
    gone = asyncio.Event()

    async def large(params: Any, client: ClientConnection) -> LogsResult:
        client.at_close(gone.set)
        return LogsResult(path="", lines=["x" * (4 << 20)])

    async def main() -> None:
        async with serving(home, {"daemon.logs": large}) as found:
            silent = await found.connect()
            silent.reader._transport.pause_reading()  # type: ignore[attr-defined]
            silent.writer.write(b'{"jsonrpc":"2.0","id":1,"method":"daemon.logs"}\n')
            async with asyncio.timeout(30):
                await gone.wait()

    asyncio.run(main())


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0, reason="only root can be somebody else"
)
def test_another_user_is_refused_even_where_the_modes_let_him_in(home: Home) -> None:
    """DECISIONS §6: both sides check the other's uid; the modes are only the first wall."""

    async def main() -> Any:
        async with serving(home, {"daemon.stop": stop}) as found:
            home.path.chmod(0o755)
            found.path.chmod(0o666)
            code = (
                "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
                "s.connect(sys.argv[1]);"
                "sys.stdout.write(s.makefile().readline())"
            )
            done = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-I", "-c", code, str(found.path)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout, done.stderr
            return json.loads(done.stdout)

    assert asyncio.run(main())["error"]["code"] == -32002


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
@example(b'{"method":"a\\ud800","id":1}')
@example(b'{"jsonrpc":"2.0","method":"daemon.stop","id":99999999999999999999999999}')
def test_any_line_is_a_request_or_an_error_line(line: bytes) -> None:
    """Whatever comes in, what goes out is a line of JSON-RPC."""
    try:
        request = read_request(line)
        rpc.read_params(request)
    except rpc.BadRequest as bad:
        answer = json.loads(bad.line)
        assert answer["jsonrpc"] == "2.0"
        assert answer["error"]["code"] <= -32600
        assert bad.line.count(b"\n") == 1
