"""What people call sessions, by a real daemon: it outlives the index, and not the session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon.rules.homes import OTHER, SESSION, prompt, transcript
from tests.helpers.daemon import Daemon, Home, RpcError, running, temporary_home

WORD = "Zwetschgendatschi"


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def _rows(daemon: Daemon, **asked: Any) -> dict[str, dict[str, Any]]:
    found = daemon.call("sessions.list", all=True, **asked)["sessions"]
    return {row["id"]: row for row in found}


def test_names_outlive_the_index_and_restarts(home: Home) -> None:
    """Keyed by agent and id: a rebuilt index, or a new one, finds them again."""
    path = transcript(home, prompt(1, "first"))
    transcript(home, prompt(1, "second", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        daemon.call("names.set", ref=SESSION, alias="Login bug", add_tags=["wip"], starred=True)
        daemon.call("names.set", ref=OTHER, note="later")
        before = daemon.call("names.list")
        path.unlink()
        with daemon.client() as client:
            client.job("index.rebuild", wait=True)
        assert _rows(daemon)[SESSION]["title"] == "Login bug"
        assert daemon.call("names.list") == before
    home.paths.index_db.unlink()
    with running(home) as daemon:
        away = daemon.call("names.list")["sessions"]
        assert {row["id"] for row in away} == {SESSION, OTHER}
        daemon.index()
        assert daemon.call("names.list") == before
        assert set(_rows(daemon, tags=["wip"])) == {SESSION} == set(_rows(daemon, starred=True))
        assert daemon.call("sessions.resolve", ref="login bug")["ids"] == [SESSION]
        assert daemon.call("sessions.get", ref=OTHER)["session"]["note"] == "later"


@pytest.mark.parametrize("by_hand", [True, False])
def test_names_of_a_forgotten_session_go_with_it(home: Home, by_hand: bool) -> None:
    """By `forget` and by a line `#private`; `unforget` brings the session back, not its names."""
    transcript(home, prompt(1, "first"))
    transcript(home, prompt(1, "second", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        daemon.call("names.set", ref=SESSION, alias=WORD, add_tags=[WORD], note=WORD)
        daemon.call("names.set", ref=OTHER, starred=True)
        if by_hand:
            daemon.call("archive.forget", ref=WORD)
        else:
            transcript(home, prompt(2, "#private"), append=True)
            daemon.index()
        found = daemon.call("names.list")
        assert [row["id"] for row in found["sessions"]] == [OTHER]
        assert found["tags"] == []
        ours = [file.read_bytes() for file in home.paths.data_dir.glob("user.db*")]
        assert WORD.lower().encode() not in b"".join(ours).lower()
        daemon.call("archive.forget", ref=SESSION, undo=True)
        daemon.index()
        assert _rows(daemon)[SESSION]["alias"] == ""


def test_what_is_no_name_changes_nothing(home: Home) -> None:
    """An alias is of one session and none of the ids; an event has no name."""
    transcript(home, prompt(1, "first"))
    transcript(home, prompt(1, "second", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        daemon.call("names.set", ref=SESSION, alias="bug")
        before = daemon.call("names.list")
        for wrong in (
            {"ref": OTHER, "alias": "BUG", "starred": True},
            {"ref": OTHER, "alias": SESSION},
            {"ref": OTHER, "alias": "a/b"},
            {"ref": "HEAD~2", "alias": "both", "all": True},
            {"ref": f"{OTHER}#1", "starred": True},
            {"ref": "nobody at all", "starred": True},
            {"ref": OTHER, "add_tags": [f"t{number}" for number in range(65)]},
            {"ref": OTHER, "add_tags": ["two words"], "note": "x"},
        ):
            with pytest.raises(RpcError):
                daemon.call("names.set", **wrong)
        assert daemon.call("names.list") == before
        many = daemon.call("names.set", ref="HEAD~2", all=True, add_tags=["both"])
        assert {row["id"] for row in many["sessions"]} == {SESSION, OTHER}
        assert daemon.call("names.list")["tags"] == [{"tag": "both", "sessions": 2}]
