"""Parts of messages as events: each is told once, when it is finished.

A part of type `tool` is told twice: the call when its input is final (`running`), the result when
it is `completed` or an `error`. Whatever the agent does to a part afterwards, as marking an old
output as compacted, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from opensession.core.hail import Attributes, json_block, text
from opensession.parsers.opencode.memory import (
    Memories,
    Memory,
    Message,
    note_call,
    once,
    wait,
)
from opensession.parsers.opencode.messages import count, words_of_error
from opensession.parsers.opencode.tools import (
    action_of,
    attached,
    bytes_of,
    diff_of,
    exit_code,
    file_block,
    status_of,
)
from opensession.parsers.opencode.values import Obj, micros, number, obj, time_of, words
from opensession.parsers.timeline import Timeline


class Telling:
    """One part to be told: of which message, in which session, and when it was written (ms)."""

    def __init__(
        self,
        line: Timeline,
        memories: Memories,
        memory: Memory,
        message_id: str,
        message: Message,
        part_id: str,
        written: int | None,
    ) -> None:
        self.line = line
        self.memories = memories
        self.memory = memory
        self.message_id = message_id
        self.message = message
        self.part_id = part_id
        self.written = written

    def at(self, part: Obj, milliseconds: int | None = None) -> None:
        """The time of what follows: its own, else when the part was written.

        Parts of a prompt are of its time. A part that says nothing follows what was told last, but
        not before its message.
        """
        message = self.message
        if message.user:
            milliseconds = message.created
        time = milliseconds or self.written or time_of(part, "end") or time_of(part, "start")
        if not time and message.created * 1000 > self.line.state.time_us:
            time = message.created
        self.line.at(micros(time or None), f"part/{words(part, 'type')}")

    def attributes(self) -> Attributes:
        """What every event of a message says."""
        own: Attributes = {"message_id": self.message_id[:256]}
        if self.message.model and not self.message.user:
            own["model"] = self.message.model
        return own


def tell_part(telling: Telling, part: Obj) -> None:
    """A part as it is now."""
    kind = words(part, "type")
    if words(obj(part.get("metadata")), "kilocode.lifecycle") == "transient":
        return
    if kind in _SILENT:
        return
    teller = _TELLERS.get(kind)
    if teller is not None:
        teller(telling, part)
    elif once(telling.message, telling.part_id):
        telling.at(part)
        telling.line.unknown(f"part/{kind}" if kind else "part", part, telling.part_id)


def tell_waiting(telling: Telling) -> None:
    """The texts of a message that never came to their end: the agent was stopped amid them."""
    waiting = dict(telling.message.waiting)
    telling.message.waiting.clear()
    for part_id, said in waiting.items():
        telling.part_id = part_id
        kind, _, value = said.partition(":")
        _words(telling, {"type": kind, "text": value})


def _words(telling: Telling, part: Obj) -> None:
    """`text` and `reasoning`."""
    said = words(part, "text")
    time = part.get("time")
    if isinstance(time, dict) and time.get("end") is None and not telling.message.done:
        if said.strip():
            wait(telling.memory, telling.message, telling.part_id, f"{words(part, 'type')}:{said}")
        return
    if not said.strip() or not once(telling.message, telling.part_id):
        return
    telling.message.waiting.pop(telling.part_id, None)
    telling.at(part, None if telling.message.user else time_of(part, "start"))
    blocks, own = [text(said)], telling.attributes()
    line, native = telling.line, telling.part_id
    if telling.message.user:
        injected = part.get("synthetic") is True or part.get("ignored") is True
        if injected:
            line.emit("SystemMessage", native, blocks=blocks, attributes=own)
        else:
            line.prompt(native, blocks, attributes=own)
    elif words(part, "type") == "reasoning":
        line.emit("Thinking", native, blocks=blocks, attributes=own)
    elif part.get("synthetic") is True:
        line.emit("SystemMessage", native, blocks=blocks, attributes=own)
    else:
        if telling.message.summary:
            own["compact.summary"] = True
        line.emit("AgentMessage", native, blocks=blocks, attributes=own)


def _tool(telling: Telling, part: Obj) -> None:
    state = obj(part.get("state"))
    status = status_of(state)
    metadata = obj(state.get("metadata")) or obj(part.get("metadata"))
    call_id = words(part, "callID").strip()[:256] or telling.part_id
    child = words(metadata, "sessionId")
    if child and child != telling.line.state.id:
        note_call(telling.memories, child, call_id)
    if status not in ("running", "completed", "error"):
        return
    name = words(part, "tool")
    if once(telling.message, f"{telling.part_id} call"):
        telling.at(part, time_of(state, "start"))
        action = action_of(name, state.get("input"))
        telling.line.call(telling.part_id, call_id, action, attributes=telling.attributes())
    if status != "running" and once(telling.message, telling.part_id):
        _result(telling, part, state, call_id, metadata, name)


def _result(
    telling: Telling, part: Obj, state: Obj, call_id: str, metadata: Obj, name: str
) -> None:
    start, end = time_of(state, "start"), time_of(state, "end")
    failed = status_of(state) == "error"
    said = words(state, "error") if failed else words(state, "output")
    said = said or words(state, "output") or words(metadata, "output")
    blocks = [text(said)] if said else []
    telling.at(part, end)
    own = telling.attributes()
    if metadata.get("interrupted") is True:
        own["interrupted"] = True
    telling.line.result(
        f"{telling.part_id}:result",
        call_id,
        blocks + attached(state.get("attachments")),
        name=name,
        is_error=failed,
        exit_code=exit_code(metadata),
        diff=diff_of(metadata, state.get("input")),
        duration_ms=end - start if start and end and end >= start else None,
        subagent_id=words(metadata, "sessionId")[:256],
        attributes=own,
    )


def _step(telling: Telling, part: Obj) -> None:
    """`step-finish`: one response of the model, with its tokens."""
    message = telling.message
    if message.counted or not once(message, telling.part_id):
        return
    telling.at(part)
    usage_id = telling.message_id[:256]
    if message.steps:
        usage_id = f"{usage_id}:{message.steps}"
    if count(telling.line, telling.part_id, usage_id, message, part, ""):
        message.steps += 1


def _file(telling: Telling, part: Obj) -> None:
    if not once(telling.message, telling.part_id):
        return
    telling.at(part)
    own = telling.attributes()
    if size := bytes_of(part):
        own["bytes"] = size
    kind = "UserMessage" if telling.message.user else "AgentMessage"
    telling.line.emit(kind, telling.part_id, blocks=[file_block(part)], attributes=own)


def _subtask(telling: Telling, part: Obj) -> None:
    """What a person's command handed to a subagent."""
    said = [words(part, key) for key in ("description", "prompt")]
    _note(telling, part, "subtask", "\n".join(line for line in said if line), "agent", "command")


