"""Settings of a running daemon, and the folders that clients tell of."""

from __future__ import annotations

import json
import signal

import pytest

from tests.daemon.two_sessions import ONE, TRANSCRIPT, TWO, ids, write_sessions
from tests.helpers.daemon import Daemon, Home, RpcError, eventually, running
from tests.helpers.transcripts import claude


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
