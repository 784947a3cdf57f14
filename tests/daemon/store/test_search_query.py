"""The language of queries: what is meant by what a person typed."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.daemon.store.search_match import Tokenize, match_expression, tokenizer
from opensession.daemon.store.search_query import (
    MAX_CHARS,
    MAX_WORDS,
    Filter,
    parse,
    split_filters,
    without_filter,
)

TABLE = """CREATE VIRTUAL TABLE search USING fts5 (
  text, parts, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2")"""


@pytest.fixture(scope="module")
def db() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    connection.execute(TABLE)
    return connection


@pytest.fixture(scope="module")
def tokenize(db: apsw.Connection) -> Tokenize:
    return tokenizer(db)


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ("rate limit", '("rate" AND "limit")'),
        ("rate AND limit", '("rate" AND "limit")'),
        ('"rate limit"', '"rate limit"'),
        ("lim*", '"lim" *'),
        ('"rate lim"*', '"rate lim" *'),
        ("a OR b c", '("a" OR ("b" AND "c"))'),
        ("(a OR b) c", '(("a" OR "b") AND "c")'),
        ("a -b", '("a" NOT "b")'),
        ("a NOT b -(c OR d)", '("a" NOT ("b" OR ("c" OR "d")))'),
        ('a -"b c"', '("a" NOT "b c")'),
        ("NEAR(a b)", 'NEAR("a" "b", 10)'),
        ('NEAR(a "b c" d*, 3)', 'NEAR("a" "b c" "d" *, 3)'),
        ("NEAR(a)", '"a"'),
        ("rate-limit.js", '"rate-limit.js"'),
        ("snake_case", '"snake_case"'),
        ("parseJSON", '("parseJSON" OR "parse json")'),
        ("parseJSON*", '("parseJSON" * OR "parse json" *)'),
        ("app.userId", '("app.userId" OR ("app" AND "user id"))'),
        ('"parseJSON"', '"parseJSON"'),
        ("日本語", '"日本 本語"'),
        ("語", '"語" *'),
        ("ok日本", '"ok 日本"'),
        ("foo -> bar", '("foo" AND "bar")'),
        ("foo() { }", '"foo"'),
        # No syntax errors: what makes no sense as an operator is left out, or is a word.
        ("a OR", '"a"'),
        ("AND a", '"a"'),
        ("NOT", '"NOT"'),
        ("OR OR", '"OR OR"'),
        ("-a", '"a"'),
        ("NOT a NOT b", '("a" AND "b")'),
        ('"never closed', '"never closed"'),
        (") a (( b", '("a" AND "b")'),
        ("(" * 50 + "a" + ")" * 50 + " b", '("a" AND "b")'),
        ("a*b", '"a*b"'),
        ("text:a", '"text:a"'),
        ("^a + b", '("^a" AND "b")'),
        ('""', ""),
        ("***", ""),
        ("-> != ;", ""),
        ("", ""),
    ],
)
def test_what_is_asked_of_the_index(tokenize: Tokenize, query: str, expression: str) -> None:
    """Everything typed stands within quotes, operators are our own."""
    node = parse(query).node

    assert (match_expression(node, tokenize) if node else "") == expression


@given(query=st.text() | st.text(alphabet='ab()"-*: NEARORNOT,^+{}日本é\0\ud800'))
def test_no_query_is_a_syntax_error(db: apsw.Connection, query: str) -> None:
    """A person's words are no program."""
    node = parse(query).node
    expression = match_expression(node, tokenizer(db)) if node else ""

    if expression:
        list(db.execute("SELECT rowid FROM search WHERE search MATCH ?", (expression,)))


def test_long_and_deep_queries(db: apsw.Connection, tokenize: Tokenize) -> None:
    """Somebody pastes a log file."""
    for query in ("word " * 10_000, "x" * 100_000, "(a OR b) " * 2000, "a OR " * 5000, "(" * 9999):
        node = parse(query).node
        assert len(parse(query).words()) <= MAX_WORDS
        expression = match_expression(node, tokenize) if node else ""
        assert len(expression) < 8 * MAX_CHARS
        if expression:
            list(db.execute("SELECT rowid FROM search WHERE search MATCH ?", (expression,)))


def test_filters() -> None:
    """By name, whatever its case; quoted; negated; not within quotes, and not without a value."""
    query = parse('agent:codex Role:user -project:"my app" NOT file:a.py since:7d word "branch:x"')

    assert query.filters == (
        Filter("agent", "codex"),
        Filter("role", "user"),
        Filter("project", "my app", negated=True),
        Filter("file", "a.py", negated=True),
        Filter("since", "7d"),
    )
    assert [word.text for word in query.words()] == ["word", "branch:x"]
    assert parse("since: http://x foo:bar").filters == ()


def test_filters_alone() -> None:
    """`role:user -test` is a list without some."""
    assert parse("role:user").node is None
    query = parse("role:user -test")
    assert query.node is not None
    assert (query.node.items, len(query.node.without)) == ((), 1)


def test_meaningless_filter_becomes_words(tokenize: Tokenize) -> None:
    """`since:soon` may be what stands in the text."""
    for query, expression in (
        ("a since:soon", '("a" AND "since:soon")'),
        ("since:soon", '"since:soon"'),
        ("a -since:soon", '("a" NOT "since:soon")'),
    ):
        parsed = parse(query)
        words = without_filter(parsed, parsed.filters[0])
        assert words.filters == ()
        assert words.node is not None
        assert match_expression(words.node, tokenize) == expression


@pytest.mark.parametrize(
    ("query", "text", "filters"),
    [
        ("if (err role:user", "if (err", [Filter("role", "user")]),
        ("role:user -agent:x a  b", "a  b", [Filter("role", "user"), Filter("agent", "x", True)]),
        ('project:"x y" foo', "foo", [Filter("project", "x y")]),
        ("a role:user b", "a role:user b", []),
        ("file:a.py", "file:a.py", []),
        ("error: none", "error: none", []),
        ("  leading", "  leading", []),
    ],
)  # fmt: skip
def test_filters_around_an_exact_text(query: str, text: str, filters: list[Filter]) -> None:
    """`--substring` and `--regex` take the text as it is, filters before and after it apart."""
    assert split_filters(query) == (text, tuple(filters))
