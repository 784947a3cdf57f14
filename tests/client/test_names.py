"""`alias`, `tag`, `note`, `star`, as a person runs them; and the session's names on all screens."""

from __future__ import annotations

from opensession.client.output import Screen
from opensession.client.render import hits, names, sessions, transcript
from opensession.core.rpc.search import Hit, SearchResult
from opensession.core.rpc.sessions import SessionDetail
from tests.client.program import Cli
from tests.client.test_render import row
from tests.helpers.transcripts import claude

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
EVIL = "\x1b]0;x\x07\x1b[31mred\u202e\n"
SCREEN = Screen(width=120, line_width=120)


def test_what_a_person_calls_sessions(cli: Cli) -> None:
    """Given, shown, found by, completed, and taken away."""
    folder = cli.stage.home / ".claude/projects/p"
    folder.mkdir(parents=True)
    for name in (ONE, TWO):
        (folder / f"{name}.jsonl").write_bytes(claude(name, "hello", "the limiter"))
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")
    assert "no session has an alias yet" in cli.run("alias").stderr

    cli.fails(2, "alias", ONE, "")
    cli.ok("alias", ONE, "The limiter")
    cli.ok("tag", "the limiter", "#WIP", "auth")
    cli.ok("tag", TWO, "auth")
    cli.ok("note", ONE, "works,", "but slow")
    assert "works, but slow" in cli.ok("star", ONE)

    assert "nothing was changed" in cli.run("star", ONE).stderr
    assert cli.ok("tag").split("\n")[:2] == ["auth  2 sessions", "wip   1 session"]
    assert cli.json("tag", "--json") == [
        {"tag": "auth", "sessions": 2},
        {"tag": "wip", "sessions": 1},
    ]
    for what in ("alias", "note", "star"):
        assert [each["id"] for each in cli.json(what, "--json")] == [ONE]
    fields = "id,title,alias,note,starred,tags"
    assert cli.json("log", "--all", "--tag", "wip", "--json", fields) == [
        {
            "id": ONE,
            "title": "The limiter",
            "alias": "The limiter",
            "note": "works, but slow",
            "starred": True,
            "tags": ["claude-code", "auth", "wip"],
        }
    ]
    assert [row["id"] for row in cli.json("log", "--all", "--starred", "--json")] == [ONE]
    assert len(cli.json("log", "--all", "--tag", "auth", "--tag", "wip", "--json")) == 2
    shown = cli.ok("show", "the limiter")
    assert "★  #auth #wip" in shown
    assert "note: works, but slow" in shown
    found = cli.json("search", "limiter tag:wip star:yes", "--json")["hits"]
    assert {hit["session_id"] for hit in found} == {ONE}
    assert "The limiter" not in cli.ok("complete", "refs")  # not one word
    cli.ok("alias", ONE, "lim")
    assert "lim\tclaude-code" in cli.ok("complete", "refs")
    assert cli.ok("complete", "tags").splitlines() == ["auth\t2 sessions", "wip\t1 session"]

    assert "note:" not in cli.ok("show", TWO)
    assert cli.run("log", "--all", "--tag", "nothing").stderr == "no sessions fit that\n"

    cli.fails(2, "note", ONE, "")
    assert len(cli.json("note", "--json")) == 1
    cli.fails(2, "log", "--follow", "--tag", "wip")
    cli.fails(2, "alias", TWO, "LIM")
    cli.fails(2, "alias", TWO, "a/b")
    cli.fails(2, "alias", TWO, "x", "--remove")
    cli.fails(4, "star", "nobody at all")

    cli.ok("untag", "lim", "wip")
    assert cli.json("tag", "lim", "--json")["sessions"][0]["tags"] == ["auth"]
    cli.ok("tag", "lim", "--remove")
    cli.ok("note", "lim", "--remove")
    cli.ok("unstar", "lim")
    cli.ok("unalias", "lim")
    assert [each["tag"] for each in cli.json("tag", "--json")] == ["auth"]
    assert cli.json("alias", "--json") == []
    cli.fails(4, "show", "lim")


def test_a_note_is_read_from_stdin(cli: Cli) -> None:
    """What is secret in it is replaced, as in a session; a name with a secret is refused."""
    folder = cli.stage.home / ".claude/projects/p"
    folder.mkdir(parents=True)
    (folder / f"{ONE}.jsonl").write_bytes(claude(ONE, "hello", "there"))
    secret = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
    cli.ok("daemon", "start")
    cli.ok("index", "--wait")

    done = cli.run("note", ONE, "-", "--json", given=f"first {secret}\nsecond\n")

    assert done.returncode == 0, done.stderr
    assert secret not in done.stdout
    (kept,) = cli.json("note", "--json")
    assert kept["note"].startswith("first [redacted:github-token")
    assert kept["note"].endswith("\nsecond")
    for words in (("alias", ONE, secret), ("tag", ONE, secret)):
        assert secret not in "".join(cli.fails(2, *words))


def test_names_are_printed_without_escapes() -> None:
    """Whatever the daemon gives: a terminal shows it and nothing more."""
    evil = row(
        alias=EVIL, title=EVIL, native_title=EVIL, note=EVIL, tags=["codex", EVIL], starred=True
    )
    hit = Hit(session_id="a", short="7f3a9c1e", event_id="e", seq=1, tool="codex", title=EVIL,
        project="p", timestamp="", event_type="UserMessage", role="user", snippet="x", score=1.0,
        alias=EVIL, tags=[EVIL], starred=True)  # fmt: skip
    found = SearchResult(
        query="q", total=1, truncated=False, hits=[hit], matched="all", sessions=1, elapsed_ms=1.0
    )
    detail = SessionDetail(
        session=evil, all_models=[], subagents=[], skipped_lines=0, missing_bytes=0, attributes={}
    )

    printed = [
        *sessions.list_lines([evil], SCREEN, 0),
        *sessions.markdown_lines([evil], 0),
        *transcript.header_lines(detail, SCREEN),
        *hits.hit_lines(found, SCREEN, 0),
        *names.heading_lines(evil, SCREEN),
    ]

    for each in printed:
        assert not set(each) & set("\x1b\x07\u202e\n"), each
    assert sum("red" in each for each in printed) >= 5
    assert sum("★" in each for each in printed) >= 4
