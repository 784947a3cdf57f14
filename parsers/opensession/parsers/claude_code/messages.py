"""User and assistant records as events: words, thoughts, calls, results, and what they cost."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes, json_block, text
from opensession.core.hail import Block as Part
from opensession.parsers.claude_code import prompts, records, results, tools
from opensession.parsers.claude_code.reading import Reading, subagent_session
from opensession.parsers.claude_code.records import Block, Outcome
from opensession.parsers.claude_code.state import OPEN_CALLS, PROMPT_CHARS
from opensession.parsers.claude_code.usage import count_response
from opensession.parsers.decoding import beginning

_SYNTHETIC = "<synthetic>"
_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_LEAVING = frozenset({"/exit", "/quit"})


def read_user(reading: Reading) -> None:
    """A record of type user: what a person typed, or what is told to the model in that place."""
    record = reading.record
    content = record.message.content if record.message else None
    if content is None:
        reading.skip("malformed")
        return
    outcome = record.tool_use_result if isinstance(record.tool_use_result, Outcome) else None
    if isinstance(content, list) and len(content) == 1 and content[0].type == "tool_result":
        read_result(reading, content[0], outcome)
        return
    foreign = _foreign_origin(reading)
    if isinstance(content, str):
        _say(reading, content, foreign)
        return
    if sum(block.type == "tool_result" for block in content) != 1:
        outcome = None
    prompt: list[Part] = []
    for index, block in enumerate(content):
        if block.type == "text":
            words = prompts.classify(block.text or "")
            if words.kind == prompts.PROMPT:
                prompt.append(text(words.text))
                continue
            if words.kind == prompts.NOTHING:
                continue
            _prompt(reading, prompt, foreign)
            prompt = []
            _say(reading, block.text or "", foreign)
        elif block.type in ("image", "document"):
            prompt.append(results.picture(block.source, block.type, block.title))
        elif block.type.endswith("tool_result"):
            _prompt(reading, prompt, foreign)
            prompt = []
            read_result(reading, block, outcome)
        else:
            prompt.append(json_block(_whole_block(reading, index)))
    _prompt(reading, prompt, foreign)


def _foreign_origin(reading: Reading) -> Attributes | None:
    """Attributes of what no person typed; None where a person may have."""
    record = reading.record
    if record.is_compact_summary:
        return {"compact_summary": True}
    origin = record.origin.kind if record.origin else None
    if origin and origin != "human":
        return {"origin": origin}
    if record.is_meta or record.prompt_source == "system":
        return {"meta": True}
    return None


def _say(reading: Reading, value: str, foreign: Attributes | None) -> None:
    if foreign is not None:
        if value.strip():
            reading.emit("SystemMessage", [text(value.strip())], dict(foreign))
        return
    say(reading, value, {})


def say(reading: Reading, value: str, attributes: Attributes) -> None:
    """Adds the event of a text that stands where a person types."""
    words = prompts.classify(value)
    if words.kind == prompts.PROMPT:
        _prompt(reading, [text(words.text)], None, attributes)
    elif words.kind == prompts.COMMAND:
        stream = reading.track.stream
        stream.first_command = stream.first_command or words.text[:PROMPT_CHARS]
        if words.text.startswith("/"):
            attributes["slash_command"] = words.text.partition(" ")[0]
        reading.emit("UserMessage", [text(words.text)], attributes)
        if words.text in _LEAVING and reading.track is reading.own:
            reading.state.ended = True
    elif words.kind == prompts.INTERRUPTED:
        reading.custom("interrupted", [text(words.text)], attributes)
    elif words.kind == prompts.NOTE:
        reading.emit("SystemMessage", [text(words.text)], attributes)


def _prompt(
    reading: Reading,
    blocks: list[Part],
    foreign: Attributes | None,
    attributes: Attributes | None = None,
) -> None:
    if not blocks:
        return
    if foreign is not None:
        reading.emit("SystemMessage", blocks, dict(foreign))
        return
    stream = reading.track.stream
    if not stream.first_prompt:
        typed = "\n".join(block["text"] for block in blocks if block["type"] == "Text")
        stream.first_prompt = beginning(typed, PROMPT_CHARS)
    reading.emit("UserMessage", blocks, attributes if attributes is not None else {})


def read_result(reading: Reading, block: Block, outcome: Outcome | None) -> None:
    """A tool's result, paired with its call while that is remembered."""
    calls = reading.track.stream.calls
    call_id = block.tool_use_id
    if not call_id and calls:
        call_id = next(reversed(calls))
    call = calls.pop(call_id, None) if call_id else None
    name = call.name if call else "unknown"
    error = block.is_error is True
    said = block.content if isinstance(block.content, str) else ""
    if not said and error and isinstance(block.content, list):
        said = "\n".join(
            part.text for raw in block.content if (part := records.decode_part(raw)) and part.text
        )
    diff = ""
    kind = tools.kind_of(name)
    if not error and (kind == "file_write" or (call is None and outcome is not None)):
        diff = results.diff_of(call, outcome, said)
    blocks = results.blocks_of(name, block.content, call, outcome, with_diff=bool(diff))
    attributes = results.details_of(name, error, blocks, call, outcome, said if error else "")
    if diff:
        attributes["result.diff"] = diff
    data: dict[str, Any] = {"name": name, "is_error": error}
    if call_id:
        data["call_id"] = attributes["semantic.call_id"] = call_id
    if call is not None:
        attributes["result.call_seq"] = call.seq
        attributes["semantic.tool_kind"] = kind
    subagent = _subagent_of(reading, name, call_id, outcome)
    if subagent:
        attributes["subagent_id"] = subagent
    reading.emit("ToolResult", blocks, attributes, data)


