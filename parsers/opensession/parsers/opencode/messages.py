"""Sessions and messages: what they say of the session as a whole, tokens, errors, interruptions."""

from __future__ import annotations

import re
from typing import Any

from opensession.core.hail import Attributes, text
from opensession.parsers.decoding import beginning
from opensession.parsers.opencode.memory import Memory, Message, know
from opensession.parsers.opencode.values import Obj, micros, number, obj, price, time_of, words
from opensession.parsers.timeline import (
    ID_CHARACTERS,
    PATH_CHARACTERS,
    TITLE_CHARACTERS,
    Timeline,
)

_PLACEHOLDER = re.compile(r"(New session|Child session) - \d{4}-\d\d-\d\dT")


def tell_session(line: Timeline, memory: Memory, info: Obj) -> None:
    """A session as it is now, or what of it changed.

    Nothing is told of it but that the person went back to a message.
    """
    state = line.state
    whole = "title" in info
    if whole:
        title = beginning(words(info, "title"), TITLE_CHARACTERS)
        state.title = "" if _PLACEHOLDER.match(title) else title
    folder = words(info, "directory")[:PATH_CHARACTERS]
    state.cwd = state.cwd or folder
    state.last_cwd = folder or state.last_cwd
    state.tool_version = words(info, "version")[:64] or state.tool_version
    parent = words(info, "parentID")[:ID_CHARACTERS]
    if parent and parent != state.id:
        state.parent, state.auxiliary = parent, True
    _set_model(line, obj(info.get("model")), "id")
    if time_of(info, "archived") is not None:
        state.attributes["archived"] = True
    elif whole:
        state.attributes.pop("archived", None)
    if mode := words(info, "agent")[:128]:
        state.attributes["agent.mode"] = mode
    if not state.time_us:
        state.time_us = micros(time_of(info, "created")) or 0
    reverted = words(obj(info.get("revert")), "messageID")[:256]
    if reverted and reverted != memory.reverted:
        line.at(micros(time_of(info, "updated")), "session")
        attributes: Attributes = {"message_id": reverted}
        line.emit("Custom", f"revert:{reverted}", data={"kind": "rewind"}, attributes=attributes)
    if reverted or whole:
        memory.reverted = reverted


def tell_message(line: Timeline, memory: Memory, message_id: str, info: Obj) -> Message | None:
    """A message as it is now; None if it is an old one, of which nothing new is to be told."""
    message = memory.messages.get(message_id)
    created = time_of(info, "created") or 0
    if message is None:
        if created and created <= memory.forgotten:
            return None
        message = Message(user=words(info, "role") == "user", created=created)
        know(memory, message_id, message)
    model = obj(info.get("model"))
    message.model = (words(info, "modelID") or words(model, "modelID"))[:256] or message.model
    message.provider = (words(info, "providerID") or words(model, "providerID"))[
        :256
    ] or message.provider
    message.agent = (words(info, "agent") or words(info, "mode"))[:128] or message.agent
    message.summary = info.get("summary") is True
    if message.user:
        return message
    if message.model:
        line.state.model = message.model
        line.state.provider = message.provider
    folder = words(obj(info.get("path")), "cwd")[:PATH_CHARACTERS]
    if folder:
        line.state.cwd = line.state.cwd or folder
        line.state.last_cwd = folder
    return message


def settle(line: Timeline, message_id: str, message: Message, info: Obj) -> None:
    """What is known of a message once it is complete: its tokens, its error."""
    completed = time_of(info, "completed")
    error = obj(info.get("error"))
    if completed is None and not error:
        return
    message.done = True
    when = micros(completed or time_of(info, "created"))
    if not message.counted and not message.steps:
        line.at(when, "message")
        message.counted = count(line, message_id, message_id, message, info, "usage")
    if error and not message.failed:
        message.failed = True
        line.at(when, "message")
        _tell_error(line, f"{message_id}:error", message_id, error)


def count(
    line: Timeline, native: str, usage_id: str, message: Message, record: Obj, suffix: str
) -> bool:
    """The tokens and the price of a response, from its step or its message; False for none.

    `output` counts the reasoning tokens too, as in other agents: both cost the same, and OpenCode
    counts them beside each other. `input` is without what was cached, as recorded.
    """
    tokens = obj(record.get("tokens"))
    cache = obj(tokens.get("cache"))
    reasoning = number(tokens, "reasoning")
    taken, given = number(tokens, "input"), number(tokens, "output") + reasoning
    kept, written = number(cache, "read"), number(cache, "write")
    cost = price(record)
    if not (taken or given or kept or written or cost):
        return False
    attributes: Attributes = {
        "message_id": usage_id,
        "input_tokens": taken,
        "output_tokens": given,
        "cache_read_tokens": kept,
        "cache_write_tokens": written,
    }
    if reasoning:
        attributes["reasoning_tokens"] = reasoning
    if message.model:
        attributes["model"] = message.model
    name = f"{native}:{suffix}" if suffix else native
    line.emit("Custom", name, data={"kind": "token_count"}, attributes=attributes)
    line.usage(
        usage_id,
        model=message.model,
        provider=message.provider,
        input=taken,
        output=given,
        cache_read=kept,
        cache_write=written,
        cost_microdollars=cost,
    )
    return True


def words_of_error(error: Obj) -> str:
    """An error as one text: its name and what it says."""
    said = words(obj(error.get("data")), "message") or words(error, "message")
    return ": ".join(part for part in (words(error, "name"), said) if part)


def _tell_error(line: Timeline, native: str, message_id: str, error: Obj) -> None:
    aborted = words(error, "name") == "MessageAbortedError"
    attributes: Attributes = {"message_id": message_id}
    data: dict[str, Any] = {"kind": "turn_aborted" if aborted else "error"}
    status = number(obj(error.get("data")), "statusCode")
    if status:
        attributes["error.status"] = status
    said = words_of_error(error)
    blocks = [text(said)] if said else []
    line.emit("Custom", native, data=data, blocks=blocks, attributes=attributes)


def _set_model(line: Timeline, model: Obj, key: str) -> None:
    if name := words(model, key)[:256]:
        line.state.model = name
        line.state.provider = words(model, "providerID")[:256]
