"""From a login to a running session on the hub, as a newcomer does it, and what follows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opensession.client.demo_stage import LIVE, Stage
from tests.client.program import Cli
from tests.client.test_account import NO_RING
from tests.helpers.daemon import eventually
from tests.helpers.hub import PASSWORD, Hub, running_hub

OLD = "5e1f0c9a-7b1d-4c53-9f0e-3a6f2d8b7c41"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as found:
        found.account("first")
        yield found


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    """The demo's sessions, read; no hub is set."""
    made = Cli(tmp_path)
    made.environ["PYTHON_KEYRING_BACKEND"] = NO_RING
    made.stage.set_up()
    made.cwd = made.stage.home / "acme-api"
    made.ok("daemon", "start")
    try:
        made.ok("index", "--wait")
        yield made
    finally:
        made.stop()


@pytest.fixture
def joined(cli: Cli, hub: Hub) -> Cli:
    """The same, with a key for a hub."""
    words = ("--server", hub.url, "--email", "first@example.org", "--password-stdin")
    done = cli.run("account", "login", *words, given=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    assert "next: opensession stream enable" in done.stderr
    return cli


def go_on(cli: Cli, first: int, last: int) -> None:
    """Let the live session grow by lines of a time after all that was turned on."""
    later = Stage(cli.base, dt.datetime.now(tz=dt.UTC) + dt.timedelta(hours=1))
    with cli.stage.live_file.open("a", encoding="utf-8") as file:
        file.writelines(later.live_lines()[first:last])


def on_hub(hub: Hub, bearer: str = "") -> list[dict[str, Any]]:
    token = bearer or login(hub, "first")
    found = hub.call("GET", "/api/sessions", bearer=token)
    assert found.status == 200, found.body
    rows: list[dict[str, Any]] = found.json["sessions"]
    return rows


def login(hub: Hub, name: str) -> str:
    body = {"email": f"{name}@example.org", "password": PASSWORD}
    return str(hub.call("POST", "/api/auth/login", body).json["access_token"])


def test_a_running_session_arrives_and_is_nobody_elses(joined: Cli, hub: Hub) -> None:
    """What issue and README promise a newcomer."""
    said = joined.run("stream", "enable", "--yes")
    assert said.returncode == 0, said.stderr
    assert f"will be published to {hub.url}: sessions of" in said.stderr
    assert "older session" in said.stdout
    joined.ok("stream", "enable", "--agent", "claude_code", "--yes")
    go_on(joined, 0, 4)

    eventually(lambda: [row["id"] for row in on_hub(hub)] == [LIVE])
    other = hub.account("other").access
    assert on_hub(hub, other) == []
    assert hub.call("GET", f"/api/sessions/{LIVE}", bearer=other).status == 404
    rows = joined.json("publish", "receipts", "--json")["receipts"]
    assert [(row["id"], row["recalled_at"]) for row in rows] == [(LIVE, "")]
    status = joined.json("stream", "status", "--json")
    assert {row["agent"] for row in status["rows"]} >= {"claude-code"}
    assert joined.json("stream", "disable", "--agent", "claude-code", "--json")["undone"]


def test_sessions_are_uploaded_once_and_taken_back(joined: Cli, hub: Hub) -> None:
    refused = joined.run("upload", OLD)
    assert refused.returncode == 5
    assert "events" in refused.stderr and "add --yes" in refused.stderr
    assert on_hub(hub) == []

    done = joined.run("upload", OLD, "--yes")
    assert done.returncode == 0, done.stderr
    assert hub.url in done.stdout
    assert [row["id"] for row in on_hub(hub)] == [OLD]
    assert "has all of it" in joined.run("upload", OLD, "--yes").stderr

    every = joined.json("upload-all", "--yes", "--json")["sessions"]
    assert {row["state"] for row in every} <= {"sent", "there"}
    assert len(on_hub(hub)) == 3

    assert joined.run("recall", OLD).returncode == 5
    assert joined.json("recall", OLD, "--yes", "--json")["ids"] == [OLD]
    assert hub.call("GET", f"/api/sessions/{OLD}", bearer=login(hub, "first")).status == 410
    assert len(on_hub(hub)) == 2
    found = joined.json("publish", "receipts", OLD, "--json")["receipts"]
    assert found[0]["recalled_at"]
    assert "recalled" in joined.ok("publish", "receipts")


def test_a_file_is_uploaded_and_git_is_refused_with_a_sentence(joined: Cli, hub: Hub) -> None:
    (path,) = joined.stage.home.glob(f".claude/projects/*/{OLD}.jsonl")
    done = joined.run("upload", str(path), "--yes")
    assert done.returncode == 0, done.stderr
    assert [row["id"] for row in on_hub(hub)] == [OLD]

    assert "sessions in git do not exist yet" in joined.fails(5, "upload", OLD, "--git")[0]
    joined.fails(4, "upload", "./no-such-file.jsonl")
    joined.fails(4, "upload", "0000dead", "--yes")
    joined.fails(2, "upload", OLD, "--expires", "soon")


def test_what_waits_for_a_person_is_approved_or_denied(joined: Cli, hub: Hub) -> None:
    config = joined.paths.config_file
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text('[[publish.rules]]\naction = "ask"\n')
    joined.ok("stream", "enable", "--agent", "claude-code", "--yes")
    go_on(joined, 0, 4)
    eventually(lambda: waiting(joined) == [(LIVE, "ask")])
    assert "publish approve" in joined.ok("publish", "pending")
    assert on_hub(hub) == []

    joined.ok("publish", "deny", LIVE)
    assert waiting(joined) == []
    assert (LIVE, "denied") in waiting(joined, "--all")
    assert joined.run("publish", "approve", LIVE).returncode == 5
    assert joined.run("publish", "approve", LIVE, "--yes").returncode == 0
    eventually(lambda: [row["id"] for row in on_hub(hub)] == [LIVE])
    joined.fails(2, "publish", "approve")
    joined.fails(2, "publish", "refresh", LIVE, "--all", "--yes")


def waiting(cli: Cli, *words: str) -> list[tuple[str, str]]:
    rows = cli.json("publish", "pending", "--json", *words)["sessions"]
    return [(row["id"], row["state"]) for row in rows]


def test_without_a_hub_nothing_can_be_turned_on(cli: Cli) -> None:
    """DECISIONS §9: without a server nothing ever touches the network."""
    assert cli.run("stream", "enable", "--yes").returncode == 5
    assert cli.json("server", "status", "--json")["network"] == "none"
    assert "nothing is ever sent" in cli.ok("server", "status")
    assert "nothing is published by itself" in cli.ok("stream", "status")
    done = cli.run("server", "verify")
    assert (done.returncode, "account login" in done.stderr) == (5, True)
    cli.fails(5, "account", "whoami")
    cli.fails(5, "upload", OLD, "--yes")


def test_the_hub_is_verified(joined: Cli, hub: Hub) -> None:
    found = joined.json("server", "verify", "--json")
    assert (found["reachable"], found["nickname"], found["key"]) == (True, "first", "config")
    assert "answers" in joined.ok("server", "status")
    hub.stop()
    assert joined.run("server", "verify").returncode == 1


def test_a_hook_comes_with_the_stream_and_goes_with_it(joined: Cli) -> None:
    settings = joined.stage.home / ".claude" / "settings.json"
    settings.write_text('{"model": "opus"}')
    done = joined.run("daemon", "enable-hook", "--agent", "claude-code", "--yes")
    assert done.returncode == 0, done.stderr
    assert str(settings) in done.stderr
    assert "hooks: claude-code" in joined.ok("stream", "status")
    commands = json.loads(settings.read_text())["hooks"]
    assert set(commands) == {"PostToolUse", "Stop", "SessionEnd"}

    joined.ok("stream", "disable", "--agent", "claude-code", "--hook")
    assert settings.read_text() == '{"model": "opus"}'
    assert (
        "has no hooks"
        in joined.fails(2, "stream", "enable", "--agent", "aider", "--hook", "--yes")[-2]
    )


def test_what_would_be_done_is_said_before_the_question(joined: Cli, hub: Hub) -> None:
    said = joined.run("stream", "enable", "--agent", "claude-code", "--hook")
    assert said.returncode == 5
    assert f"will be published to {hub.url}: sessions of claude-code" in said.stderr
    assert "covered now: no sessions" in said.stderr
    assert "not covered: " in said.stderr and "upload-all" in said.stderr
    assert joined.json("stream", "status", "--json")["rows"] == []

    joined.fails(4, "recall", "0000dead")
    assert "nothing of it was sent" in joined.fails(4, "recall", OLD)[0]


def test_a_hook_that_cannot_be_put_there_leaves_nothing_half_done(joined: Cli) -> None:
    settings = joined.stage.home / ".claude" / "settings.json"
    settings.write_text('{"model": ')
    words = ("--agent", "claude-code", "--hook", "--yes")
    assert "cannot be read" in "\n".join(joined.fails(5, "stream", "enable", *words))
    assert settings.read_text() == '{"model": '
    assert joined.json("stream", "status", "--json")["rows"] == []
