"""The whole daemon over its socket: what clients are told and what they can ask for."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.rpc.envelope import PROTOCOL, REQUEST_LIMIT
from opensession.core.rpc.methods import METHODS
from opensession.daemon.methods import HANDLERS
from tests.daemon.two_sessions import ONE, TRANSCRIPT, TWO, write_sessions
from tests.helpers.daemon import Daemon, Home, RpcError, eventually, running
from tests.helpers.transcripts import claude, claude_line


def test_every_method_has_a_handler() -> None:
    """A method that is listed is answered, and nothing else is."""
    assert set(HANDLERS) == {method.name for method in METHODS}


def test_hello_says_who_answers(daemon: Daemon) -> None:
    """DECISIONS §7: `{version, protocol, pid, instance, features}`."""
    hello = daemon.call("daemon.hello", client="test/1", protocol=PROTOCOL)

    assert hello["pid"] == daemon.process.pid
    assert hello["protocol"] == PROTOCOL
    assert "search.query" in hello["features"]


@pytest.mark.parametrize(
    ("protocol", "hint"), [(99, "opensession daemon restart"), (-1, "update opensession")]
)
def test_another_protocol_is_told_who_is_old(daemon: Daemon, protocol: int, hint: str) -> None:
    """D30, DECISIONS §7: -32005, with what to do on which side."""
    with pytest.raises(RpcError) as caught:
        daemon.call("daemon.hello", client="other/9", protocol=protocol)

    assert caught.value.code == -32005
    assert caught.value.hint == hint


def test_hello_may_be_skipped(daemon: Daemon) -> None:
    """DECISIONS §7: a bare `socat` may skip it."""
    with daemon.client() as client:
        assert client.call("daemon.status")["running"] is True


def test_status_has_what_its_readers_count_on(home: Home) -> None:
    """The fields of `daemon status --json`, with real figures."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        status = daemon.call("daemon.status")

    assert status["pid"] == daemon.process.pid
    assert status["index_bytes"] > 0
    assert status["archive_bytes"] > 0
    assert status["cpu_seconds"] > 0
    assert 0 < status["uptime_seconds"] < 600
    assert status["rss_bytes"] > 1 << 20
    assert status["pss_bytes"] is None or status["pss_bytes"] > 1 << 20
    assert status["network"] == "none"
    assert set(status["paths"]) == {"index", "user", "archive", "config", "socket", "log"}
    for name, events in (("claude-code", 2), ("codex", 1)):
        agent = status["agents"][name]
        assert agent["sources"] == 1
        assert agent["sessions"] == 1
        assert agent["events"] == events
        assert agent["watching"] == "events"
        assert agent["newest_change"] == agent["newest_indexed"] is not None


def test_what_was_taken_out_is_counted(home: Home) -> None:
    """`status` shows the sums of what was stripped, by kind."""
    home.write(TRANSCRIPT, claude(ONE, f"look at {home.path}/notes and /home/someone/notes"))
    with running(home) as daemon:
        daemon.index()

        assert sum(daemon.call("daemon.status")["redacted"].values()) >= 1


def test_an_idle_daemon_has_no_children(home: Home) -> None:
    """D25: workers are there while a backlog lasts, and gone with it."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        eventually(lambda: daemon.call("daemon.status")["children"] == 0)


def test_what_is_kept_is_said_at_first(home: Home) -> None:
    """DECISIONS §4: the first `daemon start` and `status` say in one line what is kept, where, and
    how to turn it off; later ones do not.
    """
    with running(home) as daemon:
        first, second, third = (daemon.call("daemon.status")["notices"] for _ in range(3))
    with running(home) as daemon:
        fourth = daemon.call("daemon.status")["notices"]

    assert len(first) == 1
    assert str(home.paths.archive_dir) in first[0]
    assert "opensession config set archive.raw false" in first[0]
    assert second == first
    assert third == fourth == []


def test_health_is_green_when_all_is_indexed(home: Home) -> None:
    """D23: per agent, the newest change on disk against the newest indexed."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        health = daemon.call("daemon.health")

    states = {check["name"]: check["state"] for check in health["checks"]}
    assert health["healthy"]
    assert states["agent.claude-code.lag"] == states["agent.codex.lag"] == "ok"
    assert states["index"] == states["config"] == states["modes"] == "ok"


def test_health_is_red_where_files_are_open_to_others(daemon: Daemon) -> None:
    """It names the file and the command; the client exits 1."""
    daemon.home.paths.user_db.chmod(0o644)

    health = daemon.call("daemon.health")

    assert not health["healthy"]
    red = [check for check in health["checks"] if check["state"] == "red"]
    assert [check["hint"] for check in red] == [f"chmod 600 {daemon.home.paths.user_db}"]


def test_skipped_lines_are_shown(home: Home) -> None:
    """A malformed line costs that line, and health says so."""
    home.write(TRANSCRIPT, claude(ONE, "hello", "yes") + b"{torn\n" + claude_line(ONE, 3, "more"))
    with running(home) as daemon:
        daemon.index()
        agent = daemon.call("daemon.status")["agents"]["claude-code"]
        checks = {check["name"]: check["state"] for check in daemon.call("daemon.health")["checks"]}

    assert agent["skipped_lines"] == 1
    assert agent["events"] == 3
    assert checks["agent.claude-code.records"] == "warn"


