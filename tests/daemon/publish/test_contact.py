"""Contact with hubs: waiting as they ask, batches, keys of a keyring, a hub after another one."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.core import keyring
from opensession.daemon.publish import processes
from tests.core.test_keyring import with_backend
from tests.daemon.publish.double import Answer, Double, double
from tests.daemon.publish.stage import Transcript, eventually
from tests.daemon.publish.test_decisions import KEY, connect, on_hub, upload
from tests.helpers.daemon import Home, running


@pytest.fixture
def hub() -> Iterator[Double]:
    with double() as made:
        yield made


def puts(hub: Double) -> list[dict[str, str]]:
    return [query for line, query in hub.requests if line.startswith("PUT")]


def test_a_hub_is_left_alone_for_as_long_as_it_asks(home: Home, hub: Double) -> None:
    def busy(method: str, path: str) -> Answer | None:
        if method != "PUT":
            return None
        return 429, {"Retry-After": "600"}, {"code": "rate_limited", "message": "slowly"}

    connect(home, hub)
    hub.dictate = busy
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "one").say("a")
        eventually(lambda: daemon.call("hub.status")["reachable"] is False)
        Transcript(home, "two").say("a")
        daemon.index()
        assert len(puts(hub)) == 1
        assert daemon.call("hub.status")["error"] == "slowly"
        hub.dictate = lambda method, path: None
        daemon.call("hub.status", verify=True)  # a person asks: it counts from now on
        Transcript(home, "three").say("a")
        eventually(lambda: on_hub(hub) == {"one": 1, "two": 1, "three": 1})


def test_batches_are_cut_and_halved_where_they_are_too_large(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        Transcript(home, "long").say(*(f"text {n}" for n in range(4_500)))
        daemon.index()
        upload(daemon, refs=["long"])
        assert [query["from"] for query in puts(hub)] == ["1", "2001", "4001"]
        assert on_hub(hub) == {"long": 4_500}

        hub.most_lines = 600
        Transcript(home, "fat").say(*(f"text {n}" for n in range(2_000)))
        daemon.index()
        upload(daemon, refs=["fat"])
        assert on_hub(hub)["fat"] == 2_000
        assert [query["from"] for query in puts(hub)[3:]] == ["1", "1", "1", "501", "1001", "1501"]


def test_the_hub_is_asked_now_and_then_and_often_failing_is_red(home: Home, hub: Double) -> None:
    connect(home, hub, "[daemon]\nhealth_check_interval_secs = 1\nmax_retries = 0\n")
    with running(home) as daemon:
        eventually(lambda: ("POST /api/auth/verify", {}) in hub.requests)
        assert ("GET /api/health", {}) in hub.requests
        hub.dictate = lambda method, path: (503, {}, {"code": "unavailable", "message": "no"})

        def state() -> str:
            checks = daemon.call("daemon.health")["checks"]
            return next(str(one["state"]) for one in checks if one["name"] == "hub")

        eventually(lambda: state() == "red")
        hub.dictate = lambda method, path: None
        eventually(lambda: state() == "ok")


def test_processes_of_agents_are_found_by_program_and_folder(tmp_path: Path) -> None:
    program = tmp_path / "claude"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "600"], cwd=tmp_path) as agent:
        try:
            here = ("claude-code", str(tmp_path.resolve()))
            eventually(lambda: here in processes.working())
        finally:
            agent.kill()
    assert here not in processes.working()


def ring(home: Home, folder: Path) -> None:
    """Gives the home a keyring in a file, as `PYTHON_KEYRING_BACKEND` names it."""
    home.environ |= {
        name: value
        for name, value in with_backend(folder, "made_ring.Ring").items()
        if name in ("PYTHONPATH", "PYTHON_KEYRING_BACKEND", "RING_FILE")
    }


def test_a_key_of_the_keyring_that_a_client_wrote_is_the_daemons(
    home: Home, hub: Double, tmp_path: Path
) -> None:
    ring(home, tmp_path)
    assert keyring.put(hub.url, KEY, home.environ)
    home.configure("[daemon]\nhealth_check_interval_secs = 1\n")
    home.paths.login_file.write_text(f'[server]\nurl = "{hub.url}/"\n', encoding="utf-8")
    home.paths.login_file.chmod(0o600)
    with running(home) as daemon:
        eventually(lambda: daemon.call("hub.status")["key"] == "keyring")
        Transcript(home, "one").say("a")
        daemon.index()
        upload(daemon, refs=["one"])
        assert hub.bearers == {f"Bearer {KEY}"}
        assert KEY not in daemon.log()


def test_what_is_forgotten_is_taken_back_from_every_hub(
    home: Home, hub: Double, tmp_path: Path
) -> None:
    ring(home, tmp_path)
    with double() as second, contextlib.ExitStack() as ending:
        connect(home, hub)
        daemon = ending.enter_context(running(home))
        Transcript(home, "one").say("a")
        Transcript(home, "two").say("a")
        daemon.index()
        upload(daemon, refs=["one", "two"])
        connect(home, second)
        daemon.call("hub.login")
        upload(daemon, refs=["one"])
        assert (on_hub(hub), on_hub(second)) == ({"one": 1, "two": 1}, {"one": 1})

        daemon.call("archive.forget", ref="one")
        eventually(lambda: on_hub(second) == {})
        health = {one["name"]: one for one in daemon.call("daemon.health")["checks"]}
        assert hub.url in health["hub.recall"]["hint"]  # there is no key for it here any more
        assert on_hub(hub) == {"one": 1, "two": 1}

        assert keyring.put(hub.url, KEY, home.environ)
        daemon.call("publish.recall", refs=["two"])
        eventually(lambda: on_hub(hub) == {})
        eventually(lambda: len(daemon.call("publish.receipts")["receipts"]) == 1)
