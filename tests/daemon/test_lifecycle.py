"""Being the one daemon of a home: start, stop, and what a killed one leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from opensession.core import run_file
from opensession.core.errors import Refused
from opensession.core.rpc.envelope import PROTOCOL
from opensession.core.run_file import RunFile
from opensession.daemon import lifecycle
from opensession.daemon.app import IdleEnd
from opensession.daemon.mounts import Mount
from tests.helpers.daemon import Daemon, Home, Rpc, eventually, running


def some_run_file(**changes: object) -> RunFile:
    """A `daemon.json` of this machine whose process is long gone."""
    run = RunFile(
        pid=2**22 - 1,
        started="1",
        boot_id=run_file.boot_id(),
        host=run_file.host_name(),
        socket="/nowhere",
        version="0.0.1",
        protocol=PROTOCOL,
        instance="old",
    )
    return msgspec.structs.replace(run, **changes)


def put_run_file(home: Home, run: RunFile) -> None:
    home.paths.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    home.paths.run_file.write_bytes(msgspec.json.encode(run))


def test_daemon_json_says_who_answers(daemon: Daemon) -> None:
    """DECISIONS §6: pid, process start time, boot id, host, socket, version, protocol."""
    run = daemon.run_file

    assert run.pid == daemon.process.pid
    assert run_file.is_alive(run)
    assert run.host == run_file.host_name()
    assert run.boot_id == run_file.boot_id()
    assert run.protocol == PROTOCOL
    assert daemon.call("daemon.hello")["instance"] == run.instance


def test_everything_of_ours_is_ours_alone(home: Home) -> None:
    """DECISIONS §1 and D5: folders 0700, files and socket 0600, whatever the umask is."""
    old = os.umask(0)
    try:
        with running(home) as daemon:
            daemon.call("daemon.status")
            found = {}
            for path in (home.path / "os").rglob("*"):
                kind = 0o700 if path.is_dir() else 0o600
                mode = stat.S_IMODE(path.lstat().st_mode)
                if mode != kind:
                    found[str(path)] = oct(mode)
            socket_folder = Path(daemon.run_file.socket).parent
            assert stat.S_IMODE(socket_folder.stat().st_mode) == 0o700
            health = daemon.call("daemon.health")
    finally:
        os.umask(old)

    assert found == {}
    assert [c["state"] for c in health["checks"] if c["name"] == "modes"] == ["ok"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_in_good_order(home: Home, number: int) -> None:
    """D29: nothing is left but what is to last, and the exit code is 0."""
    with running(home) as daemon:
        path = Path(daemon.run_file.socket)
        daemon.signal(number)

        assert daemon.wait() == 0
        assert not path.exists()
        assert not home.paths.run_file.exists()
        assert not home.paths.index_db.with_name("index.db-wal").exists()
        assert "stopped" in daemon.log()


def test_stop_over_the_socket_answers_first(daemon: Daemon) -> None:
    """The client that asks for the stop learns that it was heard."""
    assert daemon.call("daemon.stop") == {"stopping": True}
    assert daemon.wait() == 0


def test_a_stop_waits_for_no_client(daemon: Daemon) -> None:
    """Open connections, also such that subscribed, do not hold up the stop."""
    clients = [daemon.client() for _ in range(5)]
    clients[0].call("events.subscribe")

    assert daemon.stop() == 0
    for client in clients:
        with pytest.raises(ConnectionError):
            client.receive()
        client.close()


def test_the_manager_is_told(home: Home) -> None:
    """DECISIONS §6: Type=notify; READY once clients are answered, STOPPING at the end."""
    with running(home) as daemon:
        daemon.signal(signal.SIGTERM)

        assert daemon.await_state("STOPPING=") == "STOPPING=1"
        daemon.wait()


def test_the_watchdog_gets_its_signs_of_life(home: Home) -> None:
    """WatchdogSec in the unit is honoured."""
    with running(home, environ={"WATCHDOG_USEC": "200000"}) as daemon:
        assert daemon.await_state("WATCHDOG=") == "WATCHDOG=1"
        assert daemon.await_state("WATCHDOG=") == "WATCHDOG=1"


def test_a_second_daemon_ends_and_leaves_the_first_alone(daemon: Daemon) -> None:
    """D3: two started at once; the one that came late says so and exits 0."""
    before = daemon.run_file

    second = daemon.home.run("run")

    assert second.returncode == 0
    assert f"already running (pid {before.pid})" in second.stderr
    assert daemon.run_file == before
    assert daemon.call("daemon.hello")["instance"] == before.instance


def test_of_many_started_at_once_one_remains(home: Home) -> None:
    """DECISIONS §6: the lock decides."""
    command = [sys.executable, "-m", "opensession.daemon"]
    started = [
        subprocess.Popen(command, env=home.environ, stderr=subprocess.DEVNULL) for _ in range(4)
    ]
    try:
        losers = 0
        while losers < 3:
            pid, status = os.wait()
            assert os.waitstatus_to_exitcode(status) == 0
            losers += pid in {process.pid for process in started}
        run = run_file.read_run_file(home.paths.run_file)
        assert run is not None
        with Rpc(run.socket) as client:
            assert client.call("daemon.hello")["pid"] == run.pid
            client.call("daemon.stop")
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_daemon_that_holds_the_lock_and_hangs_is_named(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D2: a pid that is alive is not a daemon that answers."""
    daemon.signal(signal.SIGSTOP)
    try:
        with pytest.raises(Exception, match="does not answer") as caught:
            lifecycle.wait_for_other(daemon.home.paths, seconds=0.2)
    finally:
        daemon.signal(signal.SIGCONT)

    assert getattr(caught.value, "exit_code", None) == 3


