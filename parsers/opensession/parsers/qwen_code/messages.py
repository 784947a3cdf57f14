"""User, assistant and tool result records of a transcript as events."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.actions import Given, action, string
from opensession.parsers.gemini_parts import (
    Answer,
    Part,
    Tokens,
    answer_of,
    attributes_of,
    block_of,
    count_in,
    diff_of,
    exit_code_in,
    name_in,
    parts_of,
    tokens_of,
    was_refused,
    words_of,
)
from opensession.parsers.qwen_code.tools import TOOLS
from opensession.parsers.timeline import Timeline

_TYPED = frozenset(("", "mid_turn_user_message", "realtime_message"))
_UNTYPED_SOURCES = frozenset(("system", "goal_runtime", "goal_control"))
_REMINDER, _REMINDER_END = "<system-reminder>", "</system-reminder>"
_DURATIONS = 128


def read_user(line: Timeline, record: Given) -> None:
    """What a person typed, or what is told to the model in that place."""
    native, subtype = string(record, "uuid"), string(record, "subtype")
    parts = parts_of(_message(record).get("parts"))
    foreign = subtype not in _TYPED or record.get("provenance") in _UNTYPED_SOURCES
    if foreign or record.get("externalInputKind") == "notification":
        blocks = [block for part in parts if (block := _block(part)) is not None]
        attributes: Attributes = {"system.subtype": subtype} if subtype else {}
        if blocks:
            line.emit("SystemMessage", native, blocks=blocks, attributes=attributes)
        return
    typed, context = _sorted(parts)
    shown = string(_payload(record), "displayText").strip()
    if shown and shown != words_of(parts).strip():
        said = [block for block in typed if block["type"] == "Text"]
        typed = [text(shown), *(block for block in typed if block["type"] != "Text")]
        context = [block for block in said if block["text"] != shown] + context
    n = 0
    if typed:
        line.prompt(native, typed)
        n = 1
    for block in context:
        line.emit("SystemMessage", native, blocks=[block], n=n)
        n += 1


def _sorted(parts: list[Part]) -> tuple[list[Block], list[Block]]:
    """What a person typed or attached, and reminders that were added to it."""
    typed: list[Block] = []
    context: list[Block] = []
    for part in parts:
        block = _block(part)
        if block is None:
            continue
        words = string(part, "text").strip()
        reminder = words.startswith(_REMINDER) and words.endswith(_REMINDER_END)
        (context if reminder else typed).append(block)
    return typed, context


def _block(part: Part) -> Block | None:
    words = string(part, "text")
    return (text(words.strip()) if words.strip() else None) if words else block_of(part)


def read_assistant(line: Timeline, record: Given) -> None:
    """A response, or in a subagent's transcript a part of one."""
    native, model = name_in(record, "uuid"), name_in(record, "model")
    if model and not line.state.model:
        line.state.model = model
    tokens = _tokens(record.get("usageMetadata"))
    attributes = attributes_of(native, model, tokens)
    n = 0
    for part in parts_of(_message(record).get("parts")):
        call, words = part.get("functionCall"), string(part, "text")
        if isinstance(call, dict):
            call_id = string(call, "id") or f"{native}-call-{n + 1}"
            what = action(string(call, "name"), call.get("args"), TOOLS)
            line.call(native, call_id, what, attributes=attributes, n=n)
            n += 1 + len(what.more)
            continue
        block = _block(part)
        if block is None:
            continue
        kind = "Thinking" if part.get("thought") is True and words else "AgentMessage"
        line.emit(kind, native, blocks=[block], attributes=dict(attributes), n=n)
        n += 1
    if tokens is None:
        return
    if not n:
        line.emit("Custom", native, data={"kind": "token_count"}, attributes=attributes)
    spend(line, native, model, tokens)


def spend(line: Timeline, message_id: str, model: str, tokens: Tokens) -> None:
    """Counts the tokens of a response, with the latest event, which names one without an id."""
    line.usage(
        message_id or f"~{line.state.count}",
        model=model,
        input=tokens.input,
        output=tokens.output,
        cache_read=tokens.cached,
    )


def _tokens(value: Any) -> Tokens | None:
    if not isinstance(value, dict):
        return None
    found = tokens_of(
        count_in(value, "promptTokenCount"),
        count_in(value, "candidatesTokenCount"),
        count_in(value, "cachedContentTokenCount"),
        count_in(value, "thoughtsTokenCount"),
        count_in(value, "toolUsePromptTokenCount"),
        count_in(value, "totalTokenCount"),
    )
    return found if any(found) else None


