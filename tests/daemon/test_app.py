"""The whole daemon over its socket: what clients are told and what they can ask for."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.rpc.envelope import PROTOCOL, REQUEST_LIMIT
from opensession.core.rpc.methods import METHODS
from opensession.daemon.methods import HANDLERS
from tests.helpers.daemon import Daemon, Home, RpcError, eventually, running
from tests.helpers.transcripts import claude, claude_line, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
TRANSCRIPT = f".claude/projects/-work-shop/{ONE}.jsonl"
ROLLOUT = f".codex/sessions/2026/01/02/rollout-2026-01-02T03-04-05-{TWO}.jsonl"


def write_sessions(home: Home) -> None:
    """One session of each agent."""
    home.write(TRANSCRIPT, claude(ONE, "please fix the limiter", "the limiter is fixed"))
    home.write(ROLLOUT, codex(TWO, "the auth middleware is reviewed"))


def ids(daemon: Daemon) -> set[str]:
    return {row["id"] for row in daemon.call("sessions.list", all=True)["sessions"]}


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


def test_index_wait_means_searchable(home: Home) -> None:
    """`index.run` with `wait` ends when all that was there when it was called can be found."""
    with running(home) as daemon, daemon.client() as client:
        for number in range(5):
            session = f"{number}" * 8 + ONE[8:]
            word = f"word{number}".translate(str.maketrans("01234", "abcde"))
            home.write(f".claude/projects/p/{session}.jsonl", claude(session, word, "done"))
            last = client.job("index.run", wait=True)
            assert last["error"] == ""
            assert client.call("search.query", query=word)["total"] > 0


def test_index_without_wait_only_begins(daemon: Daemon) -> None:
    """There is no job to wait for."""
    assert daemon.call("index.run") == {"job": ""}


def test_a_rebuild_loses_no_session(home: Home) -> None:
    """DESIGN §7: no session is lost, also when the agent deletes it: a rebuild has it from the
    archive; and the old index does not stay behind.
    """
    write_sessions(home)
    with running(home) as daemon, daemon.client() as client:
        daemon.index()
        (home.path / TRANSCRIPT).unlink()
        daemon.index()
        before = client.call("sessions.events", ref=ONE)
        hits = client.call("search.query", query="limiter")["total"]

        last = client.job("index.rebuild", wait=True)

        assert last["error"] == ""
        assert ids(daemon) == {ONE, TWO}
        assert client.call("sessions.events", ref=ONE) == before
        assert client.call("search.query", query="limiter")["total"] == hits > 0
        eventually(lambda: not (home.paths.data_dir / "index.db.old").exists())


def test_what_only_the_old_index_has_is_kept(home: Home) -> None:
    """With archiving off, a rebuild cannot bring back what its agent deleted: the old one stays."""
    home.configure("[archive]\nraw = false\n")
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        (home.path / TRANSCRIPT).unlink()
        with daemon.client() as client:
            assert client.job("index.rebuild", wait=True)["error"] == ""
        eventually(lambda: "old index" in str(daemon.call("daemon.status")["notices"]))
        assert ids(daemon) == {TWO}

    assert (home.paths.data_dir / "index.db.old").exists()


def test_a_rebuild_that_cannot_begin_changes_nothing(home: Home) -> None:
    """Where the old index cannot be put aside: an error, and capture goes on with what there is."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        (home.paths.data_dir / "index.db.old").mkdir()

        with pytest.raises(RpcError, match="could not be put aside"):
            daemon.call("index.rebuild")

        assert ids(daemon) == {ONE, TWO}
        with (home.path / TRANSCRIPT).open("ab") as file:
            file.write(claude_line(ONE, 3, "and on it goes"))
        daemon.index()
        assert daemon.call("sessions.get", ref=ONE)["session"]["event_count"] == 3


