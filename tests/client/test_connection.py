"""The client's end of the socket, against a server that behaves as a test wants it to."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opensession.client import connection
from opensession.client.connection import NotRunning
from opensession.core import __version__, run_file
from opensession.core.errors import (
    NotFound,
    ProtocolMismatch,
    Refused,
    Unreachable,
    UsageError,
)
from opensession.core.paths import Paths, find_paths, make_private, write_private
from opensession.core.rpc.daemon import LogsParams, LogsResult, StopResult
from opensession.core.rpc.envelope import PROTOCOL, Nothing
from opensession.core.run_file import RunFile
from opensession.parsers.agent import Agent
from opensession.parsers.registry import BUILT_IN as AGENTS

Answer = Callable[[dict[str, Any]], list[dict[str, Any]]]


def hello(message: dict[str, Any], protocol: int = PROTOCOL) -> dict[str, Any]:
    """The answer to a greeting."""
    result = {
        "version": "9.9", "protocol": protocol, "pid": 1, "instance": "i", "features": [],
    }  # fmt: skip
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = find_paths({"HOME": str(tmp_path), "OPENSESSION_HOME": str(tmp_path / "os")})
    make_private(found.state_dir)
    return found


def announce(paths: Paths, path: Path, **values: Any) -> None:
    """Write a `daemon.json` as a daemon in this process would."""
    run = RunFile(
        pid=os.getpid(),
        started=run_file.process_start(os.getpid()),
        boot_id=run_file.boot_id(),
        host=run_file.host_name(),
        socket=str(path),
        version=__version__,
        protocol=PROTOCOL,
        instance="i",
    )
    write_private(paths.run_file, msgspec.json.encode(msgspec.structs.replace(run, **values)))


@contextmanager
def serving(paths: Paths, answer: Answer) -> Iterator[list[dict[str, Any]]]:
    """A daemon of one connection: `answer` gives the messages for each request."""
    path = paths.state_dir / "d.sock"
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()
    announce(paths, path)
    seen: list[dict[str, Any]] = []

    def serve() -> None:
        # A client that refuses us is gone at once: that is not this thread's failure.
        with suppress(OSError), listening.accept()[0] as link, link.makefile("rwb") as stream:
            for line in stream:
                message = json.loads(line)
                seen.append(message)
                for reply in answer(message):
                    stream.write(json.dumps(reply).encode() + b"\n")
                stream.flush()
                if message["method"] == "daemon.stop":
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        listening.close()
        thread.join(5)


def test_no_run_file_means_no_daemon(paths: Paths) -> None:
    with pytest.raises(NotRunning) as raised:
        connection.connect(paths, {})

    assert raised.value.exit_code == 3
    assert raised.value.hint == "opensession daemon start"


def test_what_a_killed_daemon_left_is_no_daemon(paths: Paths) -> None:
    """A pid that runs is not the daemon's if it started at another time (DECISIONS §6)."""
    announce(paths, paths.state_dir / "gone.sock", started="another time")

    with pytest.raises(NotRunning):
        connection.connect(paths, {})


def test_a_daemon_that_lives_and_does_not_listen_is_wedged(paths: Paths) -> None:
    announce(paths, paths.state_dir / "gone.sock")

    with pytest.raises(Unreachable, match="does not answer") as raised:
        connection.connect(paths, {})

    assert not isinstance(raised.value, NotRunning)
    assert raised.value.hint == "opensession daemon restart"


