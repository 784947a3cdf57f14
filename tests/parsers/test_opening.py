"""Opening what other programs wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opensession.parsers.agent import Source, SourceGone, SourceRefused
from opensession.parsers.opening import opened, walk


def content(path: Path, root: Path) -> bytes:
    with opened(Source("jot", str(root), str(path))) as (descriptor, status):
        return os.pread(descriptor, status.st_size, 0)


def test_a_file_of_our_own_is_opened(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    path = tmp_path / "deep" / "er" / "a"
    path.write_bytes(b"x")

    assert content(path, tmp_path) == b"x"
    assert content(path, path.parent) == b"x"


def test_a_link_is_refused_even_to_a_neighbour(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(SourceRefused, match="symbolic link"):
        content(tmp_path / "b", tmp_path)


def test_a_linked_folder_below_the_root_is_followed(tmp_path: Path) -> None:
    """DECISIONS §8: links are followed only if they stay below the root."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")

    assert content(tmp_path / "link" / "a", tmp_path) == b"x"


@pytest.mark.parametrize("way", ["link", "dots"])
def test_what_leads_out_of_the_root_is_refused(tmp_path: Path, way: str) -> None:
    """DECISIONS §8: links are followed only if they stay below the root."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_bytes(b"x")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "out")
    path = tmp_path / "root" / "link" / "a"
    if way == "dots":
        path = tmp_path / "root" / ".." / "out" / "a"

    with pytest.raises(SourceRefused, match="leads out"):
        content(path, tmp_path / "root")


def test_a_folder_whose_name_begins_as_the_root_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "rootless").mkdir()
    (tmp_path / "rootless" / "a").write_bytes(b"x")

    with pytest.raises(SourceRefused, match="leads out"):
        content(tmp_path / "rootless" / "a", tmp_path / "root")


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    """DECISIONS §8: a root is resolved once."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"x")
    (tmp_path / "root").symlink_to("real")

    assert content(tmp_path / "root" / "a", tmp_path / "root") == b"x"


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")

    with pytest.raises(SourceRefused, match="not a regular file"):
        content(tmp_path / "a", tmp_path)


def test_a_device_is_refused() -> None:
    with pytest.raises(SourceRefused, match="not a regular file"):
        content(Path("/dev/null"), Path("/dev"))


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DECISIONS §8: regular files of our own uid only."""
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    with pytest.raises(SourceRefused, match="another user"):
        content(tmp_path / "a", tmp_path)


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    real = os.open

    def denied(path: str, flags: int, **options: int) -> int:
        if path == "a":
            raise PermissionError(13, "denied")
        return real(path, flags, **options)

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(SourceRefused, match="may not be read"):
        content(tmp_path / "a", tmp_path)


@pytest.mark.parametrize("name", ["none", "none/a", "file/a"])
def test_what_is_not_there_is_gone(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"x")

    with pytest.raises(SourceGone):
        content(tmp_path / name, tmp_path)


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"x")
    (tmp_path / "a" / "link").symlink_to("b/c")
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        content(tmp_path / "a" / "b" / "c", tmp_path)
        with pytest.raises(SourceRefused):
            content(tmp_path / "a" / "link", tmp_path)

    assert len(list(Path("/dev/fd").iterdir())) == before


def test_walking_finds_names_at_any_depth_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "root" / "2026" / "11").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for place in ("root/a.x", "root/2026/b.x", "root/2026/11/c.x", "root/2026/no.y", "out/d.x"):
        (tmp_path / place).write_bytes(b"")
    (tmp_path / "root" / "up").symlink_to(tmp_path / "root")
    (tmp_path / "root" / "away").symlink_to(tmp_path / "out")
    root = str(tmp_path / "root")

    found = list(walk(root, lambda name: name.endswith(".x")))

    assert found == [f"{root}/2026/11/c.x", f"{root}/2026/b.x", f"{root}/a.x"]


def test_walking_a_folder_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    assert list(walk(str(tmp_path / "none"), lambda name: True)) == []
