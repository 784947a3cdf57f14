"""The command line's databases (the sample and all others made by hand)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from opensession.parsers.agent import Source, SourceRefused
from opensession.parsers.cursor import AGENT, chats
from tests.parsers.cursor.making import FIRST_MS, Chat, Reader, count_rows, fresh, texts


@pytest.fixture
def chat(tmp_path: Path) -> Chat:
    return Chat(tmp_path)


def test_the_sample_is_read_whole(corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus / "cursor" / "cli-by-hand" / "chats", tmp_path / "chats")
    (path,) = tmp_path.rglob("store.db")
    for each in [*path.parents][:3]:
        each.chmod(0o700)
    path.chmod(0o600)
    whole = fresh(Source("cursor", str(tmp_path / "chats"), str(path)))

    assert whole.info.id == "cccccccc-0000-4000-8000-000000000001"
    assert whole.info.title == "Make hello"
    assert whole.info.first_prompt == "Make a hello.py"
    assert whole.info.cwd == "/home/dev/demo"
    assert whole.info.model == "composer-2.5"
    assert [event.type for event in whole.events] == [
        "SystemMessage",
        "UserMessage",
        "Thinking",
        "ShellCommand",
        "ToolResult",
        "AgentMessage",
    ]
    assert whole.events[1].blocks == [{"type": "Text", "text": "Make a hello.py"}]
    assert whole.events[4].attributes["result.call_seq"] == 4
    assert [event.time_us for event in whole.events][-1] == (FIRST_MS + 10_000) * 1000


def test_a_new_turn_pulls_what_it_added(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(200):
        chat.say("user", f"<user_query>\nprompt {number}\n</user_query>")
        chat.say("assistant", f"answer {number}")
    chat.root()
    reader = Reader(chat.source)
    reader.read()
    chat.say("user", "more")
    chat.root()
    taken = count_rows(monkeypatch)
    lines = reader.lines()

    assert [line["kind"] for line in lines] == ["conversation", *["message"] * 3, "end"]
    assert len(taken) < 20
    assert reader.whole.sessions == fresh(chat.source).sessions


def test_the_same_words_twice_are_two_prompts(chat: Chat) -> None:
    for _ in range(3):
        chat.say("user", "continue")
        chat.say("assistant", "yes")
    chat.root()
    reader = Reader(chat.source)
    reader.read()
    chat.say("user", "continue")
    chat.root()
    reader.read()

    assert reader.texts("chat-1") == ["continue", "yes"] * 3 + ["continue"]
    assert len({event.event_id for event in reader.whole.events}) == 7


def test_half_written_answers_are_replaced(chat: Chat) -> None:
    chat.say("user", "go")
    for said in ("It", "It is", "It is done."):
        chat.say("assistant", said)
        chat.root()
        Reader(chat.source).read()
        if said != "It is done.":
            chat.messages.pop()
    assert texts(fresh(chat.source).events) == ["go", "It is done."]


def test_a_summary_for_the_model_takes_nothing_away(chat: Chat) -> None:
    for number in range(3):
        chat.say("user", f"prompt {number}")
        chat.say("assistant", f"answer {number}")
    chat.root()
    reader = Reader(chat.source)
    reader.read()
    chat.messages = []
    chat.say("user", "<conversation_summary>so far</conversation_summary>")
    chat.say("user", "next")
    chat.root()
    reader.read()
    chat.say("assistant", "done")
    chat.root()
    reader.read()

    said = reader.texts("chat-1")
    assert said[:6] == [f"{kind} {n}" for n in range(3) for kind in ("prompt", "answer")]
    assert said[-2:] == ["next", "done"]
    assert len(said) == 9


def test_a_summary_within_the_first_turn_takes_nothing_away(chat: Chat) -> None:
    for role, words in (("user", "go"), ("assistant", "one"), ("assistant", "two")):
        chat.say(role, words)
    chat.root()
    reader = Reader(chat.source)
    reader.read()
    chat.messages = []
    chat.say("user", "so far: one, two")
    chat.say("assistant", "three")
    chat.root()
    reader.read()

    assert reader.texts("chat-1") == ["go", "one", "two", "so far: one, two", "three"]


def test_messages_behind_other_nodes_come_in_their_order(chat: Chat) -> None:
    names = [chat.say("user", f"m{number}") for number in range(4)]
    inner = chat.blob(b"".join(b"\x0a\x20" + bytes.fromhex(name) for name in names[1:3]))
    chat.root([names[0], inner, names[3]])

    assert texts(fresh(chat.source).events) == ["m0", "m1", "m2", "m3"]


def test_without_a_root_the_order_is_that_of_writing(chat: Chat) -> None:
    for number in range(3):
        chat.say("user", f"m{number}")
    reader = Reader(chat.source)
    reader.read()
    chat.say("user", "m3")
    reader.read()

    assert reader.texts("chat-1") == ["m0", "m1", "m2", "m3"]


def test_a_large_chat_is_read_in_pieces(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        chat.say("user" if number % 7 == 0 else "assistant", f"m{number} " + "x" * 900)
    chat.root()
    expected = fresh(chat.source).sessions
    monkeypatch.setattr(chats, "SLICE_BYTES", 5000)
    reader = Reader(chat.source)

    assert len(reader.read()) > 8
    assert reader.whole.sessions == expected
    chat.say("user", "more")
    chat.root()
    reader.read()
    assert reader.whole.sessions == fresh(chat.source).sessions


def test_results_are_paired_and_failures_are_errors(chat: Chat) -> None:
    call = {"type": "tool-call", "toolCallId": "k", "toolName": "Shell", "args": {"command": "x"}}
    hidden = {"type": "redacted-reasoning", "data": "x"}
    chat.say("assistant", [hidden, call, {**call, "toolCallId": "k2"}])
    result = {"type": "tool-result", "toolCallId": "k2", "toolName": "Shell", "result": "no"}
    detail = {"cursor": {"highLevelToolCallResult": {"output": {"success": {"exitCode": 3}}}}}
    chat.say("tool", [{**result, "providerOptions": detail}])
    chat.say("tool", [{**result, "toolCallId": "k", "isError": True}])
    chat.root()
    events = fresh(chat.source).events

    assert [event.data["is_error"] for event in events[2:] if event.data] == [True, True]
    assert [event.attributes["result.call_seq"] for event in events[2:]] == [2, 1]
    assert events[2].attributes["result.exit_code"] == 3


def test_what_the_folder_says_of_a_chat(chat: Chat) -> None:
    described = {"title": "From the file", "cwd": "/home/dev/demo", "createdAtMs": FIRST_MS}
    (chat.path.parent / "meta.json").write_text(json.dumps(described))
    chat.say("user", "go")
    chat.root(lastUsedModel="gpt-5")
    whole = fresh(chat.source)

    assert (whole.info.title, whole.info.cwd) == ("From the file", "/home/dev/demo")
    assert whole.info.model == "gpt-5"
    assert whole.events[0].time_us == FIRST_MS * 1000
    assert whole.events[0].attributes["time.estimated"]


def test_other_tables_are_refused(chat: Chat) -> None:
    chat.db.execute("DROP TABLE meta")
    with pytest.raises(SourceRefused, match="meta without key, value"):
        AGENT.read(chat.source, None)
