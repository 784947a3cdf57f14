"""Messages and reasoning: each once, although a rollout holds them as items and as events.

Response items count. An event with a message counts only while no response item with a message was
seen, and a response item that then says the same is the second copy.
"""

from __future__ import annotations

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.codex.injected import is_injected, request_in
from opensession.parsers.codex.reading import Reading
from opensession.parsers.codex.records import Content, Payload, Report
from opensession.parsers.codex.state import RECENT_TEXTS, mark
from opensession.parsers.decoding import beginning

FIRST_PROMPT_CHARACTERS = 4000


def parts_of(content: list[Content] | str | None) -> list[Content]:
    """The parts of a message, whose content may be a mere string."""
    if isinstance(content, str):
        return [Content(type="text", text=content)]
    return content or []


def blocks_of(parts: list[Content]) -> list[Block]:
    """Text and Image blocks of parts. Image data stay where they are, in the archive."""
    out = []
    for part in parts:
        if part.text:
            out.append(text(part.text))
        elif part.image_url:
            out.append(_image(part.image_url))
    return out


def on_message(reading: Reading, payload: Payload) -> None:
    """A response item `message`."""
    parts = parts_of(payload.content)
    if payload.role == "assistant":
        _assistant(reading, payload, parts)
    elif payload.role == "user":
        _user(reading, payload, parts)
    elif blocks := blocks_of(parts):
        attributes = {"semantic.role": payload.role} if payload.role else None
        reading.emit("SystemMessage", payload.id, blocks=blocks, attributes=attributes)


def _assistant(reading: Reading, payload: Payload, parts: list[Content]) -> None:
    state = reading.state
    said = _said(parts)
    state.responses = True
    state.last_text = mark(said)
    if _told(reading, "assistant", said):
        return
    if blocks := blocks_of(parts):
        reading.emit("AgentMessage", payload.id, blocks=blocks, attributes=_model(reading))


def _user(reading: Reading, payload: Payload, parts: list[Content]) -> None:
    reading.state.responses = True
    notes = payload.internal_chat_message_metadata_passthrough
    kinds = notes.content_item_kinds if notes else None
    if not kinds or len(kinds) != len(parts):
        kinds = [""] * len(parts)
    injected: list[Content] = []
    typed: list[Content] = []
    for part, kind in zip(parts, kinds, strict=True):
        (injected if is_injected(part.text or "", kind) else typed).append(part)
    n = 0
    if blocks := blocks_of(injected):
        reading.emit("SystemMessage", payload.id, blocks=blocks)
        n = 1
    said = _said(typed)
    if _told(reading, "user", said):
        return
    if blocks := blocks_of(typed):
        _prompt(reading, said)
        reading.emit("UserMessage", payload.id, blocks=blocks, n=n)


def on_agent_message(reading: Reading, payload: Payload) -> None:
    """A response item `agent_message`, or a record `inter_agent_communication`: one agent's words
    to another.
    """
    blocks = blocks_of(parts_of(payload.content))
    if not blocks:
        return
    attributes: Attributes = {}
    if payload.author:
        attributes["author"] = payload.author
    if payload.recipient:
        attributes["recipient"] = payload.recipient
    reading.emit("SystemMessage", payload.id, blocks=blocks, attributes=attributes)


def on_reasoning(reading: Reading, payload: Payload) -> None:
    """A response item `reasoning`: its summary, else its text; nothing where it is encrypted."""
    summary = payload.summary if isinstance(payload.summary, list) else []
    texts = [part.get("text") for part in summary if isinstance(part, dict)]
    if not any(texts):
        texts = [part.text for part in parts_of(payload.content) if part.text]
    shown = [part for part in texts if isinstance(part, str) and part.strip()]
    repeated = [_told(reading, "reasoning", part.strip()) for part in shown]
    if all(repeated):
        return
    reading.emit("Thinking", payload.id, blocks=[text("\n\n".join(shown))])


def on_user_event(reading: Reading, words: str, report: Report | None) -> None:
    """An event that repeats what a person typed."""
    if reading.state.responses:
        return
    parts = parts_of(report.content) if report else [Content(text=words)]
    said = _said(parts)
    blocks = blocks_of(parts)
    if not blocks:
        return
    if is_injected(said):
        reading.emit("SystemMessage", report.id if report else None, blocks=blocks)
        return
    _tell(reading, "user", said)
    _prompt(reading, said)
    reading.emit("UserMessage", report.id if report else None, blocks=blocks)


def on_agent_event(reading: Reading, words: str, report: Report | None) -> None:
    """An event that repeats what the agent said."""
    state = reading.state
    if state.responses:
        return
    parts = parts_of(report.content) if report else [Content(text=words)]
    if blocks := blocks_of(parts):
        said = _said(parts)
        state.last_text = mark(said)
        _tell(reading, "assistant", said)
        native = report.id if report else None
        reading.emit("AgentMessage", native, blocks=blocks, attributes=_model(reading))


def on_reasoning_event(reading: Reading, texts: list[str], native: str | None) -> None:
    """An event that repeats reasoning."""
    texts = [part for part in texts if part.strip()]
    if reading.state.responses or not texts:
        return
    for part in texts:
        _tell(reading, "reasoning", part.strip())
    reading.emit("Thinking", native, blocks=[text("\n\n".join(texts))])


def _said(parts: list[Content]) -> str:
    return "".join(part.text for part in parts if part.text).strip()


def _tell(reading: Reading, role: str, said: str) -> None:
    told = reading.state.told
    told.append(mark(f"{role}\0{said}"))
    del told[:-RECENT_TEXTS]


def _told(reading: Reading, role: str, said: str) -> bool:
    """Whether an event said this before; each telling stands for one message."""
    told = reading.state.told
    if not told:
        return False
    key = mark(f"{role}\0{said}")
    if key not in told:
        return False
    told.remove(key)
    return True


def _prompt(reading: Reading, said: str) -> None:
    state = reading.state
    if not state.first_prompt:
        state.first_prompt = beginning(request_in(said), FIRST_PROMPT_CHARACTERS)


def _model(reading: Reading) -> Attributes | None:
    return {"model": reading.state.model} if reading.state.model else None


def _image(url: str) -> Block:
    if not url.startswith("data:"):
        return {"type": "Image", "url": url, "mime": ""}
    mime = url[5:80].split(";", 1)[0].split(",", 1)[0]
    size = len(url) * 3 // 4
    return {"type": "Image", "url": "", "alt": f"image of {size} bytes", "mime": mime}
