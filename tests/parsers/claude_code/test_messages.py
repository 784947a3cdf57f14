"""User and assistant records as events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parsers.claude_code.transcripts import SESSION, Talk, read, said, source_of

PIXEL = {"type": "base64", "media_type": "image/png", "data": "A" * 400}


def test_a_prompt_with_a_picture_is_one_message() -> None:
    talk = Talk()
    uuid = talk.user([said("What is this?"), {"type": "image", "source": PIXEL}])
    event = talk.read().own.one("UserMessage")

    assert event.event_id == uuid
    assert event.blocks == [
        {"type": "Text", "text": "What is this?"},
        {"type": "Image", "url": "data:image/png;bytes=300,", "mime": "image/png"},
    ]


def test_a_picture_by_address_keeps_it() -> None:
    talk = Talk()
    source = {"type": "url", "url": "https://example.org/a.jpg"}
    talk.user([{"type": "image", "source": source}])

    assert talk.read().own.events[0].blocks[0]["url"] == "https://example.org/a.jpg"


def test_reminders_are_no_part_of_a_prompt() -> None:
    talk = Talk()
    talk.user([said("<system-reminder>x</system-reminder>"), said("fix it")])
    own = talk.read().own

    assert own.info.first_prompt == "fix it"
    assert own.one("UserMessage").blocks == [{"type": "Text", "text": "fix it"}]


@pytest.mark.parametrize(
    "fields",
    [
        {"isMeta": True},
        {"isCompactSummary": True},
        {"origin": {"kind": "task-notification"}},
        {"promptSource": "system"},
    ],
)
def test_what_no_person_typed_is_no_prompt(fields: dict[str, Any]) -> None:
    talk = Talk()
    talk.user("Injected", **fields)
    talk.user([said("Injected too")], **fields)
    talk.user("Typed", origin={"kind": "human"}, promptSource="typed")
    own = talk.read().own

    assert own.types() == ["SystemMessage", "SystemMessage", "UserMessage"]
    assert own.info.first_prompt == "Typed"


def test_the_first_prompt_is_a_command_only_if_nothing_else_was_typed() -> None:
    """The title is what the person asked, never a caveat, a wrapper or an interruption."""
    talk = Talk()
    talk.user("<local-command-caveat>Caveat: …</local-command-caveat>", isMeta=True)
    talk.user("<command-name>/model</command-name><command-args>opus</command-args>")
    talk.user("[Request interrupted by user]")
    assert talk.read().own.info.first_prompt == "/model opus"

    talk.user("Now fix it")
    reads = talk.read(cuts=[2])
    assert reads.own.info.first_prompt == "Now fix it"
    assert reads.own.events[1].attributes["slash_command"] == "/model"


def test_an_interruption_is_an_event_of_its_own() -> None:
    talk = Talk()
    talk.call("Bash", command="sleep 9")
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "stopped"}
    talk.user([block, said("[Request interrupted by user for tool use]")])
    _, result, interruption = talk.read().own.events

    assert interruption.data == {"kind": "interrupted"}
    assert interruption.event_id == f"{result.event_id}:2"


def test_leaving_ends_the_session_until_it_goes_on() -> None:
    talk = Talk()
    talk.user("<command-name>/exit</command-name>")
    talk.user("<local-command-stdout>Bye!</local-command-stdout>")
    assert talk.read().own.ended

    talk.user("one more thing")
    assert not talk.read(cuts=[2]).own.ended


def test_an_answer_that_is_one_string() -> None:
    talk = Talk()
    talk.assistant(message={"content": "Hello."})

    assert talk.read().own.one("AgentMessage").blocks == [{"type": "Text", "text": "Hello."}]


def test_thinking_that_is_hidden_still_counts() -> None:
    talk = Talk()
    talk.assistant({"type": "redacted_thinking", "data": "x"}, message={"id": "a"})
    talk.assistant({"type": "thinking", "thinking": "", "signature": "y"}, message={"id": "b"})
    hidden, empty = talk.read().own.events

    assert hidden.type == empty.type == "Thinking"
    assert hidden.attributes["redacted"] is True
    assert hidden.attributes["message_id"] == "a"


def test_tokens_of_a_record_without_words_are_kept() -> None:
    talk = Talk()
    talk.assistant(said("\n\n"))
    own = talk.read().own

    assert own.events[0].data == {"kind": "token_count"}
    assert own.events[0].attributes["output_tokens"] == 5
    assert len(own.usage) == 1


def test_what_claude_code_says_itself_is_not_the_models() -> None:
    talk = Talk()
    talk.user("hi")
    synthetic = {"model": "<synthetic>", "usage": {"input_tokens": 9, "output_tokens": 9}}
    talk.assistant(said("API Error: 529"), message=synthetic, isApiErrorMessage=True)
    talk.assistant(said("No response requested."), message=synthetic)
    own = talk.read().own

    assert own.types() == ["UserMessage", "SystemMessage", "SystemMessage"]
    assert [e.attributes.get("error") for e in own.events] == [None, True, None]
    assert own.usage == {}
    assert own.info.model == ""


def test_an_unknown_block_is_kept_whole() -> None:
    talk = Talk()
    talk.assistant({"type": "hologram", "shape": [1, 2]}, said("there"))
    reads = talk.read()
    block, words = reads.own.events

    assert block.data == {"kind": "unknown:block/hologram"}
    assert block.blocks == [{"type": "Json", "data": {"type": "hologram", "shape": [1, 2]}}]
    assert words.type == "AgentMessage"
    assert reads.unknown == {"block/hologram": 1}


def test_a_search_by_the_api_is_a_call_with_its_result() -> None:
    talk = Talk()
    talk.assistant(
        {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {"query": "uuid"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "srv",
            "content": [{"type": "web_search_result", "url": "https://example.org"}],
        },
    )
    call, result = talk.read().own.events

    assert (call.type, call.data) == ("WebSearch", {"query": "uuid"})
    assert result.data == {"name": "web_search", "is_error": False, "call_id": "srv"}
    assert result.blocks[0]["data"]["url"] == "https://example.org"
    assert result.attributes["result.call_seq"] == 1


def test_where_a_session_ran() -> None:
    talk = Talk(gitBranch="main", entrypoint="cli")
    talk.user("one")
    talk.user("two", gitBranch="HEAD", version="2.1.31")
    talk.user("three", cwd="/home/me/other", gitBranch="fix")
    info = talk.read().own.info

    assert (info.cwd, info.last_cwd) == ("/home/me/acme", "/home/me/other")
    assert info.attributes["all_cwds"] == ["/home/me/acme", "/home/me/other"]
    assert (info.git_branch, info.attributes["git_branches"]) == ("main", ["main", "fix"])
    assert info.tool_version == "2.1.30"
    assert info.attributes["entrypoint"] == "cli"
    assert (info.provider, info.role, info.parent) == ("anthropic", "primary", "")


def test_a_fork_and_a_resumed_copy_name_where_they_come_from() -> None:
    talk = Talk()
    talk.user("one", sessionId="old-session")
    talk.user("two", forkedFrom={"sessionId": "forked-session", "messageUuid": "x"})
    talk.user("three")

    assert talk.read().own.info.related == ["old-session", "forked-session"]


def test_sidechains_within_a_file_are_sessions() -> None:
    """Before version 2.0 subagents wrote into the file of their parent."""
    talk = Talk()
    talk.user("do both")
    talk.call("Task", "toolu_a", description="First", prompt="Do a", subagent_type="Explore")
    talk.call("Task", "toolu_b", description="Second", prompt="Do b", subagent_type="Explore")
    first = talk.user("Do a", isSidechain=True, parentUuid=None)
    second = talk.user("Do b", isSidechain=True, parentUuid=None)
    a = talk.assistant(said("a1"), isSidechain=True, parentUuid=first)
    b = talk.assistant(said("b1"), isSidechain=True, parentUuid=second)
    talk.assistant(said("a2"), isSidechain=True, parentUuid=a)
    talk.assistant(said("b2"), isSidechain=True, parentUuid=b)
    talk.result("done a", "toolu_a")
    talk.result("done b", "toolu_b")
    reads = talk.read(cuts=[4, 6, 8])
    own, one, two = reads.sessions.values()

    assert own.types() == ["UserMessage", "ToolCall", "ToolCall", "ToolResult", "ToolResult"]
    assert [e.attributes["subagent_id"] for e in own.events[3:]] == [one.info.id, two.info.id]
    assert [e.blocks[0]["text"] for e in one.events] == ["Do a", "a1", "a2"]
    assert [e.blocks[0]["text"] for e in two.events] == ["Do b", "b1", "b2"]
    assert (one.info.id, one.info.title, one.info.parent_call_id) == (
        f"agent-{first}",
        "First",
        "toolu_a",
    )
    assert (two.info.role, two.info.parent) == ("auxiliary", SESSION)


def test_two_subagents_of_one_prompt_are_of_two_calls() -> None:
    talk = Talk()
    talk.call("Task", "toolu_a", prompt="Look")
    talk.call("Task", "toolu_b", prompt="Look")
    talk.user("Look", isSidechain=True, parentUuid=None)
    talk.user("Look", isSidechain=True, parentUuid=None)
    _, one, two = talk.read(cuts=[3]).sessions.values()

    assert (one.info.parent_call_id, two.info.parent_call_id) == ("toolu_a", "toolu_b")


def test_many_subagents_do_not_fill_the_state() -> None:
    """Also when one that was forgotten goes on, reads in pieces end where one read does."""
    talk = Talk()
    root = talk.user("Look", isSidechain=True, parentUuid=None)
    for _ in range(300):
        root = talk.assistant(said("on"), isSidechain=True, parentUuid=root)
    small = len(talk.read().state)
    for number in [*range(300), 0]:
        talk.user("Look", isSidechain=True, agentId=f"a{number}")
    whole = talk.read()

    assert small < 4_000
    assert len(whole.state) < 40_000
    assert talk.read(cuts=range(0, len(talk.records), 10)).sessions == whole.sessions


def test_calls_are_paired_within_their_own_chain() -> None:
    """DECISIONS §2: a subagent's events have a seq of their own."""
    talk = Talk()
    talk.call("Bash", "toolu_x", command="ls")
    root = talk.user("sub", isSidechain=True, parentUuid=None)
    talk.assistant(
        {"type": "tool_use", "id": "toolu_y", "name": "Grep", "input": {"pattern": "p"}},
        isSidechain=True,
        parentUuid=root,
    )
    talk.result("hit", "toolu_y", isSidechain=True, parentUuid=talk.last)
    talk.result("a.py", "toolu_x")
    own, chain = talk.read(cuts=[2, 3]).sessions.values()

    assert own.one("ToolResult").attributes["result.call_seq"] == 1
    assert chain.one("ToolResult").attributes["result.call_seq"] == 2


