"""What is past `archive.keep_days`, and gone at its agent, goes by itself; damage is found."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opensession.core.run_file import read_run_file
from opensession.daemon.store.connect import open_user
from tests.helpers.daemon import Home, Rpc, eventually, running
from tests.helpers.transcripts import FOLDER, claude

OLD = "11111111-1111-4111-8111-111111111111"
LIVING = "22222222-2222-4222-8222-222222222222"

AT_ONCE = """
import os
from opensession.daemon import daily, app
daily.FIRST_SECONDS = daily.EVERY_SECONDS = daily.BUSY_SECONDS = 0.1
app.run(os.environ)
"""


@contextlib.contextmanager
def looking_at_once(home: Home) -> Iterator[Callable[..., Any]]:
    """A daemon that does not wait for an hour; gives what calls its methods."""
    with subprocess.Popen(
        [sys.executable, "-c", AT_ONCE], env=home.environ, cwd="/", start_new_session=True
    ) as process:
        try:
            eventually(lambda: read_run_file(home.paths.run_file))
            found = read_run_file(home.paths.run_file)
            assert found is not None
            with Rpc(found.socket) as client:
                yield client.call
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def ids(call: Callable[..., Any]) -> set[str]:
    return {row["id"] for row in call("sessions.list", all=True)["sessions"]}


def transcript(home: Home, session: str) -> Path:
    data = claude(session, "a word", "another")
    return home.write(f".claude/projects/-work-p/{session}.jsonl", data)


@pytest.mark.parametrize(
    ("ours", "agents"),
    [("[archive]\nkeep_days = 30\n", "{}"), ("", '{"cleanupPeriodDays": 7}')],
    ids=["as we were told", "as the agent was told"],
)
def test_only_what_is_old_and_gone_at_its_agent_goes(home: Home, ours: str, agents: str) -> None:
    home.configure(ours)
    home.write(".claude/settings.json", agents)
    transcript(home, LIVING)
    old = transcript(home, OLD)
    with running(home) as daemon:
        daemon.index()
        old.unlink()
        daemon.index()
        assert ids(daemon.call) == {OLD, LIVING}
        daemon.stop()

    with looking_at_once(home) as call:
        eventually(lambda: ids(call) == {LIVING})
        audit = home.paths.state_dir / "audit.log"
        eventually(lambda: audit.exists() and audit.read_text().endswith("\n"))
        (said,) = audit.read_text().splitlines()
        assert json.loads(said)["method"] == "archive.prune"


def test_without_a_number_all_is_kept(home: Home) -> None:
    old = transcript(home, OLD)
    with running(home) as daemon:
        daemon.index()
        old.unlink()
        daemon.index()
        daemon.stop()

    with looking_at_once(home) as call:
        eventually(lambda: not call("daemon.status")["indexing"]["active"])
        assert ids(call) == {OLD}
        call("config.set", values={"archive.keep_days": 1})
        eventually(lambda: ids(call) == set())


def test_damage_in_the_archive_is_found_without_being_asked_for(home: Home) -> None:
    """A flipped bit of what no agent has any more: which session, and in which list it shows."""
    transcript(home, LIVING)
    old = transcript(home, OLD)
    with running(home) as daemon:
        daemon.index()
        old.unlink()
        daemon.index()
        daemon.stop()
    for file in home.paths.archive_dir.rglob("*.zst"):
        held = bytearray(file.read_bytes())
        held[-20] ^= 0x10
        file.write_bytes(held)

    def missing(call: Callable[..., Any]) -> list[dict[str, str]]:
        checks = call("daemon.health")["checks"]
        return [each for each in checks if each["name"] == "archive.missing"]

    with looking_at_once(home) as call:
        eventually(lambda: missing(call))
        (said,) = missing(call)
        assert OLD in said["message"] and LIVING not in said["message"]
        assert said["hint"].startswith("opensession restore")
        assert {
            row["id"]: row["source"] for row in call("sessions.list", all=True)["sessions"]
        } == {
            OLD: "gone",
            LIVING: "",
        }
        (agent,) = call("archive.storage")["agents"]
        assert (agent["sessions"], agent["safe_sessions"], agent["only_here"]) == (2, 0, 0)


def test_a_folder_that_no_session_is_of_any_more_is_forgotten(home: Home) -> None:
    """As of sessions that were pruned, or that a backup had and that are forgotten here."""
    transcript(home, LIVING)
    with running(home) as daemon:
        daemon.index()
        daemon.stop()
    db = open_user(home.paths.user_db)
    rows = [(folder, "/work", "", "work", 0) for folder in (FOLDER, "/work/zwetschge")]
    db.executemany("INSERT INTO repository VALUES (?, ?, ?, ?, ?)", rows)
    db.close()

    with looking_at_once(home):
        eventually(lambda: b"zwetschge" not in home.paths.user_db.read_bytes())

    assert FOLDER.encode() in home.paths.user_db.read_bytes()