def read_tool_result(line: Timeline, record: Given) -> None:
    """What calls gave; the record tells more of the one that it names."""
    native, outcome = string(record, "uuid"), record.get("toolCallResult")
    told = outcome if isinstance(outcome, dict) else {}
    parts = parts_of(_message(record).get("parts"))
    responses = [part["functionResponse"] for part in parts if "functionResponse" in part]
    responses = [response for response in responses if isinstance(response, dict)]
    rest = [block for part in parts if "functionResponse" not in part and (block := _block(part))]
    if not responses:
        responses = [{"id": string(told, "callId")}]
    n = 0
    for response in responses:
        call_id = string(response, "id") or _open_call(line, string(response, "name"))
        own = told if len(responses) == 1 or call_id == string(told, "callId") else {}
        before = line.state.count
        _result(line, native, call_id or string(own, "callId"), response, own, rest, n)
        n += line.state.count - before
        rest = []


def _open_call(line: Timeline, name: str) -> str:
    return next((each for each, call in line.state.open.items() if call.name == name), "")


def _result(
    line: Timeline,
    native: str,
    call_id: str,
    response: Given,
    told: Given,
    rest: list[Block],
    n: int,
) -> None:
    answer = answer_of(response)
    shown, status = told.get("resultDisplay"), string(told, "status")
    opened = line.state.open.get(call_id)
    kind, path = (opened.kind, opened.path) if opened is not None else ("", "")
    failed = answer.failed or status in ("error", "cancelled")
    attributes: Attributes = {}
    if status == "cancelled":
        attributes["status"] = status
    if failed and was_refused(answer.words):
        attributes["user_decision"] = "rejected"
    if string(told, "errorType"):
        attributes["error_type"] = string(told, "errorType")[:256]
    display = shown if isinstance(shown, dict) else {}
    line.result(
        native,
        call_id,
        [*_answer_blocks(answer, shown), *rest],
        name=string(response, "name"),
        is_error=failed,
        exit_code=_exit_code(display, answer.words) if kind in ("", "shell") else None,
        diff="" if failed else diff_of(shown, path),
        duration_ms=_duration(line, call_id, told),
        subagent_id=_subagent(display, call_id),
        attributes=attributes,
        n=n,
    )


def _answer_blocks(answer: Answer, shown: Any) -> list[Block]:
    if not answer.blocks and isinstance(shown, str) and shown.strip():
        return [text(shown)]
    return answer.blocks


def _exit_code(display: Given, words: str) -> int | None:
    """The exit code that is recorded (from 0.24 on), else the one that the output ends with."""
    if display.get("type") == "shell_result":
        code = display.get("exitCode")
        return code if type(code) is int and abs(code) < 1 << 32 else None
    return exit_code_in(words)


def _duration(line: Timeline, call_id: str, told: Given) -> int | None:
    """How long a call took: as its record says (a subagent's), else as the telemetry before it."""
    measured = line.state.own.get("durations", {}).pop(call_id, None)
    recorded = count_in(told, "durationMs")
    if recorded:
        return recorded
    return measured if isinstance(measured, int) else None


def keep_duration(line: Timeline, call_id: str, duration_ms: int) -> None:
    """Remembers how long a call took until its result comes."""
    durations: dict[str, int] = line.state.own.setdefault("durations", {})
    if call_id in line.state.open:
        durations[call_id] = duration_ms
        if len(durations) > _DURATIONS:
            del durations[next(iter(durations))]


def _subagent(display: Given, call_id: str) -> str:
    """The session of the subagent that a call started, where it has a transcript of its own."""
    name = string(display, "subagentName")
    if display.get("type") != "task_execution" or display.get("subagentSessionReady") is not True:
        return ""
    return f"agent-{sanitized(f'{name}-{call_id}')}" if name else ""


def sanitized(name: str) -> str:
    """A subagent's id as it stands in the name of its file."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in name)


def _message(record: Given) -> Given:
    value = record.get("message")
    return value if isinstance(value, dict) else {}


def _payload(record: Given) -> Given:
    value = record.get("systemPayload")
    return value if isinstance(value, dict) else {}