def test_after_kill_9_the_next_one_takes_over(home: Home) -> None:
    """D1: the stale socket and daemon.json of a killed daemon are in nobody's way."""
    with running(home) as first:
        first.kill()
        assert Path(first.run_file.socket).is_socket()
        old = first.run_file
        with running(home) as second:
            assert second.run_file.instance != old.instance
            assert second.run_file.socket == old.socket
            assert second.call("daemon.hello")["pid"] == second.process.pid


def test_a_reused_pid_is_not_taken_for_a_daemon(home: Home) -> None:
    """DECISIONS §6: a pid counts only with its start time; ours is given to another process."""
    put_run_file(home, some_run_file(pid=os.getpid()))

    found = run_file.read_run_file(home.paths.run_file)
    assert found is not None
    assert not run_file.is_alive(found)
    with running(home) as daemon:
        assert daemon.run_file.pid == daemon.process.pid


def test_a_torn_daemon_json_is_nobody(home: Home) -> None:
    """The file is a hint for clients; what it cannot say does not stop a daemon."""
    home.paths.state_dir.mkdir(parents=True, mode=0o700)
    home.paths.run_file.write_bytes(b'{"pid": 12')

    with running(home) as daemon:
        assert daemon.run_file.pid == daemon.process.pid


def test_the_daemon_json_of_another_machine_is_refused(home: Home) -> None:
    """DECISIONS §6: refuse, name the host, suggest `OPENSESSION_HOME`."""
    put_run_file(home, some_run_file(host="elsewhere", boot_id="another boot"))
    before = home.paths.run_file.read_bytes()

    done = home.run("run")

    assert done.returncode == 5
    assert "elsewhere" in done.stderr
    assert "next: export OPENSESSION_HOME=" in done.stderr
    assert home.paths.run_file.read_bytes() == before


def test_this_machine_under_another_name_is_this_machine(home: Home) -> None:
    """A laptop that got a new name, or a container: the same boot."""
    if not run_file.boot_id():
        pytest.skip("this system has no boot id")
    put_run_file(home, some_run_file(host="old-name"))

    with running(home) as daemon:
        assert daemon.run_file.host == run_file.host_name()


def test_data_on_a_network_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """DECISIONS §8: our own data on a network file system is refused, naming the way out."""
    monkeypatch.setattr(lifecycle, "mount_of", lambda path: Mount("/", "nfs4"))

    with pytest.raises(Refused, match="nfs4") as caught:
        lifecycle.check_place(home.paths)

    assert "OPENSESSION_HOME" in caught.value.hint


@pytest.mark.skipif(os.getuid() != 0, reason="only root can have another's home")
def test_root_runs_no_daemon_for_another_user(home: Home) -> None:
    """DECISIONS §6: never as root for a home that is not root's (sudo keeps HOME)."""
    os.chown(home.path, 65534, 65534)

    done = home.run("run")

    assert done.returncode == 5
    assert "another user" in done.stderr
    assert not (home.path / "os").exists()


def test_bad_configuration_ends_the_start_with_2(home: Home) -> None:
    """DECISIONS §1: bad value: `daemon start` exits 2; it says which, and what to do."""
    home.configure("[daemon]\ndebounce_secs = 'soon'\n")

    done = home.run()

    assert done.returncode == 2
    assert "debounce_secs" in done.stderr
    assert "next: edit" in done.stderr
    assert not home.paths.run_file.exists()


def test_a_socket_of_systemd_is_taken(home: Home) -> None:
    """D3: socket activation; the socket stays when the daemon stops, for it is not ours."""
    path = home.path / "run" / "daemon.sock"
    code = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); os.chmod(sys.argv[1], 0o600); s.listen()
