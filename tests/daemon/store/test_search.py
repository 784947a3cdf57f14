"""Searching: words, phrases, filters, exact text, expressions; and that nothing stays hidden."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from opensession.core.errors import NotFound, Unreachable, UsageError
from opensession.core.rpc.search import Hit, SearchParams, SearchResult
from opensession.daemon.store import ranking, regex, substring
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.event_text import Deadline
from opensession.daemon.store.narrowing import Narrowing
from opensession.daemon.store.prices import PriceBook
from opensession.daemon.store.search import search
from tests.helpers.index import (
    DAY,
    HOUR,
    NOON,
    Index,
    agent,
    edit,
    event,
    result,
    shell,
    structured,
    user,
)

CONTEXT = QueryContext(
    now_us=NOON, prices=PriceBook(lambda models: []), home="/home/me", zone="UTC"
)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


def ask(index: Index, query: str, **given: object) -> SearchResult:
    return search(index.db, SearchParams(query=query, **given), CONTEXT)  # type: ignore[arg-type]


def places(found: SearchResult) -> list[tuple[str, int]]:
    return [(hit.session_id, hit.seq) for hit in found.hits]


def test_hit_has_everything(index: Index) -> None:
    """Where it is, what it is, what it says, and when."""
    index.session(
        "aaaa",
        [user("hello", NOON - HOUR), agent("the rate limit is here", NOON, event_id="e2")],
        agent="codex",
        title="About limits",
        repo="api",
        git_branch="main",
        cwd="/w/api",
        state="gone",
    )

    found = ask(index, "rate limit")

    assert found.hits == [
        Hit(
            session_id="aaaa",
            short=found.hits[0].short,
            event_id="e2",
            seq=2,
            tool="codex",
            title="About limits",
            project="api@main",
            timestamp="2026-01-01T12:00:00.000Z",
            event_type="AgentMessage",
            role="assistant",
            snippet="the «rate» «limit» is here",
            score=found.hits[0].score,
            source_gone=True,
            source="gone",
        )
    ]
    assert (found.query, found.total, found.truncated) == ("rate limit", 1, False)
    assert (found.matched, found.sessions, found.next) == ("all", 1, "")
    assert found.hits[0].score > 0


def test_words_phrases_prefixes(index: Index) -> None:
    """All words, in any order; phrases as they stand; beginnings; either; without."""
    index.session("one", [user("rate of the limit"), user("the rate limit"), user("limiter")])

    assert places(ask(index, "limit rate")) == [("one", 2), ("one", 1)]
    assert places(ask(index, '"rate limit"')) == [("one", 2)]
    assert places(ask(index, "limit*"))[0] == ("one", 3)
    assert ask(index, "limiter OR of").total == 2
    assert places(ask(index, "rate -of")) == [("one", 2)]
    assert places(ask(index, "NEAR(rate limit, 1)")) == [("one", 2)]
    assert ask(index, "NEAR(rate limit, 2)").total == 2


def test_identifiers_by_their_parts(index: Index) -> None:
    """DESIGN §5: identifiers are found by their parts, however they are written."""
    index.session("one", [agent("see parseJSONFile, user_id and rate-limit.js"), agent("nothing")])

    for query in ("json", "parse", "parseJSONFile", "parseJson", "id", "userId", "user_id",
                  "rate-limit.js", "rateLimit", "limit.js", "parse_json", "file"):  # fmt: skip
        assert places(ask(index, query)) == [("one", 1)], query
        assert ask(index, query).matched == "all", query


def test_title_weighs_more(index: Index) -> None:
    """A match in the title comes first; it is event 0."""
    index.session("text", [user(f"limiter {'limiter ' * 3}")], title="Something")
    index.session("title", [user("hello")], title="The limiter")

    found = ask(index, "limiter")

    assert places(found) == [("title", 0), ("text", 1)]
    assert (found.hits[0].event_type, found.hits[0].role) == ("Title", "title")
    assert (found.hits[0].event_id, found.hits[0].snippet) == ("", "The «limiter»")


def test_recency_breaks_ties(index: Index) -> None:
    """Of equals, the more recent session, then the later event."""
    index.session("old", [user("the same words", NOON - DAY)])
    index.session("new", [user("the same words", NOON), user("the same words", NOON)])
    index.session("older", [user("the same words", NOON - 2 * DAY)])

    assert places(ask(index, "same words")) == [("new", 2), ("new", 1), ("old", 1), ("older", 1)]


def test_any_of_the_words_where_nothing_holds_all(index: Index) -> None:
    """A question in a sentence finds what is nearest to it."""
    index.session("one", [user("the limiter of the api"), user("colours"), user("api keys")])

    found = ask(index, "which limiter guards colours")

    assert found.matched == "any"
    assert sorted(places(found)) == [("one", 1), ("one", 2)]
    assert ask(index, "which limiter guards colours -api").total == 1


def test_inside_of_words_where_no_word_fits(index: Index) -> None:
    """Never nothing while a substring scan would find something."""
    index.session("one", [user("an unbelievable story"), user("another")])

    for query in ("believ", "elieva stor", "BELIEV", "unbelievable sto"):
        found = ask(index, query)
        assert places(found) == [("one", 1)], query
    assert ask(index, "believ").matched == "substring"
    assert ask(index, "believ").hits[0].snippet == "an un«believ»able story"
    assert ask(index, "unbelievable sto").matched == "any"
    assert ask(index, "believ -story").total == 0


def test_punctuation_alone_is_looked_for_as_it_stands(index: Index) -> None:
    """The index holds no punctuation; the texts do."""
    index.session("one", [user("a -> b"), user("c => d")], title="x -> y")

    found = ask(index, "->")

    assert (found.matched, places(found)) == ("substring", [("one", 1), ("one", 0)])
    assert found.hits[0].snippet == "a «->» b"


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("今日は日本語のテストです", ["日本", "日本語", "語", "テスト", "今日は日本語", "本語の"]),
        ("修复登录超时的错误", ["登录", "超时", "错", "登录 超时", "误"]),
        ("로그인 시간 초과 오류를 고쳐 주세요", ["로그인", "초과", "오류", "고"]),
        ("Исправь ошибку ВХОДА", ["ошибку", "входа", "исправь ошибку", "ошиб*", "шибк"]),
        ("mixed 日本語text and café", ["日本語", "text", "語text", "cafe", "CAFÉ", "caf"]),
        ("ไทยภาษา", ["ไทยภาษา", "ภาษา"]),
    ],
)
def test_scripts(index: Index, text: str, queries: list[str]) -> None:
    """Chinese, Japanese, Korean, Russian and mixed text is found by any piece of it, and shown."""
    index.session("one", [user("other words"), user(text), user("別の話 и другое")])

    for query in queries:
        found = ask(index, query)
        assert ("one", 2) in places(found), query
        assert "«" in found.hits[0].snippet, query
        assert places(ask(index, query, substring=True)) == (
            [("one", 2)] if query.casefold() in text.casefold() else []
        ), query


def test_where_texts_are_looked_for(index: Index) -> None:
    """Commands, paths, JSON, diffs and the text of results are searched as messages are."""
    index.session(
        "one",
        [
            shell("npm run banana"),
            edit("/w/cherry/file.py"),
            structured({"apple": ["pear", 7]}),
            result("a plum", result_diff="@@ -1 +1 @@\n-grape\n+melon\n"),
            event("WebSearch", data={"query": "quince"}),
        ],
    )

    for seq, word in ((1, "banana"), (2, "cherry"), (3, "apple"), (3, "pear"), (4, "plum"),
                      (4, "melon"), (5, "quince")):  # fmt: skip
        assert places(ask(index, word)) == [("one", seq)], word


def filtered(index: Index) -> None:
    """Two sessions that differ in everything filters look at."""
    index.session(
        "first-session",
        [
            user("word", NOON - 3 * DAY),
            agent("word", NOON - 3 * DAY + 1),
            event("Thinking", "word", NOON - 3 * DAY + 2),
            shell("word", NOON - 3 * DAY + 3),
            result("word", NOON - 3 * DAY + 4),
            event("SystemMessage", "word", NOON - 3 * DAY + 5),
            event("Custom", "word", NOON - 3 * DAY + 6, data={"kind": "interrupted"}),
            event("NewType", "word", NOON - 3 * DAY + 7),
            edit("/w/api/src/a.py", NOON - 3 * DAY + 8),
        ],
        cwd="/w/api",
        git_branch="main",
        repo="api",
    )
    index.session(
        "second-session",
        [user("word", NOON), edit("/w/web/src/b.py", NOON, kind="FileRead")],
        agent="codex",
        cwd="/w/web",
        git_branch="dev",
        title="word",
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("word agent:codex", ["s0", "s1"]),
        ("word agent:claude_code role:user", ["f1"]),
        ("word -agent:codex role:user", ["f1"]),
        ("word role:user", ["f1", "s1"]),
        ("word role:assistant", ["f2"]),
        ("word role:thinking", ["f3"]),
        ("word role:tool", ["f4", "f5"]),
        ("word role:system", ["f6", "f7", "f8"]),
        ("word role:user role:assistant", ["f1", "f2", "s1"]),
        ("word role:user,thinking", ["f1", "f3", "s1"]),
        ("word -role:tool -role:system agent:claude-code", ["f1", "f2", "f3"]),
        ("word project:api role:user", ["f1"]),
        ("word project:/w role:user", ["f1", "s1"]),
        ("word project:web", ["s0", "s1"]),
        ("word project:.", ["s0", "s1"]),
        ("word branch:dev", ["s0", "s1"]),
        ("word -branch:dev role:user", ["f1"]),
        ("word file:src/b.py", ["s0", "s1"]),
        ("word file:a.py role:user", ["f1"]),
        ("word -file:a.py", ["s0", "s1"]),
        ("word session:second", ["s0", "s1"]),
        ("word since:2d", ["s1"]),
        ("word since:2025-12-29 before:2025-12-30 role:user", ["f1"]),
        ("word before:2d role:user", ["f1"]),
        ("word -since:2d role:user", ["f1"]),
        ("word since:yesterday", ["s1"]),
        ("file:b.py", ["s2"]),
        ("file:/w/api/src/a.py", ["f9"]),
        ("file:a.py file:b.py", ["f9", "s2"]),
        ("agent:codex", ["s1", "s2"]),
        ("role:user -word", []),
        ("agent:codex -word", ["s2"]),
        ("role:user since:2d", ["s1"]),
        ("word agent:nobody", []),
    ],
)
def test_filters(index: Index, query: str, expected: list[str]) -> None:
    """DESIGN §5, DECISIONS §11: agent, project, branch, file, role, since, before, session."""
    filtered(index)

    found = ask(index, query, scope="/w/web")

    assert sorted(f"{hit.session_id[0]}{hit.seq}" for hit in found.hits) == expected
    assert found.total == len(expected)


def test_filters_alone_list_the_newest_first(index: Index) -> None:
    """And page as everything does."""
    filtered(index)

    found = ask(index, "role:user")
    first = ask(index, "agent:claude-code", limit=4)
    rest = ask(index, "agent:claude-code", limit=100, cursor=first.next)

    assert places(found) == [("second-session", 1), ("first-session", 1)]
    assert [hit.seq for hit in first.hits + rest.hits] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert first.total == 9


def test_filter_without_meaning_is_words(index: Index) -> None:
    """`role:nobody` may stand in a text."""
    index.session("one", [user("the role: nobody"), user("since soon")])

    assert places(ask(index, "role:nobody")) == [("one", 1)]
    assert places(ask(index, "since:soon")) == [("one", 2)]
    assert ask(index, "role:user since:soon -star:perhaps x").as_words == [
        "since:soon",
        "-star:perhaps",
    ]
    assert ask(index, "role:nobody x", substring=True).as_words == ["role:nobody"]


def test_one_session_by_parameter(index: Index) -> None:
    """A REF, as anywhere."""
    index.session("aaaa", [user("word")])
    index.session("bbbb", [user("word")])

    assert places(ask(index, "word", session="bbbb")) == [("bbbb", 1)]
    with pytest.raises(NotFound):
        ask(index, "word", session="cccc")


def test_nothing_asked_is_nothing_found(index: Index) -> None:
    """Not everything."""
    index.session("aaaa", [user("word")], title="t")

    for query in ("", "   ", '""', "***"):
        assert ask(index, query).hits == []
        assert ask(index, query, substring=True).total == (
            0 if query.strip("* ") in ("", '""') else 1
        )


@pytest.mark.parametrize("together", [1, 3, 7, 1000])
def test_pages_of_ranked_hits(index: Index, monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    """Complete, without repeats, also where there is too much to be ranked at once."""
    monkeypatch.setattr(ranking, "TOGETHER", together)
    index.session("other", [user("something else")] * 100)
    for session in range(6):
        index.session(
            f"s{session}",
            [user(f"word {'filler ' * number}", NOON - session * DAY) for number in range(5)],
        )

    seen: list[tuple[str, int]] = []
    cursor = ""
    while True:
        page = ask(index, "word", limit=4, cursor=cursor)
        assert (page.total, page.sessions, page.truncated) == (30, 6, False)
        seen += places(page)
        if not page.next:
            break
        cursor = page.next

    assert len(seen) == len(set(seen)) == 30
    if together == 1000:
        assert [seq for _, seq in seen[:6]] == [1] * 6
    else:
        assert seen[0] == ("s0", 1)


def test_more_matches_than_are_counted(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """`total` says at least so many; every one of them can be paged to."""
    monkeypatch.setattr(ranking, "MAX_COUNTED", 10)
    monkeypatch.setattr(ranking, "TOGETHER", 5)
    for session in range(5):
        index.session(f"s{session}", [user("word")] * 5)

    page = ask(index, "word", limit=10)
    rest = ask(index, "word", limit=100, cursor=page.next)

    assert (page.total, page.truncated, page.sessions <= 5) == (10, True, True)
    assert len(set(places(page) + places(rest))) == 25


def test_exact_text(index: Index) -> None:
    """`--substring`: as it stands, whatever its case, newest session first; titles as well."""
    index.session("old", [user("if (err != nil) {", NOON - DAY)])
    index.session("new", [agent("IF (ERR"), agent("if(err")], title="if (error")

    found = ask(index, "if (err", substring=True)

    assert places(found) == [("new", 1), ("new", 0), ("old", 1)]
    assert (found.matched, found.total, found.sessions) == ("substring", 3, 2)
    assert found.hits[2].snippet == "«if (err» != nil) {"
    assert places(ask(index, "if (err agent:claude-code role:user", substring=True)) == [("old", 1)]
    first = ask(index, "if (err", substring=True, limit=2)
    rest = ask(index, "if (err", substring=True, limit=2, cursor=first.next)
    assert places(first) + places(rest) == places(found)


def test_exact_text_out_of_time(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found until then is given, and that it is not all."""
    index.session("one", [user(f"a -> {number}") for number in range(20)])
    monkeypatch.setattr(Deadline, "passed", lambda self: True)

    found = ask(index, "->", substring=True)

    assert found.truncated
    assert 0 < found.total < 20


