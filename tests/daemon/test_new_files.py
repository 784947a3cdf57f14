"""Files written where an agent keeps its own: new ones only, and never through a link."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.core.errors import Refused
from opensession.daemon import new_files


def test_a_file_is_written_with_its_folders_and_for_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "sessions"

    count = new_files.write_new(str(root), "2026/01/a.jsonl", [b"one\n", b"two\n"])

    path = root / "2026/01/a.jsonl"
    assert (count, path.read_bytes()) == (8, b"one\ntwo\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["a.jsonl"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")

    for name in ("a", "dangling"):
        with pytest.raises(FileExistsError):
            new_files.write_new(str(tmp_path), name, [b"other"])

    assert (tmp_path / "a").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "dangling"]


def test_a_file_system_without_hard_links_gets_the_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    new_files.write_new(str(tmp_path), "a", [b"bytes"])

    assert (tmp_path / "a").read_bytes() == b"bytes"
    with pytest.raises(FileExistsError):
        new_files.write_new(str(tmp_path), "a", [b"other"])
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_no_link_is_followed_on_the_way(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "p").symlink_to(outside)

    with pytest.raises(Refused, match="link"):
        new_files.write_new(str(root), "p/a.jsonl", [b"bytes"])

    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("relative", ["../a", "p/../../a", "p//a", "./a", ""])
def test_no_path_leads_out_of_the_root(tmp_path: Path, relative: str) -> None:
    root = tmp_path / "root"
    with pytest.raises(Refused):
        new_files.relative_to(str(root), f"{root}/{relative}")
    with pytest.raises(Refused):
        new_files.write_new(str(root), relative, [b"bytes"])
    assert not (tmp_path / "a").exists()


def test_bytes_that_break_off_leave_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise Refused("damaged")

    with pytest.raises(Refused):
        new_files.write_new(str(tmp_path), "a", broken())

    assert list(tmp_path.iterdir()) == []


def test_what_stands_at_a_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "same").write_bytes(b"one\n")
    (tmp_path / "longer").write_bytes(b"one\ntwo\n")
    (tmp_path / "shorter").write_bytes(b"on")
    (tmp_path / "link").symlink_to(tmp_path / "same")

    found = {
        name: new_files.standing(str(tmp_path), name, [b"one\n"])
        for name in ("same", "longer", "shorter", "link", "absent", "no/folder")
    }

    assert found == {
        "same": "same",
        "longer": "longer",
        "shorter": "other",
        "link": "other",
        "absent": "absent",
        "no/folder": "absent",
    }