def test_what_keeps_sessions_out_is_red(home: Home) -> None:
    """An index that cannot be opened any more is told by status and health; others still answer."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        # Archiving is switched, so the index is opened anew, and by now it is somebody else's.
        home.write("foreign", b"SQLite format 3\0" + bytes(4000)).rename(home.paths.index_db)
        with pytest.raises(RpcError):
            daemon.call("config.set", values={"archive.raw": False})

        health = daemon.call("daemon.health")
        notices = daemon.call("daemon.status")["notices"]
        with pytest.raises(RpcError) as caught:
            daemon.call("index.run", wait=False)

    red = [check["name"] for check in health["checks"] if check["state"] == "red"]
    assert "capture" in red
    assert any("nothing is read any more" in notice for notice in notices)
    assert caught.value.code == -32004


def test_a_rebuild_that_was_broken_off_is_gone_on_with(home: Home) -> None:
    """kill -9 amid a rebuild: the next start completes it and tidies up."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        (home.path / TRANSCRIPT).unlink()
        daemon.index()
        daemon.call("index.rebuild")
        daemon.kill()
    with running(home) as daemon:
        eventually(lambda: not (home.paths.data_dir / "index.db.old").exists())
        assert ids(daemon) == {ONE, TWO}


def test_a_corrupt_index_is_moved_aside_and_made_anew(home: Home) -> None:
    """D17: at a start; it is said in `status`, kept for a look, and nothing else is needed."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        assert daemon.stop() == 0
    damage(home.paths.index_db, 100)

    with running(home) as daemon:
        daemon.index()
        assert ids(daemon) == {ONE, TWO}
        told = [n for n in daemon.call("daemon.status")["notices"] if "damaged" in n]

    assert len(told) == 1
    assert len(list(home.paths.data_dir.glob("index.db.corrupt-*"))) == 1


def test_damage_that_shows_while_it_runs_is_mended(home: Home) -> None:
    """The pages of the index are overwritten under a running daemon: a read finds it, the index is
    moved aside and filled again, without a restart.
    """
    home.write(TRANSCRIPT, claude(ONE, *(f"sentence {n} " * 50 for n in range(400))))
    with running(home) as daemon, daemon.client() as client:
        daemon.index()
        client.call("daemon.stop")
        daemon.wait()
    damage(home.paths.index_db, 8 * 4096)
    # It looks clean from outside, so the start does not look for it.
    with running(home) as daemon, daemon.client() as client:

        def noticed() -> bool:
            try:
                client.call("sessions.events", ref=ONE, limit=2000)
                client.call("search.query", query="sentence")
            except RpcError:
                pass
            return bool(list(home.paths.data_dir.glob("index.db.corrupt-*")))

        eventually(noticed)
        daemon.index()
        assert ids(daemon) == {ONE}
        assert any("damaged" in notice for notice in client.call("daemon.status")["notices"])


def damage(path: Path, start: int) -> None:
    """Overwrite everything of a database from `start` on."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (size - start))


@pytest.mark.parametrize("name", ["index.db", "user.db"])
def test_the_database_of_another_program_is_refused_untouched(home: Home, name: str) -> None:
    """DESIGN §5: both carry an `application_id`; a foreign file is refused, not touched."""
    import sqlite3

    path = home.paths.data_dir / name
    path.parent.mkdir(parents=True, mode=0o700)
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE precious (x)")
    foreign.close()
    before = path.read_bytes()

    done = home.run("run")

    assert done.returncode == 5
    assert "another program" in done.stderr
    assert path.read_bytes() == before
    assert not home.paths.run_file.exists()


def test_a_damaged_user_db_is_not_replaced(home: Home) -> None:
    """What it holds cannot be made again: that is for a person to decide."""
    with running(home) as daemon:
        assert daemon.stop() == 0
    damage(home.paths.user_db, 100)
    before = home.paths.user_db.read_bytes()

    done = home.run("run")

    assert done.returncode == 5
    assert "next: restore it from a backup" in done.stderr
    assert home.paths.user_db.read_bytes() == before


