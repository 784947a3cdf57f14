"""One method without a daemon."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.helpers.daemon import Home, running
from tests.helpers.transcripts import claude

ONE = "11111111-1111-4111-8111-111111111111"


def test_settings_can_be_changed_without_a_daemon(home: Home) -> None:
    """DECISIONS §6: where none answers, the daemon's program runs the one method and ends."""
    done = home.run("call", "config.set", json.dumps({"values": {"daemon.poll_secs": 30}}))
    found = home.run("call", "config.get", '{"key":"daemon.poll_secs"}')

    assert done.returncode == found.returncode == 0
    assert json.loads(done.stdout)["changed"] == ["daemon.poll_secs"]
    assert json.loads(found.stdout)["settings"][0]["value"] == 30.0
    assert not home.paths.run_file.exists()
    assert not home.paths.index_db.exists()


def test_agents_can_be_listed_without_a_daemon(home: Home) -> None:
    """`discover` on a machine where nothing runs yet, and nothing is made by it."""
    home.write(f".claude/projects/p/{ONE}.jsonl", claude(ONE, "hello"))

    found = home.run("call", "agents.list")

    rows = {row["name"]: row for row in json.loads(found.stdout)["agents"]}
    assert rows["claude-code"]["sources"] == 1
    assert not home.paths.data_dir.exists()


def test_an_index_can_be_read_without_a_daemon(home: Home) -> None:
    """D15: reading needs no daemon; parameters may come by stdin."""
    home.write(f".claude/projects/p/{ONE}.jsonl", claude(ONE, "fix the limiter", "done"))
    with running(home) as daemon:
        daemon.index()
        daemon.stop()
    done = subprocess.run(
        [sys.executable, "-m", "opensession.daemon", "call", "search.query", "-"],
        input='{"query":"limiter"}',
        env=home.environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["hits"][0]["session_id"] == ONE


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("daemon.status",), 3, "needs a running daemon"),
        (("index.run",), 3, "needs a running daemon"),
        (("sessions.list",), 3, "index"),
        (("config.gat",), 2, "no such method"),
        (("config.get", '{"kee":1}'), 2, "unknown field `kee`"),
        (("config.get", "{"), 2, "not JSON"),
        (("config.get", '{"key":"daemon.nothing"}'), 2, "no such setting"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_next_line(
    home: Home, words: tuple[str, ...], code: int, said: str
) -> None:
    """Exit codes of DECISIONS §7; stdout stays empty; never a traceback."""
    done = home.run("call", *words)

    assert done.returncode == code
    assert done.stdout == ""
    assert said in done.stderr
    assert all(
        line.startswith(("opensession-daemon: ", "next: ")) for line in done.stderr.splitlines()
    )


def test_configuration_that_is_wrong_can_be_mended(home: Home) -> None:
    """A bad value stops a daemon; it must not stop `config set`."""
    home.configure("[daemon]\npoll_secs = 'soon'\n")

    found = home.run("call", "config.get")
    done = home.run("call", "config.set", '{"values":{"daemon.poll_secs":30}}')

    assert "poll_secs" in json.loads(found.stdout)["warnings"][0]
    assert done.returncode == 0
    assert json.loads(done.stdout)["warnings"] == []


def test_a_running_daemon_takes_up_what_was_changed_beside_it(home: Home) -> None:
    """The file is what counts, whoever wrote it."""
    with running(home) as daemon:
        home.run("call", "config.set", '{"values":{"daemon.poll_secs":30}}')
        found = daemon.call("config.get", key="daemon.poll_secs")["settings"]

    assert found[0]["value"] == 30.0
