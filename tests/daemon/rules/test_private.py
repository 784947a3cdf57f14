"""`#private` and `unforget`, by a real daemon over transcripts made by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.rules.homes import (
    OTHER,
    SESSION,
    archived,
    prompt,
    sessions,
    texts,
    transcript,
)
from tests.helpers.daemon import Home, RpcError, eventually, running, temporary_home

WORD = "Zwetschgendatschi"


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def _everything(home: Home) -> bytes:
    """The bytes of all our files, the archive decompressed."""
    found = [file.read_bytes() for file in home.paths.data_dir.rglob("*") if file.is_file()]
    return b"".join([*found, archived(home)])


def test_a_private_line_forgets_what_was_stored(home: Home) -> None:
    """DECISIONS §5: `#private` as a whole line of a prompt forgets what was stored of the session;
    the agent's file is untouched, and other sessions are.
    """
    path = transcript(home, prompt(1, f"first {WORD}"))
    transcript(home, prompt(1, "something else", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        assert WORD in texts(daemon)
        transcript(home, prompt(2, "no\n#private \nplease"), append=True)
        before = path.read_bytes()
        daemon.index()
        assert set(sessions(daemon)) == {OTHER}
        assert daemon.call("search.query", query=WORD)["hits"] == []
        assert path.read_bytes() == before
        assert daemon.call("daemon.status")["private_sessions"] == 1
        transcript(home, prompt(3, f"more {WORD}"), append=True)
        daemon.index()
        assert set(sessions(daemon)) == {OTHER}
        assert WORD.encode() not in archived(home)
        eventually(lambda: WORD.lower().encode() not in _everything(home).lower())
        assert str(path).encode() not in home.paths.user_db.read_bytes()


def test_it_stays_forgotten_when_the_index_is_made_anew(home: Home) -> None:
    """DECISIONS §5: what is forgotten is not taken in by a rebuild either."""
    transcript(home, prompt(1, f"first {WORD}\n#private"))
    transcript(home, prompt(1, "something else", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        with daemon.client() as client:
            client.job("index.rebuild", wait=True)
        assert set(sessions(daemon)) == {OTHER}
    home.paths.index_db.unlink()
    with running(home) as daemon:
        daemon.index()
        assert set(sessions(daemon)) == {OTHER}
        assert WORD.encode() not in archived(home)


def test_unforget_takes_it_in_again(home: Home) -> None:
    """DECISIONS §5: `unforget` takes it in again."""
    transcript(home, prompt(1, f"first {WORD}\n#private"))
    with running(home) as daemon:
        daemon.index()
        assert sessions(daemon) == {}
        with pytest.raises(RpcError) as error:
            daemon.call("archive.forget", ref="no-such-session", undo=True)
        assert error.value.code == -32001
        assert daemon.call("archive.forget", ref=SESSION, undo=True)["sources"] == 1
        daemon.index()
        assert WORD in texts(daemon)
        assert WORD.encode() in archived(home)
        transcript(home, prompt(2, "and on"), append=True)
        daemon.index()
        assert "and on" in texts(daemon)


def test_a_later_private_line_counts_again(home: Home) -> None:
    """What the session says after it was taken in again is said anew; what it said before is not,
    also when the index is made anew.
    """
    transcript(home, prompt(1, f"first {WORD}\n#private"), prompt(2, "more"))
    with running(home) as daemon:
        daemon.index()
        daemon.call("archive.forget", ref=SESSION, undo=True)
        daemon.index()
        transcript(home, prompt(3, "and on"), append=True)
        daemon.index()
        with daemon.client() as client:
            client.job("index.rebuild", wait=True)
        assert "and on" in texts(daemon)
        transcript(home, prompt(4, "#private"), append=True)
        daemon.index()
        assert sessions(daemon) == {}
        assert WORD.encode() not in archived(home)
        daemon.call("archive.forget", ref=SESSION, undo=True)
        daemon.index()
        assert "and on" in texts(daemon)


def test_a_word_amid_a_line_is_nothing(home: Home) -> None:
    """DECISIONS §5: it counts only as a whole line of a prompt a person typed."""
    transcript(home, prompt(1, "what does #private mean?\n#privateer"))
    with running(home) as daemon:
        daemon.index()
        assert set(sessions(daemon)) == {SESSION}


def test_a_session_can_be_forgotten_by_name(home: Home) -> None:
    transcript(home, prompt(1, f"first {WORD}"))
    with running(home) as daemon:
        daemon.index()
        assert daemon.call("archive.forget", ref=SESSION)["ids"] == [SESSION]
        said = (home.paths.state_dir / "audit.log").read_text()
        assert "archive.forget" in said
        assert SESSION not in said
        transcript(home, prompt(2, "more"), append=True)
        daemon.index()
        assert sessions(daemon) == {}
