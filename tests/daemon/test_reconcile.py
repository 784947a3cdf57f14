"""Comparing disk with index: by equality of stamps, and never a deletion by mistake."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from opensession.daemon.reconcile import FEW, Found, Known, compare, scan
from opensession.parsers.agent import Root, Source
from opensession.parsers.registry import agent
from opensession.parsers.stamps import Stamp, stamp_of

stamps = st.builds(Stamp, st.integers(0, 3), st.integers(0, 3), st.integers(1, 3))
names = st.sampled_from([f"/root/{letter}" for letter in "abcdefghijkl"])


def found(stamps_by_path: dict[str, Stamp]) -> Found:
    sources = {p: (Source("codex", "/root", p), s) for p, s in stamps_by_path.items()}
    return Found(exists=True, sources=sources)


@given(st.dictionaries(names, stamps))
def test_nothing_differs_from_itself(disk: dict[str, Stamp]) -> None:
    known = {path: Known(stamp) for path, stamp in disk.items()}
    differences = compare(known, found(disk))
    assert (differences.changed, differences.gone, differences.vanished) == ([], [], [])


@given(st.dictionaries(names, stamps), st.dictionaries(names, stamps))
def test_every_difference_is_found_and_nothing_else(
    before: dict[str, Stamp], disk: dict[str, Stamp]
) -> None:
    """DECISIONS §3: files are compared by equality of (size, mtime, inode), never "newer than"."""
    known = {path: Known(stamp) for path, stamp in before.items()}
    differences = compare(known, found(disk))
    assert set(differences.changed) == {p for p, s in disk.items() if before.get(p) != s}
    missing = set(before) - set(disk)
    if len(missing) > FEW and 2 * len(missing) >= len(before):
        assert set(differences.vanished) == missing
        assert differences.gone == []
    else:
        assert set(differences.gone) == missing
        assert differences.vanished == []


@given(st.dictionaries(names, stamps), st.sets(names))
def test_the_files_of_a_root_that_is_gone_are_away_and_not_deleted(
    before: dict[str, Stamp], deleted: set[str]
) -> None:
    """DECISIONS §8, users.md D24: a missing root is a state, not deletions."""
    known = {path: Known(stamp, gone=path in deleted) for path, stamp in before.items()}
    differences = compare(known, Found(exists=False))
    assert (differences.changed, differences.gone) == ([], [])
    assert set(differences.vanished) == before.keys() - deleted


def test_what_was_away_is_read_when_it_is_back_and_is_deleted_where_most_are() -> None:
    away = Known(Stamp(10, 500, 1), away=True)
    known = {"/root/a": away, "/root/b": away}
    back = compare(known, found({"/root/a": Stamp(10, 500, 1)}))
    assert (back.changed, back.gone, back.vanished) == (["/root/a"], ["/root/b"], [])


def test_an_empty_root_where_files_were_away_is_not_them_deleted() -> None:
    """A folder that a disk is mounted at is there before the disk."""
    differences = compare({"/root/a": Known(Stamp(10, 500, 1), away=True)}, found({}))
    assert (differences.gone, differences.vanished) == ([], ["/root/a"])


def test_an_older_time_is_a_change_as_well() -> None:
    known = {"/root/a": Known(Stamp(10, 500, 1))}
    assert compare(known, found({"/root/a": Stamp(10, 400, 1)})).changed == ["/root/a"]


def test_what_was_gone_and_is_back_is_read_even_if_it_looks_the_same() -> None:
    known = {"/root/a": Known(Stamp(10, 500, 1), gone=True)}
    assert compare(known, found({"/root/a": Stamp(10, 500, 1)})).changed == ["/root/a"]
    assert compare(known, found({})).gone == []


def test_what_is_kept_out_is_kept_out_however_it_grows() -> None:
    known = {"/root/a": Known(None, any_stamp=True)}
    assert compare(known, found({"/root/a": Stamp(10, 500, 1)})).changed == []


def test_a_scan_reads_no_file_and_takes_links_as_they_are(tmp_path: Path) -> None:
    day = tmp_path / "2026" / "01" / "02"
    day.mkdir(parents=True)
    real = day / "rollout-2026-01-02T03-04-05-a.jsonl"
    real.write_bytes(b"x" * 7)
    real.chmod(0)
    link = day / "rollout-2026-01-02T03-04-05-b.jsonl"
    link.symlink_to("/nowhere")
    (day / "notes.txt").write_text("no session")
    root = Root(agent="codex", path=str(tmp_path))
    result = scan(agent("codex"), root)
    assert result is not None
    assert set(result.sources) == {str(real), str(link)}
    status = real.stat()
    assert result.sources[str(real)][1] == Stamp(7, status.st_mtime_ns, status.st_ino)


def test_a_scan_of_what_is_not_there(tmp_path: Path) -> None:
    missing = Root(agent="codex", path=str(tmp_path / "no"))
    assert scan(agent("codex"), missing) == Found(exists=False)
    assert stamp_of([missing.path]) is None


def test_a_scan_that_is_broken_off_says_nothing(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"rollout-2026-01-02T03-04-05-{name}.jsonl").write_text("x")
    assert scan(agent("codex"), Root("codex", str(tmp_path)), lambda: True) is None


def test_stamps_see_a_replacement_of_equal_size(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    os.utime(path, ns=(1, 1))
    before = stamp_of([str(path)])
    other = tmp_path / "b"
    other.write_text("two")
    os.utime(other, ns=(1, 1))
    other.replace(path)
    assert stamp_of([str(path)]) != before
