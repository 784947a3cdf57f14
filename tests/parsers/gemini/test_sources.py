"""Where sessions are, and which project they belong to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opensession.parsers.agent import Environment, Root
from opensession.parsers.gemini import AGENT
from opensession.parsers.gemini.folders import project_hash
from opensession.parsers.gemini.sources import folder_of
from tests.helpers.lines import read_all
from tests.parsers.gemini.making import encoded, header, place, source_at, user

ROOT = Root("gemini", "/home/dev/.gemini/tmp", 3)


def roots(extra: tuple[str, ...] = (), **variables: str) -> list[str]:
    env = Environment(home="/home/dev", variables=variables, platform="linux", extra=extra)
    return [root.path for root in AGENT.roots(env)]


def test_roots_follow_the_variable_and_the_configuration() -> None:
    assert roots() == ["/home/dev/.gemini/tmp"]
    assert roots(GEMINI_CLI_HOME="/srv/g") == ["/srv/g/.gemini/tmp", "/home/dev/.gemini/tmp"]
    assert roots(GEMINI_CLI_HOME="relative") == ["/home/dev/.gemini/tmp"]
    assert roots(("/box/.gemini", "/box2/.gemini/tmp/", "/home/dev/.gemini")) == [
        *["/box/.gemini/tmp", "/box2/.gemini/tmp", "/home/dev/.gemini/tmp"],
    ]


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("app/chats/session-2026-a.jsonl", True),
        ("app/chats/session-2025-a.json", True),
        (f"{'0' * 64}/chats/session-2025-a.json", True),
        ("app/chats/6f1a/9c.jsonl", True),
        ("app/chats/6f1a/9c.json", False),
        ("app/chats/other.jsonl", False),
        ("app/chats/session-a.json.tmp", False),
        ("app/logs.json", False),
        ("app/checkpoints/session-a.json", False),
        ("../elsewhere/chats/session-a.jsonl", False),
    ],
)
def test_a_session_is_known_by_its_path(path: str, owned: bool) -> None:
    found = AGENT.source_of(ROOT, f"{ROOT.path}/{path}" if path[0] != "." else f"/home/{path[3:]}")

    assert (found is not None) is owned


def test_only_chats_are_looked_through(tmp_path: Path) -> None:
    session = place(tmp_path)
    session.write_text("")
    other = session.parent.parent / "tool-outputs" / "session-x.json"
    other.parent.mkdir()
    other.write_text("")
    (tmp_path / ".gemini" / "tmp" / "bin").write_text("")
    root = Root("gemini", str(tmp_path / ".gemini" / "tmp"), 3)

    assert [source.path for source in AGENT.sources(root)] == [str(session)]
    assert list(AGENT.sources(Root("gemini", str(tmp_path / "none"), 3))) == []


def folder(home: Path, project: str) -> str:
    return folder_of(source_at(home, place(home, project=project)))


def test_the_folder_is_named_beside_the_sessions(tmp_path: Path) -> None:
    path = place(tmp_path, project="app")
    (path.parent.parent / ".project_root").write_text("/home/dev/app\n")

    assert folder(tmp_path, "app") == "/home/dev/app"


def test_the_folder_is_named_in_the_history(tmp_path: Path) -> None:
    noted = tmp_path / ".gemini" / "history" / "app" / ".project_root"
    noted.parent.mkdir(parents=True)
    noted.write_text("/home/dev/app")

    assert folder(tmp_path, "app") == "/home/dev/app"


def test_the_folder_is_found_in_the_list_of_projects_by_name_or_hash(tmp_path: Path) -> None:
    place(tmp_path)
    listed = {"projects": {"/home/dev/app": "app", "/home/dev/lib": "lib"}}
    (tmp_path / ".gemini" / "projects.json").write_text(json.dumps(listed))

    assert folder(tmp_path, "lib") == "/home/dev/lib"
    assert folder(tmp_path, project_hash("/home/dev/app")) == "/home/dev/app"


def test_the_folder_is_found_by_hash_among_trusted_ones(tmp_path: Path) -> None:
    place(tmp_path)
    trusted = {"/home/dev/app": "TRUST_FOLDER"}
    (tmp_path / ".gemini" / "trustedFolders.json").write_text(json.dumps(trusted))

    assert folder(tmp_path, project_hash("/home/dev/app")) == "/home/dev/app"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"projects": 3}', '{"projects": {"/x": 3}}'])
def test_a_folder_that_is_not_known_stays_empty(tmp_path: Path, content: str) -> None:
    place(tmp_path)
    (tmp_path / ".gemini" / "projects.json").write_text(content)

    assert folder(tmp_path, "0" * 64) == ""


def test_a_session_from_the_archive_still_has_its_folder(tmp_path: Path) -> None:
    """Gemini CLI deletes sessions after 30 days, not what is noted of the project."""
    path = place(tmp_path)
    (path.parent.parent / ".project_root").write_text("/home/dev/app")
    kept = tmp_path / "archived"
    kept.write_bytes(encoded(header(), user("u", "Go")))
    source = source_at(tmp_path, path)

    whole, _ = read_all(AGENT.read, type(source)("gemini", source.root, source.path, str(kept)))

    assert whole.info.cwd == "/home/dev/app"