def test_settings_can_be_read_and_changed(home: Home) -> None:
    """`config.set` keeps comments, takes effect, and says what waits for a restart."""
    home.configure("# my own words\n[daemon]\nlog_level = 'warning' # why\n")
    with running(home) as daemon:
        result = daemon.call(
            "config.set", values={"daemon.poll_secs": 30, "privacy.strip_paths": False}
        )
        found = daemon.call("config.get", key="daemon.poll_secs")["settings"]
        section = daemon.call("config.get", key="daemon")["settings"]
        with home.paths.config_file.open("a") as file:
            file.write('[[watchers.commands]]\nname = "own"\nfiles = "/x/*.y"\ncommand = ["cat"]\n')
        late = daemon.call("daemon.reload")
        status = daemon.call("daemon.status")
        due = [c for c in daemon.call("daemon.health")["checks"] if c["name"] == "restart"]

    text = home.paths.config_file.read_text()
    assert "# my own words" in text
    assert "# why" in text
    assert sorted(result["changed"]) == ["daemon.poll_secs", "privacy.strip_paths"]
    assert result["restart_due"] == []
    assert late["restart_due"] == status["restart_due"] == ["watchers.commands"]
    assert [c["state"] for c in due] == ["warn"]
    assert found == [
        {"key": "daemon.poll_secs", "value": 30.0, "origin": str(home.paths.config_file)}
    ]
    assert {setting["key"].split(".")[0] for setting in section} == {"daemon"}


def test_wrong_settings_are_refused(daemon: Daemon) -> None:
    """Exit 2: an unknown key names the nearest, a bad value what it must be; nothing is written."""
    with pytest.raises(RpcError) as unknown:
        daemon.call("config.get", key="daemon.pol_secs")
    with pytest.raises(RpcError) as bad:
        daemon.call("config.set", values={"daemon.poll_secs": "soon"})

    assert unknown.value.code == bad.value.code == -32003
    assert "daemon.poll_secs" in unknown.value.hint
    assert not daemon.home.paths.config_file.exists()


def test_a_key_is_never_shown(home: Home) -> None:
    """Masked in `config.get`."""
    home.configure("[server]\napi_key = 'osk_0123456789abcdef0123'\n")
    with running(home) as daemon:
        told = json.dumps(daemon.call("config.get"))

    assert "0123456789abcdef" not in told


def test_bad_configuration_keeps_the_last_good_one(home: Home) -> None:
    """DECISIONS §1: a running daemon keeps the last good config and shows red; once the file is
    good again, it is taken up and all is green.
    """
    home.configure("[daemon]\npoll_secs = 30\n")
    with running(home) as daemon:
        home.configure("[daemon]\npoll_secs = 'soon'\n")
        reload = daemon.call("daemon.reload")
        kept = daemon.call("config.get", key="daemon.poll_secs")["settings"][0]["value"]
        red = daemon.call("daemon.health")
        notices = daemon.call("daemon.status")["notices"]
        home.configure("[daemon]\npoll_secs = 45\n")
        # Nobody has to say so: whoever asks next finds it.
        new = daemon.call("config.get", key="daemon.poll_secs")["settings"][0]["value"]
        green = daemon.call("daemon.health")

    assert reload["changed"] == []
    assert any("poll_secs" in warning for warning in reload["warnings"])
    assert kept == 30.0
    assert not red["healthy"]
    assert any("poll_secs" in notice for notice in notices)
    assert new == 45.0
    assert green["healthy"]


def test_sighup_reads_the_configuration(home: Home) -> None:
    """As service managers do it."""
    with running(home) as daemon:
        home.configure("[daemon]\nlog_level = 'debug'\n")
        daemon.signal(signal.SIGHUP)
        eventually(lambda: "configuration taken up" in daemon.log())


