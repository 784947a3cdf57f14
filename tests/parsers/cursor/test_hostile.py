"""Whatever the rows hold, a read ends, keeps what is whole, and stays within its bounds."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opensession.core import ids
from opensession.parsers.agent import Source
from opensession.parsers.cursor import AGENT
from opensession.parsers.cursor.feed import feed
from opensession.parsers.cursor.transcripts import feed as feed_transcript
from opensession.parsers.cursor.values import folder_of, time_us
from opensession.parsers.jsonl import lines_of
from tests.parsers.cursor.making import Chat, Store, fresh

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["\ud800", "user", "completed", "{", '{"a":1}', "[]", "file:///c%3A/x"]),
)
NAMES = [
    "type", "bubbleId", "id", "text", "thinking", "toolFormerData", "name", "rawArgs", "params",
    "result", "status", "error", "userDecision", "additionalData", "createdAt", "timingInfo",
    "tokenCount", "inputTokens", "modelInfo", "modelName", "context", "selections", "images",
    "fullConversationHeadersOnly", "conversation", "conversationMap", "capabilities", "data",
    "bubbleDataMap", "codeBlockData", "diffId", "todos", "subComposerIds", "subagentInfo",
    "parentComposerId", "workspaceIdentifier", "uri", "fsPath", "usageData", "costInCents", "diff",
    "chunks", "diffString", "newModelDiffWrtV0", "original", "modified", "allComposers", "tabs",
    "role", "content", "message", "toolName", "args", "composerId", "tabId", "unifiedMode",
    "afterContentId", "conversationSummary", "errorDetails",
]  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8)
STORED = st.one_of(
    OBJECTS.map(json.dumps), OBJECTS.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40), st.text(max_size=20), st.none(),
)  # fmt: skip


def sane(source: Source) -> None:
    whole = fresh(source)
    for name, events in whole.sessions.items():
        assert ids.fits(name)
        assert len({event.event_id for event in events}) == len(events)
    msgspec.json.encode([whole.sessions, whole.infos, whole.usage])
    state, position = b"", 0
    for line in lines_of(whole.raw, 0):  # and from the archive, line by line
        state = feed(source, state, [line]).state
        position += 1
    assert position == whole.raw.count(b"\n")


@given(st.lists(STORED, max_size=4), STORED, st.lists(STORED, max_size=2), OBJECTS)
@settings(max_examples=20)
def test_any_values_of_the_editors_rows(
    bubbles: list[Any], composer: Any, lists: list[Any], row: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "globalStorage" / "state.vscdb")
        store.put("composerData:any", composer)
        for number, value in enumerate(bubbles):
            store.put(f"bubbleId:c1:b{number}", value)
        headers = [{"bubbleId": f"b{number}", "type": 2} for number in range(len(bubbles))]
        store.put("composerData:c1", {**row, "fullConversationHeadersOnly": headers})
        for key, value in zip(
            ("composer.composerData", "workbench.panel.aichat.view.aichat.chatdata"),
            lists,
            strict=False,
        ):
            store.put(key, value, "ItemTable")
        sane(store.source)


@given(st.lists(STORED, max_size=4), OBJECTS, st.binary(max_size=80))
@settings(max_examples=15)
def test_any_values_of_a_chats_rows(blobs: list[Any], meta: dict[str, Any], root: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        chat = Chat(Path(folder))
        for value in blobs:
            if isinstance(value, bytes):
                chat.messages.append(chat.blob(value))
            else:
                chat.db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (str(value), value))
        chat.messages.append(chat.blob(root))
        chat.root(**{key: value for key, value in meta.items() if "\ud800" not in repr(value)})
        sane(chat.source)


@given(
    st.lists(st.one_of(OBJECTS.map(json.dumps), st.text(max_size=30)), max_size=6), st.booleans()
)
def test_any_lines_of_a_transcript(lines: list[str], as_text: bool) -> None:
    name = "s.txt" if as_text else "s.jsonl"
    source = Source("cursor", "/p", f"/p/x/agent-transcripts/{name}")
    data = "\n".join(line.replace("\n", " ") for line in lines).encode("utf-8", "replace") + b"\n"
    fed = feed_transcript(source, b"", lines_of(data, 0))
    msgspec.json.encode([session.events for session in fed.sessions])


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_lines_of_a_log(lines: list[bytes]) -> None:
    data = b"".join(line.replace(b"\n", b" ") + b"\n" for line in lines)
    feed(Source("cursor", "/r", "/r/state.vscdb"), b"", lines_of(data, 0))


@given(VALUES)
def test_any_value_as_a_folder_or_time(value: object) -> None:
    folder, machine = folder_of(value)
    assert isinstance(folder, str)
    assert isinstance(machine, str)
    assert time_us(value) is None or isinstance(time_us(value), int)


def test_deep_nesting_is_no_crash(tmp_path: Path) -> None:
    store = Store(tmp_path / "globalStorage" / "state.vscdb")
    store.turn("c1", 1)
    deep = '{"type":2,"bubbleId":"x","text":' + "[" * 50_000 + "]" * 50_000 + "}"
    store.put("bubbleId:c1:x", deep)
    store.headers["c1"].append({"bubbleId": "x", "type": 2})
    store.turn("c1", 2)

    assert len(fresh(store.source).events) == 4


def test_a_row_that_is_too_large_is_left_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "globalStorage" / "state.vscdb")
    store.turn("c1", 1)
    store.db.execute("INSERT INTO cursorDiskKV VALUES ('composerData:c2', zeroblob(40000000))")
    store.db.execute("INSERT INTO cursorDiskKV VALUES ('bubbleId:c1:z', zeroblob(40000000))")
    store.headers["c1"].append({"bubbleId": "z", "type": 2})
    store.turn("c1", 2)
    whole = fresh(store.source)

    assert whole.sessions.keys() == {"c1"}
    assert [event.type for event in whole.events].count("Custom") == 1
    assert len(whole.raw) < 1 << 20


@pytest.mark.parametrize("name", ["../../etc", "a b", "x" * 300, "é"])
def test_ids_that_do_not_fit_are_made_to(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "globalStorage" / "state.vscdb")
    store.turn(name, 1)
    for session in AGENT.read(store.source, None).sessions:
        assert ids.fits(session.info.id)
        assert session.info.id.startswith("cursor-")