def test_logs_hold_no_text_of_sessions(home: Home) -> None:
    """`daemon.logs` gives the end of the log, and nothing that a session said is in it."""
    secret = "a sentence that only the session knows"
    home.write(TRANSCRIPT, claude(ONE, secret, secret))
    with running(home, environ={"OPENSESSION_LOG": "debug"}) as daemon:
        daemon.index()
        daemon.call("search.query", query=secret)
        found = daemon.call("daemon.logs", lines=10_000)

    assert found["path"] == str(home.paths.log_file)
    assert any("answering at" in line for line in found["lines"])
    assert secret not in home.paths.log_file.read_text()


def test_live_events_come_as_they_are_committed(home: Home) -> None:
    """`events.subscribe`: appends to a watched file arrive in order, each once."""
    write_sessions(home)
    with running(home) as daemon, daemon.client() as client:
        daemon.index()
        name = client.call("events.subscribe", tool="claude_code")["subscription"]
        with (home.path / TRANSCRIPT).open("ab") as file:
            for number in range(3, 8):
                file.write(claude_line(ONE, number, f"line {number}"))
                file.flush()
        notices = [client.notice("events.event") for _ in range(5)]

    assert [notice["event"]["seq"] for notice in notices] == [3, 4, 5, 6, 7]
    assert {notice["subscription"] for notice in notices} == {name}
    assert {notice["session_id"] for notice in notices} == {ONE}
    assert {notice["lost"] for notice in notices} == {0}


def test_a_subscription_can_be_narrowed(home: Home) -> None:
    """To a session, to an agent, to a folder; a session that is not there is an error."""
    write_sessions(home)
    with running(home) as daemon, daemon.client() as client:
        daemon.index()
        with pytest.raises(RpcError) as caught:
            client.call("events.subscribe", session="nothing-like-it")
        assert caught.value.code == -32001
        client.call("events.subscribe", session=TWO)
        client.call("events.subscribe", scope="/somewhere/else", all=False)
        other = client.call("events.subscribe", scope="/work/shop", all=False)["subscription"]
        with (home.path / TRANSCRIPT).open("ab") as file:
            file.write(claude_line(ONE, 3, "more"))
        first = client.notice("events.event")
        assert client.call("events.unsubscribe", subscription=other) == {"removed": True}
        assert client.call("events.unsubscribe", subscription=other) == {"removed": False}

    assert (first["session_id"], first["subscription"]) == (ONE, other)


def test_forty_clients_at_once(home: Home) -> None:
    """Each gets its own answers, whatever the others ask."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        failed: list[str] = []
        hits = daemon.call("search.query", query="limiter")["total"]

        def work(number: int) -> None:
            try:
                with daemon.client() as client:
                    for turn in range(10):
                        found = client.call("search.query", query="limiter", limit=1 + number)
                        assert found["total"] == hits
                        rows = client.call("sessions.list", all=True, limit=1)
                        assert rows["total"] == 2, (number, turn)
            except Exception as error:
                failed.append(repr(error))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failed == []


def test_a_silent_subscriber_does_not_hold_up_capture(home: Home) -> None:
    """It never reads; others, and the index, do not notice."""
    write_sessions(home)
    with running(home) as daemon, daemon.client() as silent:
        daemon.index()
        silent.call("events.subscribe")
        with (home.path / TRANSCRIPT).open("ab") as file:
            file.writelines(claude_line(ONE, n, "word " * 2000) for n in range(3, 1500))
        daemon.index()
        found = daemon.call("sessions.get", ref=ONE)["session"]["event_count"]
        eventually(lambda: daemon.call("daemon.status")["queue_depth"] == 0)

    assert found == 1499


@pytest.fixture(scope="module")
def lasting() -> Any:
    """One daemon for many hostile inputs."""
    from tests.helpers.daemon import temporary_home

    with temporary_home() as home, running(home) as daemon:
        yield daemon


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.binary(max_size=300)
    | st.builds(
        lambda method, params: json.dumps(
            {"jsonrpc": "2.0", "id": "x", "method": method, "params": params}
        ).encode(),
        st.sampled_from([m.name for m in METHODS if m.name not in ("daemon.stop",)]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=10),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["ref", "query", "limit", "env", "lines", "key", "x"]), inner
                )
            ),
            max_leaves=5,
        ),
    )
)
def test_the_daemon_survives_whatever_is_sent(lasting: Daemon, line: bytes) -> None:
    """Any bytes, and any parameters of any method: an error line at most, never an end."""
    with lasting.client() as client:
        client.send_line(line.replace(b"\n", b" ").replace(b"1", b"2"))
        assert client.call("daemon.hello")["pid"] == lasting.process.pid
    assert "internal error" not in lasting.log()


def test_an_oversized_request_ends_only_its_connection(daemon: Daemon) -> None:
    """DECISIONS §7: requests up to 4 MiB."""
    with daemon.client() as client:
        client.send_line(b"x" * (REQUEST_LIMIT + 10))
        assert client.receive()["error"]["code"] == -32600
    assert daemon.call("daemon.hello")["pid"] == daemon.process.pid
