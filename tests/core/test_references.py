"""What a REF says by its form (DECISIONS §2, §11)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.errors import UsageError
from opensession.core.references import ObjectRef, Ref, parse_ref

SHA = "a" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HEAD", Ref(kind="newest", count=1)),
        ("HEAD~3", Ref(kind="newest", count=3)),
        ("HEAD~", Ref(kind="newest", count=1)),
        ("HEAD^2", Ref(kind="place", place=2)),
        ("HEAD^0", Ref(kind="place", place=0)),
        ("HEAD#14", Ref(kind="newest", count=1, seq=14)),
        ("7f3a9c1e", Ref(kind="id", id="7f3a9c1e")),
        (" 7f3a#2 ", Ref(kind="id", id="7f3a", seq=2)),
        ("Claude_Code:0442", Ref(kind="id", agent="claude-code", id="0442")),
        ("~/.claude/projects/x/y.jsonl", Ref(kind="path", path="~/.claude/projects/x/y.jsonl")),
        ("y.jsonl.zst#3", Ref(kind="path", path="y.jsonl.zst", seq=3)),
        (f"os://src/local/{SHA}",
         Ref(kind="object", object=ObjectRef(store="local", sha256=SHA))),
        (f"os://artifact/{SHA}",
         Ref(kind="object", object=ObjectRef(store="artifact", sha256=SHA))),
        ("os://src/gh/o/r/ref/a%2Fb/path/sessions/x%20y.jsonl",
         Ref(kind="object", object=ObjectRef(
             store="gh", remote="o/r", ref="a/b", path="sessions/x y.jsonl"))),
        ("os://src/gl/Z3JvdXAvcHJvag/ref/main/path/x",
         Ref(kind="object", object=ObjectRef(
             store="gl", remote="group/proj", ref="main", path="x"))),
    ],
)  # fmt: skip
def test_forms(text: str, expected: Ref) -> None:
    assert parse_ref(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "abc", "HEAD~0", "HEAD~2#3", "HEAD#0", "no such", "a\x1bbcd", "-rf1", "os://",
     "os://src/local/xyz", "os://src/gh/o/r/ref/m/path/../x", "os://src/gh/o/r/ref/m/path/",
     "os://src/gh/o/r/ref/m/path/%2e%2e/x", "os://src/gl/!!/ref/m/path/x",
     "os://src/git/aHR0cHM6/ref//path/x", "os://src/gh/o/r/x/m/path/y"],
)  # fmt: skip
def test_what_can_name_nothing(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ref(text)


@given(
    st.text(max_size=40)
    | st.text(alphabet="HEAD~^#0123:/.osgh", max_size=20).map("os://src".__add__)
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_ref(text)
    except UsageError as error:
        assert str(error)
