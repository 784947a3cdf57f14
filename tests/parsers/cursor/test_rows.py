"""The editor's database since 2025: a row for each conversation and each bubble (made by hand)."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.parsers.cursor import telling
from tests.parsers.cursor.making import FIRST_MS, Reader, Store, count_rows, fresh, texts, tool


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "User" / "globalStorage" / "state.vscdb")


def test_every_conversation_is_a_session_in_the_order_of_its_headers(store: Store) -> None:
    for name in ("c1", "c2", "c3"):
        store.turn(name, 1)
    store.headers["c2"].reverse()
    store.composer("c2")

    whole = fresh(store.source)

    assert {name: texts(events) for name, events in whole.sessions.items()} == {
        "c1": ["prompt 1", "answer 1"],
        "c2": ["answer 1", "prompt 1"],
        "c3": ["prompt 1", "answer 1"],
    }


def test_a_streamed_answer_replaces_what_was_told_of_it(store: Store) -> None:
    store.turn("c1", 1)
    store.turn("c1", 2)
    reader = Reader(store.source)
    reader.read()
    store.bubble("c1", "b", 1, text="again")
    for said in ("It", "It is", "It is done."):
        store.bubble("c1", "b2", 2, text=said)
        (delta,) = (session for each in reader.read() for session in each.sessions)
        assert texts(reader.whole.sessions["c1"])[-1] == said
        assert delta.keep >= 2, "what a later turn follows is settled"

    assert reader.texts("c1") == ["prompt 1", "answer 1", "prompt 2", "answer 2", "again", said]
    assert reader.whole.sessions == fresh(store.source).sessions


def test_a_running_tool_gets_its_result_when_it_ends(store: Store) -> None:
    store.bubble("c1", "u", 1, text="list")
    store.bubble("c1", "t", **tool("call", "run_terminal_cmd_v2", {"command": "ls"}))
    reader = Reader(store.source)
    reader.read()
    assert [event.type for event in reader.whole.events] == ["UserMessage", "ShellCommand"]

    result = {"output": "a", "exitCodeV2": 2}
    store.bubble("c1", "t", **tool("call", "run_terminal_cmd_v2", {"command": "ls"}, result))
    reader.read()

    assert [event.type for event in reader.whole.events][1:] == ["ShellCommand", "ToolResult"]
    assert reader.whole.events[2].attributes["result.exit_code"] == 2
    assert reader.whole.events[2].attributes["result.call_seq"] == 2


def test_bubbles_that_come_before_or_after_their_header_are_told_once_both_are_there(
    store: Store,
) -> None:
    store.bubble("c1", "u", 1, text="go")
    reader = Reader(store.source)
    reader.read()
    store.bubble("c1", "early", text="row first", listed=False)
    reader.read()
    assert reader.texts("c1") == ["go"]
    store.headers["c1"] += [{"bubbleId": "early", "type": 2}, {"bubbleId": "late", "type": 2}]
    store.composer("c1")
    reader.read()
    assert reader.texts("c1") == ["go", "row first"]
    store.bubble("c1", "late", text="header first")
    reader.read()
    assert reader.texts("c1") == ["go", "row first", "header first"]


def test_deleted_rows_take_nothing_away(store: Store) -> None:
    for name in ("c1", "c2"):
        store.turn(name, 1)
    reader = Reader(store.source)
    reader.read()
    store.put("composerData:c1", None)
    store.drop("bubbleId:c1:c1-1-u")
    store.drop("bubbleId:c1:c1-1-a")
    store.drop("composerData:c2")
    store.headers["c2"].clear()

    assert not [session for delta in reader.read() for session in delta.sessions]
    assert all(delta.keeps for delta in reader.read())
    assert reader.texts("c1") == ["prompt 1", "answer 1"]


def test_a_conversation_that_was_emptied_says_nothing(store: Store) -> None:
    store.turn("c1", 1)
    reader = Reader(store.source)
    reader.read()
    store.headers["c1"].clear()
    store.composer("c1")

    assert not [session for delta in reader.read() for session in delta.sessions]


def test_a_conversation_with_nothing_left_to_tell_says_nothing(store: Store) -> None:
    store.turn("c1", 1)
    reader = Reader(store.source)
    reader.read()
    store.headers["c1"].clear()
    store.bubble("c1", "draft", 1, text="")

    assert not [session for delta in reader.read() for session in delta.sessions]


def test_a_prompt_that_was_edited_takes_back_what_followed(store: Store) -> None:
    for number in (1, 2, 3):
        store.turn("c1", number)
    reader = Reader(store.source)
    reader.read()
    del store.headers["c1"][2:]
    store.bubble("c1", "other", 1, text="instead")
    reader.read()

    assert reader.texts("c1") == ["prompt 1", "answer 1", "instead"]


def test_prompts_that_were_edited_are_seen_where_as_many_follow(store: Store) -> None:
    for number in (1, 2, 3):
        store.turn("c1", number)
    reader = Reader(store.source)
    reader.read()
    del store.headers["c1"][2:]
    for number in (4, 5):
        store.turn("c1", number)
    reader.read()

    assert [text.split()[-1] for text in reader.texts("c1")] == ["1", "1", "4", "4", "5", "5"]


def test_headers_in_another_order_are_another_conversation(store: Store) -> None:
    for number in (1, 2, 3):
        store.turn("c1", number)
    reader = Reader(store.source)
    reader.read()
    headers = store.headers["c1"]
    headers[:4] = [*headers[2:4], *headers[:2]]
    store.composer("c1")
    reader.read()

    assert [text.split()[-1] for text in reader.texts("c1")] == ["2", "2", "1", "1", "3", "3"]


def test_a_settled_bubble_that_is_rewritten_is_told_anew(store: Store) -> None:
    for number in (1, 2, 3):
        store.turn("c1", number)
    reader = Reader(store.source)
    reader.read()
    store.put("bubbleId:c1:c1-1-a", {"type": 2, "bubbleId": "c1-1-a", "text": "mended"})
    reader.read()

    assert reader.texts("c1")[1] == "mended"
    assert reader.whole.sessions == fresh(store.source).sessions


def test_of_two_thousand_conversations_only_the_one_that_changed_is_pulled(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.db.execute("BEGIN")
    for number in range(2000):
        for turn in range(3):
            store.turn(f"c{number:04}", turn)
    for number in range(5000):
        store.put(f"agentKv:blob:{number:064x}", b"x" * 100)
    store.db.execute("COMMIT")
    reader = Reader(store.source)
    reader.read()
    assert len(reader.whole.sessions) == 2000

    store.turn("c0700", 4)
    taken = count_rows(monkeypatch)
    lines = reader.lines()
    assert {line["id"] for line in lines} == {"c0700"}
    assert reader.texts("c0700")[-1] == "answer 4"
    assert len(taken) < 60

    taken.clear()
    store.turn("c0700", 5)
    lines = reader.lines()
    assert [line["kind"] for line in lines] == ["conversation", *["bubble"] * 4, "end"]
    assert lines[0]["start"] == 6, "the first three turns were settled"
    assert len(taken) < 60
    assert reader.whole.sessions["c0700"] == fresh(store.source).sessions["c0700"]


def test_what_others_write_beside_the_conversations_pulls_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.turn("c1", 1)
    reader = Reader(store.source)
    reader.read()
    taken = count_rows(monkeypatch)
    for number in range(3):
        store.put("workbench.view.state", f"{number}", "ItemTable")
        store.put(f"agentKv:blob:{number}", b"\x00" * 1000)
        assert reader.lines() == []
    assert not any("value FROM cursorDiskKV WHERE key > ?" in sql for sql in taken)


def test_a_long_turn_is_settled_as_it_goes(store: Store) -> None:
    store.bubble("c1", "u", 1, text="work")
    for number in range(40):
        store.bubble(
            "c1", f"t{number}", **tool(f"k{number}", "read_file", {"target_file": "a"}, {})
        )
    reader = Reader(store.source)
    reader.read()
    store.bubble("c1", "last", text="done")
    lines = reader.lines()

    assert lines[0]["start"] > 30
    assert reader.whole.sessions == fresh(store.source).sessions


@pytest.mark.parametrize("in_place", [False, True])
def test_a_tool_that_still_runs_is_never_settled(tmp_path: Path, in_place: bool) -> None:
    store = Store(tmp_path / "globalStorage" / "state.vscdb", in_place=in_place)
    store.bubble("c1", "u", 1, text="work")
    store.bubble("c1", "slow", **tool("slow", "task_v2", {"prompt": "look"}))
    for number in range(20):
        store.bubble("c1", f"t{number}", **tool(f"k{number}", "grep", {"pattern": "a"}, {}))
    reader = Reader(store.source)
    reader.read()
    store.bubble("c1", "slow", **tool("slow", "task_v2", {"prompt": "look"}, {"output": "ok"}))
    reader.read()

    assert [event.type for event in reader.whole.events][:3] == [
        "UserMessage",
        "ToolCall",
        "ToolResult",
    ]


@pytest.mark.parametrize("count", [60, 70, 150])
def test_more_conversations_than_are_remembered_are_told_rightly(store: Store, count: int) -> None:
    names = [f"c{number:03}" for number in range(count)]
    for name in names:
        store.turn(name, 1)
        store.turn(name, 2)
    reader = Reader(store.source)
    reader.read()
    for number in (3, 4):
        for name in names:
            store.turn(name, number)
            if not name.endswith(("3", "4")):
                reader.read()
    reader.read()

    assert reader.whole.sessions == fresh(store.source).sessions
    assert reader.whole.skipped == {}
    assert reader.cursor is not None
    assert len(reader.cursor.state) < 200_000


def test_a_writer_that_updates_rows_in_place_is_followed(tmp_path: Path) -> None:
    store = Store(tmp_path / "globalStorage" / "state.vscdb", in_place=True)
    store.turn("c1", 1)
    reader = Reader(store.source)
    reader.read()
    store.turn("c1", 2)
    reader.read()
    store.bubble("c1", "c1-2-a", text="answer 2, to its end")
    reader.read()

    assert reader.texts("c1")[-1] == "answer 2, to its end"


def test_rows_whose_numbers_were_given_again_are_seen(store: Store) -> None:
    for number in range(30):
        store.turn(f"c{number}", 1)
    for number in range(5):
        store.turn("gone", number)
    reader = Reader(store.source)
    reader.read()
    for key in [f"bubbleId:gone:gone-{n}-{kind}" for n in range(5) for kind in "ua"]:
        store.drop(key)
    store.drop("composerData:gone")
    store.turn("c1", 2)
    reader.read()

    assert reader.texts("c1")[-2:] == ["prompt 2", "answer 2"]


def test_a_conversation_that_goes_on_for_long_pulls_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        store.turn(f"c{number}", 1)
    reader = Reader(store.source)
    reader.read()
    taken = count_rows(monkeypatch)
    for number in range(60):
        taken.clear()
        store.turn("c50", number + 2)
        assert {line["id"] for line in reader.lines()} == {"c50"}
        assert len(taken) < 50

    assert reader.whole.sessions["c50"] == fresh(store.source).sessions["c50"]


def test_a_database_that_was_compacted_goes_on(store: Store) -> None:
    for name in ("c1", "c2", "c3"):
        store.turn(name, 1)
        store.turn(name, 2)
    store.drop("bubbleId:c1:c1-1-u")
    reader = Reader(store.source)
    reader.read()
    store.db.execute("VACUUM")
    store.turn("c3", 3)
    reader.read()

    assert reader.texts("c3")[-1] == "answer 3"
    assert reader.whole.restarts == 0


def test_another_database_in_the_same_file_is_read_from_its_beginning(store: Store) -> None:
    for number in range(10):
        store.turn(f"before{number}", 1)
    reader = Reader(store.source)
    reader.read()
    store.db.execute("DELETE FROM cursorDiskKV")
    store.now = FIRST_MS - 10_000_000_000
    store.turn("after", 1)
    deltas = reader.read()

    assert reader.whole.restarts == 1
    assert all(delta.keeps for delta in deltas)
    assert reader.texts("after") == ["prompt 1", "answer 1"]


def test_conversations_that_hold_nothing_are_passed(store: Store) -> None:
    for number in range(1200):
        store.put(
            f"composerData:c{number:04}", {"fullConversationHeadersOnly": [], "text": "draft"}
        )
    store.turn("zz", 1)

    assert fresh(store.source).sessions.keys() == {"zz"}


def test_a_conversation_larger_than_a_slice_is_told_in_pieces(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        store.bubble("c1", f"u{number}", 1, text=f"prompt {number}")
        store.bubble("c1", f"a{number}", 2, text="x" * 2000)
    expected = fresh(store.source).sessions
    monkeypatch.setattr(telling, "TOLD_AT_ONCE", 9000)
    monkeypatch.setattr(telling, "SLICE_BYTES", 5000)
    reader = Reader(store.source)

    assert len(reader.read()) > 5
    assert reader.whole.sessions == expected
    store.bubble("c1", "more", 1, text="more")
    reader.read()
    assert reader.whole.sessions == fresh(store.source).sessions


def test_a_bubble_that_is_too_large_is_named_by_its_size(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "BUBBLE_BYTES", 1000)
    store.bubble("c1", "u", 1, text="prompt")
    store.bubble("c1", "big", text="x" * 5000)
    whole = fresh(store.source)

    assert whole.events[1].data == {"kind": "oversized"}
    assert whole.skipped == {"oversized": 1}
    assert b"xxx" not in whole.raw


def test_credentials_beside_the_conversations_are_never_taken(store: Store) -> None:
    store.put("cursorAuth/accessToken", "canary-token", "ItemTable")
    store.put("cursorAuth/refreshToken", "canary-token")
    store.turn("c1", 1)
    store.composer("c1", blobEncryptionKey="canary-key", speculativeSummarizationEncryptionKey="c")

    whole = fresh(store.source)

    assert b"canary" not in whole.raw
    assert whole.infos["c1"].id == "c1"


def test_times_are_those_of_the_bubbles_in_any_form(store: Store) -> None:
    at = "2026-07-17T09:00:05.000Z"
    store.bubble("c1", "a", 1, text="text", createdAt=at)
    store.bubble("c1", "b", 2, text="number", createdAt=FIRST_MS + 9000)
    store.bubble(
        "c1", "c", 2, text="timing", createdAt=None, timingInfo={"clientStartTime": 1.5e12}
    )
    store.bubble("c1", "d", 2, text="none", createdAt=None, timingInfo={"clientStartTime": 12345.6})
    events = fresh(store.source).events

    assert [event.time_us for event in events] == [
        (FIRST_MS + 5000) * 1000,
        (FIRST_MS + 9000) * 1000,
        1_500_000_000_000_000,
        1_500_000_000_000_000,
    ]
    assert ["time.estimated" in event.attributes for event in events] == [False, False, False, True]


def test_conversations_that_are_deleted_or_emptied_are_not_there(store: Store) -> None:
    """Also those of the lists, which hold many in one value."""
    for name in ("c1", "c2", "c3"):
        store.turn(name, 1)
    chats = [{"tabId": name, "bubbles": [{"type": "user", "text": "hi"}]} for name in ("t1", "t2")]
    key = "workbench.panel.aichat.view.aichat.chatdata"
    store.put(key, {"tabs": chats}, "ItemTable")
    reader = Reader(store.source)
    assert reader.read()[-1].present == ["c1", "c2", "c3", "t1", "t2"]

    store.drop("composerData:c1")
    assert reader.read()[-1].present == ["c2", "c3", "t1", "t2"]
    store.put("composerData:c3", None)
    assert reader.read()[-1].present == ["c2", "t1", "t2"]
    store.put(key, {"tabs": chats[1:]}, "ItemTable")
    assert reader.read()[-1].present == ["c2", "t2"]
    store.turn("c3", 2)
    assert reader.read()[-1].present == ["c2", "c3", "t2"]
    assert fresh(store.source).sessions.keys() == {"c2", "c3", "t2"}
    store.turn("c2", 2)
    assert reader.read()[-1].present is None


def test_to_ask_which_conversations_are_there_reads_no_row_of_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys are in an index; what is kept in lists is looked into where it changed."""
    for number in range(300):
        store.turn(f"c{number}", 1)
    chat = {"tabId": "t1", "bubbles": [{"type": "user", "text": "hi"}]}
    key = "workbench.panel.aichat.view.aichat.chatdata"
    store.put(key, {"tabs": [chat]}, "ItemTable")
    reader = Reader(store.source)
    reader.read()
    store.turn("c7", 2)
    taken = count_rows(monkeypatch)
    reader.read()
    asked = [sql for sql in taken if "group_concat" in sql]
    assert len(asked) == 1
    plan = [row[3] for row in store.db.execute(f"EXPLAIN QUERY PLAN {asked[0]}")]
    assert any("COVERING INDEX" in step for step in plan)
    assert "SELECT value FROM ItemTable WHERE key = ?" not in taken
