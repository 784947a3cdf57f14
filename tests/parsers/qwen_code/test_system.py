"""Records of type `system`, by subtype."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.parsers.gemini.making import spent, types
from tests.parsers.qwen_code.making import assistant, call, read, system, telemetry, user


def test_a_title_is_the_sessions(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        user("u", "Go"),
        system("t", "custom_title", customTitle="The fix", titleSource="manual"),
    )

    assert whole.info.title == "The fix"
    assert types(whole) == ["UserMessage"]


def test_a_compression_is_told_with_its_summary(tmp_path: Path) -> None:
    history = [{"role": "user", "parts": [{"text": "<state_snapshot>Well.</state_snapshot>"}]}]
    info = {"originalTokenCount": 9000, "newTokenCount": 700}

    (found,) = read(
        tmp_path, system("c", "chat_compression", info=info, compressedHistory=history)
    ).events

    assert found.data == {"kind": "context_compacted"}
    assert found.attributes["compact.tokens_before"] == 9000
    assert found.attributes["compact.tokens_after"] == 700
    assert found.blocks[0]["text"] == "<state_snapshot>Well.</state_snapshot>"


def test_a_command_is_typed_and_its_answer_is_not(tmp_path: Path) -> None:
    answer = [{"type": "info", "text": "Qwen Code 0.24.4"}, {"type": "about"}]

    whole = read(
        tmp_path,
        system("i", "slash_command", phase="invocation", rawCommand="/about me"),
        system(
            "r", "slash_command", phase="result", rawCommand="/about", outputHistoryItems=answer
        ),
        system("h", "slash_command", phase="invocation", rawCommand="/x", hiddenInvocation=True),
    )

    assert types(whole) == ["UserMessage", "SystemMessage"]
    assert whole.events[0].attributes["slash_command"] == "/about"
    assert whole.events[1].blocks == [{"type": "Text", "text": "Qwen Code 0.24.4"}]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"state": "completed"}, []),
        ({"state": "cancelled"}, ["turn_aborted"]),
        ({"state": "error", "error": {"message": "Quota"}}, ["SystemMessage"]),
    ],
)
def test_a_turn_that_did_not_end_well_is_told(
    tmp_path: Path, payload: dict[str, Any], expected: list[str]
) -> None:
    whole = read(tmp_path, user("u", "Go"), system("r", "turn_result", promptId="p", **payload))

    assert types(whole)[1:] == expected


def test_an_error_of_the_api_is_told(tmp_path: Path) -> None:
    error = telemetry("e", "api_error", status_code=429, error_message="Too many", model="m")

    (found,) = read(tmp_path, error).events

    assert found.blocks == [{"type": "Text", "text": "API error: 429, Too many"}]
    assert found.attributes["error"] is True


def test_the_session_that_made_this_one_is_related(tmp_path: Path) -> None:
    info = read(
        tmp_path, user("u", "Go"), system("p", "parent_session", parentSessionId="0e11")
    ).info

    assert (info.role, info.related) == ("primary", ["0e11"])


def response(**fields: Any) -> dict[str, Any]:
    counts = {"input_token_count": 90, "output_token_count": 9, "total_token_count": 99}
    return telemetry("t", "api_response", response_id="resp", model="m", **counts, **fields)


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({}, False),
        ({"subagent_name": "explore", "prompt_id": "s#explore-zk1#0"}, True),
        ({"subagent_name": "explore", "prompt_id": "s#explore-c1#0"}, False),
        ({"subagent_name": "explore", "subagent_id": "explore-c1", "prompt_id": "s#x#0"}, False),
    ],
)
def test_a_subagents_tokens_are_counted_where_it_has_no_transcript(
    tmp_path: Path, fields: dict[str, Any], counted: bool
) -> None:
    """One that has a transcript is named after the call that started it, and counts there."""
    started = assistant("a", call("c1", "agent", prompt="Look"))

    assert spent(read(tmp_path, started, response(**fields))) == (
        {"resp": (90, 9, 0)} if counted else {}
    )


def test_the_sign_in_may_tell_the_provider(tmp_path: Path) -> None:
    assert read(tmp_path, user("u", "Go"), response(auth_type="openai")).info.provider == ""
    assert read(tmp_path, user("u", "Go"), response(auth_type="qwen-oauth")).info.provider == "qwen"
