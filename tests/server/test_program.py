"""The hub's program: how it starts, what it says, how it ends."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from opensession.core.errors import Refused
from opensession.server.config import Config
from opensession.server.listening import bound
from tests.helpers.daemon import PATIENCE
from tests.helpers.hub import Hub, running_hub


def run(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The program with settings that should end it at once."""
    return subprocess.run(
        [sys.executable, "-m", "opensession.server"],
        env={"PATH": os.environ["PATH"], "OPENSESSION_DATA_DIR": str(tmp_path / "d"), **environ},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_accounts_and_logins_survive_a_stop_and_a_kill() -> None:
    """What was acknowledged is on the disk; the signing key is made once and kept. All of it is
    private, and the code is said only until there is an account.
    """
    with running_hub(JWT_SECRET="") as hub:
        assert hub.said[0] == f"opensession-server: {hub.url}"
        assert len(hub.code) == 14
        assert hub.call("GET", "/api/ready").json["ready"] is True
        ann = hub.account("ann")
        files = [p for p in (hub.data / "data").rglob("*") if p.is_file()]
        assert {p.name for p in files} >= {"hub.db", "jwt.key", "hub.lock"}
        assert {stat.S_IMODE(p.stat().st_mode) for p in files} == {0o600}
        assert stat.S_IMODE((hub.data / "data").stat().st_mode) == 0o700
        hub.kill()
        hub.start()
        assert len(hub.said) == 1  # no code: there is an account
        assert hub.call("GET", "/api/auth/me", bearer=ann.access).json["user_id"] == ann.id

        assert hub.stop() == 0
        hub.start()
        assert hub.call("GET", "/api/auth/me", bearer=ann.access).json["user_id"] == ann.id


def test_a_wrong_setting_ends_it_with_2(tmp_path: Path) -> None:
    done = run(tmp_path, PORT="many")

    assert done.returncode == 2
    assert "port" in done.stderr


def test_a_port_that_is_taken_is_refused_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=f"127.0.0.1:{port}"):
            bound(Config(port=port))


def test_two_hubs_on_one_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir(mode=0o700)
    with (tmp_path / "d/hub.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run(tmp_path, PORT="0")

    assert done.returncode == 5
    assert "a hub is running on" in done.stderr


def test_a_full_disk_makes_it_not_ready() -> None:
    with running_hub(OPENSESSION_MIN_FREE_BYTES=str(1 << 60)) as hub:
        reply = hub.call("GET", "/api/ready")

    assert (reply.status, reply.code) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0


def test_the_clients_command_is_the_program(tmp_path: Path) -> None:
    hub = Hub(tmp_path, {})
    process = subprocess.Popen(
        [sys.executable, "-m", "opensession.client", "server", "run"],
        env=hub.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline().startswith("opensession-server: http://127.0.0.1:")
    process.terminate()
    assert process.wait(PATIENCE) == 0