def test_an_agent_that_is_turned_off_is_left_alone(home: Home) -> None:
    """Taken up while it runs, both ways."""
    with running(home) as daemon:
        daemon.call("config.set", values={"watchers.claude_code": False})
        write_sessions(home)
        daemon.index()
        off = ids(daemon)
        agents = {row["name"]: row for row in daemon.call("agents.list")["agents"]}
        daemon.call("config.set", values={"watchers.claude_code": True})
        daemon.index()
        on = ids(daemon)

    assert off == {TWO}
    assert on == {ONE, TWO}
    assert agents["claude-code"]["enabled"] is False
    assert agents["claude-code"]["watching"] == "off"
    assert agents["codex"]["enabled"] is True


def test_archiving_can_be_turned_off_and_on(home: Home) -> None:
    """DECISIONS §4: how to turn it off; without a restart, and the sessions come all the same."""
    home.configure("[archive]\nraw = false\n")
    with running(home) as daemon:
        write_sessions(home)
        daemon.index()
        off = daemon.call("daemon.status")["archive_bytes"]
        daemon.call("config.set", values={"archive.raw": True})
        home.write(TRANSCRIPT.replace(ONE, TWO[::-1]), claude(TWO[::-1], "another", "one"))
        daemon.index()
        on = daemon.call("daemon.status")["archive_bytes"]
        assert len(ids(daemon)) == 3

    assert off == 0
    assert on > 0


def test_agents_are_listed_with_what_lies_on_disk(home: Home) -> None:
    """`discover`: per agent the folders, count, size; counted anew on request."""
    write_sessions(home)
    with running(home, "--no-history") as daemon:
        rows = {row["name"]: row for row in daemon.call("agents.list")["agents"]}

    claude_code = rows["claude-code"]
    assert claude_code["sources"] == 1
    assert claude_code["bytes"] == (home.path / TRANSCRIPT).stat().st_size
    assert claude_code["existing"] == [str(home.path / ".claude/projects")]
    assert set(claude_code["existing"]) < set(claude_code["folders"])
    assert claude_code["variables"] == ["CLAUDE_CONFIG_DIR"]
    assert claude_code["retention_days"] == 30


def test_folders_that_clients_tell_of_are_remembered(home: Home) -> None:
    """DECISIONS §6: the service lacks the shell's CLAUDE_CONFIG_DIR and CODEX_HOME: each hello
    passes them on; the folder is an extra root from then on, also after a restart, and said so.
    """
    elsewhere = home.path / "elsewhere"
    home.write(f"elsewhere/projects/p/{ONE}.jsonl", claude(ONE, "found", "here"))
    env = {"CLAUDE_CONFIG_DIR": str(elsewhere), "PATH": "/bin", "HOME": "/nowhere"}
    with running(home) as daemon:
        daemon.call("daemon.hello", env=env)
        daemon.index()
        assert ids(daemon) == {ONE}
        notices = daemon.call("daemon.status")["notices"]
        daemon.call("daemon.hello", env=env)
        assert daemon.call("daemon.status")["notices"] == notices
    with running(home) as daemon:
        home.write(f"elsewhere/projects/p/{TWO}.jsonl", claude(TWO, "found", "too"))
        daemon.index()
        assert ids(daemon) == {ONE, TWO}

    said = f"watching {elsewhere}/projects as well, which CLAUDE_CONFIG_DIR names (claude-code)"
    assert [notice for notice in notices if "watching" in notice] == [said]


@pytest.mark.parametrize("value", ["relative/path", "", "x" * 10_000])
def test_variables_that_name_no_folder_are_ignored(daemon: Daemon, value: str) -> None:
    """They come from wherever a client was started."""
    daemon.call("daemon.hello", env={"CLAUDE_CONFIG_DIR": value})

    assert not any("watching" in notice for notice in daemon.call("daemon.status")["notices"])


def test_without_history_nothing_is_read_on_its_own(home: Home) -> None:
    """DECISIONS §6: with CI set, a daemon that a command started reads no history by itself; what
    a person asks for is read.
    """
    write_sessions(home)
    with running(home, "--no-history") as daemon:
        assert ids(daemon) == set()
        daemon.index()
        assert ids(daemon) == {ONE, TWO}


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
