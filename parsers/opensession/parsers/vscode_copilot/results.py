"""What a tool gave back: as the model was told, else as the person was shown."""

from __future__ import annotations

from typing import Any

from opensession.core.hail import Block, json_block, text
from opensession.parsers.copilot.fields import Object, obj, objects, string
from opensession.parsers.vscode_copilot.uris import path_of

_NODES = 100_000
_MIME_CHARACTERS = 128


def told(result: Any) -> list[Block]:
    """The blocks of an entry of `toolCallResults`: texts, trees of a prompt, images."""
    blocks: list[Block] = []
    for part in objects(result, "content") if isinstance(result, dict) else []:
        value = part.get("value")
        if isinstance(value, str):
            if value:
                blocks.append(text(value))
        elif isinstance(value, dict) and "node" in value:
            if said := _text_of(value["node"]):
                blocks.append(text(said))
        elif string(part, "mimeType"):
            blocks.append(_data(part))
        elif value is not None:
            blocks.append(json_block(value))
    return blocks


def shown(part: Object) -> list[Block]:
    """The blocks of a response's part of a tool: what its details say of the result."""
    specific = obj(part, "toolSpecificData")
    kind = specific.get("kind")
    if kind == "terminal":
        said = string(obj(specific, "terminalCommandOutput"), "text")
    elif kind == "subagent":
        said = string(specific, "result")
    elif kind == "simpleToolInvocation":
        said = string(specific, "output")
    else:
        said = ""
    if said:
        return [text(said)]
    details = part.get("resultDetails")
    if isinstance(details, list):
        paths = [path for item in details if (path := path_of(item))]
        return [text("\n".join(paths))] if paths else []
    if not isinstance(details, dict):
        return []
    output = details.get("output")
    if isinstance(output, str):
        return [text(output)] if output else []
    if isinstance(output, dict):
        return [_data(output)]
    blocks: list[Block] = []
    for item in objects(details, "output"):
        value = string(item, "value")
        if item.get("isText") is False or string(item, "mimeType").startswith("image/"):
            blocks.append(_data(item))
        elif value:
            blocks.append(text(value))
    return blocks


def words(value: Any) -> str:
    """A text that may be written in Markdown, which is an object then."""
    if isinstance(value, dict):
        value = value.get("value")
    return value.strip() if isinstance(value, str) else ""


def _text_of(node: Any) -> str:
    """The text of a tree of a prompt's elements, in order; `lineBreakBefore` breaks lines."""
    found: list[str] = []
    waiting = [node]
    for _ in range(_NODES):
        if not waiting:
            break
        at = waiting.pop()
        if not isinstance(at, dict):
            continue
        said = at.get("text")
        if isinstance(said, str):
            if at.get("lineBreakBefore") and found:
                found.append("\n")
            found.append(said)
        children = at.get("children")
        if isinstance(children, list):
            waiting += reversed(children)
    return "".join(found).strip("\n")


def _data(given: Object) -> Block:
    """An image, or other bytes; they stay in the archive."""
    mime = string(given, "mimeType", _MIME_CHARACTERS)
    data = given.get("base64Data") or given.get("data") or given.get("value")
    size = len(data) * 3 // 4 if isinstance(data, str) else 0
    if mime.startswith("image/"):
        return {"type": "Image", "url": "", "mime": mime, "alt": f"image of {size} bytes"}
    return text(f"[{size} bytes of {mime or 'data'}]")
