"""Where Cursor's files lie, on every platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.parsers.agent import Environment, Root, Source, SourceRefused
from opensession.parsers.cursor import AGENT

TRANSCRIPTS = "p/agent-transcripts"


def roots(env: Environment) -> dict[str, int | None]:
    return {root.path: root.watch_depth for root in AGENT.roots(env)}


@pytest.mark.parametrize(
    ("platform", "user"),
    [
        ("linux", "/home/dev/.config/Cursor/User"),
        ("darwin", "/home/dev/Library/Application Support/Cursor/User"),
        ("win32", "/home/dev/AppData/Roaming/Cursor/User"),
    ],
)
def test_the_editors_and_the_command_lines_folders(platform: str, user: str) -> None:
    found = roots(Environment(home="/home/dev", variables={}, platform=platform))

    assert found[f"{user}/globalStorage"] == 0
    assert found[f"{user}/workspaceStorage"] == 1
    assert found["/home/dev/.cursor/chats"] == 2
    assert found["/home/dev/.cursor/projects"] == 3
    server = "/home/dev/.cursor-server/data/User/globalStorage"
    assert (server in found) == (platform != "win32")


def test_folders_that_were_moved_are_found() -> None:
    variables = {"CURSOR_CONFIG_DIR": "/data/cursor", "XDG_CONFIG_HOME": "/data/config"}
    found = roots(Environment(home="/h", variables=variables, platform="linux"))

    assert {"/data/cursor/chats", "/data/config/cursor/projects"} <= found.keys()
    assert "/data/config/Cursor/User/globalStorage" in found


@pytest.mark.parametrize(
    ("extra", "wanted"),
    [
        ("/x/.cursor", "/x/.cursor/chats"),
        ("/x/User", "/x/User/workspaceStorage"),
        ("/x/.cursor-server", "/x/.cursor-server/data/User/globalStorage"),
        ("/x/globalStorage/", "/x/globalStorage"),
        ("relative", "/home/dev/.cursor/chats"),
    ],
)
def test_folders_of_the_configuration(extra: str, wanted: str) -> None:
    env = Environment(home="/home/dev", variables={}, platform="linux", extra=(extra,))
    found = AGENT.roots(env)

    assert wanted in {root.path for root in found}
    assert len({root.path for root in found}) == len(found)
    assert all(root.path.startswith("/") for root in found)


@pytest.mark.parametrize(
    ("root", "path", "storage"),
    [
        ("/u/globalStorage", "/u/globalStorage/state.vscdb", "rows"),
        ("/u/workspaceStorage", "/u/workspaceStorage/0f/state.vscdb", "rows"),
        ("/c/chats", "/c/chats/0f/id/store.db", "rows"),
        ("/c/projects", f"/c/projects/{TRANSCRIPTS}/id.txt", "lines"),
        ("/c/projects", f"/c/projects/{TRANSCRIPTS}/id/id.jsonl", "lines"),
        ("/c/projects", f"/c/projects/{TRANSCRIPTS}/id/subagents/x.jsonl", "lines"),
        ("/u/globalStorage", "/u/globalStorage/state.vscdb.backup", None),
        ("/u/globalStorage", "/u/globalStorage/state.vscdb-shm", None),
        ("/c/projects", "/c/projects/p/terminals/1.txt", None),
        ("/c/chats", "/elsewhere/store.db", None),
    ],
)
def test_paths_and_their_sources(root: str, path: str, storage: str | None) -> None:
    source = AGENT.source_of(Root("cursor", root), path)
    if storage is None:
        assert source is None
        return
    assert source == Source("cursor", root, path)
    assert AGENT.storage(source) == storage
    files = (path, f"{path}-wal") if storage == "rows" else (path,)
    assert AGENT.files(source) == files
    if storage == "rows":
        assert AGENT.source_of(Root("cursor", root), f"{path}-wal") == source


def test_all_sources_of_a_root_are_listed(tmp_path: Path) -> None:
    paths = [
        "chats/0f/a/store.db",
        "chats/0f/a/store.db-wal",
        "chats/0f/a/meta.json",
        f"projects/{TRANSCRIPTS}/id/id.jsonl",
        f"projects/{TRANSCRIPTS}/old.txt",
        "projects/p/mcps/x.json",
        "globalStorage/state.vscdb",
        "globalStorage/other.extension/state.vscdb",
        "workspaceStorage/0f/state.vscdb",
        "workspaceStorage/0f/workspace.json",
    ]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = {
        source.path.removeprefix(f"{tmp_path}/")
        for name in ("chats", "projects", "globalStorage", "workspaceStorage", "missing")
        for source in AGENT.sources(Root("cursor", str(tmp_path / name)))
    }

    assert found == {
        "chats/0f/a/store.db",
        f"projects/{TRANSCRIPTS}/id/id.jsonl",
        f"projects/{TRANSCRIPTS}/old.txt",
        "globalStorage/state.vscdb",
        "workspaceStorage/0f/state.vscdb",
    }


def test_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused):
        AGENT.read(Source("cursor", str(tmp_path), str(tmp_path / "x.json")), None)
