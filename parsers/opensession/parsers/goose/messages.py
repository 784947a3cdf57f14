"""From a message of Goose to events, the same for a row of the database and a line of a file.

{"role":"assistant","created":1786854321,"content":[{"type":"text","text":"…"},
 {"type":"toolRequest","id":"call_a","toolCall":{"status":"success","value":{"name":"shell",…}}}]}
"""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Attributes, Block, code, json_block, text
from opensession.parsers.goose import usage
from opensession.parsers.goose.tools import action_of
from opensession.parsers.timeline import Timeline

_NOTES = {
    "conversationCompacted": "context_compacted",
    "summarizationRequested": "summarization_requested",
    "contextLengthExceeded": "context_length_exceeded",
    "toolConfirmationRequest": "confirmation_requested",
    "actionRequired": "action_required",
}
"""Content that is no one's words, by the kind of the Custom event it becomes."""

_INJECTED = ("<turn-context>", "<info-msg>")


def on_message(
    line: Timeline,
    *,
    role: Any,
    created: Any,
    content: Any,
    raw: bytes,
    message_id: str,
    metadata: dict[str, Any],
) -> None:
    """Adds what a message says; `raw` are the bytes of its content.

    Rows that the person does not see (`userVisible` false: context that Goose adds, summaries)
    are SystemMessages; what their calls and results say counts all the same.
    """
    line.at(usage.time_of(created), str(role), raw)
    if not isinstance(content, list):
        line.skip("without content")
        return
    message = _Message(line, str(role), message_id, metadata)
    for item in content:
        if isinstance(item, dict):
            message.add(item)
        else:
            line.skip("content without a type")
    message.end()
    if role == "assistant":
        usage.on_message(line, message_id or f"{line.state.id}:{line.state.count}", metadata)


class _Message:
    """One message on its way to events: words that follow one another are one event."""

    def __init__(
        self, line: Timeline, role: str, message_id: str, metadata: dict[str, Any]
    ) -> None:
        self._line = line
        self._user = role == "user"
        self._known = role in ("user", "assistant")
        self._id = message_id or None
        self._hidden = metadata.get("userVisible") is False or bool(metadata.get("turnContext"))
        self._shared: Attributes = {"message_id": message_id} if message_id else {}
        if role == "assistant":
            self._shared |= usage.attributes(line, metadata)
        self._blocks: list[Block] = []
        self._bytes = 0
        self._n = 0

    def add(self, item: dict[str, Any]) -> None:
        kind = item.get("type")
        if kind == "text" and isinstance(item.get("text"), str):
            if item["text"]:
                self._blocks.append(text(item["text"]))
        elif kind == "image":
            self._blocks.append(image(item))
            self._bytes += len(str(item.get("data", "")))
        else:
            self.end()
            self._other(str(kind), item)

    def end(self) -> None:
        """The words gathered so far, as an event."""
        blocks, self._blocks = self._blocks, []
        if not blocks:
            return
        attributes = self._attributes()
        if self._bytes:
            attributes["bytes"], self._bytes = self._bytes, 0
        n = self._next()
        words = str(blocks[0].get("text", "")).lstrip()
        if self._hidden or not self._known or (self._user and words.startswith(_INJECTED)):
            kind = "SystemMessage"
        elif self._user:
            self._line.prompt(self._id, blocks, attributes=attributes, n=n)
            return
        else:
            kind = "AgentMessage"
        self._line.emit(kind, self._id, blocks=blocks, attributes=attributes, n=n)

    def _other(self, kind: str, item: dict[str, Any]) -> None:
        line = self._line
        if kind in ("toolRequest", "frontendToolRequest"):
            self._call(item)
        elif kind == "toolResponse":
            self._result(item)
        elif kind in ("thinking", "redactedThinking"):
            words = item.get("thinking")
            blocks = [text(words)] if isinstance(words, str) and words else []
            attributes = self._attributes()
            if kind == "redactedThinking":
                attributes["redacted"] = True
            line.emit("Thinking", self._id, blocks=blocks, attributes=attributes, n=self._next())
        elif kind == "systemNotification":
            words = str(item.get("msg") or "")
            blocks = [text(words)] if words else []
            attributes = self._attributes()
            line.emit(
                "SystemMessage", self._id, blocks=blocks, attributes=attributes, n=self._next()
            )
        elif kind in _NOTES:
            rest = {key: value for key, value in item.items() if key != "type"}
            line.emit(
                "Custom",
                self._id,
                data={"kind": _NOTES[kind]},
                blocks=[json_block(rest)] if rest else [],
                attributes=self._attributes(),
                n=self._next(),
            )
        else:
            line.unknown(
                f"content/{kind}", item, f"{self._id}:{self._next()}" if self._id else None
            )

    def _call(self, item: dict[str, Any]) -> None:
        call = item.get("toolCall")
        call = call if isinstance(call, dict) else {}
        value = call.get("value", call)
        name = value.get("name") if isinstance(value, dict) else None
        if isinstance(name, str) and name:
            action = action_of(name, value.get("arguments") or {})
        else:
            action = action_of("unknown", {"error": call.get("error")})
        self._line.call(
            self._id,
            str(item.get("id") or ""),
            action,
            attributes=self._attributes(),
            n=self._next(1 + len(action.more)),
        )

    def _result(self, item: dict[str, Any]) -> None:
        result = item.get("toolResult")
        result = result if isinstance(result, dict) else {}
        value = result.get("value")
        inner = value if isinstance(value, dict) else {}
        failed = result.get("status") == "error" or inner.get("isError") is True
        blocks, size = outputs(value if isinstance(value, list) else inner.get("content"))
        if not blocks and isinstance(result.get("error"), str):
            blocks = [code(result["error"])]
        structured = inner.get("structuredContent")
        exit_code = structured.get("exit_code") if isinstance(structured, dict) else None
        attributes = self._attributes()
        if size:
            attributes["bytes"] = size
        call_id = str(item.get("id") or "")
        opened = self._line.state.open.get(call_id)
        self._line.result(
            self._id,
            call_id,
            blocks,
            is_error=failed,
            exit_code=exit_code if type(exit_code) is int else None,
            attributes=attributes,
            n=self._next(len(opened.parts) if opened is not None else 1),
        )

    def _attributes(self) -> Attributes:
        return dict(self._shared)

    def _next(self, count: int = 1) -> int:
        n = self._n
        self._n += count
        return n


def outputs(content: Any) -> tuple[list[Block], int]:
    """What a tool gave, and how many bytes of images that are not shown.

    Output is often there twice, for the model and for the person: the model's counts.
    """
    if not isinstance(content, list):
        return [], 0
    items = [item for item in content if isinstance(item, dict)]
    for_model = [item for item in items if _audience(item) != ["user"]]
    blocks: list[Block] = []
    size = 0
    for item in for_model or items:
        resource = item.get("resource")
        words = resource.get("text") if isinstance(resource, dict) else item.get("text")
        if isinstance(words, str):
            if words:
                blocks.append(code(words))
        elif item.get("type") == "image":
            blocks.append(image(item))
            size += len(str(item.get("data", "")))
        else:
            blocks.append(json_block(item))
    return blocks, size


def image(item: dict[str, Any]) -> Block:
    """An image without its bytes, which the archive has."""
    return {"type": "Image", "url": "", "mime": str(item.get("mimeType") or "")}


def _audience(item: dict[str, Any]) -> Any:
    notes = item.get("annotations")
    return notes.get("audience") if isinstance(notes, dict) else item.get("audience")
