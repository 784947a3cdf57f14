"""Snippets: one line around the matches, marked."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.daemon.store.search_match import Tokenize, tokenizer
from opensession.daemon.store.search_query import parse
from opensession.daemon.store.snippet import (
    WIDTH,
    Span,
    fold_case,
    normal,
    snippet,
    substring_finder,
    word_finder,
)


@pytest.fixture(scope="module")
def tokenize() -> Tokenize:
    return tokenizer(apsw.Connection(":memory:"))


def shown(tokenize: Tokenize, query: str, text: str) -> str:
    """The snippet of a text for a query of words."""
    text = normal(text)
    return snippet(text, word_finder(parse(query).words(), tokenize)(text))


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("rate limit", "the rate of the limit", "the «rate» of the «limit»"),
        ("limit", "limiter and LIMIT", "limiter and «LIMIT»"),
        ("limit*", "limiter and LIMIT", "«limit»er and «LIMIT»"),
        ('"rate limit"', "a rate-limit, no rate", "a «rate-limit», no rate"),
        ("json", "parseJSONFile", "parse«JSON»File"),
        ("parseJSON", "call parse_json() and parseJSON", "call «parse_json»() and «parseJSON»"),
        ("parseJSON", "call parse_json()", "call «parse_json»()"),
        ("cafe", "le CAFÉ noir", "le «CAFÉ» noir"),
        ("café", "le cafe noir", "le «cafe» noir"),
        ("cafe", "le cafe\u0301 noir", "le «café» noir"),
        ("日本", "今日は日本語です", "今日は«日本»語です"),
        ("語", "日本語です", "日本«語»です"),
        ("テスト", "ok テストok", "ok «テスト»ok"),
        ("Ёлка", "ёлка и елка", "«ёлка» и елка"),
        ("한국", "저는 한국어를", "저는 «한국»어를"),
        ("x", "a\n\n\tx  y\r\nz", "a «x» y z"),
        ("nothing", "here", "here"),
    ],
)
def test_matches_are_marked(tokenize: Tokenize, query: str, text: str, expected: str) -> None:
    """As the index finds them: words, beginnings, phrases, parts, scripts without spaces."""
    assert shown(tokenize, query, text) == expected


def test_window_shows_most_of_what_was_asked(tokenize: Tokenize) -> None:
    """Not the first match, but the place where most words are."""
    text = f"alpha {'x ' * 300}alpha beta {'y ' * 300}"

    found = shown(tokenize, "alpha beta", text)

    assert "«alpha» «beta»" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) < WIDTH + 20


def test_beginning_is_shown_where_it_will_do(tokenize: Tokenize) -> None:
    """No cut at the left where the match is near."""
    assert shown(tokenize, "fox", f"the quick brown fox {'x ' * 200}").startswith(
        "the quick brown «fox»"
    )


def test_long_match_is_cut(tokenize: Tokenize) -> None:
    """A match of a megabyte does not make a snippet of one."""
    text = "a" * 100_000

    assert len(snippet(text, [Span(10, 90_000)])) < 4 * WIDTH


def test_whole_words_are_found_after_many_parts(tokenize: Tokenize) -> None:
    """A frequent part of words does not hide the word."""
    text = f"{'listing ' * 2000}the list"

    assert shown(tokenize, "list", text).endswith("the «list»")


def test_exact_text() -> None:
    """Whatever its case; nothing of it is a pattern."""
    find = substring_finder("If (Err")

    assert snippet("x = if (err != nil)", find("x = if (err != nil)")) == "x = «if (err» != nil)"


@given(text=st.text(max_size=300), needle=st.text(min_size=1, max_size=3))
def test_snippets_of_anything(text: str, needle: str) -> None:
    """One line, bounded, made of the text; folding keeps places."""
    text = normal(text)
    assert len(fold_case(text)) == len(text)

    found = snippet(text, substring_finder(needle)(text))

    assert len(found) < 4 * WIDTH
    assert "\n" not in found
    if fold_case(normal(needle)) in fold_case(text) and needle.strip():
        assert "«" in found


@given(text=st.text(max_size=200), query=st.text(max_size=20))
def test_words_in_anything(text: str, query: str) -> None:
    """No query and no text breaks it."""
    text = normal(text)
    find = word_finder(parse(query).words(), tokenizer(apsw.Connection(":memory:")))

    assert len(snippet(text, find(text))) < 4 * WIDTH
