"""The file beside a session's events, in ways its writer and others may write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.parsers.copilot import AGENT
from opensession.parsers.copilot.workspace import parse
from opensession.parsers.stamps import stamp_of
from tests.helpers.lines import read_all
from tests.parsers.copilot.making import ID, encoded, source_in, start, user


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("name: Fix the build", "Fix the build"),
        ("name: 'It''s done: yes'", "It's done: yes"),
        (r'name: "a \"b\" \u00e9\n"', 'a "b" é\n'),
        ("name: 'a long\n  title'", "a long title"),
        ("name: |-\n  two\n  lines", "two\nlines"),
        ("name: >-\n  two\n  lines\nid: x", "two lines"),
        ("name: plain # with a comment", "plain"),
        ("name: C# and F#", "C# and F#"),
        ("name: null", ""),
        ("name:\n  nested: true", ""),
        ("name: [a, b]", ""),
    ],
)
def test_values_of_all_kinds_are_understood(written: str, value: str) -> None:
    assert parse(f"id: 1\n{written}\n")["name"] == value


@given(st.text(alphabet="ab:'\"\\ \n|>#-{[nul0xé", max_size=200))
def test_no_text_is_too_strange_to_parse(content: str) -> None:
    parse(content)


def test_title_and_folder_come_from_beside(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    Path(source.path).write_bytes(encoded(start(context={}), user("go")))
    beside = Path(source.path).with_name("workspace.yaml")
    beside.write_text("name: A title\ncwd: /home/dev/other\nbranch: topic\n")

    whole, cursor = read_all(AGENT.read, source)

    info = whole.infos[ID]
    assert (info.title, info.cwd, info.git_branch) == ("A title", "/home/dev/other", "topic")
    stamp = stamp_of(AGENT.files(source))
    assert stamp is not None
    assert (cursor.size, cursor.mtime_ns, cursor.ino) == (stamp.size, stamp.mtime_ns, stamp.ino)


def test_a_new_title_alone_gives_the_session_again_without_events(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    Path(source.path).write_bytes(encoded(start(), user("go")))
    beside = Path(source.path).with_name("workspace.yaml")
    beside.write_text("name: First\n")
    _, cursor = read_all(AGENT.read, source)

    beside.write_text("name: Second\n")
    delta = AGENT.read(source, cursor)

    (session,) = delta.sessions
    assert (session.info.title, session.keep, session.events) == ("Second", 1, [])
    assert not delta.restarted
    assert delta.raw == b""
    assert AGENT.read(source, delta.cursor).sessions == []


def test_the_title_stays_when_the_file_is_gone(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    Path(source.path).write_bytes(encoded(start(), user("go")))
    beside = Path(source.path).with_name("workspace.yaml")
    beside.write_text("name: First\n")
    whole, cursor = read_all(AGENT.read, source)

    beside.unlink()
    with Path(source.path).open("ab") as out:
        out.write(encoded(user("on", 1)))
    whole, _ = read_all(AGENT.read, source, cursor, whole)

    assert whole.infos[ID].title == "First"
    assert len(whole.sessions[ID]) == 2


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    source = source_in(tmp_path)
    Path(source.path).write_bytes(encoded(start(), user("go")))
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: not for us\n")
    Path(source.path).with_name("workspace.yaml").symlink_to(secret)

    whole, _ = read_all(AGENT.read, source)

    assert whole.infos[ID].title == ""
