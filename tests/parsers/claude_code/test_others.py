"""Records that are no messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.parsers.claude_code.transcripts import Reads, Talk, read


def _after_hello(*records: dict[str, Any]) -> Reads:
    talk = Talk()
    talk.user("hello")
    stamped = [{"timestamp": "2026-02-01T10:05:00.000Z", **record} for record in records]
    return read([*talk.records, *stamped])


def test_compaction_is_marked_and_its_summary_no_prompt() -> None:
    talk = Talk()
    metadata = {"trigger": "auto", "preTokens": 155301}
    talk.add("system", subtype="compact_boundary", content="Compacted", compactMetadata=metadata)
    talk.user("This session is being continued…", isCompactSummary=True)
    mark, summary = talk.read().own.events

    assert mark.data == {"kind": "context_compacted"}
    assert mark.attributes["compact.trigger"] == "auto"
    assert mark.attributes["compact.tokens_before"] == 155301
    assert summary.type == "SystemMessage"
    assert summary.attributes["compact_summary"] is True


def test_a_turns_duration_is_an_event_with_it() -> None:
    event = _after_hello({"type": "system", "subtype": "turn_duration", "durationMs": 86736}).own

    assert event.events[1].data == {"kind": "turn_duration"}
    assert event.events[1].duration_ms == 86736


def test_errors_of_the_api_say_what_happened() -> None:
    error = {"status": 529, "error": {"error": {"type": "overloaded_error", "message": "Busy"}}}
    record = {"type": "system", "subtype": "api_error", "level": "error", "error": error}
    event = _after_hello({**record, "retryAttempt": 1, "maxRetries": 10}).own.events[1]

    assert event.blocks[0]["text"] == "API error: 529, overloaded_error, Busy (attempt 1 of 10)"
    assert event.attributes["error"] is True


def test_a_command_in_a_system_record_is_what_a_person_typed() -> None:
    local = {"type": "system", "subtype": "local_command"}
    events = _after_hello(
        {**local, "content": "<command-name>/usage</command-name>"},
        {**local, "content": "<local-command-stdout>Much</local-command-stdout>"},
    ).own.events

    assert [(e.type, e.blocks[0]["text"]) for e in events[1:]] == [
        ("UserMessage", "/usage"),
        ("SystemMessage", "Much"),
    ]


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        (
            {
                "subtype": "stop_hook_summary",
                "hookInfos": [{"command": "make"}],
                "hookErrors": ["bad"],
            },
            "Stop hooks: make\nbad",
        ),
        ({"subtype": "away_summary", "content": "While you were away"}, "While you were away"),
        ({"subtype": "novel"}, "System event: novel"),
        ({}, "System event: system"),
    ],
)
def test_what_the_system_says(record: dict[str, Any], shown: str) -> None:
    event = _after_hello({"type": "system", **record}).own.events[1]

    assert (event.type, event.blocks[0]["text"]) == ("SystemMessage", shown)


@pytest.mark.parametrize(
    "kind",
    ["file-history-snapshot", "last-prompt", "cost-state", "mode", "permission-mode", "tools-used",
     "api-request", "api-request-blob", "api-request-shape", "atis-latch", "worktree-state"],
)  # fmt: skip
def test_records_without_a_word_are_known_and_silent(kind: str) -> None:
    reads = _after_hello({"type": kind, "message": {"role": "user", "content": "again"}})

    assert (len(reads.own.events), reads.unknown, reads.skipped) == (1, {}, {})


@pytest.mark.parametrize("kind", ["bash_progress", "hook_progress", "mcp_progress", "query_update"])
def test_ticks_of_progress_vanish(kind: str) -> None:
    reads = _after_hello({"type": "progress", "data": {"type": kind, "output": "…"}})

    assert (len(reads.own.events), reads.unknown, reads.skipped) == (1, {}, {})


def test_the_persons_title_stands_above_the_models() -> None:
    custom = {"type": "custom-title", "customTitle": "Mine"}
    generated = {"type": "ai-title", "aiTitle": "Generated"}

    assert _after_hello(generated).own.info.title == "Generated"
    assert _after_hello(custom, generated).own.info.title == "Mine"
    assert _after_hello(generated, {"type": "tag", "tag": "t"}).own.info.attributes["tag"] == "t"


def test_a_summary_is_the_title_of_the_conversation_it_names() -> None:
    talk = Talk()
    foreign = {"type": "summary", "summary": "Another", "leafUuid": "nowhere"}
    ahead = {"type": "summary", "summary": "Ahead", "leafUuid": talk.user("hello")}

    assert read([foreign, *talk.records]).own.info.title == ""
    assert read([ahead, *talk.records], cuts=[1]).own.info.title == "Ahead"
    after = read([*talk.records, {**ahead, "summary": "After"}], cuts=[1]).own
    assert after.info.title == "After"
    assert after.events[1].data == {"kind": "summary"}


def test_a_pull_request_is_linked() -> None:
    url = "https://github.com/me/acme/pull/7"
    own = _after_hello({"type": "pr-link", "prUrl": url, "prNumber": 7}).own

    assert own.info.attributes["pull_requests"] == [url]
    assert own.events[1].blocks == [{"type": "Reference", "uri": url, "media_type": "text/html"}]


def _queued(prompt: Any, **fields: Any) -> dict[str, Any]:
    attachment = {"type": "queued_command", "prompt": prompt, **fields}
    return {"type": "attachment", "uuid": f"q-{prompt}", "attachment": attachment}


def test_a_prompt_typed_while_the_agent_worked() -> None:
    events = _after_hello(
        {"type": "queue-operation", "operation": "enqueue", "content": "and the tests"},
        _queued("and the tests", commandMode="prompt", origin={"kind": "human"}),
        {"type": "queue-operation", "operation": "remove"},
    ).own.events

    assert [event.type for event in events] == ["UserMessage", "UserMessage"]
    assert events[1].blocks[0]["text"] == "and the tests"
    assert events[1].attributes["queued"] is True


def test_a_notice_that_waited_is_no_prompt() -> None:
    note = "<task-notification>done</task-notification>"
    events = _after_hello(_queued(note, commandMode="task-notification")).own.events

    assert events[1].type == "SystemMessage"


def test_the_queue_speaks_where_there_are_no_attachments() -> None:
    """Before attachments were written, such a prompt stood nowhere else."""
    queue = {"type": "queue-operation"}
    events = _after_hello(
        {**queue, "operation": "enqueue", "content": "stop"},
        {**queue, "operation": "enqueue", "content": "never mind"},
        {**queue, "operation": "remove"},
        {**queue, "operation": "popAll", "content": "never mind"},
        {**queue, "operation": "remove"},
        {**queue, "operation": "enqueue", "content": "next turn"},
        {**queue, "operation": "dequeue"},
    ).own.events

    assert [event.blocks[0]["text"] for event in events] == ["hello", "stop"]


@pytest.mark.parametrize(
    ("attachment", "shown"),
    [
        ({"type": "hook_success", "hookName": "Stop", "stdout": "ok"}, ["Hook Stop:\nok"]),
        ({"type": "hook_success", "stdout": ""}, []),
        ({"type": "model", "text": "You are powered by"}, []),
        (
            {"type": "edited_text_file", "filename": "/a.py", "snippet": "     1→x"},
            ["Changed outside of the session: /a.py", "x"],
        ),
        (
            {"type": "file", "filename": "/a.py", "content": {"file": {"content": "x"}}},
            ["Attached: /a.py", "x"],
        ),
        ({"type": "directory", "path": "/src", "content": "a\nb"}, ["Attached: /src", "a\nb"]),
    ],
)
def test_attachments_that_a_person_or_a_hook_gave(
    attachment: dict[str, Any], shown: list[str]
) -> None:
    events = _after_hello({"type": "attachment", "attachment": attachment}).own.events[1:]

    blocks = [block for event in events for block in event.blocks]
    assert [block.get("text") or block.get("code") for block in blocks] == shown


def test_an_unknown_attachment_is_kept_whole() -> None:
    reads = _after_hello({"type": "attachment", "attachment": {"type": "novel", "x": 1}})

    assert reads.own.events[1].data == {"kind": "unknown:attachment/novel"}
    assert reads.own.events[1].blocks[0]["data"] == {"type": "novel", "x": 1}
    assert reads.unknown == {"attachment/novel": 1}


def test_a_collapsed_span_is_a_compaction() -> None:
    record = {"type": "marble-origami-commit", "summary": "What was said"}
    event = _after_hello(record).own.events[1]

    assert event.data == {"kind": "context_compacted"}
    assert event.blocks[0]["text"] == "What was said"
