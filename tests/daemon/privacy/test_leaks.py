"""Secrets are remembered by a fingerprint, once each, wherever they stand."""

from __future__ import annotations

from typing import Any

import apsw

from tests.helpers.daemon import Daemon, Home
from tests.helpers.transcripts import claude, codex

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
THREE = "33333333-3333-4333-8333-333333333333"
KEY = "q7Zt1mXw90PlBv3sKd82"
OTHER = "Xp44LmNw81RtYv2kQs7d"


def _rows(home: Home, query: str) -> list[tuple[Any, ...]]:
    db = apsw.Connection(str(home.paths.user_db), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [tuple(row) for row in db.execute(query)]
    finally:
        db.close()


_PLACES = (
    "SELECT agent, native_id, seq, count FROM leak_event"
    " JOIN leak_session ON leak_session.id = session ORDER BY 1, 2, 3"
)


def test_one_secret_in_two_sessions_of_two_agents_is_one_row(home: Home, daemon: Daemon) -> None:
    home.write(f".claude/projects/p/{ONE}.jsonl", claude(ONE, "hello", f"API_TOKEN={KEY} is set"))
    home.write(f".codex/sessions/2026/01/02/rollout-{TWO}.jsonl", codex(TWO, f"API_TOKEN={KEY}"))
    daemon.index()

    leaks = _rows(home, "SELECT length(fingerprint), kind_set FROM leak")
    places = _rows(home, _PLACES)

    assert leaks == [(32, "assignments")]
    assert places == [("claude-code", ONE, 2, 1), ("codex", TWO, 1, 1)]


def test_what_is_read_again_is_not_counted_again(home: Home, daemon: Daemon) -> None:
    home.write(
        f".claude/projects/p/{ONE}.jsonl", claude(ONE, f"API_TOKEN={KEY}", f"DB_PASSWORD={OTHER}")
    )
    daemon.index()
    before = _rows(home, _PLACES)
    with daemon.client() as client:
        assert client.job("index.rebuild", wait=True)["error"] == ""

    assert _rows(home, _PLACES) == before
    assert len(before) == 2
    assert len(_rows(home, "SELECT 1 FROM leak")) == 2
