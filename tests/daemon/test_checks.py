"""What is red, what is yellow, and that green means that sessions are taken in."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.core.rpc.daemon import AgentStatus, Indexing
from opensession.core.timeparse import parse_time
from opensession.daemon import checks
from opensession.daemon.checks import Disk
from tests.helpers.daemon import Home

IDLE = Indexing()
OLD = "2026-01-01T10:00:00.000Z"
NEW = "2026-01-01T11:00:00.000Z"


def at(time: str, seconds: float) -> int:
    found = parse_time(time)
    assert found is not None
    return found + int(seconds * 1e6)


def lag(agent: AgentStatus, seconds: float = 3600, indexing: Indexing = IDLE) -> str:
    (found,) = checks.check_agents({"codex": agent}, indexing, at(NEW, seconds))
    assert found.name == "agent.codex.lag"
    return found.state


def test_what_is_on_disk_and_not_in_the_index_is_red() -> None:
    """D23: health compares the newest change with the newest indexed, never a heartbeat."""
    behind = AgentStatus(watching="events", newest_change=NEW, newest_indexed=OLD)

    assert lag(behind) == "red"
    assert lag(AgentStatus(watching="polling", newest_change=NEW)) == "red"


def test_pending_sources_are_red_too_when_nothing_is_at_work() -> None:
    """An old file that was changed back in time is not seen by comparing the newest."""
    waiting = AgentStatus(
        watching="events", newest_change=OLD, newest_indexed=NEW, pending_sources=3
    )

    assert lag(waiting) == "red"
    assert lag(waiting, indexing=Indexing(active=True, fraction=0.5)) == "ok"


@pytest.mark.parametrize(
    "agent",
    [
        AgentStatus(watching="off", newest_change=NEW),
        AgentStatus(watching="events"),
        AgentStatus(watching="events", newest_change=NEW, newest_indexed=NEW),
        AgentStatus(watching="events", newest_change=OLD, newest_indexed=NEW),
    ],
)
def test_what_is_up_to_date_or_not_wanted_is_ok(agent: AgentStatus) -> None:
    """Also where the newest file was deleted: what is indexed is then newer than the disk."""
    assert lag(agent) == "ok"


def test_the_debounce_is_no_lag() -> None:
    """A change of a moment ago waits to be read, as it should."""
    behind = AgentStatus(watching="events", newest_change=NEW, newest_indexed=OLD)

    assert lag(behind, seconds=2) == "ok"


def test_what_was_left_out_is_shown() -> None:
    """Failed sources, skipped lines, unknown records and missing watches are yellow."""
    agent = AgentStatus(
        watching="polling", sources=9, failed_sources=2, unknown_records=1, note="too few watches"
    )

    found = checks.check_agents({"codex": agent}, IDLE, at(NEW, 0))

    assert {c.name: c.state for c in found} == {
        "agent.codex.lag": "ok",
        "agent.codex.failed": "warn",
        "agent.codex.records": "warn",
        "agent.codex.watch": "warn",
    }
    said = next(c.message for c in found if c.name == "agent.codex.records")
    assert said == "codex: 1 record of unknown types kept as they are"


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [(2 << 30, 10 << 30, "ok"), (2 << 30, 100 << 30, "red"), (1 << 29, 2 << 30, "red")],
)
def test_too_little_space_is_red(free: int, total: int, state: str) -> None:
    """DECISIONS §4: below 1 GB or 5 % free disk archiving pauses, red in `status`."""
    (found,) = checks.check_disk(Disk(free, total))
    assert found.state == state
    assert f"{free / 1e9:.1f} GB free" in found.message  # as `storage` counts


def test_the_disk_is_really_looked_at(home: Home) -> None:
    """The figures are those of the file system our data is on."""
    disk = checks.disk_of(home.path)

    assert 0 < disk.free <= disk.total


def test_files_that_others_may_read_are_red(home: Home) -> None:
    """Every one of them is named, with the command that mends it."""
    paths = home.paths
    for folder in (paths.config_dir, paths.data_dir, paths.state_dir):
        folder.mkdir(parents=True, mode=0o700)
    paths.user_db.touch(0o600)
    socket = Path(paths.state_dir / "daemon.sock")
    assert [c.state for c in checks.check_modes(paths, socket)] == ["ok"]

    paths.user_db.chmod(0o640)
    paths.data_dir.chmod(0o755)

    found = checks.check_modes(paths, socket)
    assert {c.state for c in found} == {"red"}
    assert {c.hint for c in found} == {f"chmod 600 {paths.user_db}", f"chmod 700 {paths.data_dir}"}


def test_configuration_that_is_not_taken_up_is_red() -> None:
    """DECISIONS §1: a running daemon keeps the last good config and shows red."""
    found = checks.check_config(Path("daemon.toml"), ["odd key"], ["bad value"])

    # What the last good file was warned of may be mended in the one that is there.
    assert [(c.state, c.message) for c in found] == [("red", "not taken up: bad value")]
    warned = checks.check_config(Path("daemon.toml"), ["odd key"], [])
    assert [(c.state, c.message) for c in warned] == [("warn", "odd key")]
    assert [c.state for c in checks.check_config(Path("daemon.toml"), [], [])] == ["ok"]


def test_a_restart_that_is_due_is_said() -> None:
    """Settings that count from the next start on."""
    assert checks.check_restart([]) == []
    assert checks.check_restart(["privacy.strip_paths"])[0].hint == "opensession daemon restart"
