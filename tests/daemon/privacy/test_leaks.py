"""Secrets are remembered by a fingerprint, once each, wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import apsw
import pytest

from opensession.daemon.store import leaks, leaks_write
from opensession.daemon.user_data import UserData
from tests.helpers.daemon import Daemon, Home, RpcError, running
from tests.helpers.transcripts import claude, claude_line, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
KEY = "q7Zt1mXw90PlBv3sKd82"
OTHER = "Xp44LmNw81RtYv2kQs7d"
CLAUDE = f".claude/projects/p/{ONE}.jsonl"
CODEX = f".codex/sessions/2026/01/02/rollout-{TWO}.jsonl"

_PLACES = (
    "SELECT agent, native_id, seq, count FROM leak_event"
    " JOIN leak_session ON leak_session.id = session ORDER BY 1, 2, 3"
)


def _rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    db = apsw.Connection(str(home.paths.user_db), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [tuple(row) for row in db.execute(query)]
    finally:
        db.close()


def _holders(home: Home, value: str) -> list[str]:
    """Files of ours that hold a value's bytes, or those of a word of the search; no archive."""
    found = []
    for path in sorted((home.path / "os").rglob("*")):
        if path.is_file() and home.paths.archive_dir not in path.parents:
            data = path.read_bytes()
            if value.encode() in data or value.lower().encode()[8:] in data:
                found.append(path.name)
    return found


def test_one_secret_in_two_sessions_of_two_agents_is_one_row(home: Home, daemon: Daemon) -> None:
    home.write(CLAUDE, claude(ONE, "hello", f"API_TOKEN={KEY} is set"))
    home.write(CODEX, codex(TWO, f"API_TOKEN={KEY}"))
    daemon.index()

    found = daemon.call("leaks.list")

    (leak,) = found["leaks"]
    assert (found["unresolved"], found["total"]) == (1, 1)
    assert leak["tools"] == ["claude-code", "codex"]
    assert [(s["id"], s["first_seq"], s["count"]) for s in leak["sessions"]] == [
        (ONE, 2, 1),
        (TWO, 1, 1),
    ]
    assert leak["first_seen"] == "2026-01-02T03:00:02.000Z"
    assert leak["last_seen"] == "2026-01-02T03:04:05.000Z"
    assert _rows(home, "SELECT length(fingerprint) FROM leak") == [(32,)]


def test_the_id_is_the_tag_in_the_index(home: Home, daemon: Daemon) -> None:
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}"))
    daemon.index()

    (leak,) = daemon.call("leaks.list")["leaks"]
    (event,) = daemon.call("sessions.events", ref=ONE, all=True)["events"]

    assert f":{leak['id']}]" in event["blocks"][0]["text"]


def test_what_is_read_again_is_not_counted_again(home: Home, daemon: Daemon) -> None:
    """A rebuilt index keeps the secrets, and what was said of them."""
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}", f"DB_PASSWORD={OTHER}"))
    daemon.index()
    before = _rows(home, _PLACES)
    (first, _) = daemon.call("leaks.list")["leaks"]
    daemon.call("leaks.resolve", ids=[first["id"]])
    with daemon.client() as client:
        assert client.job("index.rebuild", wait=True)["error"] == ""

    assert _rows(home, _PLACES) == before
    assert len(before) == 2
    assert daemon.call("leaks.list")["unresolved"] == 1
    assert len(daemon.call("leaks.list", all=True)["leaks"]) == 2


def test_a_rewound_event_takes_its_secret_along(home: Home, daemon: Daemon) -> None:
    """The agent wrote the file anew without it."""
    home.write(CLAUDE, claude(ONE, "hello", f"API_TOKEN={KEY}"))
    daemon.index()
    assert len(_rows(home, _PLACES)) == 1
    home.write(CLAUDE, claude(ONE, "hello", "nothing to see here", "more"))
    daemon.index()

    assert _rows(home, _PLACES) == []
    assert daemon.call("leaks.list")["leaks"] == []
    (left,) = daemon.call("leaks.list", all=True)["leaks"]
    assert left["sessions"] == []