def test_a_sidechain_with_an_agents_id_gives_way_to_its_own_file() -> None:
    talk = Talk()
    talk.user("main")
    talk.user("sub", isSidechain=True, agentId="abc123")
    own, sub = talk.read().sessions.values()

    assert (sub.info.id, sub.secondary, own.secondary) == ("agent-abc123", True, False)


def test_a_subagents_own_file() -> None:
    talk = Talk(agentId="abc", isSidechain=True)
    talk.user("Look at it")
    talk.assistant(said("Looked."))
    source = source_of("agent-abc", f"-home-me-acme/{SESSION}/subagents")
    own = talk.read(source=source).own

    assert (own.info.id, own.info.role, own.info.parent) == ("agent-abc", "auxiliary", SESSION)
    assert own.types() == ["UserMessage", "AgentMessage"]


def test_a_subagents_parent_is_in_its_path_as_well() -> None:
    source = source_of("agent-abc", f"-home-me-acme/{SESSION}/subagents")
    talk = Talk(sessionId=...)
    talk.user("Look at it")

    assert talk.read(source=source).own.info.parent == SESSION


def test_a_user_record_without_a_message_is_counted() -> None:
    assert read([{"type": "user", "timestamp": "2026-02-01T10:00:00Z"}]).skipped == {"malformed": 1}
