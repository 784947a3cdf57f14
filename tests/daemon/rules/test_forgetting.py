"""`forget`: nothing is left of what is forgotten, and no more is removed than was asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.rules.homes import OTHER, SESSION, archived, prompt, sessions, transcript
from tests.helpers.daemon import Daemon, Home, RpcError, eventually, running, temporary_home

WORD = "Zwetschgendatschi"


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


def everything(home: Home) -> bytes:
    """The bytes of all our files in lower case, the archive decompressed."""
    found = [file.read_bytes() for file in home.paths.data_dir.rglob("*") if file.is_file()]
    return b"".join([*found, archived(home)]).lower()


def is_erased(daemon: Daemon) -> bool:
    return not daemon.call("archive.forgotten")["erasing"]


def test_it_is_erased_although_nothing_else_happens(home: Home) -> None:
    """DECISIONS §4: "hidden" at once, "erased" after the background; no further write is needed,
    and what people said of the session is erased as well.
    """
    transcript(home, prompt(1, f"first {WORD}"))
    with running(home) as daemon:
        daemon.index()
        daemon.call("names.set", ref=SESSION, note=f"about the {WORD}")
        assert WORD.lower().encode() in everything(home)
        daemon.call("archive.forget", ref=SESSION)
        assert sessions(daemon) == {}
        eventually(lambda: is_erased(daemon))
        assert WORD.lower().encode() not in everything(home)
        assert daemon.call("archive.forgotten")["sessions"] == 1


def test_what_was_put_aside_is_searched_as_well(home: Home) -> None:
    """An index that waits beside the one that is made anew holds the session too, and one that
    was kept because it is damaged can be mended by nobody.
    """
    transcript(home, prompt(1, f"first {WORD}"))
    transcript(home, prompt(1, "something else", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        daemon.stop()
    index = home.paths.index_db
    aside, damaged = Path(f"{index}.old"), Path(f"{index}.corrupt-20260102T030405Z")
    for path in (aside, damaged):
        path.write_bytes(index.read_bytes())
    with running(home, "--no-history") as daemon:
        daemon.call("archive.forget", ref=SESSION)
        eventually(lambda: is_erased(daemon))
        assert WORD.lower().encode() not in everything(home)
        assert not damaged.exists()
        assert b"something else" in aside.read_bytes()


def test_only_files_of_its_own_are_removed(home: Home) -> None:
    """`--also-source` removes what bears the session's name, never through a link."""
    path = transcript(home, prompt(1, "one"))
    other = transcript(home, prompt(1, "two", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        weight = daemon.call("archive.forgettable", refs=[SESSION], all=True)
        assert weight["files"] == [str(path)]
        assert weight["file_bytes"] == path.stat().st_size
        target = home.write("precious", "words")
        other.unlink()
        other.symlink_to(target)
        assert daemon.call("archive.forgettable", refs=[OTHER], all=True)["files"] == []
        done = daemon.call("archive.forget", refs=[SESSION, OTHER], also_source=True)
        assert done["removed"] == [str(path)]
        assert sorted(done["ids"]) == [SESSION, OTHER]
        assert not path.exists()
        assert target.read_text() == "words"
        with pytest.raises(RpcError):
            daemon.call("archive.forgettable")


def test_what_lies_in_the_same_file_is_told(home: Home) -> None:
    """Aider writes all sessions of a folder into one file: it is never removed, and that others
    lose their place in the archive is said before the question.
    """
    folder = home.path / "projects" / "shop"
    home.configure(f'[watchers]\ncustom_paths = ["{folder.parent}"]\n')
    log = "".join(
        f"\n# aider chat started at 2026-01-0{day} 03:04:05\n\n#### {said}\n\nDone.\n\n"
        for day, said in ((1, "make a shop"), (2, "paint it"), (3, "sell it"))
    )
    file = home.write("projects/shop/.aider.chat.history.md", log)
    with running(home) as daemon:
        daemon.index()
        one, *others = sessions(daemon)
        assert len(others) == 2
        weight = daemon.call("archive.forgettable", refs=[one], all=True)
        assert (weight["beside"], weight["files"], weight["shared"]) == (2, [], 1)
        every = daemon.call("archive.forgettable", refs=[one, *others], all=True)
        assert (every["beside"], every["files"]) == (0, [])
        done = daemon.call("archive.forget", refs=[one], also_source=True)
        assert (done["removed"], done["left"]) == ([], [str(file)])
        assert set(sessions(daemon)) == set(others)
        assert file.read_text() == log


def test_a_file_that_is_moved_is_forgotten_where_it_was_and_where_it_is(
    home: Home, tmp_path: Path
) -> None:
    """A backup has it where it was; afterwards it is moved once more. It can be taken in again."""
    path = transcript(home, prompt(1, f"first {WORD}"))
    transcript(home, prompt(1, "something else", OTHER), session=OTHER)
    with running(home) as daemon:
        daemon.index()
        backed_up(daemon, tmp_path / "backup")
        path = moved(path, "-moved")
        daemon.index()
        daemon.call("archive.forget", ref=SESSION)
        daemon.stop()
    done = home.run("restore", str(tmp_path / "backup"), "--merge")
    assert done.returncode == 0, done.stderr
    with running(home) as daemon:
        daemon.index()
        moved(path, "-again")
        daemon.index()
        assert set(sessions(daemon)) == {OTHER}
        assert WORD.encode() not in archived(home)
        daemon.call("archive.forget", ref=SESSION, undo=True)
        daemon.index()
        assert set(sessions(daemon)) == {OTHER, SESSION}
        assert WORD.encode() in archived(home)


def moved(path: Path, folder: str) -> Path:
    """The file in another project's folder."""
    target = path.parent.with_name(folder) / path.name
    target.parent.mkdir()
    return path.rename(target)


def backed_up(daemon: Daemon, path: Path) -> None:
    with daemon.client() as client:
        assert client.job("archive.backup", path=str(path))["error"] == ""
