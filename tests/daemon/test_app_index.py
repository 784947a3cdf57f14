"""The index while the daemon runs: made anew, damaged, or of another program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.two_sessions import ONE, TRANSCRIPT, TWO, ids, write_sessions
from tests.helpers.daemon import Daemon, Home, RpcError, eventually, running
from tests.helpers.transcripts import claude, claude_line


def test_index_wait_means_searchable(home: Home) -> None:
    """`index.run` with `wait` ends when all that was there when it was called can be found."""
    with running(home) as daemon, daemon.client() as client:
        for number in range(5):
            session = f"{number}" * 8 + ONE[8:]
            word = f"word{number}".translate(str.maketrans("01234", "abcde"))
            home.write(f".claude/projects/p/{session}.jsonl", claude(session, word, "done"))
            last = client.job("index.run", wait=True)
            assert last["error"] == ""
            assert client.call("search.query", query=word)["total"] > 0


def test_index_without_wait_only_begins(daemon: Daemon) -> None:
    """There is no job to wait for."""
    assert daemon.call("index.run") == {"job": ""}


def test_a_rebuild_loses_no_session(home: Home) -> None:
    """DESIGN §7: no session is lost, also when the agent deletes it: a rebuild has it from the
    archive; and the old index does not stay behind.
    """
    write_sessions(home)
    with running(home) as daemon, daemon.client() as client:
        daemon.index()
        (home.path / TRANSCRIPT).unlink()
        daemon.index()
        before = client.call("sessions.events", ref=ONE)
        hits = client.call("search.query", query="limiter")["total"]

        last = client.job("index.rebuild", wait=True)

        assert last["error"] == ""
        assert ids(daemon) == {ONE, TWO}
        assert client.call("sessions.events", ref=ONE) == before
        assert client.call("search.query", query="limiter")["total"] == hits > 0
        eventually(lambda: not (home.paths.data_dir / "index.db.old").exists())


def test_a_rebuild_that_cannot_begin_changes_nothing(home: Home) -> None:
    """Where the old index cannot be put aside: an error, and capture goes on with what there is."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        (home.paths.data_dir / "index.db.old").mkdir()

        with pytest.raises(RpcError, match="could not be put aside"):
            daemon.call("index.rebuild")

        assert ids(daemon) == {ONE, TWO}
        with (home.path / TRANSCRIPT).open("ab") as file:
            file.write(claude_line(ONE, 3, "and on it goes"))
        daemon.index()
        assert daemon.call("sessions.get", ref=ONE)["session"]["event_count"] == 3


def test_what_keeps_sessions_out_is_red(home: Home) -> None:
    """An index that cannot be opened any more is told by status and health; others still answer."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        # Archiving is switched, so the index is opened anew, and by now it is somebody else's.
        home.write("foreign", b"SQLite format 3\0" + bytes(4000)).rename(home.paths.index_db)
        with pytest.raises(RpcError):
            daemon.call("config.set", values={"archive.raw": False})

        health = daemon.call("daemon.health")
        notices = daemon.call("daemon.status")["notices"]
        with pytest.raises(RpcError) as caught:
            daemon.call("index.run", wait=False)

    red = [check["name"] for check in health["checks"] if check["state"] == "red"]
    assert "capture" in red
    assert any("nothing is read any more" in notice for notice in notices)
    assert caught.value.code == -32004


def test_a_rebuild_that_was_broken_off_is_gone_on_with(home: Home) -> None:
    """kill -9 amid a rebuild: the next start completes it and tidies up."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        (home.path / TRANSCRIPT).unlink()
        daemon.index()
        daemon.call("index.rebuild")
        daemon.kill()
    with running(home) as daemon:
        eventually(lambda: not (home.paths.data_dir / "index.db.old").exists())
        assert ids(daemon) == {ONE, TWO}


def test_a_corrupt_index_is_moved_aside_and_made_anew(home: Home) -> None:
    """D17: at a start; it is said in `status`, kept for a look, and nothing else is needed."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        assert daemon.stop() == 0
    damage(home.paths.index_db, 100)

    with running(home) as daemon:
        daemon.index()
        assert ids(daemon) == {ONE, TWO}
        told = [n for n in daemon.call("daemon.status")["notices"] if "damaged" in n]

    assert len(told) == 1
    assert len(list(home.paths.data_dir.glob("index.db.corrupt-*"))) == 1


def test_damage_that_shows_while_it_runs_is_mended(home: Home) -> None:
    """The pages of the index are overwritten under a running daemon: a read finds it, the index is
    moved aside and filled again, without a restart.
    """
    home.write(TRANSCRIPT, claude(ONE, *(f"sentence {n} " * 50 for n in range(400))))
    with running(home) as daemon, daemon.client() as client:
        daemon.index()
        client.call("daemon.stop")
        daemon.wait()
    damage(home.paths.index_db, 8 * 4096)
    # It looks clean from outside, so the start does not look for it.
    with running(home) as daemon, daemon.client() as client:

        def noticed() -> bool:
            try:
                client.call("sessions.events", ref=ONE, limit=2000)
                client.call("search.query", query="sentence")
            except RpcError:
                pass
            return bool(list(home.paths.data_dir.glob("index.db.corrupt-*")))

        eventually(noticed)
        daemon.index()
        assert ids(daemon) == {ONE}
        assert any("damaged" in notice for notice in client.call("daemon.status")["notices"])


def test_an_index_that_is_removed_while_it_runs_is_made_anew(home: Home) -> None:
    """It can be made again from archive and sources, so people remove it; without a restart."""
    write_sessions(home)
    with running(home) as daemon:
        daemon.index()
        (home.path / TRANSCRIPT).unlink()
        daemon.index()
        for path in home.paths.data_dir.glob("index.db*"):
            path.unlink()

        with pytest.raises(RpcError):
            ids(daemon)
        eventually(lambda: home.paths.index_db.exists())
        daemon.index()

        assert ids(daemon) == {ONE, TWO}


def damage(path: Path, start: int) -> None:
    """Overwrite everything of a database from `start` on."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (size - start))


@pytest.mark.parametrize("name", ["index.db", "user.db"])
def test_the_database_of_another_program_is_refused_untouched(home: Home, name: str) -> None:
    """DESIGN §5: both carry an `application_id`; a foreign file is refused, not touched."""
    import sqlite3

    path = home.paths.data_dir / name
    path.parent.mkdir(parents=True, mode=0o700)
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE precious (x)")
    foreign.close()
    before = path.read_bytes()

    done = home.run("run")

    assert done.returncode == 5
    assert "another program" in done.stderr
    assert path.read_bytes() == before
    assert not home.paths.run_file.exists()


def test_a_damaged_user_db_is_not_replaced(home: Home) -> None:
    """What it holds cannot be made again: that is for a person to decide."""
    with running(home) as daemon:
        assert daemon.stop() == 0
    damage(home.paths.user_db, 100)
    before = home.paths.user_db.read_bytes()

    done = home.run("run")

    assert done.returncode == 5
    assert "next: restore it from a backup" in done.stderr
    assert home.paths.user_db.read_bytes() == before
