"""The content of excluded files is left out (DECISIONS §5: `.env`, `.env.*`, `*.pem`, `id_*`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.config.settings import PrivacySettings
from opensession.core.hail import Event, SessionInfo, code, json_block, text
from opensession.daemon.file_globs import FileGlobs, clean
from opensession.daemon.left_out import MOST_CALLS, Left, without_files
from opensession.parsers.agent import SessionDelta
from tests.daemon.rules.homes import archived, call, prompt, result, texts, transcript
from tests.helpers.daemon import Home, running, temporary_home

GLOBS = FileGlobs(PrivacySettings().exclude_patterns)
VALUE = "Zwetschge-4711"


@pytest.fixture
def home() -> Iterator[Home]:
    with temporary_home() as made:
        yield made


@pytest.mark.parametrize(
    "path",
    ["/a/.env", "app/.env.local", "C:\\x\\.ENV", "/h/.ssh/id_rsa", "server.pem", "x.kdbx", ".env"],
)
def test_the_default_patterns_match(path: str) -> None:
    assert GLOBS.match(path)


@pytest.mark.parametrize(
    "path", ["secret_santa.py", "/srv/env", ".environment", "a.pem.txt", "grid_a", ""]
)
def test_what_is_no_secret_file_stays(path: str) -> None:
    """DECISIONS §5: not `*secret*`, which would drop `secret_santa.py`."""
    assert not GLOBS.match(path)


def test_patterns_with_a_slash_match_the_last_parts() -> None:
    globs = FileGlobs(("keys/*.yml", "a/**/b", "~/vault/", "/srv/only.txt"), "/home/ann")
    assert globs.match("/x/keys/one.yml")
    assert not globs.match("/x/keys/deep/one.yml")
    assert globs.match("q/a/1/2/b")
    assert globs.match("a/b")
    assert globs.match("/home/ann/vault/deep/file")
    assert not globs.match("/home/bob/vault/file")
    assert globs.match("/srv/only.txt")
    assert not globs.match("/x/srv/only.txt")


@pytest.mark.parametrize(
    "command",
    [
        "cat .env",
        "cd app && head -n 3 ./.env.local | sort",
        "grep KEY .env",
        "bash -c 'cat /srv/.env'",
        "docker exec web cat /app/.env",
        "wc < .env",
        "git show HEAD:.env",
        "awk '{print $1}' id_rsa",
        "cat > .env <<EOF\nA=b\nEOF",
    ],
)
def test_a_command_that_plainly_shows_such_a_file(command: str) -> None:
    assert GLOBS.match_command(command)


@pytest.mark.parametrize(
    "command", ["ls -la .env", "grep -rn id_token src", "ssh -i ~/.ssh/id_rsa host", "rm .env", ""]
)
def test_a_command_that_only_names_one(command: str) -> None:
    assert not GLOBS.match_command(command)


def _call(kind: str, number: int, **data: object) -> Event:
    return Event(
        event_id=f"c{number}",
        time_us=number,
        type=kind,
        data=dict(data),
        blocks=[code(VALUE)],
        attributes={"semantic.call_id": f"call-{number}", "note": VALUE},
    )


def _result(number: int, seq: int, kind: str = "file_read") -> Event:
    return Event(
        event_id=f"r{number}",
        time_us=number,
        type="ToolResult",
        data={"name": "Read", "is_error": False, "call_id": f"call-{number}"},
        blocks=[text(VALUE)],
        attributes={
            "semantic.call_id": f"call-{number}",
            "result.call_seq": seq,
            "result.diff": VALUE,
            "semantic.tool_kind": kind,
        },
    )


def _through(events: Sequence[Event], cuts: Sequence[int]) -> list[Event]:
    """The events as reads that were cut like this give them."""
    left: Left = {}
    found: list[Event] = []
    for first, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        info = SessionInfo(id="s", agent="a")
        delta = SessionDelta(info=info, keep=first, events=list(events[first:end]))
        found += without_files(delta, GLOBS, left).events
    return found


EVENTS = [
    _call("FileRead", 1, path="/p/.env"),
    _call("FileEdit", 2, path="/p/a.py", diff=VALUE),
    _result(1, 1),
    _result(2, 2),
    _call("ToolCall", 3, name="mcp__fs__read"),
    _call("ShellCommand", 4, command="cat .env"),
    _result(4, 6, "shell"),
    _call("ShellCommand", 5, command=f"echo A={VALUE} > .env"),
]


@pytest.mark.parametrize("kind", ["FileRead", "FileEdit", "FileCreate", "FileDelete"])
def test_of_a_touch_of_an_excluded_file_its_path_stays(kind: str) -> None:
    events = [_call(kind, 1, path="/p/.env", diff=VALUE), _result(1, 1)]
    found = _through(events, [])
    assert VALUE not in repr(found)
    assert found[0].type == kind
    assert found[0].data == {"path": "/p/.env"}
    assert found[0].blocks == [text("[excluded:.env]")]
    assert found[1].blocks == [text("[excluded:.env]")]
    assert found[1].attributes["result.call_seq"] == 1


def test_a_tool_of_any_name_is_known_by_its_arguments() -> None:
    given_ = _call("ToolCall", 1, name="mcp__fs__get")
    given_ = Event(
        event_id="c1",
        time_us=1,
        type="ToolCall",
        data=given_.data,
        blocks=[json_block({"args": {"file_path": "/p/id_rsa"}, "other": VALUE})],
        attributes=given_.attributes,
    )
    assert VALUE not in repr(_through([given_, _result(1, 1)], []))


def test_others_stay_as_they_are() -> None:
    found = _through(EVENTS, [])
    assert found[1] is EVENTS[1]
    assert found[3] is EVENTS[3]
    assert found[4] is EVENTS[4]
    assert [VALUE in repr(event) for event in found] == [
        False, True, False, True, True, False, False, False,
    ]  # fmt: skip


@given(st.sets(st.integers(1, len(EVENTS) - 1)))
def test_however_reads_are_cut_the_events_are_the_same(cuts: set[int]) -> None:
    """ARCHITECTURE rule 3."""
    assert _through(EVENTS, sorted(cuts)) == _through(EVENTS, [])


def test_where_too_many_calls_wait_their_results_are_left_out() -> None:
    calls = [_call("FileRead", n, path="/p/.env") for n in range(1, MOST_CALLS + 10)]
    found = _through([*calls, _result(1, 1)], [])
    assert found[-1].blocks == [text("[excluded:*]")]


def test_lines_of_a_search_in_such_a_file_are_left_out() -> None:
    said = f"src/a.py:3:x = 1\napp/.env:1:KEY={VALUE}\nsrc/b.py:4:y"
    clean_, pattern = GLOBS.without_lines(said)
    assert pattern == ".env"
    assert clean_ == "src/a.py:3:x = 1\napp/.env:[excluded:.env]\nsrc/b.py:4:y"


@given(st.lists(st.text(max_size=30), max_size=8), st.text(max_size=80), st.text(max_size=80))
def test_foreign_patterns_never_raise(patterns: list[str], path: str, command: str) -> None:
    globs = FileGlobs(clean(patterns)[0])
    globs.match(path)
    globs.match_command(command)
    globs.without_lines(command)


def test_a_daemon_indexes_nothing_of_such_a_file(home: Home) -> None:
    """DECISIONS §5: the content is in no output; the archive alone has it."""
    transcript(
        home,
        prompt(1, "look"),
        call(2, "Read", {"file_path": "/work/project/.env"}),
        result(3, 2, f"1→WORD {VALUE}"),
        call(4, "Bash", {"command": "cat .env"}),
    )
    with running(home) as daemon:
        daemon.index()
        transcript(home, result(5, 4, f"WORD {VALUE}"), append=True)
        daemon.index()
        said = texts(daemon)
        assert VALUE not in said
        assert said.count("[excluded:.env]") == 4
        assert daemon.call("search.query", query="Zwetschge")["hits"] == []
        assert VALUE.encode() in archived(home)
        assert VALUE.encode() not in home.paths.index_db.read_bytes()


def test_parse_prints_nothing_of_such_a_file(home: Home) -> None:
    """What leaves is without it as well; `parse` stores nothing."""
    path = transcript(
        home,
        prompt(1, "look"),
        call(2, "Read", {"file_path": "/work/project/.env"}),
        result(3, 2, f"1→WORD {VALUE}"),
    )
    done = home.run("parse", str(path))
    assert done.returncode == 0, done.stderr
    assert "[excluded:.env]" in done.stdout
    assert VALUE not in done.stdout
