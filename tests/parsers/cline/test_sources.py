from __future__ import annotations

from pathlib import Path

from opensession.parsers.agent import Environment, Root, Source
from opensession.parsers.cline import AGENT
from opensession.parsers.stamps import stamp_of
from tests.parsers.cline.making import START, session, task, user, write


def paths(platform: str = "linux", *extra: str, **variables: str) -> list[str]:
    env = Environment("/home/me", variables, platform, extra)
    return [root.path for root in AGENT.roots(env)]


def test_roots_are_the_data_folder_and_every_vs_code() -> None:
    found = paths()
    assert found[:2] == ["/home/me/.cline/data/sessions", "/home/me/.cline/data/tasks"]
    ending = "globalStorage/saoudrizwan.claude-dev/tasks"
    assert f"/home/me/.config/Code/User/{ending}" in found
    assert f"/home/me/.vscode-server/data/User/{ending}" in found
    mac = "/home/me/Library/Application Support/VSCodium/User"
    assert f"{mac}/{ending}" in paths("darwin")
    assert f"/home/me/AppData/Roaming/Code/User/{ending}" in paths("win32")
    assert len(found) == len(set(found))


def test_variables_and_configured_folders_relocate() -> None:
    assert "/data/sessions" in paths(CLINE_DATA_DIR="/data")
    assert "/c/data/tasks" in paths(CLINE_DIR="/c")
    assert not [path for path in paths(CLINE_DIR="relative") if not path.startswith("/")]
    assert "/x/tasks" in paths("linux", "/x/tasks")
    assert {"/x/sessions", "/x/data/sessions"} <= set(paths("linux", "/x"))
    assert "/x/User/globalStorage/saoudrizwan.claude-dev/tasks" in paths("linux", "/x")


def test_sessions_subagents_and_manifests_belong_to_their_sources(tmp_path: Path) -> None:
    source = session(tmp_path, "s1", [user("x")], cwd="/w")
    folder = Path(source.path).parent
    child = write(folder / "agent_1.messages.json", {"messages": []})
    write(folder / "s1.compaction.json", {})
    (tmp_path / "sessions" / "link").symlink_to(folder)
    root = Root("cline", str(tmp_path / "sessions"))
    assert [s.path for s in AGENT.sources(root)] == [str(child), source.path]
    assert AGENT.source_of(root, f"{folder}/s1.json") == source
    assert AGENT.source_of(root, source.path) == source
    assert AGENT.source_of(root, f"{folder}/s1.compaction.json") is None
    assert AGENT.source_of(root, f"{folder}/other.json") is None
    assert AGENT.source_of(root, "/elsewhere/s1.messages.json") is None
    assert f"{folder}/s1.json" in AGENT.files(source)
    assert stamp_of(AGENT.files(source)) is not None
    assert AGENT.storage(source) == "whole"


def test_a_task_is_one_source_whichever_file_changes(tmp_path: Path) -> None:
    tasks = tmp_path / "tasks"
    found = task(tasks / str(START), [], [])
    alone = task(tasks / str(START + 1), None, [])
    (tasks / str(START) / "ui_messages.json.lock").mkdir()
    (tasks / "1.lock").mkdir()
    write(tasks / "1.lock" / "ui_messages.json", [])
    (tasks / "empty").mkdir()
    root = Root("cline", str(tasks))
    assert [s.path for s in AGENT.sources(root)] == [found.path, alone.path]
    assert found.path.endswith("/ui_messages.json")
    assert alone.path.endswith("/api_conversation_history.json")
    folder = str(Path(found.path).parent)
    for name in ("ui_messages.json", "api_conversation_history.json", "task_metadata.json"):
        given = AGENT.source_of(root, f"{folder}/{name}")
        assert given == Source("cline", str(tasks), found.path)
    assert AGENT.source_of(root, f"{folder}/ui_messages.json.lock") is None
    assert AGENT.source_of(root, f"{folder}/settings.json") is None
    assert AGENT.source_of(root, f"{tasks}/1.lock/ui_messages.json") is None
    assert f"{folder}/task_metadata.json" in AGENT.files(found)


def test_a_missing_root_has_no_sources(tmp_path: Path) -> None:
    for name in ("sessions", "tasks"):
        assert not list(AGENT.sources(Root("cline", str(tmp_path / name))))