def _compaction(telling: Telling, part: Obj) -> None:
    if once(telling.message, telling.part_id):
        telling.at(part)
        own = telling.attributes()
        if isinstance(part.get("auto"), bool):
            own["compaction.auto"] = part["auto"]
        data = {"kind": "context_compacted"}
        telling.line.emit("Custom", telling.part_id, data=data, attributes=own)


def _retry(telling: Telling, part: Obj) -> None:
    _note(telling, part, "retry", words_of_error(obj(part.get("error"))), "attempt")


def _agent(telling: Telling, part: Obj) -> None:
    """A subagent that a prompt names with `@`."""
    _note(telling, part, "agent", words(part, "name"))


def _patch(telling: Telling, part: Obj) -> None:
    """The files that a step changed, whatever changed them. What was changed, its tools say."""
    if not once(telling.message, telling.part_id):
        return
    telling.at(part)
    shown = {key: part[key] for key in ("hash", "files") if key in part}
    telling.line.emit(
        "Custom",
        telling.part_id,
        data={"kind": "patch"},
        blocks=[json_block(shown)] if shown else [],
        attributes=telling.attributes(),
    )


def _note(telling: Telling, part: Obj, kind: str, said: str, *named: str) -> None:
    if not once(telling.message, telling.part_id):
        return
    telling.at(part, time_of(part, "created"))
    own = telling.attributes()
    for key in named:
        value = words(part, key)[:256] or number(part, key)
        if value:
            own[f"{kind}.{key}"] = value
    blocks = [text(said)] if said else []
    telling.line.emit("Custom", telling.part_id, data={"kind": kind}, blocks=blocks, attributes=own)


_SILENT = frozenset(("step-start", "snapshot"))
"""Marks of the agent's own undo."""

_TELLERS: dict[str, Callable[[Telling, Obj], None]] = {
    "text": _words,
    "reasoning": _words,
    "tool": _tool,
    "step-finish": _step,
    "file": _file,
    "subtask": _subtask,
    "compaction": _compaction,
    "retry": _retry,
    "agent": _agent,
    "patch": _patch,
}
