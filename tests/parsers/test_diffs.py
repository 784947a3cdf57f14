"""Unified diffs from what agents record."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers import diffs
from opensession.parsers.diffs import Hunk

TEXTS = st.lists(st.sampled_from(["a", "b", "-- c", "++ d", "", " e"]), max_size=12).map(
    lambda lines: "".join(line + "\n" for line in lines)
)


def test_hunks_of_a_structured_patch_are_read_as_they_are_recorded() -> None:
    recorded = b'{"oldStart":3,"oldLines":2,"newStart":3,"newLines":1,"lines":[" a","-b"]}'
    hunk = msgspec.json.decode(recorded, type=Hunk)

    assert diffs.from_hunks("x.py", [hunk]) == "--- x.py\n+++ x.py\n@@ -3,2 +3,1 @@\n a\n-b"
    assert diffs.from_hunks("x.py", []) == ""


def test_a_diff_of_two_texts_shows_changes_with_context() -> None:
    old = "".join(f"{n}\n" for n in range(1, 21))
    new = old.replace("10\n", "ten\n")

    assert diffs.from_texts("x", old, new, start_line=100) == (
        "--- x\n+++ x\n@@ -106,7 +106,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13"
    )
    assert diffs.from_texts("x", old, old) == ""


@given(TEXTS, TEXTS)
def test_a_diff_is_one_that_patch_programs_apply(old: str, new: str) -> None:
    """Read back line by line, the two sides are the two texts."""
    made = diffs.from_texts("x", old, new, context=100)

    if old == new:
        assert made == ""
        return
    body = made.split("\n")[3:]
    assert [line[1:] for line in body if line[0] in " -"] == old.split("\n")[:-1]
    assert [line[1:] for line in body if line[0] in " +"] == new.split("\n")[:-1]
    added = sum(line[0] == "+" for line in body)
    assert diffs.count(made) == (added, sum(line[0] == "-" for line in body))


def test_git_applies_a_diff_of_two_texts(tmp_path: Path) -> None:
    old = "".join(f"line {n}\n" for n in range(50))
    new = old.replace("line 3\n", "").replace("line 40\n", "line 40\nand more\n")
    (tmp_path / "x").write_text(old)
    (tmp_path / "p").write_text(diffs.from_texts("x", old, new) + "\n")

    subprocess.run(["git", "apply", "-p0", "p"], cwd=tmp_path, check=True)

    assert (tmp_path / "x").read_text() == new


def test_texts_too_large_to_compare_are_replaced_as_a_whole() -> None:
    old = "same\n" + "".join(f"old {n}\n" for n in range(3000)) + "end\n"
    new = "same\n" + "".join(f"new {n}\n" for n in range(3000)) + "end\n"

    made = diffs.from_texts("x", old, new)

    assert diffs.count(made) == (3000, 3000)
    assert made.startswith("--- x\n+++ x\n@@ -1,3002 +1,3002 @@\n same\n-old 0\n")
    assert made.endswith("+new 2999\n end")


def test_a_small_change_in_a_large_text_is_small() -> None:
    old = "".join(f"{n}\n" for n in range(50_000))

    assert diffs.count(diffs.from_texts("x", old, old.replace("777\n", "x\n", 1))) == (1, 1)


def test_whole_files() -> None:
    assert diffs.of_new_file("x", "a\nb\n") == "--- /dev/null\n+++ x\n@@ -0,0 +1,2 @@\n+a\n+b"
    assert diffs.of_new_file("x", "") == "--- /dev/null\n+++ x"
    assert diffs.of_deleted_file("x", "a") == "--- x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a"
    assert diffs.count(diffs.of_new_file("x", "a\nb\n")) == (2, 0)


def test_a_recorded_body_gets_our_header_once() -> None:
    body = "@@ -1 +1 @@\n-a\n+b\n"

    assert diffs.with_header("x", body) == "--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b"
    assert diffs.with_header("x", body, new_path="y").startswith("--- x\n+++ y\n")
    assert diffs.with_header("x", "--- old\n+++ new\n" + body).startswith("--- old\n")
    assert diffs.with_header("x", "") == ""


def test_counting_takes_no_removed_line_for_a_header() -> None:
    assert diffs.count("--- x\n+++ x\n@@ -1,2 +1,2 @@\n--- a\n-b\n+++ c\n+d") == (2, 2)
    assert diffs.count("--- x\n+++ x\n@@ -1 +1 @@\n-a\n+b\n@@ -9 +9 @@\n-c\n+d") == (2, 2)
    assert diffs.count("") == (0, 0)


@given(st.text(max_size=200))
def test_counting_never_raises(text: str) -> None:
    added, removed = diffs.count(text)

    assert added >= 0
    assert removed >= 0
