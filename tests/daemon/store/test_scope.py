"""Conditions on folders, repositories, paths."""

from __future__ import annotations

import apsw
import pytest

from opensession.daemon.store.scope import (
    Condition,
    all_of,
    any_of,
    below,
    path_or_tail,
    scope_of,
)


def true(condition: Condition, **columns: str) -> bool:
    """Whether a condition holds for a session with such columns."""
    names = {"cwd": "", "git_root": "", "git_remote": "", "git_repo_name": "", "path": ""} | columns
    row = ", ".join(f"? AS {name}" for name in names)
    held: int | None = (
        apsw.Connection(":memory:")
        .execute(
            f"SELECT {condition.sql} FROM (SELECT {row}) s".replace("?", "?"),
            (*condition.values, *names.values()),
        )
        .get
    )
    return bool(held)


@pytest.mark.parametrize(
    ("folder", "cwd", "inside"),
    [
        ("/w", "/w", True),
        ("/w", "/w/a/b", True),
        ("/w", "/wide", False),
        ("/w", "/", False),
        ("/w/", "/w/a", True),
        ("/w/../v", "/v/a", True),
        ("/", "/anything", True),
        ("/", "", False),
        ("/w%", "/wx/a", False),
        ("//w", "/w/a", True),
    ],
)
def test_folder_holds_what_is_below(folder: str, cwd: str, inside: bool) -> None:
    """Names that begin alike are other folders."""
    assert true(scope_of(folder).condition, cwd=cwd) == inside


@pytest.mark.parametrize(
    ("wanted", "path", "found"),
    [
        ("src/a.py", "/x/src/a.py", True),
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "/x/xsrc/a.py", False),
        ("./a.py", "/x/a.py", True),
        ("/x/a.py", "/x/a.py", True),
        ("/x/a.py", "/y/x/a.py", False),
        ("%", "/x/a.py", False),
        ("a.py", "/x/A.py", False),
    ],
)
def test_path_or_its_tail(wanted: str, path: str, found: bool) -> None:
    """By whole parts of the path."""
    assert true(path_or_tail("s.path", wanted), path=path) == found


def test_conditions_together() -> None:
    """And, or, not; an unknown value is not true either way."""
    here, there = below("s.cwd", "/a"), below("s.cwd", "/b")

    assert true(any_of([here, there]), cwd="/b")
    assert not true(all_of([here, there]), cwd="/b")
    assert true(all_of([]))
    assert true(here.negated(), cwd="/b")
    assert true(Condition("NULL").negated())