def _subagent_of(reading: Reading, name: str, call_id: str | None, outcome: Outcome | None) -> str:
    if outcome is not None and outcome.agent_id:
        return subagent_session(outcome.agent_id)
    if name in tools.SUBAGENT_TOOLS and call_id and reading.track is reading.own:
        for stream in reading.state.others.values():
            if stream.parent_call_id == call_id:
                return stream.id
    return ""


def read_assistant(reading: Reading) -> None:
    """A record of type assistant: one block of a response, or all of them."""
    message = reading.record.message
    if message is None or message.content is None:
        reading.skip("malformed")
        return
    content = message.content
    if isinstance(content, str):
        content = [Block(type="text", text=content)]
    if reading.record.is_api_error_message or message.model == _SYNTHETIC:
        _read_synthetic(reading, content)
        return
    stream = reading.track.stream
    if message.model and not stream.model:
        stream.model = message.model
    attributes = count_response(reading, message)
    before = stream.seq
    single = len(content) == 1
    for index, block in enumerate(content):
        own = attributes if single else dict(attributes)
        kind = block.type
        if kind == "text":
            said = block.text.strip() if block.text else ""
            if said:
                reading.emit("AgentMessage", [text(said)], own)
        elif kind == "thinking":
            reading.emit("Thinking", [text(block.thinking)] if block.thinking else [], own)
        elif kind in _CALLS:
            _read_call(reading, block, own)
        elif kind == "redacted_thinking":
            own["redacted"] = True
            reading.emit("Thinking", [], own)
        elif kind.endswith("tool_result"):
            read_result(reading, block, None)
        elif kind in ("image", "document"):
            part = results.picture(block.source, kind, block.title)
            reading.emit("AgentMessage", [part], own)
        else:
            reading.meet(f"block/{kind}")
            reading.custom(f"unknown:block/{kind}", [json_block(_whole_block(reading, index))], own)
    if stream.seq == before and message.usage is not None:
        reading.custom("token_count", [], attributes)


def _read_synthetic(reading: Reading, content: list[Block]) -> None:
    """What Claude Code says in the model's place: errors of the API, or that nothing was asked."""
    said = "\n".join(block.text for block in content if block.text)
    if said.strip():
        attributes: Attributes = {"synthetic": True}
        if reading.record.is_api_error_message:
            attributes["error"] = True
        reading.emit("SystemMessage", [text(said)], attributes)


def _read_call(reading: Reading, block: Block, attributes: Attributes) -> None:
    name = block.name or "unknown"
    call_id = block.id or reading.next_id()
    call = tools.call_of(name, block.input)
    attributes["semantic.call_id"] = call_id
    attributes["semantic.tool_kind"] = tools.kind_of(name)
    attributes["tool_use_name"] = name
    call.awaits.seq = reading.emit(call.type, call.blocks, attributes, call.data)
    calls = reading.track.stream.calls
    calls[call_id] = call.awaits
    if len(calls) > OPEN_CALLS:
        del calls[next(iter(calls))]


def _whole_block(reading: Reading, index: int) -> Any:
    """A content block with all its fields, of a record that was decoded without them."""
    value = records.decode_value(reading.line)
    try:
        return value["message"]["content"][index]
    except (KeyError, IndexError, TypeError):
        return None
