"""What references name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from opensession.core.errors import NotFound, UsageError
from opensession.core.ids import session_key, short
from opensession.core.rpc.sessions import Resolved, ResolveParams
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.prices import PriceBook
from opensession.daemon.store.resolve import resolve, resolve_one
from tests.helpers.index import DAY, NOON, Index, agent, user

CONTEXT = QueryContext(now_us=NOON, prices=PriceBook(lambda models: []), home="/home/me")


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


def ask(index: Index, ref: str, **given: object) -> Resolved:
    return resolve(index.db, ResolveParams(ref=ref, **given), CONTEXT)  # type: ignore[arg-type]


def test_short_id_and_their_beginnings(index: Index) -> None:
    """DECISIONS §2: a REF is a short, a full id, or a unique prefix of at least 4 characters of
    either.
    """
    index.session("0442a060-edc3-4307", [user("x")])
    index.session("0442b111-edc3-4307", [user("x")])
    name = short(session_key("local", "claude-code", "0442a060-edc3-4307"))

    for ref in ("0442a060-edc3-4307", "0442a", name, name[:4], name.upper(), " 0442a060 "):
        assert ask(index, ref).ids == ["0442a060-edc3-4307"]
    assert ask(index, name).shorts == [name]
    assert ask(index, name).tools == ["claude-code"]


def test_ambiguous_beginning_gives_the_candidates(index: Index) -> None:
    """DECISIONS §2: else exit 4 with the candidates."""
    index.session("0442a060", [user("x")], title="One")
    index.session("0442b111", [user("x", NOON + 1)], title="Two")

    with pytest.raises(NotFound, match="0442 could be any of 2 sessions") as raised:
        ask(index, "0442")

    assert raised.value.exit_code == 4
    assert [each.split("  ")[1:] for each in raised.value.candidates] == [
        ["claude-code:0442b111", "Two"],
        ["claude-code:0442a060", "One"],
    ]


def test_exact_id_wins_over_longer_ones(index: Index) -> None:
    """`s1` can be named although `s10` exists; also where it is shorter than a prefix may be."""
    for native_id in ("session-1", "session-10", "7", "77"):
        index.session(native_id, [user("x")])

    assert ask(index, "session-1").ids == ["session-1"]
    assert ask(index, "7").ids == ["7"]


def test_id_of_two_agents_has_to_be_prefixed(index: Index) -> None:
    """DECISIONS §2: two agents, one id: shown and accepted as `<agent>:<id>`."""
    index.session("same-id", [user("x")])
    index.session("same-id", [user("x")], agent="codex")

    with pytest.raises(NotFound, match="any of 2 sessions"):
        ask(index, "same-id")
    assert ask(index, "codex:same-id").tools == ["codex"]
    assert ask(index, "claude_code:same-id").tools == ["claude-code"]
    assert ask(index, "codex:same").tools == ["codex"]
    with pytest.raises(NotFound):
        ask(index, "cursor:same-id")


def test_id_that_reads_like_a_short_is_the_id(index: Index) -> None:
    """An exact id is meant, whatever another session's short is."""
    index.session("first", [user("x")])
    name = short(session_key("local", "claude-code", "first"))
    index.session(name, [user("x")])

    assert ask(index, name).ids == [name]


def test_newest_sessions(index: Index) -> None:
    """DECISIONS §11: `HEAD~N` = the newest N, `HEAD^N` = the one at 0-based N; parents only."""
    for number in range(5):
        index.session(f"s{number}", [user("x", NOON - number * DAY)], cwd="/w")
    index.session("sub", [agent("y", NOON + DAY)], role="auxiliary", parent="s3", cwd="/w")

    assert ask(index, "HEAD").ids == ["s3"]  # its subagent is at work
    assert ask(index, "HEAD~1").ids == ["s3"]
    assert ask(index, "HEAD~3").ids == ["s3", "s0", "s1"]
    assert ask(index, "HEAD^0").ids == ["s3"]
    assert ask(index, "HEAD^4").ids == ["s4"]
    assert ask(index, "HEAD~99").ids == ["s3", "s0", "s1", "s2", "s4"]
    with pytest.raises(NotFound, match="not that many sessions"):
        ask(index, "HEAD^5")
    with pytest.raises(NotFound):
        ask(index, "HEAD~0")


