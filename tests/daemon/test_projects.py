"""Folders that were worked in, and where they are today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from opensession.daemon import projects
from opensession.daemon.store.connect import open_user
from opensession.daemon.store.scope import scope_of
from opensession.daemon.store.source_marks import folder_today, mark

REMOTE = "https://example.org/acme/shop.git"


@pytest.fixture
def user(tmp_path: Path) -> Iterator[apsw.Connection]:
    db = open_user(tmp_path / "user.db")
    yield db
    db.close()


def repository(place: Path, remote: str = REMOTE) -> str:
    (place / ".git").mkdir(parents=True)
    (place / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (place / ".git/config").write_text(f'[remote "origin"]\n\turl = {remote}\n')
    return str(place)


def test_links_are_kept_and_follow_a_second_move(user: apsw.Connection) -> None:
    projects.link(user, "/a/shop", "/b/shop")
    assert projects.links(user) == {"/b/shop": ["/a/shop"]}

    projects.link(user, "/b/shop", "/c/shop")
    assert projects.links(user) == {"/c/shop": ["/b/shop", "/a/shop"]}

    projects.link(user, "/a/shop", "")
    assert projects.links(user) == {"/c/shop": ["/b/shop"]}
    projects.link(user, "/c/shop", "/b/shop")
    assert projects.links(user) == {"/b/shop": ["/c/shop"]}


def test_a_folder_is_found_where_it_is_today() -> None:
    links = {"/new/shop": ["/old/shop"]}

    assert folder_today("/old/shop/api", links) == "/new/shop/api"
    assert folder_today("/old/shopping", links) == ""
    assert mark("", "/old/shop", links) == "moved"
    assert mark("archived", "/old/shop", links) == "archived"
    assert mark("", "/new/shop", links) == ""


def test_a_moved_repository_is_known_by_its_remote(tmp_path: Path) -> None:
    here = repository(tmp_path / "new/shop")
    other = repository(tmp_path / "other", "https://example.org/acme/other.git")
    rows = [
        (here, "shop", REMOTE, 1, 3),
        (f"{tmp_path}/old/shop", "shop", REMOTE, 2, 2),
        (f"{tmp_path}/lost", "", "", 1, 1),
        (other, "other", "https://example.org/acme/other.git", 1, 1),
    ]

    found = {row.folder: row for row in projects.projects(rows, {})}

    assert found[here].exists
    assert found[here].moved_to == ""
    assert found[f"{tmp_path}/old/shop"].moved_to == here
    assert not found[f"{tmp_path}/old/shop"].linked
    assert (found[f"{tmp_path}/lost"].exists, found[f"{tmp_path}/lost"].moved_to) == (False, "")
    linked = projects.projects(rows, {other: [f"{tmp_path}/lost"]})
    assert [row.moved_to for row in linked if row.linked] == [other]


def test_two_clones_of_one_remote_are_no_move(tmp_path: Path) -> None:
    rows = [
        (repository(tmp_path / "one"), "shop", REMOTE, 1, 3),
        (repository(tmp_path / "two"), "shop", REMOTE, 1, 2),
        (f"{tmp_path}/gone", "shop", REMOTE, 1, 1),
    ]
    assert [row.moved_to for row in projects.projects(rows, {})] == ["", "", ""]


def test_the_scope_of_a_folder_has_what_was_begun_where_it_was(tmp_path: Path) -> None:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE session (cwd, git_root, git_remote)")
    db.executemany(
        "INSERT INTO session VALUES (?, '', '')", [("/old/shop/api",), (str(tmp_path),), ("/x",)]
    )
    scope = scope_of(str(tmp_path), {str(tmp_path): ["/old/shop"]})
    query = f"SELECT cwd FROM session s WHERE {scope.condition.sql}"
    found = [cwd for (cwd,) in db.execute(query, scope.condition.values)]
    assert sorted(found) == sorted(["/old/shop/api", str(tmp_path)])
