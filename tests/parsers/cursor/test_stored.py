"""What the index makes of Cursor's sources together: one conversation, one session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.parsers.agent import Root
from opensession.parsers.cursor import AGENT
from opensession.parsers.databases import close_databases
from tests.daemon.rig import Rig
from tests.parsers.cursor.making import Chat, Store


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    found = Rig(tmp_path)
    found.roots = [
        Root("cursor", f"{found.path}/{name}")
        for name in ("projects", "workspaceStorage", "globalStorage", "chats")
    ]
    yield found
    close_databases()


def transcript(rig: Rig, name: str, *prompts: str) -> None:
    path = rig.path / "projects" / "p" / "agent-transcripts" / name / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = [[{"type": "text", "text": prompt}] for prompt in prompts]
    lines = [json.dumps({"role": "user", "message": {"content": block}}) for block in blocks]
    path.write_text("".join(f"{line}\n" for line in lines))


def workspace(rig: Rig, *names: str) -> Store:
    store = Store(rig.path / "workspaceStorage" / "0f" / "state.vscdb")
    bubble = {"type": 1, "bubbleId": "w", "text": "in the workspace"}
    heads = [{"composerId": name, "conversation": [bubble]} for name in names]
    store.put("composer.composerData", {"allComposers": heads}, "ItemTable")
    return store


def test_the_database_takes_over_what_a_copy_told_first(rig: Rig) -> None:
    transcript(rig, "c1", "one", "two", "three", "four", "five")
    transcript(rig, "only-text", "one")
    workspace(rig, "c2", "only-workspace")
    with rig.ingest(agents=[AGENT]) as made:
        rig.run(made)
        assert rig.events() == {"c1": 5, "only-text": 1, "c2": 1, "only-workspace": 1}
        store = Store(rig.path / "globalStorage" / "state.vscdb")
        for name in ("c1", "c2"):
            store.turn(name, 1)
        rig.run(made)
        assert rig.events() == {"c1": 2, "only-text": 1, "c2": 2, "only-workspace": 1}
        transcript(rig, "c1", *"abcdefgh")
        workspace(rig, "c2", "c1", "only-workspace")
        rig.run(made)
        assert rig.events() == {"c1": 2, "only-text": 1, "c2": 2, "only-workspace": 1}
        store.turn("c1", 2)
        rig.run(made)
        assert rig.events()["c1"] == 4


def test_a_copy_that_comes_later_changes_nothing(rig: Rig) -> None:
    store = Store(rig.path / "globalStorage" / "state.vscdb")
    store.turn("c1", 1)
    chat = Chat(rig.path, "c2")
    chat.say("user", "go")
    chat.root()
    with rig.ingest(agents=[AGENT]) as made:
        rig.run(made)
        transcript(rig, "c1", "one", "two", "three")
        transcript(rig, "c2", "one", "two", "three")
        workspace(rig, "c1")
        rig.run(made)
        assert rig.events() == {"c1": 2, "c2": 1}


def test_a_stream_of_rewrites_ends_as_it_was_said(rig: Rig) -> None:
    store = Store(rig.path / "globalStorage" / "state.vscdb")
    for number in range(5):
        store.turn("c1", number)
    with rig.ingest(agents=[AGENT]) as made:
        rig.run(made)
        rig.changes.clear()
        store.bubble("c1", "u", 1, text="again")
        for said in ("It", "It is", "It is done."):
            store.bubble("c1", "a", text=said)
            rig.run(made)
    assert rig.events() == {"c1": 12}
    assert {change.first_seq for change in rig.changes} == {11, 12}, "nothing before was touched"


def test_rows_that_were_deleted_and_an_index_made_anew(rig: Rig) -> None:
    store = Store(rig.path / "globalStorage" / "state.vscdb")
    for name in ("c1", "c2"):
        store.turn(name, 1)
        store.turn(name, 2)
    with rig.ingest(agents=[AGENT]) as made:
        rig.run(made)
        for key in ("composerData:c1", *(f"bubbleId:c1:c1-{n}-{k}" for n in "12" for k in "ua")):
            store.drop(key)
        store.turn("c2", 3)
        rig.run(made)
        assert rig.events() == {"c1": 4, "c2": 6}
    rig.place.index.unlink()
    for side in ("-wal", "-shm"):
        Path(f"{rig.place.index}{side}").unlink(missing_ok=True)
    with rig.ingest(agents=[AGENT]) as made:
        rig.run(made)
        assert rig.events() == {"c1": 4, "c2": 6}, "the archive has what the agent deleted"
