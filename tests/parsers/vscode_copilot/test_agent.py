"""Where the editors keep chat sessions, and whose folder a session is of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opensession.parsers.agent import Environment, Root
from opensession.parsers.vscode_copilot import AGENT
from opensession.parsers.vscode_copilot.uris import folder_of, path_of
from tests.helpers.lines import read_all
from tests.parsers.vscode_copilot.making import ID, lines, request, source_in, state


def roots(platform: str, **variables: str) -> list[str]:
    env = Environment(home="/home/dev", variables=variables, platform=platform)
    return [root.path for root in AGENT.roots(env)]


def test_every_editor_has_three_folders() -> None:
    found = roots("linux")

    for user in (".config/Code/User", ".config/VSCodium/User", ".vscode-server/data/User"):
        assert f"/home/dev/{user}/workspaceStorage" in found
        assert f"/home/dev/{user}/globalStorage/emptyWindowChatSessions" in found
        assert f"/home/dev/{user}/globalStorage/transferredChatSessions" in found
    assert len(set(found)) == len(found)


def test_other_systems_have_them_elsewhere() -> None:
    mac = "/home/dev/Library/Application Support/Code/User/workspaceStorage"
    assert mac in roots("darwin")
    assert "/home/dev/AppData/Roaming/Code/User/workspaceStorage" in roots("win32")
    assert "/stick/data/user-data/User/workspaceStorage" in roots(
        "linux", VSCODE_PORTABLE="/stick/data"
    )


@pytest.mark.parametrize(
    ("root", "path", "found"),
    [
        ("workspaceStorage", "0123/chatSessions/a.jsonl", True),
        ("workspaceStorage", "no-workspace/chatSessions/a.json", True),
        ("workspaceStorage", "0123/workspace.json", False),
        ("workspaceStorage", "0123/chatEditingSessions/a/state.json", False),
        ("workspaceStorage", "0123/chatSessions/a.json.tmp", False),
        ("workspaceStorage", "0123/chatSessions/deeper/a.json", False),
        ("emptyWindowChatSessions", "a.jsonl", True),
        ("emptyWindowChatSessions", "b/a.jsonl", False),
        ("elsewhere", "a.jsonl", False),
    ],
)
def test_a_path_is_a_session_or_is_not(root: str, path: str, found: bool) -> None:
    source = AGENT.source_of(Root(AGENT.name, f"/u/{root}"), f"/u/{root}/{path}")

    assert (source is not None) is found


def test_sessions_are_found_without_looking_at_anything_else(tmp_path: Path) -> None:
    root = tmp_path / "workspaceStorage"
    for name in (
        "0123/chatSessions/b.jsonl",
        "0123/chatSessions/a.json",
        "0123/GitHub.copilot-chat/chatSessions/c.json",
        "4567/state.vscdb",
        "stray.json",
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    found = [source.path for source in AGENT.sources(Root(AGENT.name, str(root)))]

    assert found == [f"{root}/0123/chatSessions/a.json", f"{root}/0123/chatSessions/b.jsonl"]
    assert list(AGENT.sources(Root(AGENT.name, str(tmp_path / "nothing")))) == []


def test_a_log_wins_over_the_file_before_it(tmp_path: Path) -> None:
    source = source_in(tmp_path, f"{ID}.json")
    path = Path(source.path)
    path.write_text(json.dumps(state(request(0))))
    assert AGENT.read(source, None).sessions[0].secondary is False

    path.with_suffix(".jsonl").write_text(json.dumps({"kind": 0, "v": state(request(0))}))

    assert AGENT.read(source, None).sessions[0].secondary is True


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/dev/a%20b", "/home/dev/a b"),
        ("file:///c%3A/Users/dev", "c:/Users/dev"),
        ("vscode-remote://ssh-remote%2Bbox/srv/app/", "/srv/app"),
        ("vscode-vfs://github/x/y", ""),
        ("/home/dev", ""),
        ({"scheme": "file", "path": "/x"}, "/x"),
        ({"$mid": 1, "fsPath": "/y", "scheme": "file"}, "/y"),
        ({"uri": {"path": "/z", "scheme": "file"}, "range": {}}, "/z"),
        ({"scheme": "untitled", "path": "Untitled-1"}, ""),
        ({"path": "/" + "x" * 5000}, ""),
        (7, ""),
    ],
)
def test_a_uri_is_a_path_where_it_names_a_file(uri: Any, path: str) -> None:
    assert path_of(uri) == path


@pytest.mark.parametrize(
    ("workspace", "folder"),
    [
        ({"folder": "file:///home/dev/demo"}, {"cwd": "/home/dev/demo"}),
        (
            {"workspace": "file:///home/dev/all.code-workspace"},
            {"cwd": "/home/dev", "workspace": "/home/dev/all.code-workspace"},
        ),
        (
            {"workspace": "file:///home/dev/.config/Code/User/Workspaces/17/workspace.json"},
            {"cwd": "", "workspace": "/home/dev/.config/Code/User/Workspaces/17/workspace.json"},
        ),
        (
            {"folder": "vscode-remote://dev-container%2B7b22/workspaces/app"},
            {"cwd": "/workspaces/app", "remote": "dev-container+7b22"},
        ),
        ({}, {}),
    ],
)
def test_the_folder_is_that_of_the_workspace(
    tmp_path: Path, workspace: dict[str, str], folder: dict[str, str]
) -> None:
    source = source_in(tmp_path, workspace=workspace)

    assert folder_of(source) == folder
    Path(source.path).write_text(json.dumps({"kind": 0, "v": state(request(0))}) + "\n")
    info = read_all(AGENT.read, source)[0].infos[ID]
    assert info.cwd == folder.get("cwd", "")
    assert info.attributes.get("remote") == folder.get("remote")


def test_a_window_without_a_folder_has_none(tmp_path: Path) -> None:
    root = tmp_path / "emptyWindowChatSessions"
    root.mkdir()
    (root / f"{ID}.jsonl").write_text(json.dumps({"kind": 0, "v": state(request(0))}) + "\n")
    (source,) = AGENT.sources(Root(AGENT.name, str(root)))

    assert read_all(AGENT.read, source)[0].infos[ID].cwd == ""


@pytest.mark.parametrize(
    ("head", "sure"),
    [
        (lines({"kind": 0, "v": state(request(0))}), True),
        (json.dumps(state(request(0)), indent=2).encode(), True),
        (b'{"kind":"user","v":1}\n', False),
        (b'{"requests":[]}', False),
        (b"\xff\x00", False),
    ],
)
def test_its_files_are_known_by_how_they_begin(head: bytes, sure: bool) -> None:
    assert AGENT.recognises("/x", head) == (0.9 if sure else 0.0)
