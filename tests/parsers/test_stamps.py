from __future__ import annotations

from pathlib import Path

from opensession.parsers.stamps import stamp_of
from tests.helpers.lines import touch


def test_one_file_has_its_own_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("four")
    status = path.lstat()
    stamp = stamp_of((str(path),))
    assert stamp is not None
    assert (stamp.size, stamp.mtime_ns, stamp.ino) == (4, status.st_mtime_ns, status.st_ino)


def test_of_several_any_change_is_a_change(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    first.write_text("1")
    second.write_text("22")
    paths = tuple(str(path) for path in (first, second, third))
    found = [stamp_of(paths)]
    assert found[0] is not None
    assert found[0].size == 3
    touch(second, 5)
    found.append(stamp_of(paths))
    third.write_text("")
    found.append(stamp_of(paths))
    second.unlink()
    found.append(stamp_of(paths))
    assert len(set(found)) == 4


def test_without_the_first_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("1")
    assert stamp_of((str(tmp_path / "a"), str(tmp_path / "b"))) is None
    assert stamp_of((str(tmp_path),)) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1234567")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    found = stamp_of((str(tmp_path / "b"),))
    assert found is not None
    assert found.ino == (tmp_path / "b").lstat().st_ino
