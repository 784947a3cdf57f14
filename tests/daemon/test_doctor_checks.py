"""The checks of `doctor` that look at a machine: what they say of one that a test made."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.core.rpc.storage import DamagedFrame, VerifyResult
from opensession.daemon import mounts
from opensession.daemon.archive.checking import HEADER
from opensession.daemon.doctor_checks import (
    check_archive,
    check_databases,
    check_foreign,
    check_inotify,
    check_place,
    check_sqlite,
    open_to_others,
    sort_out,
)
from opensession.daemon.store.connect import open_user
from tests.helpers.daemon import Home


def _settle(home: Home) -> None:
    for folder in (home.paths.config_dir, home.paths.data_dir, home.paths.state_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@pytest.mark.parametrize(
    ("version", "state"),
    [("3.40.1", "warn"), ("3.51.2", "warn"), ("3.52.0", "warn"), ("3.51.3", "ok"), ("4.0", "ok")],
)
def test_sqlite_that_damages_databases_is_told(version: str, state: str) -> None:
    """D14: the WAL-reset fault is mended in 3.51.3, and 3.52.0 was withdrawn."""
    (found,) = check_sqlite(version)

    assert (found.state, version in found.message) == (state, True)


def test_the_limit_of_watches_is_compared_with_the_folders_there_are(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / "root" / str(number)).mkdir(parents=True)
    (tmp_path / "root" / "link").symlink_to(tmp_path)
    limits = {"few": 10, "small": 4096, "plenty": 500_000}
    for name, limit in limits.items():
        (tmp_path / name).write_text(f"{limit}\n")
    (tmp_path / "instances").write_text("128\n")

    def look(name: str) -> tuple[str, str, str]:
        (found,) = check_inotify(
            [str(tmp_path / "root")],
            watches=tmp_path / name,
            instances=tmp_path / "instances",
        )
        return found.state, found.message, found.hint

    assert "10 folders" in look("few")[1]
    assert look("few")[2] == "sudo sysctl fs.inotify.max_user_watches=524288"
    assert [look(name)[0] for name in limits] == ["warn", "warn", "ok"]
    assert check_inotify([], watches=tmp_path / "none", instances=tmp_path / "none") == []


def test_a_network_file_system_is_red(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """D16: an index gets damaged there."""
    monkeypatch.setattr(mounts, "mounts", lambda: [mounts.Mount("/", "nfs4")])

    assert {each.state for each in check_place(home.paths)} == {"red"}
    monkeypatch.setattr(mounts, "mounts", lambda: [mounts.Mount("/", "ext4")])
    assert [each.state for each in check_place(home.paths)] == ["ok"]


def test_what_is_not_ours_is_told_from_what_is(home: Home) -> None:
    _settle(home)
    paths = home.paths
    ours = [
        paths.data_dir / "index.db", paths.data_dir / "index.db-wal", paths.key_file,
        paths.log_file, paths.state_dir / "daemon.log.1", paths.config_file,
        paths.archive_dir / "ab" / f"{'0' * 38}.zst",
    ]  # fmt: skip
    strange = [paths.archive_dir / "ab" / "notes.txt", paths.data_dir / "x.db"]
    original = [paths.data_dir / "local.db", paths.config_dir / "opensession.toml"]
    left = [
        paths.archive_dir / "ab" / f"{'0' * 38}.zst.merging",
        paths.state_dir / ".daemon.json.12.34.tmp",
    ]
    (paths.archive_dir / "ab").mkdir(parents=True)
    for path in [*ours, *strange, *original, *left]:
        path.write_bytes(b"x")

    found = sort_out(paths)

    assert [set(each) for each in found] == [set(strange), set(original), set(left)]
    assert {each.name: each.state for each in check_foreign(paths)} == {
        "foreign": "warn",
        "foreign.earlier": "ok",
        "left-over": "warn",
    }


def test_everything_of_ours_that_others_could_read_is_found(home: Home) -> None:
    _settle(home)
    archived = home.paths.archive_dir / "ab" / f"{'0' * 38}.zst"
    archived.parent.mkdir(parents=True, mode=0o700)
    home.paths.archive_dir.chmod(0o700)
    archived.write_bytes(b"x")
    archived.chmod(0o640)
    home.paths.config_file.write_text("")
    home.paths.config_file.chmod(0o644)
    (home.paths.data_dir / "index.db").symlink_to("/etc/hostname")

    assert open_to_others(home.paths) == [(archived, 0o640)]


@pytest.mark.parametrize("deep", [False, True])
def test_a_damaged_user_db_is_red_and_nothing_mends_it_unasked(home: Home, deep: bool) -> None:
    _settle(home)
    path = home.paths.user_db
    db = open_user(path)
    db.execute("INSERT INTO setting VALUES ('a', hex(randomblob(20000)))")
    db.close()
    assert check_databases(home.paths, deep=deep)[0].state == "ok"
    held = bytearray(path.read_bytes())
    held[4096 : 4096 * 8] = b"\x99" * (4096 * 7)
    path.write_bytes(held)

    found = check_databases(home.paths, deep=deep)[0]

    assert (found.name, found.state, found.fix) == ("user.integrity", "red", "")
    assert path.read_bytes() == held


def test_a_file_without_its_header_can_be_mended_without_its_source() -> None:
    lost = DamagedFrame(file="/a/x.zst", first=0, last=80, tool="codex", path="/p", reason=HEADER)
    result = VerifyResult(files=1, bytes=9, total_files=1, damaged=[lost])

    (found,) = check_archive(result)

    assert (found.state, found.fix) == ("red", "archive")
