from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opensession.daemon.gitfacts import clean_remote, git_facts, repository_name


def _git(folder: Path, *words: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(
        ["git", *who, *words], cwd=folder, env=environment, check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git, which makes the repositories for this test, is not installed")
    folder = tmp_path / "project"
    folder.mkdir()
    _git(folder, "init", "-q")
    _git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_a_folder_without_repository_has_none(tmp_path: Path) -> None:
    assert git_facts(str(tmp_path)) is None
    assert git_facts(str(tmp_path / "gone" / "long ago")) is None
    assert git_facts("") is None
    assert git_facts("relative") is None
    assert git_facts("/a\0b") is None


def test_a_repository_is_found_from_any_folder_below(repository: Path) -> None:
    found = git_facts(str(repository / "src" / "not there any more"))

    assert found is not None
    assert (found.root, found.remote, found.name) == (str(repository), "", "project")


def test_origin_names_the_repository(repository: Path) -> None:
    _git(repository, "remote", "add", "fork", "https://example.org/me/forked.git")
    first = git_facts(str(repository))
    _git(repository, "remote", "add", "origin", "git@example.org:team/tool.git")
    found = git_facts(str(repository))

    assert first is not None and first.name == "forked"
    assert found is not None
    assert (found.remote, found.name) == ("git@example.org:team/tool.git", "tool")


def test_a_worktree_is_its_repository(repository: Path, tmp_path: Path) -> None:
    _git(repository, "remote", "add", "origin", "https://example.org/team/tool")
    _git(repository, "worktree", "add", "-q", str(tmp_path / "elsewhere"))

    found = git_facts(str(tmp_path / "elsewhere"))

    assert found == git_facts(str(repository))


def test_a_submodule_is_a_repository_of_its_own(repository: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.mkdir()
    _git(part, "init", "-q")
    _git(part, "commit", "-q", "--allow-empty", "-m", "x")
    _git(repository, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(part), "sub")

    found = git_facts(str(repository / "sub"))

    assert found is not None
    assert (found.root, found.name) == (str(repository / "sub"), "part")


def test_a_worktree_of_a_bare_repository(repository: Path, tmp_path: Path) -> None:
    _git(tmp_path, "clone", "-q", "--bare", str(repository), "store.git")
    _git(tmp_path / "store.git", "worktree", "add", "-q", str(tmp_path / "tree"))

    found = git_facts(str(tmp_path / "tree"))

    assert found is not None
    assert found.root == str(tmp_path / "store.git")


@pytest.mark.parametrize(
    "content", [b"", b"gitdir: /nowhere\n", b"\xff\xfe", b"gitdir:", b"x" * 100]
)
def test_a_strange_git_file_is_no_repository(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").write_bytes(content)

    assert git_facts(str(tmp_path)) is None


def test_a_pipe_in_place_of_a_config_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    os.mkfifo(tmp_path / ".git" / "config")

    found = git_facts(str(tmp_path))

    assert found is not None
    assert found.remote == ""


@pytest.mark.parametrize(
    ("url", "clean", "name"),
    [
        ("https://bob:token@example.org/a/b.git", "https://example.org/a/b.git", "b"),
        ("https://ghp_abc@example.org/a/b", "https://example.org/a/b", "b"),
        ("https://bob:p@ss@example.org/a/b@2", "https://example.org/a/b@2", "b@2"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git", "b"),
        ("ssh://git@example.org/a/b/", "ssh://example.org/a/b/", "b"),
        ("../other", "../other", "other"),
        ("", "", ""),
    ],
)
def test_a_remote_carries_no_login(url: str, clean: str, name: str) -> None:
    assert clean_remote(url) == clean
    assert repository_name(clean) == name
