"""What people call their sessions, in lists, in searches and as references."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from opensession.core.errors import NotFound, UsageError
from opensession.core.ids import session_key, short
from opensession.core.rpc.search import SearchParams
from opensession.core.rpc.sessions import ResolveParams, SessionRow, SessionsListParams
from opensession.daemon.name_forms import good_alias, good_note, good_tag
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.names import Names, SessionNames, folded
from opensession.daemon.store.prices import PriceBook
from opensession.daemon.store.resolve import resolve
from opensession.daemon.store.search import search
from opensession.daemon.store.sessions import list_sessions
from tests.helpers.index import DAY, NOON, Index, user


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Three sessions about a limiter; the second has a subagent."""
    made = Index(tmp_path / "index.db")
    for number in range(3):
        said = [user("about the limiter", NOON - number * DAY)]
        made.session(f"session-{number}", said, first_prompt=f"Limit {number}", cwd="/w")
    made.session(
        "child-1", [user("the limiter again", NOON - DAY)], role="auxiliary", parent="session-1"
    )
    return made


def called(**names: SessionNames) -> QueryContext:
    """A context in which `session_1` stands for the session `session-1`."""
    sessions = {("claude-code", name.replace("_", "-")): each for name, each in names.items()}
    aliases = {folded(each.alias): key for key, each in sessions.items() if each.alias}
    book = PriceBook(lambda models: [None] * len(models))
    return QueryContext(now_us=NOON, prices=book, names=Names(sessions, aliases))


def rows(index: Index, ctx: QueryContext, **given: object) -> list[SessionRow]:
    return list_sessions(index.db, SessionsListParams(**given), ctx).sessions  # type: ignore[arg-type]


def listed(index: Index, ctx: QueryContext, **given: object) -> list[str]:
    return [row.id for row in rows(index, ctx, **given)]


def found(index: Index, ctx: QueryContext, query: str) -> set[str]:
    return {hit.session_id for hit in search(index.db, SearchParams(query=query), ctx).hits}


def named(index: Index, ctx: QueryContext, ref: str) -> tuple[str, int | None]:
    answer = resolve(index.db, ResolveParams(ref=ref), ctx)
    return answer.ids[0], answer.seq


def test_the_alias_is_the_title_and_the_native_one_stays(index: Index) -> None:
    """DECISIONS §2: own alias, else the agent's own title, else the first prompt."""
    ctx = called(session_0=SessionNames(alias="Bug", note="slow", starred_us=1, tags=("wip",)))

    first, second, _ = rows(index, ctx)

    assert (first.title, first.native_title, first.alias) == ("Bug", "Limit 0", "Bug")
    assert (first.note, first.starred, first.tags) == ("slow", True, ["claude-code", "wip"])
    assert (second.title, second.native_title, second.alias) == ("Limit 1", "Limit 1", "")
    assert (second.note, second.starred, second.tags) == ("", False, ["claude-code"])


def test_a_list_is_narrowed_by_tags_and_stars(index: Index) -> None:
    """Of several tags one is enough; a subagent's lists its parent; its agent is a tag, too."""
    ctx = called(
        session_0=SessionNames(tags=("auth", "wip")),
        child_1=SessionNames(tags=("deep",), starred_us=1),
        session_2=SessionNames(tags=("done",)),
    )

    assert listed(index, ctx, tags=["wip"]) == ["session-0"]
    assert listed(index, ctx, tags=["#WIP"]) == ["session-0"]
    assert listed(index, ctx, tags=["wip", "done"]) == ["session-0", "session-2"]
    assert listed(index, ctx, tags=["deep"]) == ["session-1"]
    assert listed(index, ctx, tags=["deep"], children=True) == ["child-1"]
    assert listed(index, ctx, starred=True) == ["session-1"]
    assert listed(index, ctx, tags=["wip"], starred=True) == []
    assert listed(index, ctx, tags=["nothing"]) == []
    assert len(listed(index, ctx, tags=["claude-code"])) == 3


