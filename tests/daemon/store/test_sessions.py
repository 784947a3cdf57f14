"""Lists of sessions, and one session."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from opensession.core.errors import NotFound, UsageError
from opensession.core.hail import Usage
from opensession.core.rpc.sessions import (
    LOG_FIELDS,
    SessionGetParams,
    SessionRow,
    SessionsListParams,
    SessionsListResult,
)
from opensession.core.timeparse import format_time
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.prices import PriceBook
from opensession.daemon.store.sessions import get_session, list_sessions
from tests.helpers.index import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    Index,
    agent,
    edit,
    result,
    shell,
    usage,
    user,
)


def context(**given: object) -> QueryContext:
    """A context at noon, without prices."""
    book = PriceBook(lambda models: [None] * len(models))
    return QueryContext(**{"now_us": NOON, "prices": book, "home": "/home/me", **given})  # type: ignore[arg-type]


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index.db")


def ask(index: Index, **given: object) -> SessionsListResult:
    return list_sessions(index.db, SessionsListParams(**given), context())  # type: ignore[arg-type]


def ids(index: Index, **given: object) -> list[str]:
    return [row.id for row in ask(index, **given).sessions]


def test_row_has_everything(index: Index) -> None:
    """Each of the documented fields, from what was stored."""
    index.session(
        "0442a060",
        [
            user("Fix the limiter", NOON - HOUR),
            shell("npm test", NOON - HOUR + SECOND),
            result("failed", NOON - HOUR + 2 * SECOND, failed=True),
            edit("/w/src/a.py", NOON - MINUTE),
            edit("/w/src/read.py", NOON - MINUTE, kind="FileRead"),
        ],
        agent="codex",
        first_prompt="Fix the limiter",
        provider="openai",
        model="gpt-5.5",
        tool_version="1.2",
        cwd="/w",
        git_branch="main",
        git_commit="3f2c1e8",
        git_remote="https://git.example.org/acme/api.git",
        repo="api",
        used=[
            usage("m1", model="gpt-5.5", input=5, output=7, cache_read=11, cache_write=13),
            usage("m2", model="other", output=1, cost_microdollars=42),
        ],
        path="/home/me/.codex/x.jsonl",
    )

    row = ask(index).sessions[0]

    assert row == SessionRow(
        id="0442a060",
        short=row.short,
        tool="codex",
        model="gpt-5.5",
        title="Fix the limiter",
        description="Fix the limiter",
        created_at="2026-01-01T11:00:00.000Z",
        updated_at="2026-01-01T11:59:00.000Z",
        duration_seconds=59 * 60,
        message_count=1,
        user_message_count=1,
        tool_call_count=3,
        event_count=5,
        error_count=1,
        total_input_tokens=5,
        total_output_tokens=8,
        total_cache_read_tokens=11,
        total_cache_write_tokens=13,
        cost_microdollars=42,
        unpriced_models=["gpt-5.5"],
        has_errors=True,
        files_modified=["/w/src/a.py"],
        lines_added=0,
        lines_removed=0,
        working_directory="/w",
        git_repo_name="api",
        git_remote="https://git.example.org/acme/api.git",
        git_branch="main",
        git_commit="3f2c1e8",
        source_path="/home/me/.codex/x.jsonl",
        source_gone=False,
        tags=["codex"],
        role="primary",
        parent=None,
        children=0,
        running=True,
        provider="openai",
        tool_version="1.2",
        native_title="Fix the limiter",
    )
    assert set(LOG_FIELDS) <= set(SessionRow.__struct_fields__)


def test_latest_activity_comes_first(index: Index) -> None:
    """DECISIONS §11: by last activity, not by when it was begun."""
    index.session("begun-first", [user("x", NOON - DAY), agent("y", NOON)])
    index.session("begun-last", [user("x", NOON - HOUR)])

    assert ids(index) == ["begun-first", "begun-last"]


def test_family_is_one_row(index: Index) -> None:
    """DECISIONS §2: lists hold parents; what children did is added once, at query."""
    same = usage("shared", output=100)
    index.session("p", [user("x", NOON - HOUR)], used=[usage("m1", output=1), same])
    index.session(
        "c",
        [agent("y", NOON - MINUTE), result("no", NOON, failed=True), edit("/w/c.py", NOON)],
        role="auxiliary",
        parent="p",
        used=[usage("m2", output=2), same],
    )
    index.session(
        "gc",
        [shell("ls", NOON - 2 * HOUR)],
        role="auxiliary",
        parent="c",
        used=[usage("m3", output=4)],
    )

    result_ = ask(index)
    row = result_.sessions[0]

    assert (result_.total, len(result_.sessions), row.id) == (1, 1, "p")
    assert (row.children, row.event_count, row.message_count, row.tool_call_count) == (2, 5, 2, 2)
    assert (row.error_count, row.has_errors, row.files_modified) == (1, True, ["/w/c.py"])
    assert row.total_output_tokens == 1 + 2 + 4 + 100
    assert (row.created_at, row.updated_at) == (format_time(NOON - 2 * HOUR), format_time(NOON))
    assert row.duration_seconds == 2 * 3600


def test_continued_session_is_no_child(index: Index) -> None:
    """A session of its own that names another one is listed, and adds nothing to that one."""
    index.session("first", [user("x", NOON - DAY)])
    index.session("second", [user("y", NOON), agent("z", NOON)], parent="first")

    rows = ask(index).sessions

    assert [(row.id, row.children, row.message_count) for row in rows] == [
        ("second", 0, 2),
        ("first", 0, 1),
    ]


def test_children_on_request(index: Index) -> None:
    """All of them, or those of one parent; each stands for itself and its own children."""
    index.session("p", [user("x", NOON - HOUR)])
    index.session("c", [agent("y", NOON)], role="auxiliary", parent="p")
    index.session("gc", [agent("y", NOON - MINUTE)], role="auxiliary", parent="c")

    assert ids(index, children=True) == ["c", "gc", "p"]
    assert ids(index, parent="p") == ["c"]
    assert [row.parent for row in ask(index, children=True).sessions] == ["p", "c", None]


def test_session_with_a_working_subagent_is_running(index: Index) -> None:
    """A session is as recent as its family."""
    index.session("p", [user("x", NOON - HOUR)])
    index.session("q", [user("x", NOON - 10 * MINUTE)])
    index.session("c", [agent("y", NOON - SECOND)], role="auxiliary", parent="p")

    rows = ask(index).sessions

    assert [(row.id, row.running) for row in rows] == [("p", True), ("q", False)]


def test_ended_session_is_not_running(index: Index) -> None:
    """The agent said so."""
    index.session("p", [user("x", NOON)], ended=True)

    assert not ask(index).sessions[0].running


def test_filters(index: Index) -> None:
    """Each alone, and together."""
    index.session(
        "one",
        [user("please look at the RATE limiter"), edit("/w/src/a.py")],
        model="claude-opus-4-5",
        title="Other words",
    )
    index.session(
        "two",
        [user("hello"), result("no", failed=True), edit("/w/lib/src/a.py", kind="FileRead")],
        agent="codex",
        model="gpt-5.5",
        first_prompt="Über alles",
    )
    index.session("three", [user("hi")], model="", used=[usage("m", model="gpt-5.5-mini")])
    index.session(
        "sub", [edit("/w/b.py"), result("x", failed=True)], role="auxiliary", parent="three"
    )

    assert ids(index, tool="codex") == ["two"]
    assert sorted(ids(index, tool="claude_code")) == ["one", "three"]
    assert ids(index, model="gpt-5.5") == ["two"]
    assert sorted(ids(index, model="GPT*")) == ["three", "two"]
    assert ids(index, model="gpt%") == []
    assert ids(index, touches="src/a.py") == ["one"]
    assert ids(index, touches="/w/src/a.py") == ["one"]
    assert ids(index, touches="a.py") == ["one"]
    assert ids(index, touches="rc/a.py") == []
    assert ids(index, touches="./b.py") == ["three"]
    assert sorted(ids(index, has_errors=True)) == ["three", "two"]
    assert ids(index, grep="rate LIM") == ["one"]
    assert ids(index, grep="ther wor") == ["one"]
    assert ids(index, grep="über") == ["two"]
    assert ids(index, grep="100%") == []
    assert ids(index, tool="codex", has_errors=True, grep="hell") == ["two"]
    assert ids(index, tool="windsurf") == []


def test_touches_below_home(index: Index) -> None:
    """A shell expands `~` only at the beginning of a word."""
    index.session("one", [edit("/home/me/a.py")])

    assert ids(index, touches="~/a.py") == ["one"]


def test_times_test_the_last_activity(index: Index) -> None:
    """DECISIONS §3: `--since/--before` test last activity, that of subagents as well."""
    index.session("old", [user("x", NOON - 3 * DAY)])
    index.session("new", [user("x", NOON)])
    index.session("bumped", [user("x", NOON - 9 * DAY)])
    index.session("c", [agent("y", NOON - DAY)], role="auxiliary", parent="bumped")

    since = format_time(NOON - 2 * DAY)
    before = format_time(NOON - DAY)

    assert ids(index, since=since) == ["new", "bumped"]
    assert ids(index, before=before) == ["old"]
    assert ids(index, since=format_time(NOON - DAY), before=format_time(NOON)) == ["bumped"]
    assert ask(index, since=since).total == 2
    assert ask(index, before=before).total == 1
    assert ask(index, since=since, before=format_time(NOON)).total == 1
    with pytest.raises(UsageError, match="since is not a time"):
        ask(index, since="soon")


def git(folder: Path, *arguments: str) -> None:
    """Run git without the user's own settings."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, env=environ)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a remote."""
    folder = tmp_path / "api"
    (folder / "deep").mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "remote", "add", "origin", "git@git.example.org:acme/api.git")
    return folder