def test_a_daemon_that_is_just_ending_is_none(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed: its socket closes before its process is gone, and may be asked till then."""
    left = [True, True, False, True, False]
    monkeypatch.setattr(connection, "is_alive", lambda run: left.pop(0))

    def killed(message: dict[str, Any]) -> list[dict[str, Any]]:
        raise ConnectionError

    with serving(paths, killed), pytest.raises(NotRunning):
        connection.connect(paths, {})
    with pytest.raises(NotRunning):
        connection.connect(paths, {})
    assert left == []


def test_a_daemon_that_does_not_greet_in_time_is_wedged(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §6: healthy means answered within a short time."""
    monkeypatch.setattr(connection, "ANSWER_SECONDS", 0.05)

    with serving(paths, lambda message: []), pytest.raises(Unreachable, match="does not answer"):
        connection.connect(paths, {})


def test_the_home_of_another_machine_is_refused(paths: Paths) -> None:
    """DECISIONS §6: a `daemon.json` of another host: refuse, name it, suggest OPENSESSION_HOME."""
    announce(paths, paths.state_dir / "d.sock", host="elsewhere", boot_id="other")

    with pytest.raises(Refused, match="elsewhere") as raised:
        connection.connect(paths, {})

    assert "OPENSESSION_HOME" in raised.value.hint


def test_the_same_boot_under_another_name_is_the_same_machine(paths: Paths) -> None:
    with serving(paths, lambda message: [hello(message)]):
        announce(paths, paths.state_dir / "d.sock", host="renamed")
        connection.connect(paths, {}).close()


def test_another_user_at_the_other_end_is_refused(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "peer_uid", lambda link: os.getuid() + 1)

    with serving(paths, lambda message: [hello(message)]), pytest.raises(Refused):
        connection.connect(paths, {})


def test_the_greeting_tells_where_agents_live_and_nothing_else(paths: Paths) -> None:
    """DECISIONS §6: each hello passes a fixed list of variables."""
    environ = {"CODEX_HOME": "/data/codex", "API_TOKEN": "x", "CLAUDE_CONFIG_DIR": ""}

    with serving(paths, lambda message: [hello(message)]) as seen:
        connection.connect(paths, environ).close()

    assert seen[0]["params"]["env"] == {"CODEX_HOME": "/data/codex"}
    assert seen[0]["params"]["protocol"] == PROTOCOL


def test_another_protocol_says_which_versions_and_what_to_do(paths: Paths) -> None:
    """users.md D30: an old client against a new daemon."""
    with (
        serving(paths, lambda message: [hello(message, PROTOCOL + 1)]),
        pytest.raises(ProtocolMismatch, match=r"9\.9") as raised,
    ):
        connection.connect(paths, {})

    assert raised.value.hint == "opensession daemon restart"


def test_notifications_between_are_kept_for_whoever_waits_for_them(paths: Paths) -> None:
    def answer(message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["method"] == "daemon.hello":
            return [hello(message)]
        notice = {"jsonrpc": "2.0", "method": "x.y", "params": {"stopping": True}}
        result = {"path": "p", "lines": ["a"]}
        return [notice, {"jsonrpc": "2.0", "id": message["id"], "result": result}]

    with serving(paths, answer), connection.connect(paths, {}) as daemon:
        assert daemon.call("daemon.logs", LogsParams(), LogsResult).lines == ["a"]
        assert next(daemon.notices("x.y", StopResult)).stopping is True


@pytest.mark.parametrize(
    ("code", "kind"),
    [(-32001, NotFound), (-32002, Refused), (-32003, UsageError), (-32004, Unreachable),
     (-32601, ProtocolMismatch), (-32602, UsageError)],
)  # fmt: skip
def test_errors_become_those_with_the_right_exit_code(
    paths: Paths, code: int, kind: type[Exception]
) -> None:
    """DECISIONS §7: error codes and exit codes."""

    def answer(message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["method"] == "daemon.hello":
            return [hello(message)]
        data = {"hint": "try", "candidates": ["a", "b"] if code == -32001 else []}
        error = {"code": code, "message": "said", "data": data}
        return [{"jsonrpc": "2.0", "id": message["id"], "error": error}]

    with (
        serving(paths, answer),
        connection.connect(paths, {}) as daemon,
        pytest.raises(kind) as raised,
    ):
        daemon.call("daemon.logs", LogsParams(), LogsResult)

    assert getattr(raised.value, "candidates", ()) == (("a", "b") if code == -32001 else ())


def test_a_daemon_that_goes_away_is_told_as_such(paths: Paths) -> None:
    def answer(message: dict[str, Any]) -> list[dict[str, Any]]:
        return [hello(message)] if message["method"] == "daemon.hello" else []

    with (
        serving(paths, answer),
        connection.connect(paths, {}) as daemon,
        pytest.raises(Unreachable, match="ended the connection"),
    ):
        daemon.call("daemon.stop", Nothing(), StopResult)


def test_an_answer_of_another_shape_is_a_version_not_a_traceback(paths: Paths) -> None:
    def answer(message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["method"] == "daemon.hello":
            return [hello(message)]
        return [{"jsonrpc": "2.0", "id": message["id"], "result": {"lines": 3}}]

    with (
        serving(paths, answer),
        connection.connect(paths, {}) as daemon,
        pytest.raises(ProtocolMismatch, match=r"daemon\.logs"),
    ):
        daemon.call("daemon.logs", LogsParams(), LogsResult)


def test_the_peer_of_a_socket_is_known() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert connection.peer_uid(one) == os.getuid()


@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: str(agent.name))
def test_every_variable_that_moves_an_agents_folders_is_passed_on(agent: Agent) -> None:
    """The client does not know the agents; this holds its list to theirs."""
    assert set(agent.variables) <= set(connection.RELOCATING)
