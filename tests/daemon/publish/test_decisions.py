"""What rules, people and the hub say against sending, and what is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon.publish.double import Answer, Double, double
from tests.daemon.publish.stage import Transcript, eventually, states
from tests.helpers.daemon import Daemon, Home, RpcError, running

KEY = "osk_0123456789abcdef0123456789abcdef"
SECRET = "ghp_" + "Zq7" * 12


@pytest.fixture
def hub() -> Iterator[Double]:
    with double() as made:
        yield made


def connect(home: Home, hub: Double, more: str = "", url: str = "") -> None:
    home.configure(more)
    home.paths.login_file.write_text(
        f'[server]\nurl = "{url or hub.url}"\napi_key = "{KEY}"\n', encoding="utf-8"
    )
    home.paths.login_file.chmod(0o600)


def on_hub(hub: Double) -> dict[str, int]:
    """The events of each session that the hub has."""
    return {name: len(kept.lines) for name, kept in hub.sessions.items() if not kept.gone}


def upload(daemon: Daemon, **params: Any) -> list[dict[str, Any]]:
    with daemon.client() as client:
        last = client.job("hub.upload", really=True, **params)
    assert last["error"] == ""
    return list(last["result"]["sessions"])


def test_rules_keep_sessions_here_or_ask(home: Home, hub: Double) -> None:
    connect(
        home,
        hub,
        '[[publish.rules]]\naction = "never"\npath = "/work/secret"\n'
        '[[publish.rules]]\naction = "ask"\nbranch = "main"\n',
    )
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "never", cwd="/work/secret/x").say("a")
        Transcript(home, "asked").say("a")
        daemon.index()
        assert states(daemon) == {"never": "never", "asked": "ask"}
        assert states(daemon, everything=False) == {"asked": "ask"}
        assert daemon.call("publish.approve", refs=["asked"])["ids"] == ["asked"]
        eventually(lambda: on_hub(hub) == {"asked": 1})
        with pytest.raises(RpcError, match="no session"):
            daemon.call("publish.approve", refs=["nobody"])
        plan = daemon.call("hub.upload", refs=["never"])
        assert [row["state"] for row in plan["sessions"]] == ["never"]


def test_a_repository_can_only_be_stricter(home: Home, hub: Double) -> None:
    connect(home, hub, '[[publish.rules]]\naction = "auto"\n')
    repository = home.path / "repo"
    (repository / ".git").mkdir(parents=True)
    home.write("repo/.opensession/config.toml", '[publish]\naction = "ask"\n')
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "one", cwd=str(repository)).say("a")
        daemon.index()
        assert states(daemon) == {"one": "ask"}
        daemon.call("publish.deny", refs=["one"])
        assert states(daemon) == {"one": "denied"}
        assert on_hub(hub) == {}


def test_what_its_repository_excludes_later_stays_here(home: Home, hub: Double) -> None:
    """It was stored before the repository said so."""
    connect(home, hub)
    repository = home.path / "repo"
    (repository / ".git").mkdir(parents=True)
    with running(home) as daemon:
        Transcript(home, "one", cwd=str(repository / "private")).say("a")
        daemon.index()
        home.write("repo/.opensession/config.toml", '[privacy]\nexclude_paths = ["private"]\n')
        (repository / "private").mkdir()
        plan = daemon.call("hub.upload", refs=["one"])
        assert [row["state"] for row in plan["sessions"]] == ["blocked"]
        assert on_hub(hub) == {}


def test_what_is_blocked_does_not_leave_until_it_is_allowed(home: Home, hub: Double) -> None:
    connect(home, hub, '[privacy]\nmodes = { keys = "block" }\n')
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "one").say(f"the key is {SECRET}")
        daemon.index()
        assert states(daemon) == {"one": "blocked"}
        daemon.call("privacy.allow", ref="one")
        Transcript(home, "two").say("a")
        eventually(lambda: "two" in on_hub(hub))
        daemon.call("publish.approve", refs=["one"])
        eventually(lambda: "one" in on_hub(hub))
        assert SECRET.encode() not in b"".join(hub.sessions["one"].lines)


def test_an_upload_sends_once_and_says_what(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        said = Transcript(home, "one")
        said.say("a", "b")
        daemon.index()
        plan = daemon.call("hub.upload", refs=["one"])
        assert (plan["events"], plan["sessions"][0]["state"], plan["job"]) == (2, "new", "")
        assert on_hub(hub) == {}
        assert [row["state"] for row in upload(daemon, refs=["one"])] == ["sent"]
        assert on_hub(hub) == {"one": 2}
        said.say("c")
        daemon.index()
        assert daemon.call("hub.upload", all=True)["sessions"][0]["state"] == "grown"
        upload(daemon, all=True)
        assert on_hub(hub) == {"one": 3}
        assert daemon.call("hub.upload", refs=["one"])["sessions"][0]["state"] == "there"


def test_a_recall_is_final_until_a_person_says_otherwise(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        said = Transcript(home, "one")
        said.say("a")
        eventually(lambda: on_hub(hub) == {"one": 1})
        assert daemon.call("publish.recall", refs=["one"]) == {"ids": ["one"], "waiting": []}
        said.say("b")
        daemon.index()
        assert states(daemon) == {"one": "denied"}
        assert on_hub(hub) == {}
        upload(daemon, refs=["one"])
        assert on_hub(hub) == {"one": 2}
        assert hub.sessions["one"].generation == 2


def test_what_is_forgotten_here_is_taken_back_there(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "one").say("a")
        said = Transcript(home, "two")
        said.say("a")
        eventually(lambda: on_hub(hub) == {"one": 1, "two": 1})
        daemon.call("archive.forget", ref="one")
        said.say("#private")
        eventually(lambda: on_hub(hub) == {})
        eventually(lambda: daemon.call("publish.receipts")["receipts"] == [])


def test_a_recall_is_made_up_for_when_the_hub_answers_again(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        upload_one(home, daemon)
        hub.dictate = lambda method, path: (503, {}, {"code": "unavailable", "message": "no"})
        assert daemon.call("publish.recall", refs=["one"]) == {"ids": [], "waiting": ["one"]}
        daemon.kill()
    hub.dictate = lambda method, path: None
    with running(home):
        eventually(lambda: on_hub(hub) == {})


def test_a_key_that_is_not_known_stops_everything_until_there_is_another(
    home: Home, hub: Double
) -> None:
    connect(home, hub)
    refused = {"code": "unauthorized", "message": "unknown key", "hint": "log in"}
    hub.dictate = lambda method, path: (401, {}, refused)
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "one").say("a")
        eventually(lambda: not daemon.call("daemon.health")["healthy"])
        health = {one["name"]: one for one in daemon.call("daemon.health")["checks"]}
        assert (health["hub"]["state"], health["hub"]["hint"]) == ("red", "log in")
        asked = len(hub.requests)
        Transcript(home, "two").say("a")
        daemon.index()
        assert len(hub.requests) == asked
        hub.dictate = lambda method, path: None
        daemon.call("hub.login", key="")
        eventually(lambda: on_hub(hub) == {"one": 1, "two": 1})
        assert KEY not in daemon.log()


def test_a_refused_session_does_not_hold_up_others(home: Home, hub: Double) -> None:
    def dictate(method: str, path: str) -> Answer | None:
        if path.startswith("/api/sessions/bad/"):
            return 422, {}, {"code": "invalid", "message": "it is too strange"}
        return None

    connect(home, hub)
    hub.dictate = dictate
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "bad").say("a")
        Transcript(home, "good").say("a")
        eventually(lambda: on_hub(hub) == {"good": 1})
        eventually(lambda: states(daemon) == {"bad": "refused"})
        row = daemon.call("publish.pending")["sessions"][0]
        assert row["reason"] == "it is too strange"
        hub.dictate = lambda method, path: None
        daemon.call("publish.refresh", refs=["bad"])
        eventually(lambda: on_hub(hub) == {"good": 1, "bad": 1})


def test_a_hub_that_lost_everything_gets_it_again(home: Home, hub: Double) -> None:
    connect(home, hub)
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        said = Transcript(home, "one")
        said.say("a", "b")
        eventually(lambda: on_hub(hub) == {"one": 2})
        hub.sessions.clear()
        said.say("c")
        eventually(lambda: on_hub(hub) == {"one": 3})


def test_newer_rules_do_not_send_by_themselves(home: Home, hub: Double) -> None:
    connect(home, hub, '[privacy]\nmodes = { mail = "off" }\n')
    with running(home) as daemon:
        daemon.call("stream.enable", agent="claude-code")
        Transcript(home, "one").say("a", "write to ann.lee@acme-widgets.com", "b")
        eventually(lambda: on_hub(hub) == {"one": 3})
        home.configure('[privacy]\nmodes = { mail = "redact" }\n')
        daemon.call("daemon.reload")
        daemon.index()
        eventually(lambda: states(daemon) == {"one": "differs"})
        assert b"ann.lee@acme-widgets.com" in b"".join(hub.sessions["one"].lines)
        health = {one["name"]: one["state"] for one in daemon.call("daemon.health")["checks"]}
        assert health["hub.secret"] == "red"
        daemon.call("publish.refresh", all=True)
        eventually(lambda: b"ann.lee@acme-widgets.com" not in b"".join(hub.sessions["one"].lines))
        assert (hub.sessions["one"].generation, hub.sessions["one"].rewind) == (1, 1)
        eventually(lambda: states(daemon) == {})


def test_a_key_goes_nowhere_over_plain_http(home: Home, hub: Double) -> None:
    connect(home, hub, url="http://hub.example.org")
    with running(home) as daemon:
        with pytest.raises(RpcError, match="https") as refused:
            daemon.call("stream.enable", agent="claude-code")
        assert refused.value.code == -32002
        assert daemon.call("daemon.health")["healthy"] is False


def upload_one(home: Home, daemon: Daemon) -> None:
    Transcript(home, "one").say("a")
    daemon.index()
    upload(daemon, refs=["one"])
