"""The hub's program: how it starts, what it says, how it ends."""

from __future__ import annotations

import asyncio
import fcntl
import http.client
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from opensession.core.errors import Refused
from opensession.server.config import Config
from opensession.server.listening import bound, serve
from tests.helpers.daemon import PATIENCE
from tests.helpers.hub import Hub, running_hub
from tests.server.storage.keeping import header_line, line


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

        connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=PATIENCE)
        connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {ann.access}"})
        stream = connection.getresponse()
        assert stream.readline().startswith(b"retry")
        assert hub.stop() == 0
        stream.read()  # to its proper end: it was not cut off
        connection.close()
        assert not [p.name for p in (hub.data / "data").iterdir() if p.name.endswith("-wal")]
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
        ann = hub.account("ann")
        kind = {"Content-Type": "application/x-ndjson"}
        body = header_line() + b"\n" + line(1) + b"\n"
        refused = hub.call("POST", "/api/sessions", body, bearer=ann.access, headers=kind)

    assert (reply.status, reply.code) == (503, "unavailable")
    assert (refused.status, refused.code) == (507, "disk_full")
    assert min(int(one.headers["Retry-After"]) for one in (reply, refused)) > 0


def test_until_its_storage_is_open_it_answers_that_it_starts(tmp_path: Path) -> None:
    """Opening takes as long as migrations do; here, until there is something in the file."""
    hub = Hub(tmp_path, {})
    hub.database.parent.mkdir(mode=0o700)
    os.mkfifo(hub.database, 0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        hub.port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "opensession.server"],
        env={**hub.environ, "PORT": str(hub.port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(hub):
            assert process.poll() is None
        assert hub.call("GET", "/api/health").status == 200
        for path in ("/api/ready", "/api/capabilities"):
            reply = hub.call("GET", path)
            assert (reply.status, reply.code) == (503, "unavailable"), path
            assert reply.headers["Retry-After"] == "1"
    finally:
        hub.database.write_bytes(b"no database" * 10)
        assert process.wait(PATIENCE) == 5


def answers(hub: Hub) -> bool:
    """Whether somebody is there yet."""
    try:
        return hub.call("GET", "/api/health").status == 200
    except OSError:
        return False


def test_a_head_that_does_not_end_is_not_waited_for() -> None:
    async def run() -> bytes:
        runner = web.AppRunner(web.Application())
        await runner.setup()
        listening = bound(Config(port=0))
        server = await serve(runner, listening, keepalive=0.01)
        try:
            reader, writer = await asyncio.open_connection(*listening.getsockname()[:2])
            writer.write(b"GET /api/health HTTP/1.1\r\nHost: loc")
            async with asyncio.timeout(PATIENCE):
                got = await reader.read()
            writer.close()
            return got
        finally:
            server.close()
            await runner.cleanup()

    assert asyncio.run(run()) == b""


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