def test_expressions(index: Index) -> None:
    """`--regex`: RE2 over all texts, newest session first, line by line, with filters."""
    index.session("old", [user("rate: 12 per s\nlimit: 3", NOON - DAY)])
    index.session("new", [agent("rate 9"), user("no rates"), agent("日本 rate: 7 語")])

    found = ask(index, r"rate:? \d+", regex=True)

    assert places(found) == [("new", 3), ("new", 1), ("old", 1)]
    assert (found.matched, found.total, found.sessions, found.truncated) == ("regex", 3, 2, False)
    assert found.hits[0].snippet == "日本 «rate: 7» 語"
    assert places(ask(index, r"^limit", regex=True)) == [("old", 1)]
    assert places(ask(index, r"(?i)RATE\b role:user", regex=True)) == [("old", 1)]
    first = ask(index, r"rate:? \d+", regex=True, limit=2)
    rest = ask(index, r"rate:? \d+", regex=True, limit=2, cursor=first.next)
    assert places(first) + places(rest) == places(found)
    assert rest.hits[0].snippet == "«rate: 12» per s limit: 3"


def test_bad_expression_is_said(index: Index) -> None:
    """Exit 2, with what is wrong."""
    for pattern in ("(", "a)(b", r"(?=x)", "a{9999}"):
        with pytest.raises(UsageError, match="not a regular expression"):
            ask(index, pattern, regex=True)


