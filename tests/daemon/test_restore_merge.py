"""The `user.db` of a backup, joined with the one that is here: what is said twice is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from opensession.core.privacy import load_key
from opensession.daemon.gitfacts import GitFacts
from opensession.daemon.guards import Guards, Tombstone
from opensession.daemon.restore_merge import Joined, merge_user
from opensession.daemon.store.names import SessionNames
from opensession.daemon.user_data import UserData
from tests.daemon.test_repositories import batch
from tests.helpers.daemon import Home, temporary_home

ONE, TWO, THREE = ("codex", "one"), ("codex", "two"), ("claude-code", "three")


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        made.paths.data_dir.mkdir(parents=True, mode=0o700)
        load_key(made.paths.key_file)
        yield made


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The `user.db` of a backup."""
    return tmp_path / "user.db"


def edit(path: Path, home: Home, work: Callable[[Guards], object]) -> None:
    user = UserData(path)
    try:
        work(Guards(user, load_key(home.paths.key_file)))
    finally:
        user.close()


def named(path: Path, home: Home, **said: SessionNames) -> None:
    """Says of `one`, `two` and `three` what they are called."""
    keys = {"one": ONE, "two": TWO, "three": THREE}

    def work(guards: Guards) -> None:
        for key, names in said.items():
            guards.names.edit([keys[key]], partial(_called, names))

    edit(path, home, work)


def _called(names: SessionNames, before: SessionNames) -> SessionNames:
    return names


def joined(home: Home, other: Path) -> tuple[Joined, dict[Any, SessionNames]]:
    done = merge_user(home.paths, other, home.paths.key_file, same_key=True)
    found: dict[Any, SessionNames] = {}

    def work(guards: Guards) -> None:
        for key, names in guards.names.names.sessions.items():
            found[key] = msgspec.structs.replace(names, changed_us=0)

    edit(home.paths.user_db, home, work)
    return done, found


def test_an_alias_that_another_session_has_here_is_told(home: Home, other: Path) -> None:
    """Its note and its tags come in all the same; an alias of its own does, too."""
    named(home.paths.user_db, home, one=SessionNames("Bug"))
    named(other, home, two=SessionNames("bug", "why", tags=("x",)), three=SessionNames("Fix"))

    done, found = joined(home, other)

    assert done.notes == ["alias left out: bug of codex two, since codex one has it here"]
    assert found == {
        ONE: SessionNames("Bug"),
        TWO: SessionNames("", "why", tags=("x",)),
        THREE: SessionNames("Fix"),
    }
    assert joined(home, other)[1] == found


def test_what_is_said_here_of_a_session_stands_and_what_is_not_comes_in(
    home: Home, other: Path
) -> None:
    named(home.paths.user_db, home, one=SessionNames("", "mine"), two=SessionNames("Two"))
    named(other, home, one=SessionNames("One", "theirs", 5), two=SessionNames("Zwei", "note"))

    done, found = joined(home, other)

    assert done.notes == []
    assert found == {ONE: SessionNames("One", "mine", 5), TWO: SessionNames("Two", "note")}


def test_what_a_forgotten_session_was_called_does_not_come_back(home: Home, other: Path) -> None:
    """`forget` took it away here; a backup of before has it still."""
    named(home.paths.user_db, home, two=SessionNames("Zwetschge"))
    named(other, home, one=SessionNames("zwetschge", "Knoedel", tags=("x",)))

    def forget(guards: Guards) -> None:
        session = guards.session_hash(*ONE)
        guards.forget([Tombstone(session, b"s", session, True)])

    edit(home.paths.user_db, home, forget)

    done, found = joined(home, other)

    assert done.notes == []
    assert found == {TWO: SessionNames("Zwetschge")}
    data = home.paths.data_dir
    assert b"Knoedel" not in b"".join(each.read_bytes() for each in data.glob("user.db*"))


def test_repositories_of_both_are_known(home: Home, other: Path) -> None:
    """What is remembered here stands where the two differ."""
    here, there = GitFacts("/w/a", "", "a"), GitFacts("/w/b", "", "b")
    edit(home.paths.user_db, home, lambda guards: remember(guards, {"/w/a": here}))
    edit(other, home, lambda guards: remember(guards, {"/w/a": there, "/w/b": there}))

    joined(home, other)

    found: dict[str, GitFacts | None] = {}

    def work(guards: Guards) -> None:
        found.update({each: guards.repositories.of(each) for each in ("/w/a", "/w/b")})

    edit(home.paths.user_db, home, work)
    assert found == {"/w/a": here, "/w/b": there}


def remember(guards: Guards, found: dict[str, GitFacts]) -> None:
    guards.repositories.completed([batch(git, folder=folder) for folder, git in found.items()])