def test_an_append_adds_to_what_is_known(home: Home, daemon: Daemon) -> None:
    path = home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}"))
    daemon.index()
    with path.open("ab") as file:
        file.write(claude_line(ONE, 2, f"again API_TOKEN={KEY}", "assistant"))
    daemon.index()

    assert _rows(home, _PLACES) == [("claude-code", ONE, 1, 1), ("claude-code", ONE, 2, 1)]


def test_a_value_that_is_only_repeated_is_the_same_secret(home: Home, daemon: Daemon) -> None:
    """It was found by its name once, and stands alone the second time."""
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}", f"it printed {KEY} there"))
    daemon.index()

    assert _rows(home, _PLACES) == [("claude-code", ONE, 1, 1), ("claude-code", ONE, 2, 1)]
    assert len(_rows(home, "SELECT 1 FROM leak")) == 1


def test_resolving_is_undone_and_needs_a_name(home: Home, daemon: Daemon) -> None:
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}"))
    daemon.index()
    (leak,) = daemon.call("leaks.list")["leaks"]

    done = daemon.call("leaks.resolve", ids=[leak["id"][:4].lower()])
    assert done == {"ids": [leak["id"]], "unresolved": 0}
    assert daemon.call("leaks.list")["leaks"] == []
    assert daemon.call("leaks.resolve", ids=[leak["id"]], undo=True)["unresolved"] == 1
    with pytest.raises(RpcError) as raised:
        daemon.call("leaks.resolve", ids=["ABC"])
    assert raised.value.code == -32001


def test_status_and_health_say_how_many_are_unresolved(home: Home, daemon: Daemon) -> None:
    home.write(CLAUDE, claude(ONE, "hello"))
    daemon.index()
    assert _check(daemon)["state"] == "ok"
    home.write(CODEX, codex(TWO, f"API_TOKEN={KEY}"))
    daemon.index()

    check = _check(daemon)

    assert (check["state"], check["hint"]) == ("warn", "opensession leaks")
    assert check["message"].startswith("1 unresolved secret")
    assert any("unresolved secret" in said for said in daemon.call("daemon.status")["notices"])


def _check(daemon: Daemon) -> dict[str, Any]:
    checks = daemon.call("daemon.health")["checks"]
    (found,) = [check for check in checks if check["name"] == "leaks"]
    return dict(found)


def test_a_forgotten_session_takes_its_secrets_along(home: Home) -> None:
    """Those that another session holds stay."""
    home.write(CLAUDE, claude(ONE, f"API_TOKEN={KEY}", f"DB_PASSWORD={OTHER}"))
    home.write(CODEX, codex(TWO, f"API_TOKEN={KEY}"))
    with running(home) as daemon:
        daemon.index()
        daemon.stop()
    user = UserData(home.paths.user_db)
    user.read(lambda db: leaks_write.forget(db, "claude-code", ONE))
    left = user.read(lambda db: leaks.load(db, everything=True))
    user.close()

    assert [each.reached[0].key for each in left] == [("codex", TWO)]


def test_no_value_is_in_any_answer_or_file(home: Home) -> None:
    """The archive alone is exempt."""
    canaries = [KEY, OTHER, "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8", "sk-ant-api03-" + "Zy9xW8" * 16]
    texts = (f"API_TOKEN={KEY}", f"DB_PASSWORD: {OTHER}", f"use {canaries[2]}", canaries[3])
    home.write(CLAUDE, claude(ONE, *texts))
    home.write(CODEX, codex(TWO, *texts))
    with running(home) as daemon:
        daemon.index()
        answers = [
            daemon.call("leaks.list", all=True),
            daemon.call("privacy.explain", ref=ONE, all=True),
            daemon.call("privacy.preview", ref=ONE, all=True),
            daemon.call("privacy.test", text="\n".join(texts)),
            daemon.call("daemon.health"),
        ]
        with daemon.client() as client:
            answers.append(client.job("privacy.scan", everything=True))
            answers.append(client.job("privacy.scan", ref=TWO, all=True))
        said = json.dumps(answers)
        daemon.stop()

    assert len(answers[0]["leaks"]) == 4
    for canary in canaries:
        assert canary not in said
        assert _holders(home, canary) == []
    assert list(Path(home.paths.archive_dir).rglob("*.zst"))
