"""Backup and restore: the same sessions in another home; nothing that is not ours is taken in."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from opensession.core.errors import OpenSessionError, Refused, Unreachable
from opensession.daemon import backup, backup_format, restore
from tests.daemon.rules.homes import OTHER, SESSION, archived, prompt, sessions, transcript
from tests.daemon.same_index import assert_same
from tests.helpers.daemon import Daemon, Home, RpcError, running, temporary_home

KEY = "sk-ant-api03-" + "q7" * 40


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def write(daemon: Daemon, path: Path) -> dict[str, Any]:
    """A backup; the numbers of its summary."""
    with daemon.client() as client:
        last = client.job("archive.backup", path=str(path))
    assert last["error"] == ""
    return dict(last["result"])


def unpacked(path: Path) -> dict[str, bytes]:
    """What any tar finds in a backup."""
    data = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {each.name: (tar.extractfile(each) or io.BytesIO()).read() for each in tar}


def test_another_home_has_the_same_sessions(home: Home, tmp_path: Path) -> None:
    """Issue 6: one 0600 file without API keys; a new home gives the same `log`, names too."""
    home.configure(
        f'# api_key = "{KEY}"\n[server]\napi_key = "{KEY}"\n[daemon]\ndebounce_secs = 2\n'
        '[[watchers.commands]]\nname = "own-agent"\nfiles = "/nowhere/*.x"\ncommand = ["true"]\n'
    )
    path = transcript(home, prompt(1, "one"), prompt(2, "two"))
    gone = transcript(home, prompt(1, "gone", OTHER), session=OTHER)
    file = tmp_path / "all.osbackup"
    with running(home) as daemon:
        daemon.index()
        gone.unlink()
        daemon.call("names.set", ref=SESSION, alias="precious", note="why")
        daemon.index()
        before = sessions(daemon)
        assert write(daemon, file)["files"] == 2
        with daemon.client() as client:
            assert "already" in client.job("archive.backup", path=str(file))["error"]
        daemon.stop()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = unpacked(file)
    assert KEY.encode() not in b"".join(found.values())
    assert b"debounce_secs = 2" in found["daemon.toml"]
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    path.unlink()
    with temporary_home() as other:
        done = restore.run(other.environ, file, merge=False)
        assert done.files == 2
        assert ["own-agent" in note for note in done.notes] == [True]
        with running(other) as daemon:
            daemon.index()
            after = sessions(daemon)
            assert {key: row["title"] for key, row in after.items()} == {
                SESSION: "precious",
                OTHER: "gone",
            }
            for key, row in after.items():
                assert {**row, "source": "", "source_gone": 0} == {
                    **before[key],
                    "source": "",
                    "source_gone": 0,
                }
            daemon.stop()
        assert_same(home.paths.index_db, other.paths.index_db)
        with pytest.raises(Refused, match="already"):
            restore.run(other.environ, file, merge=False)


def test_what_is_forgotten_on_either_side_stays_so(home: Home, tmp_path: Path) -> None:
    """A restore beside what is there joins both; a tombstone here or there counts."""
    transcript(home, prompt(1, "one"))
    transcript(home, prompt(1, "two", OTHER), session=OTHER)
    file = tmp_path / "b"
    third = "33333333-1111-4222-8333-444455556666"
    with running(home) as daemon:
        daemon.index()
        write(daemon, file)
        daemon.call("archive.forget", ref=OTHER)
        transcript(home, prompt(2, "and on"), append=True)
        transcript(home, prompt(1, "three", third), session=third)
        daemon.index()
        with pytest.raises(Unreachable):
            restore.run(home.environ, file, merge=True)
        daemon.stop()
    done = restore.run(home.environ, file, merge=True)
    assert (done.files, done.left_out) == (1, 1)
    with running(home) as daemon:
        daemon.index()
        assert set(sessions(daemon)) == {SESSION, third}
        assert sessions(daemon)[SESSION]["event_count"] == 2
        assert b"two" not in archived(home)
        second = tmp_path / "c"
        write(daemon, second)
        daemon.stop()
    with temporary_home() as other:
        transcript(other, prompt(1, "two", OTHER), session=OTHER)
        with running(other) as daemon:
            daemon.index()
            daemon.stop()
        done = restore.run(other.environ, second, merge=True)
        assert len(done.notes) == 1
        with running(other) as daemon:
            daemon.index()
            assert set(sessions(daemon)) == {SESSION, third}


def test_states_that_differ_are_both_kept(home: Home, tmp_path: Path) -> None:
    path = transcript(home, prompt(1, "one"), prompt(2, "as it was then"))
    file = tmp_path / "b"
    with running(home) as daemon:
        daemon.index()
        write(daemon, file)
        daemon.stop()
    for name in ("archive", "index.db"):
        (home.paths.data_dir / name).rename(tmp_path / name)
    path.write_text(prompt(1, "one") + prompt(2, "as it is now"))
    with running(home) as daemon:
        daemon.index()
        daemon.stop()
    assert restore.run(home.environ, file, merge=True).merged == 1
    with running(home) as daemon:
        daemon.index()
        assert "as it is now" in json.dumps(
            daemon.call("sessions.events", ref=SESSION, order="seq")
        )
        assert b"as it was then" in archived(home)


def made(members: dict[str, bytes], *, kind: bytes = tarfile.REGTYPE, end: bool = True) -> bytes:
    """A backup as somebody may make one."""
    out = io.BytesIO()
    writing = backup_format.Writing(out)
    about = b'{"format":1,"version":"0","made_at":""}'
    writing.add("backup.json", len(about), iter((about,)))
    for name, data in members.items():
        if kind != tarfile.REGTYPE:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            writing._out.write(info.tobuf())
            continue
        writing.add(name, len(data), iter((data,)))
    if end:
        writing.end()
    else:
        writing._out.flush(zstandard.FLUSH_FRAME)
    return out.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "another file": lambda: b"PK" + bytes(1000),
    "a way out": lambda: made({"../user.db": b""}),
    "an absolute name": lambda: made({"/tmp/user.db": b""}),
    "a name in the archive": lambda: made({"archive/aa/../../user.db": b""}),
    "an unknown name": lambda: made({"index.db": b""}),
    "a link": lambda: made({"user.db": b""}, kind=tarfile.SYMTYPE),
    "a hard link": lambda: made({"user.db": b""}, kind=tarfile.LNKTYPE),
    "a long key": lambda: made({"privacy.key": bytes(1000)}),
    "no end": lambda: made({"privacy.key": bytes(32)}, end=False),
    "no user.db": lambda: made({"privacy.key": bytes(32)}),
    "no database": lambda: made({"privacy.key": bytes(32), "user.db": b"words" * 99}),
    "a bomb": lambda: made({"user.db": bytes(3_000_000_000 // 1000)}) + b"",
    "an archive of nothing": lambda: made(
        {"privacy.key": bytes(32), "archive/aa/" + "b" * 38 + ".zst": b"x"}
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_backup_changes_nothing(name: str, home: Home, tmp_path: Path) -> None:
    """Members are checked on the way in: names, kinds, sizes, and each byte."""
    file = tmp_path / "b"
    file.write_bytes(HOSTILE[name]())
    with pytest.raises(OpenSessionError):
        restore.run(home.environ, file, merge=False)
    assert list(home.paths.data_dir.iterdir()) == []


def test_a_pipe_is_no_backup(home: Home, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="no plain file"):
        restore.run(home.environ, tmp_path / "pipe", merge=False)


def test_every_changed_byte_is_found(home: Home, tmp_path: Path) -> None:
    """A backup is taken whole or is refused, cut anywhere or with any bit turned."""
    good = made({"privacy.key": bytes(range(32)), "daemon.toml": b"[daemon]\n"})

    def taken(data: bytes) -> dict[str, bytes]:
        found: dict[str, io.BytesIO] = {}

        def sink(name: str) -> io.BytesIO:
            return found.setdefault(name, io.BytesIO())

        backup_format.read(io.BytesIO(data), sink)
        return {name: out.getvalue() for name, out in found.items()}

    whole = taken(good)
    refused = 0
    for at in range(len(good)):
        turned = bytearray(good)
        turned[at] ^= 1 << at % 8
        for bad in (good[:at], bytes(turned)):
            try:
                assert taken(bad) == whole  # nothing of the content was changed
            except Refused:
                refused += 1
    assert refused > 2 * len(good) - 12


def test_a_rule_that_names_a_token_stays() -> None:
    text = '[[privacy.patterns]]\nname = "t"\npattern = "token=[a-z]+"\n# api_key = "abc"\n'
    assert "token=[a-z]+" in backup.without_secrets(text)
    assert "abc" not in backup.without_secrets(text)
    assert backup.without_secrets("no [ toml") == ""


def test_it_needs_a_place_of_its_own(home: Home) -> None:
    with running(home) as daemon:
        for path in ("relative", str(home.path / "missing/b")):
            with pytest.raises(RpcError):
                daemon.call("archive.backup", path=path)
        with daemon.client() as client:
            inside = str(home.paths.data_dir / "b")
            assert client.job("archive.backup", path=inside)["error"]
        assert not Path(inside).exists()


def test_a_user_db_that_is_lost_or_damaged_comes_back_whole(home: Home, tmp_path: Path) -> None:
    """A damaged one is named and stays; where there is none that of the backup is taken as it is,
    without the log that another one left.
    """
    transcript(home, prompt(1, "one"))
    file = tmp_path / "all.osbackup"
    user = home.paths.user_db
    with running(home) as daemon:
        daemon.index()
        daemon.call("names.set", ref=SESSION, alias="precious")
        write(daemon, file)
        daemon.stop()
    damaged = bytearray(user.read_bytes())
    damaged[100:4096] = bytes(3996)
    user.write_bytes(damaged)
    with pytest.raises(Refused, match="damaged") as refused:
        restore.run(home.environ, file, merge=True)
    assert str(user) in refused.value.hint
    assert user.read_bytes() == damaged

    user.rename(tmp_path / "user.db.damaged")
    Path(f"{user}-wal").write_bytes(b"of another one")
    assert restore.run(home.environ, file, merge=True).notes == []

    assert stat.S_IMODE(user.stat().st_mode) == 0o600
    with running(home) as daemon:
        daemon.index()
        (named,) = daemon.call("names.list")["sessions"]
        assert named["alias"] == "precious"


def test_damage_that_a_backup_has_is_told(home: Home, tmp_path: Path) -> None:
    transcript(home, prompt(1, "one"))
    file = tmp_path / "all.osbackup"
    with running(home) as daemon:
        daemon.index()
        (held,) = home.paths.archive_dir.rglob("*.zst")
        data = bytearray(held.read_bytes())
        data[-9] ^= 1
        held.write_bytes(data)
        write(daemon, file)
        daemon.stop()
    with temporary_home() as other:
        (note,) = restore.run(other.environ, file, merge=False).notes
    assert f"{held.parent.name}/{held.name}" in note
