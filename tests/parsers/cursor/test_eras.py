"""Where conversations lay in the years before: workspaces, inline conversations, lists of heads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest

from opensession.parsers.agent import Source, SourceRefused
from opensession.parsers.cursor import AGENT
from tests.parsers.cursor.making import FIRST_MS, Reader, Store, fresh, texts, tool

CHATS = "workbench.panel.aichat.view.aichat.chatdata"
COMPOSERS = "composer.composerData"


def workspace(tmp_path: Path, folder: object = "file:///home/dev/demo") -> Store:
    store = Store(tmp_path / "User" / "workspaceStorage" / ("0" * 32) / "state.vscdb")
    (store.path.parent / "workspace.json").write_text(json.dumps({"folder": folder}))
    return store


def global_store(tmp_path: Path) -> Store:
    return Store(tmp_path / "User" / "globalStorage" / "state.vscdb")


def bubbles(count: int, prefix: str = "b") -> list[dict[str, Any]]:
    return [
        {"type": 1 + number % 2, "bubbleId": f"{prefix}{number}", "text": f"text {number}"}
        for number in range(count)
    ]


@pytest.fixture
def real(corpus: Path, tmp_path: Path) -> Path:
    """The real database of November 2024 in its place (a copy: opening it makes files)."""
    path = tmp_path / "workspaceStorage" / "f87f6e0b2cf1ae8645cc0c5ffaa99529" / "state.vscdb"
    path.parent.mkdir(parents=True)
    shutil.copy(corpus / "cursor" / "workspace-db-2024-11" / "state.vscdb", path)
    path.chmod(0o600)
    return path


def test_every_conversation_of_a_real_database_is_a_session(real: Path) -> None:
    """Counted apart from the parser, by its raw values."""
    database = apsw.Connection(str(real), flags=apsw.SQLITE_OPEN_READONLY)
    values = dict(database.execute("SELECT key, value FROM ItemTable"))
    database.close()
    expected = {
        each["composerId"]: [bubble["text"] for bubble in each["conversation"]]
        for each in json.loads(values[COMPOSERS])["allComposers"]
    } | {
        tab["tabId"]: [bubble["text"] for bubble in tab["bubbles"] if bubble["text"]]
        for tab in json.loads(values[CHATS])["tabs"]
    }
    assert len(expected) == 26 + 5

    whole = fresh(Source("cursor", str(real.parents[1]), str(real)))

    assert whole.sessions.keys() == expected.keys()
    for name, events in whole.sessions.items():
        said = [
            next((block["text"] for block in event.blocks if block["type"] == "Text"), "")
            for event in events
        ]
        assert said == expected[name]
    assert sum(map(len, whole.sessions.values())) == 126
    assert whole.skipped == {"empty prompt": 5}, "the box that each tab ends with"
    titles = sorted(info.title for info in whole.infos.values() if info.title)
    assert len(titles) == 12
    assert "Ionic App Sidebar Customization Guide" in titles
    images = [
        block
        for events in whole.sessions.values()
        for event in events
        for block in event.blocks
        if block["type"] == "Image"
    ]
    assert images
    assert all(image["url"].endswith((".jpg", ".png")) for image in images)


def test_rows_of_another_program_s_tests(corpus: Path, tmp_path: Path) -> None:
    """A conversation of `_v` 3 as JSON, in a database made by hand."""
    folder = corpus / "cursor" / "opensession-fixture"
    store = global_store(tmp_path)
    store.put("composerData:comp-fixture", json.loads((folder / "composer_data.json").read_text()))
    for key, value in json.loads((folder / "bubbles.json").read_text()).items():
        store.put(key, value)
    whole = fresh(store.source)

    assert whole.info.title == "Cursor Fixture Session"
    assert whole.info.model == "claude-3.5-sonnet"
    assert [event.type for event in whole.events] == [
        "UserMessage",
        "ShellCommand",
        "ToolResult",
        "AgentMessage",
    ]
    assert texts(whole.events) == ["list files", "echo hi", "hi", "all done"]
    assert whole.events[0].time_us == 1_771_234_200_000_000
    assert all(event.attributes["time.estimated"] for event in whole.events)


@pytest.mark.parametrize(
    ("folder", "cwd"),
    [
        ("file:///home/dev/demo", "/home/dev/demo"),
        ("file:///home/dev/with%20space/", "/home/dev/with space"),
        ("file:///c%3A/Users/dev/demo", "c:\\Users\\dev\\demo"),
        ("vscode-remote://ssh-remote%2Bbox/srv/demo", "/srv/demo"),
        ("vscode-remote://wsl%2Bubuntu/home/dev/demo", "/home/dev/demo"),
        ("file://wsl.localhost/Ubuntu/home/dev/demo", "/home/dev/demo"),
        ("https://example.org/x", ""),
        (7, ""),
    ],
)
def test_the_folder_of_a_workspace_is_that_of_its_conversations(
    tmp_path: Path, folder: object, cwd: str
) -> None:
    store = workspace(tmp_path, folder)
    store.put(
        COMPOSERS, {"allComposers": [{"composerId": "c1", "conversation": bubbles(2)}]}, "ItemTable"
    )
    assert fresh(store.source).info.cwd == cwd


def test_workspaces_give_way_to_the_global_database(tmp_path: Path) -> None:
    store = workspace(tmp_path)
    store.put(
        COMPOSERS,
        {
            "allComposers": [
                {"composerId": "c1", "conversation": bubbles(2)},
                {"composerId": "only-a-head", "name": "in the global database"},
            ]
        },
        "ItemTable",
    )
    (session,) = AGENT.read(store.source, None).sessions
    assert session.secondary
    assert session.info.id == "c1"

    store = global_store(tmp_path)
    store.turn("c1", 1)
    (session,) = AGENT.read(store.source, None).sessions
    assert not session.secondary


def test_only_the_changed_conversation_of_a_list_is_told_again(tmp_path: Path) -> None:
    store = workspace(tmp_path)
    tabs = [
        {
            "tabId": f"t{number}",
            "chatTitle": f"Chat {number}",
            "lastSendTime": FIRST_MS,
            "bubbles": [
                {"type": "user", "id": "u", "text": "hello"},
                {"type": "ai", "id": "a", "text": "hi", "modelType": "gpt-4"},
            ],
        }
        for number in range(5)
    ]
    store.put(CHATS, {"tabs": tabs}, "ItemTable")
    reader = Reader(store.source)
    reader.read()
    assert reader.whole.infos["t3"].title == "Chat 3"
    assert reader.whole.infos["t3"].model == "gpt-4"
    assert {event.time_us for event in reader.whole.sessions["t3"]} == {FIRST_MS * 1000}
    assert all(event.attributes["time.estimated"] for event in reader.whole.sessions["t3"])

    tabs[3]["bubbles"].append({"type": "user", "id": "u2", "text": "more"})  # type: ignore[attr-defined]
    store.put(CHATS, {"tabs": tabs}, "ItemTable")
    assert {line["id"] for line in reader.lines()} == {"t3"}
    assert reader.texts("t3") == ["hello", "hi", "more"]
    assert reader.lines() == []


def test_conversations_within_their_rows_have_their_tools(tmp_path: Path) -> None:
    """`_v` 1 and 2: tool data in `capabilities`, by bubble."""
    store = global_store(tmp_path)
    call = tool("k1", "run_terminal_cmd", {"command": "ls"}, {"output": "a"})["toolFormerData"]
    inline = bubbles(3)
    inline[1]["text"] = ""
    capability = {"type": 15, "data": {"bubbleDataMap": json.dumps({"b1": call})}}
    store.put(
        "composerData:c1",
        {
            "_v": 1,
            "composerId": "c1",
            "createdAt": FIRST_MS,
            "conversation": inline,
            "capabilities": [{"type": 14, "data": {}}, capability],
            "usageData": {"claude-3.5-sonnet": {"costInCents": 8, "amount": 2}, "default": 7},
        },
    )
    whole = fresh(store.source)

    assert [event.type for event in whole.events] == [
        "UserMessage",
        "ShellCommand",
        "ToolResult",
        "UserMessage",
    ]
    (used,) = whole.usage["c1"]
    assert used.cost_microdollars == 80_000
    assert used.model == "claude-3.5-sonnet"


def test_the_folder_of_an_old_conversation_is_that_of_the_workspace_that_lists_it(
    tmp_path: Path,
) -> None:
    listed = workspace(tmp_path)
    listed.put(COMPOSERS, {"allComposers": [{"composerId": "c1"}]}, "ItemTable")
    store = global_store(tmp_path)
    store.turn("c1", 1)
    store.turn("c2", 1)

    whole = fresh(store.source)

    assert whole.infos["c1"].cwd == "/home/dev/demo"
    assert whole.infos["c2"].cwd == ""


def test_a_list_of_heads_says_what_a_row_does_not(tmp_path: Path) -> None:
    store = global_store(tmp_path)
    head = {
        "composerId": "c1",
        "name": "From the list",
        "createdOnBranch": "main",
        "workspaceIdentifier": {"id": "w", "uri": {"fsPath": "/home/dev/demo", "scheme": "file"}},
    }
    store.put("composer.composerHeaders", {"allComposers": [head, 5]}, "ItemTable")
    store.turn("c1", 1)
    info = fresh(store.source).info

    assert (info.title, info.git_branch, info.cwd) == ("From the list", "main", "/home/dev/demo")


def test_a_table_of_heads_tells_what_changed_in_place(tmp_path: Path) -> None:
    store = Store(tmp_path / "globalStorage" / "state.vscdb", in_place=True)
    store.db.execute(
        "CREATE TABLE composerHeaders (composerId TEXT PRIMARY KEY, workspaceId TEXT,"
        " createdAt INTEGER, lastUpdatedAt INTEGER, isSubagent INTEGER, value TEXT)"
    )

    def listed(name: str) -> None:
        value = json.dumps({"composerId": name, "name": f"Title of {name}"})
        store.db.execute(
            "INSERT OR REPLACE INTO composerHeaders VALUES (?, 'w', 1, ?, 0, ?)",
            (name, store.now, value),
        )

    for number in range(70):
        store.turn(f"c{number:02}", 1)
        listed(f"c{number:02}")
    reader = Reader(store.source)
    reader.read()
    assert reader.whole.infos["c00"].title == "Title of c00"
    store.bubble("c00", "c00-1-a", text="rewritten where it was")
    listed("c00")

    assert {line["id"] for line in reader.lines()} == {"c00"}
    assert reader.texts("c00")[-1] == "rewritten where it was"


@pytest.mark.parametrize("child", ["a-child", "z-child"])
def test_a_subagent_is_known_by_its_own_row_or_by_its_parents(tmp_path: Path, child: str) -> None:
    store = global_store(tmp_path)
    for name in ("m-parent", child, f"{child}-2"):
        store.turn(name, 1)
    store.composer("m-parent", subagentComposerIds=[child, "nobody"])
    info = {"parentComposerId": "m-parent", "subagentTypeName": "explore"}
    store.composer(f"{child}-2", subagentInfo=info)

    whole = fresh(store.source)

    for name in (child, f"{child}-2"):
        assert whole.infos[name].role == "auxiliary"
        assert whole.infos[name].parent == "m-parent"
        assert texts(whole.sessions[name]) == ["prompt 1", "answer 1"]
    assert whole.infos["m-parent"].role == "primary"
    assert whole.infos[f"{child}-2"].attributes["subagent_type"] == "explore"


def test_a_subagent_that_goes_on_stays_its_parents(tmp_path: Path) -> None:
    store = global_store(tmp_path)
    store.turn("child", 1)
    store.turn("parent", 1)
    store.composer("parent", subComposerIds=["child"])
    reader = Reader(store.source)
    reader.read()
    store.turn("child", 2)
    reader.read()

    assert reader.whole.infos["child"].parent == "parent"


@pytest.mark.parametrize(
    ("tables", "missing"),
    [
        ("CREATE TABLE other (key TEXT, value BLOB)", "no table ItemTable or cursorDiskKV"),
        ("CREATE TABLE ItemTable (name TEXT, value BLOB)", "no column ItemTable.key"),
        (
            "CREATE TABLE ItemTable (key TEXT, value BLOB); CREATE TABLE cursorDiskKV (key, val)",
            "no column cursorDiskKV.value",
        ),
    ],
)
def test_a_database_that_is_not_as_expected_is_refused_in_words(
    tmp_path: Path, tables: str, missing: str
) -> None:
    """Also where another table has all it should: the conversations would be missed silently."""
    path = tmp_path / "globalStorage" / "state.vscdb"
    path.parent.mkdir()
    database = apsw.Connection(str(path))
    database.execute(tables)
    database.close()
    path.chmod(0o600)

    with pytest.raises(SourceRefused, match=missing):
        AGENT.read(Source("cursor", str(path.parent), str(path)), None)
