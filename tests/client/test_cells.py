"""Columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.client.render.cells import cut, cut_left, packed, pad, width


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("导入", 4), ("e\u0301", 1), ("a\u200bb", 2), ("", 0), ("ｱ", 1), ("한글", 4)],
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.text(), st.integers(0, 40))
def test_what_is_cut_fits_and_what_fits_is_not_cut(text: str, columns: int) -> None:
    for shortened in (cut(text, columns), cut_left(text, columns)):
        assert width(shortened) <= columns
        if width(text) <= columns and columns:
            assert shortened == text


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert cut("导入器", 4) == "导…"
    assert cut_left("导入器", 4) == "…器"


def test_padding_counts_columns_not_characters() -> None:
    assert pad("导入", 6) == "导入  "


@given(st.lists(st.text("ab", min_size=1, max_size=9), max_size=9), st.integers(9, 40))
def test_packed_facts_fit_and_none_is_lost(facts: list[str], columns: int) -> None:
    rows = packed(facts, columns)

    assert [fact for row in rows for fact in row.split(" · ")] == facts
    assert all(width(row) <= columns for row in rows)


def test_colours_take_no_room_among_packed_facts() -> None:
    assert packed(["one", "\x1b[31mtwo\x1b[0m", "six"], 15) == ["one · \x1b[31mtwo\x1b[0m · six"]
