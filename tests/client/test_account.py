"""`account` and `config --server` against a real hub: the key, and where it lies."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.program import Cli
from tests.core.test_keyring import with_backend
from tests.helpers.hub import PASSWORD, Hub, running_hub

NO_RING = "keyring.backends.fail.Keyring"
KEY = re.compile(r"osk_[0-9a-f]{32}")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as found:
        found.account("first")
        yield found


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    made = Cli(tmp_path)
    made.environ["PYTHON_KEYRING_BACKEND"] = NO_RING
    try:
        yield made
    finally:
        made.stop()


def log_in(cli: Cli, hub: Hub, *words: str, password: str = PASSWORD) -> str:
    done = cli.run(
        *("account", "login", "--server", hub.url, "--password-stdin", *words),
        given=password + "\n",
    )
    assert done.returncode == 0, done.stderr
    assert password not in done.stdout + done.stderr
    assert not KEY.search(done.stdout + done.stderr)
    return done.stdout + done.stderr


def keys(hub: Hub) -> list[str]:
    login = {"email": "first@example.org", "password": PASSWORD}
    token = hub.call("POST", "/api/auth/login", login).json["access_token"]
    found = hub.call("GET", "/api/auth/api-keys", bearer=token).json["keys"]
    return [key["state"] for key in found]


def test_a_login_leaves_a_key_that_may_publish_and_read(cli: Cli, hub: Hub) -> None:
    said = log_in(cli, hub, "--email", "first@example.org")

    assert "next: opensession daemon start" in said
    file = cli.paths.login_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY.search(file.read_text())
    assert PASSWORD not in file.read_text()
    who = cli.json("account", "whoami", "--json")
    assert (who["nickname"], who["scopes"], who["place"]) == (
        "first",
        ["publish", "read"],
        "config",
    )
    assert not KEY.search(cli.ok("config", "--json"))


def test_a_new_key_ends_the_one_before_it_and_logout_the_last(cli: Cli, hub: Hub) -> None:
    before = keys(hub).count("active")
    log_in(cli, hub, "--email", "first@example.org")
    log_in(cli, hub, "--email", "first@example.org")
    assert keys(hub).count("active") == before + 1

    assert "no good any more" in cli.run("account", "logout").stderr
    assert keys(hub).count("active") == before
    assert "osk_" not in cli.paths.login_file.read_text()
    assert hub.url in cli.paths.login_file.read_text()
    assert "there is no key" in cli.fails(4, "account", "whoami")[0]


def test_the_keyring_has_the_key_where_one_answers(cli: Cli, hub: Hub, tmp_path: Path) -> None:
    ring = with_backend(tmp_path, "made_ring.Ring")
    for name in ("PYTHONPATH", "PYTHON_KEYRING_BACKEND", "RING_FILE"):
        cli.environ[name] = ring[name]
    assert "the keyring" in log_in(cli, hub, "--email", "first@example.org")

    assert "osk_" not in cli.paths.login_file.read_text()
    assert KEY.search((tmp_path / "ring.json").read_text())
    assert cli.json("account", "whoami", "--json")["place"] == "keyring"
    cli.ok("account", "logout")
    assert "osk_" not in (tmp_path / "ring.json").read_text()

    log_in(cli, hub, "--email", "first@example.org")
    said = cli.run("uninstall", "--yes").stderr
    assert "out of the keyring" in said
    assert f"{hub.url} still takes" in said
    assert "osk_" not in (tmp_path / "ring.json").read_text()


def test_the_first_account_is_made_by_whoever_logs_in_first(cli: Cli) -> None:
    with running_hub() as own:
        said = log_in(cli, own, "--email", "me@example.org")
        assert "no account yet" in said
        assert cli.json("account", "whoami", "--json")["nickname"] == "me"


def test_an_account_is_registered_where_the_hub_lets_one(cli: Cli, hub: Hub) -> None:
    log_in(cli, hub, "--email", "new@example.org", "--register", "--nickname", "newcomer")
    assert cli.json("account", "whoami", "--json")["nickname"] == "newcomer"


def test_a_wrong_password_is_told_without_it(cli: Cli, hub: Hub) -> None:
    done = cli.run(
        *("account", "login", "--server", hub.url, "--email", "first@example.org"),
        "--password-stdin",
        given="not the password\n",
    )
    assert done.returncode == 5
    assert "wrong" in done.stderr
    assert "not the password" not in done.stderr
    assert not cli.paths.login_file.exists()


def test_a_key_that_was_given_out_is_connected(cli: Cli, hub: Hub) -> None:
    key = hub.key(hub.account("keyed"))
    done = cli.run("account", "connect", "--server", hub.url, "--key", "-", given=key + "\n")

    assert done.returncode == 0, done.stderr
    assert "keyed" in done.stdout
    assert key in cli.paths.login_file.read_text()
    said = cli.fails(2, "account", "connect", "--server", hub.url, "--key", key)
    assert key not in "".join(said)
    bad = cli.run("account", "connect", "--server", hub.url, "--key", "-", given="osk_" + "0" * 32)
    assert bad.returncode == 5
    assert "0000" not in bad.stderr


@pytest.mark.parametrize("url", ["http://hub.example", "http://192.168.1.2:3000"])
def test_a_key_never_goes_unencrypted_to_another_machine(cli: Cli, url: str) -> None:
    """DECISIONS §9: https or loopback, else exit 5 without --insecure."""
    words = ["--server", url, "--email", "a@b.c", "--password-stdin"]
    assert "unencrypted" in cli.fails(5, "account", "login", *words)[0]
    assert "unencrypted" in cli.fails(5, "config", "--server", url)[0]
    assert not cli.paths.login_file.exists()


@pytest.mark.parametrize("url", ["hub.example", "ftp://x", "https://u:p@hub", "https://hub?x=1"])
def test_what_is_no_address_is_refused(cli: Cli, url: str) -> None:
    cli.fails(2, "config", "--server", url)


def test_a_hub_that_is_not_there_is_told(cli: Cli) -> None:
    words = ["--server", "http://127.0.0.1:9", "--email", "a@b.c", "--password-stdin"]
    assert "does not answer" in cli.fails(1, "account", "login", *words)[0]


def test_logout_forgets_the_key_although_the_hub_is_gone(cli: Cli) -> None:
    with running_hub() as own:
        own.account("first")
        log_in(cli, own, "--email", "first@example.org")
    done = cli.run("account", "logout")

    assert done.returncode == 0
    assert "still takes it" in done.stderr
    assert "osk_" not in cli.paths.login_file.read_text()


def test_config_writes_server_key_and_team_where_only_the_user_reads(cli: Cli) -> None:
    key = "osk_" + "ab12" * 8
    done = cli.run(
        *("config", "--server", "https://hub.example/", "--api-key", "-", "--team-id", "t1"),
        given=key + "\n",
    )
    assert done.returncode == 0, done.stderr
    assert key not in done.stderr
    file = cli.paths.login_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cli.ok("config", "get", "server.url").strip() == "https://hub.example"
    assert cli.ok("config", "get", "server.team_id").strip() == "t1"
    assert key not in cli.ok("config", "get", "server.api_key")

    cli.ok("config", "--team-id", "")
    assert "team_id" not in file.read_text()
    said = cli.fails(2, "config", "--api-key", "something else")
    assert "something else" not in "".join(said)
    cli.fails(2, "config", "--api-key")


def test_what_daemon_toml_says_counts_and_is_told(cli: Cli) -> None:
    """DECISIONS §1: a key in both is taken from daemon.toml."""
    cli.ok("config", "set", "server.url", "https://other.example")
    done = cli.run("config", "--server", "https://hub.example")
    assert "daemon.toml counts" in done.stderr
