"""Pauses, by a real daemon over transcripts made by hand (DECISIONS §5)."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest

from opensession.core.timeparse import parse_time
from tests.daemon.rules.homes import OTHER, SESSION, archived, prompt, sessions, texts, transcript
from tests.helpers.daemon import Daemon, Home, eventually, running, temporary_home


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def _check(home: Home, daemon: Daemon) -> None:
    daemon.index()
    said = texts(daemon)
    assert "before it" in said
    assert "after it" in said
    assert "within it" not in said
    assert set(sessions(daemon)) == {SESSION}
    raw = archived(home)
    assert b"before it" in raw
    assert b"after it" in raw
    assert b"within it" not in raw


def test_what_is_written_in_a_pause_is_never_taken_in(home: Home) -> None:
    """DECISIONS §5: its spans are skipped for ever by read, archive and rebuild."""
    path = transcript(home, prompt(1, "before it, read"))
    with running(home) as daemon:
        daemon.index()
        transcript(home, prompt(2, "before it, not read"), append=True)
        assert daemon.call("privacy.pause", seconds=3600)["paused"]
        transcript(home, prompt(3, "within it"), append=True)
        transcript(home, prompt(1, "within it, new", OTHER), session=OTHER)
        with daemon.client() as client:
            assert "paused" in client.job("index.run", wait=True)["error"]
        status = daemon.call("daemon.status")
        assert status["paused_until"]
        assert any("paused until" in notice for notice in status["notices"])
        assert not daemon.call("privacy.pause", off=True)["paused"]
        transcript(home, prompt(4, "after it"), append=True)
        _check(home, daemon)
        assert "before it, not read" in texts(daemon)
        with daemon.client() as client:
            client.job("index.rebuild", wait=True)
        _check(home, daemon)
        transcript(home, prompt(5, "after it again"), append=True)
        _check(home, daemon)
    path.unlink()
    home.paths.index_db.unlink()
    with running(home) as daemon:
        _check(home, daemon)


def test_a_pause_survives_a_restart_and_a_kill(home: Home) -> None:
    """DECISIONS §5: it survives a restart, and ends with `pause --off`."""
    transcript(home, prompt(1, "before it"))
    with running(home) as daemon:
        daemon.index()
        daemon.call("privacy.pause", seconds=3600)
        transcript(home, prompt(2, "within it, one"), append=True)
        assert daemon.stop() == 0
    transcript(home, prompt(3, "within it, two"), append=True)
    with running(home) as daemon:
        assert daemon.call("privacy.pause")["paused"]
        transcript(home, prompt(4, "within it, three"), append=True)
        daemon.kill()
    with running(home) as daemon:
        assert daemon.call("daemon.status")["paused_until"]
        assert "within it" not in texts(daemon)
        daemon.call("privacy.pause", off=True)
        transcript(home, prompt(5, "after it"), append=True)
        _check(home, daemon)


def test_a_pause_ends_by_itself(home: Home) -> None:
    """DECISIONS §5: a pause lasts as long as it was told."""
    transcript(home, prompt(1, "before it"))
    with running(home) as daemon:
        daemon.index()
        daemon.call("privacy.pause", seconds=3600)
        transcript(home, prompt(2, "within it"), append=True)
        daemon.call("privacy.pause", seconds=0.2)
        while daemon.call("privacy.pause")["paused"]:
            pass
        transcript(home, prompt(3, "after it"), append=True)
        _check(home, daemon)


def test_a_pause_that_ran_out_without_a_daemon_ended_when_it_ran_out(home: Home) -> None:
    """DECISIONS §5: it lasts as long as it was told, also where nobody was there at its end."""
    transcript(home, prompt(1, "before it"))
    with running(home) as daemon:
        daemon.index()
        daemon.call("privacy.pause", seconds=3600)
        assert daemon.stop() == 0
    db = apsw.Connection(str(home.paths.user_db))
    ended = parse_time("2026-01-02T03:00:03.500Z")
    db.execute("UPDATE pause SET until_us = ?", (ended,))
    db.close()
    within = (prompt(2, "within it, one"), '{"type":"summary","summary":"within it, no time"}\n')
    transcript(home, *within, prompt(3, "within it, two"), prompt(4, "after it"), append=True)
    with running(home) as daemon:
        eventually(lambda: not daemon.call("privacy.pause")["paused"])
        _check(home, daemon)
        with daemon.client() as client:
            client.job("index.rebuild", wait=True)
        _check(home, daemon)


def test_a_record_that_was_half_written_at_the_end_is_left_out_whole(home: Home) -> None:
    """DECISIONS §5: half a record of a pause is none."""
    whole = prompt(2, "within it, and its other half within it")
    transcript(home, prompt(1, "before it"))
    with running(home) as daemon:
        daemon.index()
        daemon.call("privacy.pause", seconds=3600)
        transcript(home, whole[:-30], append=True)
        daemon.call("privacy.pause", off=True)
        transcript(home, whole[-30:], prompt(3, "after it"), append=True)
        _check(home, daemon)
        assert b"half within" not in archived(home)