def test_scope_is_the_repository(index: Index, repository: Path) -> None:
    """DECISIONS §11: `log` shows this repository; it says what it left out."""
    index.session("root", [user("x", NOON)], cwd=str(repository))
    index.session("deep", [user("x", NOON - 1)], cwd=f"{repository}/gone")
    index.session("worktree", [user("x", NOON - 2)], cwd="/tmp/wt", git_root=str(repository))
    index.session(
        "clone",
        [user("x", NOON - 3)],
        cwd="/elsewhere",
        git_remote="https://git.example.org/acme/api",
    )
    index.session("near", [user("x", NOON - 4)], cwd=f"{repository}-2")
    index.session("far", [user("x", NOON - 5)], git_remote="https://git.example.org/acme/api2")

    found = ask(index, scope=str(repository / "deep"))

    assert [row.id for row in found.sessions] == ["root", "deep", "worktree", "clone"]
    assert (found.total, found.hidden, found.scope) == (4, 2, "api")
    everything = ask(index, scope=str(repository), all=True)
    assert (everything.total, everything.hidden, everything.scope) == (6, 0, "")


def test_scope_outside_of_a_repository_is_the_folder(index: Index, tmp_path: Path) -> None:
    """DECISIONS §11: else this folder, with what lies below it."""
    index.session("here", [user("x", NOON)], cwd=str(tmp_path))
    index.session("below", [user("x", NOON - 1)], cwd=f"{tmp_path}/a/b")
    index.session("above", [user("x", NOON - 2)], cwd=str(tmp_path.parent))

    found = ask(index, scope=f"{tmp_path}/")

    assert [row.id for row in found.sessions] == ["here", "below"]
    assert (found.scope, found.hidden) == (str(tmp_path), 1)
    assert ask(index, scope=str(tmp_path), has_errors=True).hidden == 0


