"""A database of which a session is forgotten: a restore brings back the others, never that one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.daemon import restore, restore_forgotten
from opensession.daemon.archive import Appending, Archived, file_for, make_frame, read, scan
from opensession.daemon.archive.frames import Identity
from opensession.daemon.guards import Guards, Tombstone
from opensession.daemon.user_data import UserData
from opensession.parsers.agent import Source
from tests.daemon.rules.homes import archived, sessions
from tests.daemon.test_backup import write
from tests.helpers.daemon import Home, running, temporary_home
from tests.keep.databases import RowChat, Shelf

SOURCE = Source("opencode", "/root", "/root/opencode.db")
IDENTITY = Identity(SOURCE.agent, SOURCE.root, SOURCE.path)
GONE, KEPT = "ses_forgotten_0123456789", "ses_another_0123456789"
KEY = b"k" * 32


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


@pytest.fixture
def guards(tmp_path: Path) -> Iterator[Guards]:
    """One session of the database is forgotten."""
    user = UserData(tmp_path / "user.db")
    made = Guards(user, KEY)
    session = made.session_hash(SOURCE.agent, GONE)
    source = made.source_hash(SOURCE.agent, SOURCE.path)
    made.forget([Tombstone(session, source, session, alone=False)])
    yield made
    user.close()


def line(name: str, said: str) -> bytes:
    return b'{"key":"message:%b:1","said":"%b"}\n' % (name.encode(), said.encode())


def archive_of(folder: Path, *states: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    state = Archived()
    with Appending(folder) as appending:
        for raw in states:
            half = len(raw) // 2
            state = appending.append(SOURCE, state, make_frame(0, raw[:half]))
            state = appending.append(SOURCE, state, make_frame(half, raw[half:]))
    return file_for(folder, SOURCE.agent, SOURCE.path)


def held(file: Path) -> list[bytes]:
    numbers = sorted({entry.generation for entry in scan(file).entries})
    return [b"".join(read(file, number)) for number in numbers]


def blank(raw: bytes) -> bytes:
    return b" " * (len(raw) - 1) + b"\n"


def test_the_rest_of_a_database_comes_back(home: Home, tmp_path: Path) -> None:
    """Its archive and the database are lost; the backup is from before the forgetting."""
    shelf = Shelf(home.path)
    chats = [RowChat(number, home.path, shelf) for number in (1, 2)]
    for chat in chats:
        chat.say(f"word{chat.id}", random.Random(1))
        chat.write(random.Random(1))
    file = tmp_path / "backup"
    with running(home) as daemon:
        daemon.index()
        write(daemon, file)
        daemon.call("archive.forget", ref=chats[0].id)
        daemon.stop()
    shelf.close()
    for lost in (*home.paths.archive_dir.glob("??/*.zst"), chats[0].path):
        lost.unlink()

    done = restore.run(home.environ, file, merge=True)

    assert (done.files, done.left_out) == (1, 0)
    with running(home) as daemon:
        daemon.index()
        assert set(sessions(daemon)) == {chats[1].id}
        found = archived(home)
        assert f"word{chats[1].id}".encode() in found
        assert f"word{chats[0].id}".encode() not in found


@pytest.mark.parametrize("before", [True, False])
def test_what_is_blank_on_one_side_is_on_both(tmp_path: Path, guards: Guards, before: bool) -> None:
    """Then they are one log again: the longer one stands, no state stands twice."""
    short = line(KEPT, "one") + line(GONE, "secret")
    clean = line(KEPT, "one") + blank(line(GONE, "secret"))
    more = line(KEPT, "two")
    mine = archive_of(tmp_path / "mine", clean + more if before else short + more)
    other = archive_of(tmp_path / "other", short if before else clean)

    restore_forgotten.merge_file(tmp_path / "mine", other, IDENTITY, guards)

    assert held(mine) == [clean + more]


def test_damage_is_mended_by_what_was_there_before_the_forgetting(
    tmp_path: Path, guards: Guards
) -> None:
    """A frame's hash is that of what it held: the rows as they were, or blank."""
    rows = line(KEPT, "one") + line(GONE, "secret") + line(KEPT, "two") + line(KEPT, "more")
    clean = rows.replace(line(GONE, "secret"), blank(line(GONE, "secret")))
    for name, raw in (("whole", rows), ("blank", clean)):
        mine = archive_of(tmp_path / name, raw)
        other = archive_of(tmp_path / f"{name}-other", rows)
        data = bytearray(mine.read_bytes())
        data[scan(mine).entries[0].position + 9] ^= 1
        mine.write_bytes(data)

        restore_forgotten.merge_file(tmp_path / name, other, IDENTITY, guards)

        assert held(mine) == [clean]


def test_what_was_forgotten_elsewhere_is_taken_out_of_all_states_here(
    tmp_path: Path, guards: Guards
) -> None:
    first = line(KEPT, "one") + line(GONE, "secret")
    second = line(KEPT, "two") + line(GONE, "secret")
    file = archive_of(tmp_path / "mine", first, second)

    restore_forgotten.blank_here(tmp_path / "mine", guards)

    assert held(file) == [
        line(KEPT, "one") + blank(line(GONE, "secret")),
        line(KEPT, "two") + blank(line(GONE, "secret")),
    ]