def test_expression_stops_at_its_limits(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """DECISIONS §8: a user's regex runs in google-re2 in a worker with a limit."""
    index.session("one", [user(f"match {number}") for number in range(30)])
    monkeypatch.setattr(regex, "MAX_MATCHES", 10)

    many = ask(index, "match", regex=True, limit=5)
    late = regex.find(index.db, "match", Narrowing(), 5, seconds=0.0)

    assert (many.total, many.truncated, len(many.hits)) == (10, True, 5)
    assert not late.complete


def test_long_searches_do_not_take_all_readers(index: Index) -> None:
    """When some are running, the next one waits, and then says so."""
    index.session("one", [user("word")])

    class Busy:
        def acquire(self, timeout: float) -> bool:
            return False

    busy = QueryContext(now_us=NOON, prices=CONTEXT.prices, slow=Busy())  # type: ignore[arg-type]

    for long in (SearchParams(query="word", regex=True), SearchParams(query="w", substring=True)):
        with pytest.raises(Unreachable, match="other searches"):
            search(index.db, long, busy)
    assert search(index.db, SearchParams(query="word"), busy).total == 1


words = st.text(st.characters(categories=("L", "N"), max_codepoint=0xD7FF), min_size=1, max_size=12)
noise = st.text(max_size=30)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=noise, word=words, after=noise, start=st.integers(0, 11), length=st.integers(1, 12))
@example(before="", word="Ab1cD", after="", start=1, length=3)
@example(before="日", word="本ab", after="語", start=0, length=1)
@example(before="ſ", word="straße", after="", start=3, length=3)
@example(before="", word="\u1f71\u03ac", after="", start=0, length=1)
@example(before="", word="a\u1fbb", after="", start=0, length=2)
def test_planted_word_is_found(
    index: Index, before: str, word: str, after: str, start: int, length: int
) -> None:
    """By itself, by its beginning, by any part of it: whatever it is made of and stands in."""
    index.db.execute(
        "DELETE FROM event; DELETE FROM search; DELETE FROM session; DELETE FROM source"
    )
    text = f"{before} {word} {after}"
    index.session("one", [user("something else"), user(text)])
    part = word[start % len(word) :][:length]
    assume(part.strip())

    assert ("one", 2) in places(ask(index, f'"{word}"'))
    assert ("one", 2) in places(ask(index, f"{word[:1]}*"))
    assert ("one", 2) in places(ask(index, f'"{part}"', limit=100))
    assert ("one", 2) in places(ask(index, part, substring=True))
    assert ("one", 2) in places(ask(index, re.escape(part), substring=True)) or "\\" in re.escape(
        part
    )


@settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    text=st.text(alphabet="ab _.-A1é日本語\n", max_size=25),
    start=st.integers(0, 24),
    length=st.integers(1, 8),
)
def test_any_piece_is_found_as_exact_text(index: Index, text: str, start: int, length: int) -> None:
    """The index proposes, the text decides: nothing is missed, and nothing else is found."""
    index.db.execute(
        "DELETE FROM event; DELETE FROM search; DELETE FROM session; DELETE FROM source"
    )
    piece = text[start : start + length]
    assume(piece)
    index.session("one", [user(text), user("ab"), user("日本"), user("A1.b é")])
    narrowing = Narrowing()

    found = substring.find(index.db, piece, narrowing)

    texts = [text, "ab", "日本", "A1.b é"]
    expected = {seq for seq, each in enumerate(texts, 1) if piece.lower() in each.lower()}
    assert {key & 0xFFFFFF for key in found.keys} == expected
    assert found.complete


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=noise | st.text(alphabet='ab()"-*: NEARORNOT,role:user+日本\0\ud800'))
def test_no_query_is_an_error(index: Index, query: str) -> None:
    """Whatever a person types or pastes, in words and as exact text."""
    if not index.db.execute("SELECT count(*) FROM session").get:
        index.session("one", [user("ab 日本 role user"), agent("NOT OR")])

    ask(index, query)
    ask(index, query, substring=True)