def test_project_overrides_the_scope(index: Index, tmp_path: Path) -> None:
    """By folder, by the name of a repository, by a folder's last part; `.` is the scope."""
    index.session("a", [user("x", NOON)], cwd="/home/me/api/src")
    index.session("b", [user("x", NOON - 1)], cwd="/x", repo="API")
    index.session("c", [user("x", NOON - 2)], cwd="/work/api")
    index.session("d", [user("x", NOON - 3)], cwd="/work/api_2")
    scope = str(tmp_path)

    assert ids(index, scope=scope, project="/home/me/api") == ["a"]
    assert ids(index, scope=scope, project="~/api") == ["a"]
    assert ids(index, scope=scope, project="api") == ["b", "c"]
    assert ids(index, scope="/work", project=".") == ["c", "d"]
    assert ids(index, scope="/work", project="./api") == ["c"]
    assert ids(index, project="api%") == []
    assert ask(index, scope=scope, project="api").hidden == 0


def test_pages(index: Index) -> None:
    """Complete, in order, nothing twice; also where times are equal."""
    for number in range(25):
        index.session(f"s{number:02}", [user("x", NOON - number // 3)])

    seen: list[str] = []
    cursor = ""
    while True:
        page = ask(index, limit=4, cursor=cursor)
        assert page.total == 25
        seen += [row.id for row in page.sessions]
        if not page.next:
            break
        cursor = page.next

    assert len(seen) == len(set(seen)) == 25
    assert seen == ids(index, limit=100)


def test_cursor_of_something_else(index: Index) -> None:
    """A mark that was made up is refused, not guessed at."""
    for cursor in ("x", "%%%", "kQE", "é"):
        with pytest.raises(UsageError, match="cursor is not one of this list"):
            ask(index, cursor=cursor)


def test_no_limit_is_no_rows(index: Index) -> None:
    """`-n 0` asks for the total alone."""
    index.session("a", [user("x")])

    assert (ask(index, limit=0).sessions, ask(index, limit=0).total) == ([], 1)


def test_empty_session(index: Index) -> None:
    """A file that holds nothing yet."""
    index.session("a")

    row = ask(index).sessions[0]

    assert (row.event_count, row.duration_seconds, row.cost_microdollars) == (0, 0, None)


def test_detail(index: Index) -> None:
    """A session with its models, its subagents and how its source stands."""
    used = [
        Usage(seq=2, time_us=NOON, message_id="m2", model="b"),
        Usage(seq=1, time_us=NOON, message_id="m1", model="a"),
        Usage(seq=3, time_us=NOON, message_id="m3", model="<synthetic>"),
    ]
    index.session(
        "parent",
        [user("x"), agent("y")],
        used=used,
        state="gone",
        attributes={"originator": "cli"},
        source_columns={"skipped": '{"malformed": 2, "oversized": 1}', "missing_bytes": 77},
    )
    index.session("child", [agent("y")], role="auxiliary", parent="parent", model="c")

    detail = get_session(index.db, SessionGetParams(ref="parent#2"), context())
    child = get_session(index.db, SessionGetParams(ref="child"), context())

    assert detail.session.id == "parent"
    assert detail.session.source_gone
    assert detail.all_models == ["a", "b"]
    assert [row.id for row in detail.subagents] == ["child"]
    assert (detail.skipped_lines, detail.missing_bytes) == (3, 77)
    assert detail.attributes == {"originator": "cli"}
    assert detail.seq == 2
    assert (child.all_models, child.session.parent, child.subagents) == (["c"], "parent", [])
    with pytest.raises(NotFound):
        get_session(index.db, SessionGetParams(ref="nobody"), context())