def test_a_search_is_narrowed_by_tags_and_stars(index: Index) -> None:
    """What holds of a session holds of what its subagents said."""
    ctx = called(
        session_0=SessionNames(tags=("auth",)),
        session_1=SessionNames(tags=("wip",), starred_us=1),
    )

    assert found(index, ctx, "limiter tag:wip") == {"session-1", "child-1"}
    assert found(index, ctx, "limiter tag:wip tag:AUTH") == {"session-0", "session-1", "child-1"}
    assert found(index, ctx, "limiter -tag:wip") == {"session-0", "session-2"}
    assert found(index, ctx, "star:yes") == {"session-1", "child-1"}
    assert found(index, ctx, "limiter star:no") == {"session-0", "session-2"}
    assert found(index, ctx, "limiter -star:yes") == {"session-0", "session-2"}
    assert found(index, ctx, "limiter tag:claude-code") >= {"session-0", "session-2"}
    assert found(index, ctx, "limiter tag:nothing") == set()
    # What is no answer to the question whether there is a star is looked for as a word.
    assert found(index, ctx, "star:wars") == set()


def test_hits_bear_the_names(index: Index) -> None:
    ctx = called(session_2=SessionNames(alias="Old one", tags=("done",), starred_us=5))

    hit = search(index.db, SearchParams(query='limiter session:"old ONE"'), ctx).hits[0]

    assert (hit.title, hit.alias, hit.tags, hit.starred) == ("Old one", "Old one", ["done"], True)


def test_an_alias_is_a_reference(index: Index) -> None:
    """Whatever its case; `#1` behind it names an event."""
    ctx = called(session_1=SessionNames(alias="The login bug"), session_2=SessionNames(alias="x"))

    assert named(index, ctx, "the LOGIN bug") == ("session-1", None)
    assert named(index, ctx, " The login  bug#1 ") == ("session-1", 1)
    assert named(index, ctx, "X") == ("session-2", None)
    assert named(index, ctx, "x#1") == ("session-2", 1)
    with pytest.raises(NotFound, match="has no event #7"):
        named(index, ctx, "x#7")
    with pytest.raises(NotFound):
        named(index, ctx, "the login")


def test_an_alias_wins_over_the_beginning_of_an_id_and_not_over_an_id(index: Index) -> None:
    own = short(session_key("local", "claude-code", "session-0"))
    ctx = called(session_1=SessionNames(alias="sess"), session_2=SessionNames(alias=own[:4]))

    assert named(index, ctx, "sess")[0] == "session-1"
    assert named(index, ctx, own[:4])[0] == "session-2"
    ctx = called(session_1=SessionNames(alias="session-0"), session_2=SessionNames(alias=own))
    assert named(index, ctx, "session-0")[0] == "session-0"
    assert named(index, ctx, own)[0] == "session-0"


def test_an_alias_of_a_session_that_is_not_indexed_says_so(index: Index) -> None:
    with pytest.raises(NotFound, match="which is not in the index"):
        named(index, called(session_9=SessionNames(alias="away")), "away")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=90))
@example("the login bug")
@example("ab")
@example("7f3a9c1e")
@example("head")
@example("a#b")
@example("x ")
@example("日本")
def test_every_alias_that_is_taken_names_its_session(index: Index, text: str) -> None:
    """An alias that a reference could not be would be a name that does not work."""
    try:
        alias = good_alias(text, lambda given: given)
    except UsageError:
        assume(False)

    ctx = called(session_1=SessionNames(alias=alias))

    assert named(index, ctx, alias) == ("session-1", None)
    assert named(index, ctx, f"{alias}#1") == ("session-1", 1)


@pytest.mark.parametrize(
    "text", ["", " ", "-x", "a/b", "~x", "a.jsonl", "x#3", "HEAD", "HEAD~2", "head^", "codex:abcd"]
)
def test_what_means_something_else_is_no_alias(text: str) -> None:
    with pytest.raises(UsageError):
        good_alias(text, lambda given: given)


def test_nothing_private_is_kept_in_names() -> None:
    """A name is refused without being said, a note is kept without it."""

    def strip(text: str) -> str:
        return text.replace("geheim", "[redacted:own]")

    for take in (good_alias, good_tag):
        with pytest.raises(UsageError) as raised:
            take("geheim", strip)
        assert "geheim" not in f"{raised.value} {raised.value.hint}"
    assert good_note(" it is geheim\x1b[2J ", strip) == "it is [redacted:own]"
    assert good_tag("#In/Work", strip) == "in/work"
    for text in ("", "two words", "a:b", "x" * 41):
        with pytest.raises(UsageError):
            good_tag(text, strip)
    with pytest.raises(UsageError):
        good_note("x" * 4097, strip)