def test_newest_of_the_list_that_log_shows(index: Index, tmp_path: Path) -> None:
    """DECISIONS §11: `HEAD` is resolved in that list of `log`."""
    index.session("here", [user("x", NOON - DAY)], cwd=f"{tmp_path}/deep")
    index.session("there", [user("x", NOON)], cwd="/elsewhere")

    assert ask(index, "HEAD", scope=str(tmp_path)).ids == ["here"]
    assert ask(index, "HEAD", scope=str(tmp_path), all=True).ids == ["there"]
    with pytest.raises(NotFound, match="no session of this repository or folder"):
        ask(index, "HEAD", scope="/nowhere")


def test_one_is_wanted(index: Index) -> None:
    """DECISIONS §11: a command that takes one refuses N > 1."""
    index.session("aaaa", [user("x")])

    with pytest.raises(UsageError, match="names the 2 newest sessions"):
        resolve_one(index.db, "HEAD~2", "", False, CONTEXT)
    assert resolve_one(index.db, "HEAD~1", "", False, CONTEXT).native_id == "aaaa"


def test_event_of_a_session(index: Index) -> None:
    """DECISIONS §11: `#14` is seq, from 1."""
    index.session("aaaa", [user("x"), agent("y")])

    assert ask(index, "aaaa#2").seq == 2
    assert ask(index, "HEAD#1").seq == 1
    assert ask(index, "aaaa").seq is None
    for ref in ("aaaa#0", "aaaa#3", "aaaa#99999999"):
        with pytest.raises(NotFound):
            ask(index, ref)


def test_file_of_a_session(index: Index, tmp_path: Path) -> None:
    """As given, relative to the client's folder, below home, through a link; with an event."""
    file = tmp_path / "a.jsonl"
    file.touch()
    (tmp_path / "link.jsonl").symlink_to(file)
    index.session("aaaa", [user("x")], path=str(file))
    index.session("bbbb", [user("x")], path="/home/me/.codex/b.jsonl")
    index.session("cccc", [user("x")], path=f"{file}#1")

    assert ask(index, str(tmp_path / "link.jsonl")).ids == ["aaaa"]
    assert ask(index, "a.jsonl", scope=str(tmp_path)).ids == ["aaaa"]
    assert ask(index, "~/.codex/b.jsonl").ids == ["bbbb"]
    assert ask(index, "~/.codex/b.jsonl#1").seq == 1
    assert ask(index, f"{file}#1") == Resolved(
        ids=["cccc"], shorts=ask(index, "cccc").shorts, tools=["claude-code"], seq=None
    )
    with pytest.raises(NotFound, match="is not the file of a session"):
        ask(index, "/home/me/.codex/c.jsonl")


def test_file_with_several_sessions_is_its_parent(index: Index) -> None:
    """A file that carries subagents' records names the session that a person began."""
    key = index.session("main", [user("x")], path="/f.jsonl")
    child = index.session("sub", [agent("y")], role="auxiliary", parent="main")
    index.db.execute(
        "UPDATE session SET source = (SELECT source FROM session WHERE id = ?) WHERE id = ?",
        (key, child),
    )

    assert ask(index, "/f.jsonl").ids == ["main"]


def test_file_of_a_copy_that_nothing_took_over_names_it(index: Index) -> None:
    """A transcript of a conversation that no database has is all there is of it."""
    key = index.session("aaaa", [user("x")], path="/transcripts/a.jsonl")
    index.db.execute("UPDATE session SET secondary = 1 WHERE id = ?", (key,))

    assert ask(index, "/transcripts/a.jsonl").ids == ["aaaa"]


def test_moved_copy_of_a_file_names_the_same_session(index: Index) -> None:
    """DECISIONS §2: the same id found twice is one session."""
    key = index.session("aaaa", [user("x")], path="/old/a.jsonl")
    index.session("other", [user("x")], path="/new/a.jsonl")
    index.db.execute(
        "INSERT INTO copy SELECT o.id, ?, 1 FROM source o WHERE o.path = '/new/a.jsonl'", (key,)
    )
    index.db.execute("DELETE FROM session WHERE native_id = 'other'")

    assert ask(index, "/new/a.jsonl").ids == ["aaaa"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ref=st.text(max_size=30) | st.from_regex(r"(HEAD)?[~^:#/]?[0-9a-f]{0,9}([~^#][0-9]{0,9})?"))
@example(ref="")
@example(ref="\0")
@example(ref="\ud800")
@example(ref="a" * 5000)
@example(ref="os://src/local/" + "0" * 64)
def test_anything_else_names_nothing(index: Index, ref: str) -> None:
    """DECISIONS §11: exit 4 is for a REF that names nothing, whatever it looks like."""
    try:
        found = ask(index, ref)
    except NotFound as error:
        assert error.exit_code == 4
    else:
        assert found.ids
