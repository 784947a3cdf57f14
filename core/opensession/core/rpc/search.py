"""search.query: words, phrases, filters, substrings, regular expressions."""

from __future__ import annotations

from typing import Literal

import msgspec

from opensession.core.rpc.envelope import Params


class SearchParams(Params, frozen=True):
    """`query`: words (all of them), `"a phrase"`, `prefix*`, `NEAR(a b)`, `OR`, `NOT`, and filters
    `agent: project: branch: file: role: since: before: session: tag: star:`. `scope` is what
    `project:.` means.
    `substring` finds the exact text, `regex` an RE2 expression. `session` narrows to one.
    """

    query: str
    limit: int = 20
    scope: str = ""
    substring: bool = False
    regex: bool = False
    session: str = ""
    cursor: str = ""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One event that matches. In `snippet` matches stand between « and ». Higher `score` is better.
    `seq` 0 is a match in the title. `project` is `repository@branch` or the folder's name.
    `source` as in `sessions.list`, without `moved`.
    """

    session_id: str
    short: str
    event_id: str
    seq: int
    tool: str
    title: str
    project: str
    timestamp: str
    event_type: str
    role: str
    snippet: str
    score: float
    source_gone: bool = False
    alias: str = ""
    tags: list[str] = []
    starred: bool = False
    source: str = ""


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """`total` counts all matches (at least that many when `truncated`). `matched` says how they
    were found: `all` words, `any` of them (none held all), or as a `substring` or `regex`.
    `indexing` is the fraction of known bytes that is searchable, below 1 while a backlog is read.
    `as_words` are filters whose value means nothing (`role:nobody`): they were looked for as words.
    """

    query: str
    total: int
    truncated: bool
    hits: list[Hit]
    matched: Literal["all", "any", "substring", "regex"]
    sessions: int
    elapsed_ms: float
    indexing: float = 1.0
    next: str = ""
    as_words: list[str] = []
