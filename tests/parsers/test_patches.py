"""The patch format of `apply_patch`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers import diffs
from opensession.parsers.patches import FilePatch, in_command, parse

PATCH = """*** Begin Patch
*** Update File: src/app.py
*** Move to: src/main.py
@@ def main():
 before
-old
+new
+more

@@
-x
*** End of File
*** Add File: notes.md
+one
+
+two
*** Delete File: old.py
*** End Patch"""


def test_a_patch_is_read_file_by_file() -> None:
    updated, added, deleted = parse(PATCH)

    assert updated == FilePatch(
        "update",
        "src/app.py",
        "src/main.py",
        "@@ def main():\n before\n-old\n+new\n+more\n\n@@\n-x\n*** End of File",
        "--- src/app.py\n+++ src/main.py\n@@ -0,3 +0,4 @@ def main():\n before\n-old\n+new\n+more\n"
        " \n@@ -0,1 +0,0 @@\n-x",
    )
    assert added.kind == "add"
    assert added.body == "one\n\ntwo\n"
    assert added.diff == "--- /dev/null\n+++ notes.md\n@@ -0,0 +1,3 @@\n+one\n+\n+two"
    assert deleted == FilePatch("delete", "old.py", "", "", "")


def test_lines_added_and_removed_can_be_counted() -> None:
    assert [diffs.count(file.diff) for file in parse(PATCH)] == [(2, 2), (3, 0), (0, 0)]


@pytest.mark.parametrize(
    "text",
    ["", "no patch", "*** Begin Patch\n*** End Patch", "*** Begin Patch\n*** Update File:  \n+x"],
)
def test_what_is_no_patch_gives_nothing(text: str) -> None:
    assert parse(text) == []


def test_a_patch_that_was_cut_off_gives_what_is_there() -> None:
    (found,) = parse("*** Begin Patch\n*** Add File: a\n+x")

    assert found.body == "x\n"


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        ("apply_patch <<'EOF'\n{}\nEOF", ""),
        ("apply_patch <<'EOF'\n{}\nEOF\n", ""),
        ('cd sub && apply_patch << "PATCH"\n{}\nPATCH', "sub"),
        ("cd '/a/b' ; applypatch <<EOF\n{}\nEOF\n", "/a/b"),
        ("apply_patch '{}'", ""),
        ("\napply_patch \"$(cat <<'EOF'\n{}\nEOF\n)\"", ""),
    ],
)
def test_a_command_that_only_patches_is_known(command: str, folder: str) -> None:
    assert in_command(command.replace("{}", PATCH)) == (PATCH, folder)


@pytest.mark.parametrize(
    "command",
    [
        "ls",
        "cat <<'EOF'\n{}\nEOF",
        "apply_patch <<'EOF'\n{}\nEOF\nrm -rf build",
        "make && apply_patch <<'EOF'\n{}\nEOF",
        "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: a\n+x",
    ],
)
def test_a_command_that_does_more_is_a_command(command: str) -> None:
    assert in_command(command.replace("{}", PATCH)) is None


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    parse(text)
    in_command(text)
    parse("*** Begin Patch\n" + text)


@given(
    st.lists(
        st.sampled_from(["*** Begin Patch", "*** Update File: a", "*** Add File: b", "@@ d", "+e"])
        | st.sampled_from(["*** Move to: c", "*** End of File", "*** End Patch", "***", "-f", ""]),
        max_size=20,
    )
)
def test_counts_of_hunks_are_those_of_their_lines(lines: list[str]) -> None:
    for file in parse("\n".join(lines)):
        if file.kind == "update" and file.diff:
            body = file.diff.split("\n")[2:]
            assert diffs.count(file.diff) == (
                sum(line.startswith("+") for line in body),
                sum(line.startswith("-") for line in body),
            )
