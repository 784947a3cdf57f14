"""search.query: the ways of finding, one after the other, and the page of hits.

Words are looked for as the query says; where nothing holds all of them, any of them; where nothing
holds one, the text as it stands, inside of words as well. So an answer is empty only if a reader
would find nothing either.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import apsw
import msgspec

from opensession.core.errors import Unreachable
from opensession.core.rpc.search import Hit, SearchParams, SearchResult
from opensession.daemon.store import listing, ranking, regex, substring
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.cursors import mark, place
from opensession.daemon.store.hits import hits
from opensession.daemon.store.names import named_hits
from opensession.daemon.store.narrowing import SEQ_BITS, Narrowing, narrowing, unfit
from opensession.daemon.store.search_match import (
    any_expression,
    excluded_expression,
    match_expression,
    tokenizer,
)
from opensession.daemon.store.search_query import (
    Filter,
    Query,
    parse,
    split_filters,
    without_filter,
)
from opensession.daemon.store.snippet import Finder, substring_finder, word_finder

MAX_LIMIT = 200
_PATIENCE_SECONDS = 1.0

Matched: TypeAlias = Literal["all", "any", "substring", "regex"]


class Offset(msgspec.Struct, frozen=True, array_like=True):
    """How many hits came before."""

    hits: int


class _Page(NamedTuple):
    """Keys of events with their scores, and how many there are in all."""

    matched: Matched
    keys: Sequence[tuple[int, float]]
    total: int
    sessions: int
    truncated: bool
    finder: Finder


def search(db: apsw.Connection, params: SearchParams, ctx: QueryContext) -> SearchResult:
    """The hits of a query. No query is an error but a regular expression that is none.

    Raises UsageError for that and for a bad cursor, NotFound for a `session` that names nothing.
    """
    begin = time.perf_counter()
    limit = max(0, min(params.limit, MAX_LIMIT))
    offset = (place(params.cursor, Offset) or Offset(0)).hits
    if params.regex:
        result = _by_regex(db, params, ctx, offset, limit)
    elif params.substring:
        result = _by_substring(db, params, ctx, offset, limit)
    else:
        result = _by_words(db, params, ctx, offset, limit)
    page, found = result
    found = named_hits(found, ctx.names)
    more = bool(found) and (page.truncated or page.total > offset + len(found))
    return SearchResult(
        query=params.query,
        total=page.total,
        truncated=page.truncated,
        hits=found,
        matched=page.matched,
        sessions=page.sessions,
        elapsed_ms=round((time.perf_counter() - begin) * 1000, 3),
        indexing=ctx.indexing,
        next=mark(Offset(offset + len(found))) if more else "",
        as_words=_as_words(params, ctx),
    )


def _as_words(params: SearchParams, ctx: QueryContext) -> list[str]:
    exact = params.regex or params.substring
    filters = split_filters(params.query)[1] if exact else parse(params.query).filters
    return [str(each) for each in filters if unfit([each], ctx) is not None]


def _by_words(
    db: apsw.Connection, params: SearchParams, ctx: QueryContext, offset: int, limit: int
) -> tuple[_Page, list[Hit]]:
    query = parse(params.query)
    while (meaningless := unfit(query.filters, ctx)) is not None:
        query = without_filter(query, meaningless)
    words = query.words()
    narrowed = narrowing(db, params, query.filters, ctx, words=bool(words))
    page = _words_page(db, query, narrowed, offset, limit)
    return page, hits(db, page.keys, page.finder)


def _words_page(
    db: apsw.Connection, query: Query, narrowed: Narrowing, offset: int, limit: int
) -> _Page:
    tokenize = tokenizer(db)
    words = query.words()
    finder = word_finder(words, tokenize)
    if not words:
        without = excluded_expression(query.node, tokenize) if query.node else ""
        listed = listing.newest(db, narrowed, without, offset, limit)
        wanted = bool(query.filters) or bool(query.node)
        if not wanted:
            listed = listing.NOTHING
        return _Page("all", listed.keys, listed.total, listed.sessions, listed.truncated, finder)
    assert query.node is not None  # noqa: S101  it holds the words
    expressions: dict[str, Matched] = {match_expression(query.node, tokenize): "all"}
    expressions.setdefault(any_expression(query.node, words, tokenize), "any")
    for expression, matched in expressions.items():
        if not expression:
            continue
        ranked = ranking.ranked(db, expression, narrowed, offset, limit)
        if ranked.total:
            return _Page(
                matched, ranked.keys, ranked.total, ranked.sessions, ranked.truncated, finder
            )
    without = excluded_expression(query.node, tokenize)
    # The words as one text, which is what the person has before the eyes; then one by one.
    needles = dict.fromkeys([" ".join(word.text for word in words), *(w.text for w in words)])
    end = time.monotonic() + substring.SECONDS
    complete = True
    for needle in needles:
        found = substring.find(
            db, needle, narrowed, without=without, seconds=end - time.monotonic()
        )
        if found.keys:
            return _substring_page(needle, found, offset, limit)
        complete = complete and found.complete
    return _Page("all", [], 0, 0, not complete, finder)


def _by_substring(
    db: apsw.Connection, params: SearchParams, ctx: QueryContext, offset: int, limit: int
) -> tuple[_Page, list[Hit]]:
    needle, narrowed = _exact(db, params, ctx)
    page = _substring_page(needle, _one_at_a_time(db, needle, narrowed, ctx), offset, limit)
    return page, hits(db, page.keys, page.finder)


def _one_at_a_time(
    db: apsw.Connection, needle: str, narrowed: Narrowing, ctx: QueryContext
) -> substring.Matches:
    if not ctx.slow.acquire(timeout=_PATIENCE_SECONDS):
        raise _busy()
    try:
        return substring.find(db, needle, narrowed)
    finally:
        ctx.slow.release()


def _substring_page(needle: str, found: substring.Matches, offset: int, limit: int) -> _Page:
    return _Page(
        "substring",
        [(key, 1.0) for key in found.keys[offset : offset + limit]],
        len(found.keys),
        len({key >> SEQ_BITS for key in found.keys}),
        not found.complete,
        substring_finder(needle),
    )


def _by_regex(
    db: apsw.Connection, params: SearchParams, ctx: QueryContext, offset: int, limit: int
) -> tuple[_Page, list[Hit]]:
    pattern, narrowed = _exact(db, params, ctx)
    if not ctx.slow.acquire(timeout=_PATIENCE_SECONDS):
        raise _busy()
    try:
        found = regex.find(db, pattern, narrowed, offset + limit)
    finally:
        ctx.slow.release()
    shown = found.matches[offset : offset + limit]
    snippets = {match.key: match.snippet for match in shown}
    page = _Page(
        "regex",
        [(match.key, 1.0) for match in shown],
        found.total,
        found.sessions,
        not found.complete,
        lambda text: (),
    )
    return page, hits(db, page.keys, page.finder, snippets)


def _exact(db: apsw.Connection, params: SearchParams, ctx: QueryContext) -> tuple[str, Narrowing]:
    """The text or pattern to look for, and what the filters around it leave."""
    text, filters = split_filters(params.query)
    fitting: list[Filter] = []
    for each in filters:
        if unfit([each], ctx) is None:
            fitting.append(each)
        else:
            text = f"{text} {each}"
    return text, narrowing(db, params, fitting, ctx, words=True)


def _busy() -> Unreachable:
    return Unreachable(
        "other searches through all texts are running", "try again when they are done"
    )
