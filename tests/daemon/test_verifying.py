"""What is damaged is named by the sessions that people know."""

from __future__ import annotations

import pytest

from opensession.daemon import archive
from tests.daemon.rules.homes import SESSION, prompt, transcript
from tests.helpers.daemon import Daemon, running, temporary_home


def test_damage_of_a_copy_names_its_session_too() -> None:
    """A folder that was copied: one session, two files, each archived."""
    with temporary_home() as home:
        path = transcript(home, prompt(1, "one"))
        copied = path.parent.with_name("-elsewhere") / path.name
        copied.parent.mkdir()
        copied.write_bytes(path.read_bytes())
        with running(home) as daemon:
            daemon.index()
            for each in (path, copied):
                file = archive.file_for(home.paths.archive_dir, "claude-code", str(each))
                data = bytearray(file.read_bytes())
                data[-9] ^= 1
                file.write_bytes(data)
            with daemon.client() as client:
                found = client.job("archive.verify")["result"]["damaged"]
    assert sorted(each["path"] for each in found) == sorted([str(path), str(copied)])
    assert [each["sessions"] for each in found] == [[SESSION], [SESSION]]


def test_that_a_file_was_cut_is_archived_again_where_that_is_lost() -> None:
    """The frame that says it has no bytes; without it the longer state would be the newest."""
    with temporary_home() as home:
        path = transcript(home, prompt(1, "one"), prompt(2, "two"))
        with running(home) as daemon:
            daemon.index()
            path.write_text(prompt(1, "one"))
            daemon.index()
            file = archive.file_for(home.paths.archive_dir, "claude-code", str(path))
            data = bytearray(file.read_bytes())
            data[-60:-20] = bytes(byte ^ 0x55 for byte in data[-60:-20])
            file.write_bytes(data)
            with daemon.client() as client:
                client.job("archive.verify", mend=True)
            newest = archive.scan(file).generation
            assert b"".join(archive.read(file, newest)) == path.read_bytes()


@pytest.mark.parametrize("restarted", [False, True])
def test_an_archive_file_that_is_away_for_a_while_is_not_lost_for_good(restarted: bool) -> None:
    """As on a disk that is not mounted; its session is told as lost only as long as it is so."""
    with temporary_home() as home:
        path = transcript(home, prompt(1, "one"))
        file = archive.file_for(home.paths.archive_dir, "claude-code", str(path))
        with running(home) as daemon:
            daemon.index()
            path.unlink()
            daemon.index()
            assert _mark(daemon) == "archived"
            away = file.rename(home.path / "away")
            _verify(daemon)
            assert _mark(daemon) == "gone"
            if not restarted:
                away.rename(file)
                assert _verify(daemon) == []
                assert _mark(daemon) == "archived"
        if restarted:
            with running(home) as daemon:
                daemon.index()
                assert _mark(daemon) == "gone"
            away.rename(file)
            with running(home) as daemon:
                daemon.index()
                assert _mark(daemon) == "archived"
                assert _verify(daemon) == []


def _mark(daemon: Daemon) -> str:
    return str(daemon.call("sessions.get", ref=SESSION)["session"]["source"])


def _verify(daemon: Daemon) -> list[dict[str, object]]:
    with daemon.client() as client:
        return list(client.job("archive.verify")["result"]["damaged"])