os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
print("listening", flush=True)
os.execv(sys.executable, [sys.executable, "-m", "opensession.daemon", "run"])
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        env=home.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "listening\n"
        # Nobody has to wait until it is ready: the connection waits in the socket's queue.
        with Rpc(str(path)) as client:
            assert client.call("daemon.hello")["pid"] == process.pid
            assert client.call("daemon.status")["socket"] == str(path)
            client.call("daemon.stop")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()

    assert path.is_socket()


def test_without_clients_it_ends_if_it_is_to(home: Home) -> None:
    """DECISIONS §6: with CI set, a daemon that a command started ends after its last client."""
    with running(home, "--no-history", "--exit-idle", "0.3") as daemon:
        with daemon.client() as client:
            client.call("daemon.hello")
        assert daemon.wait() == 0


def test_with_a_client_it_does_not_end() -> None:
    """The time counts from the last client's end: a timer that is due comes after the client."""

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        order: list[str] = []
        ended = asyncio.Event()

        def end() -> None:
            order.append("end")
            ended.set()

        def go() -> None:
            order.append("gone")
            idle.changed(0)

        idle = IdleEnd(end, 0.05)
        idle.changed(1)
        loop.call_later(0.1, go)
        await asyncio.wait_for(ended.wait(), 30)
        return order

    assert asyncio.run(main()) == ["gone", "end"]


def test_the_default_is_run_and_wrong_words_are_2(home: Home) -> None:
    """`opensession-daemon` alone is the daemon; usage errors are exit 2."""
    assert home.run("--version").stdout.startswith("opensession-daemon 0.")
    assert home.run("walk").returncode == 2
    assert home.run("run", "--exit-idle", "soon").returncode == 2


HANGING = """
import asyncio, os, sys
from opensession.daemon import app
from opensession.daemon.library import Library

async def hang(self):
    await asyncio.Event().wait()

Library.close = hang
app.STOP_SECONDS = float(sys.argv[1])
app.run(os.environ)
"""


def hanging_stop(home: Home, seconds: str) -> subprocess.Popen[bytes]:
    """A daemon whose stop never ends by itself, asked to stop."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, seconds], env=home.environ, stderr=subprocess.DEVNULL
    )
    eventually(home.paths.run_file.exists)
    process.send_signal(signal.SIGTERM)
    eventually(lambda: "stopping" in home.paths.log_file.read_text())
    return process


def test_a_stop_that_hangs_is_broken_off(home: Home) -> None:
    """D29: SIGTERM to exit in under five seconds, whatever hangs; the log says where it hung."""
    process = hanging_stop(home, "0.2")

    assert process.wait(30) == 1
    assert "run_forever" in home.paths.log_file.read_text()
    lock = lifecycle.take_lock(home.paths.lock_file)
    assert lock is not None
    os.close(lock)


def test_a_second_signal_ends_a_stop_that_hangs(home: Home) -> None:
    """D29: a second SIGTERM exits at once."""
    process = hanging_stop(home, "60")

    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 128 + signal.SIGTERM


def test_the_socket_is_where_users_expect_it(home: Home) -> None:
    """D4: without OPENSESSION_HOME it lies in XDG_RUNTIME_DIR, if that is ours and 0700."""
    del home.environ["OPENSESSION_HOME"]

    with running(home) as daemon:
        assert daemon.run_file.socket == str(home.path / "run/opensession/daemon.sock")
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(daemon.run_file.socket)
            raw.sendall(b'{"jsonrpc":"2.0","id":1,"method":"daemon.hello"}\n')
            assert json.loads(raw.makefile().readline())["result"]["protocol"] == PROTOCOL


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            "RuntimeError('words of a session')",
            "opensession-daemon: it failed: RuntimeError\nnext: opensession daemon logs\n",
        ),
        (
            "OSError(30, 'Read-only file system', '/data')",
            "opensession-daemon: Read-only file system: /data\n"
            "next: look after that place, then: opensession daemon start\n",
        ),
    ],
)
def test_what_keeps_it_from_running_is_one_line(home: Home, raised: str, said: str) -> None:
    """DECISIONS §7; never a traceback (that of a fault of ours is in the log), nor a word of what
    was read.
    """
    program = (
        "from opensession.daemon import __main__, app\n"
        f"async def fails(*arguments): raise {raised}\n"
        "app._serve = fails\n"
        "raise SystemExit(__main__.main(['run']))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=home.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (1, said)
    log = home.paths.log_file.read_text(encoding="utf-8")
    assert ("the daemon ends" in log) == ("RuntimeError" in raised)
    assert "words of a session" not in log
