"""A conversation of the editor as its row has it, in every era.

composerData:<id>   {"fullConversationHeadersOnly": [{"bubbleId": "…", "type": 1}, …], …}
                    the bubbles are rows of their own (`_v` 3 and later)
composerData:<id>   {"conversation": [{…}, …], …}        (2024 and `_v` 1 to 2)
allComposers[n]     the same, in a workspace's `composer.composerData`
tabs[n]             {"tabId": "…", "bubbles": [{…}, …]}, the chat of 2023 and 2024
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from opensession.parsers.cursor.heads import LIGHT
from opensession.parsers.cursor.values import decoded, fields, items, mapping, words
from opensession.parsers.timeline import ID_CHARACTERS

_ARCHIVED_ROW = 1 << 20
_CONVERSATION = frozenset(("conversation", "conversationMap", "bubbles"))
_ENCRYPTION = "EncryptionKey"
_TOOLS = 15
"""The capability whose data holds the tools' data of `_v` 1 and 2."""

_list = msgspec.json.Decoder(list[msgspec.Raw])


class Conversation(NamedTuple):
    """A conversation: its row's fields, its bubbles' ids and types in order.

    `inline` are bubbles that the row itself holds, `tools` tool data that it keeps apart, both by
    bubble; `diffs` the ids of diff rows by bubble or code block.
    """

    id: str
    row: dict[str, msgspec.Raw]
    bubbles: list[str]
    types: list[Any]
    inline: dict[str, bytes]
    tools: dict[str, Any]
    diffs: dict[str, list[str]]

    def light(self) -> msgspec.Raw:
        """The fields that are read."""
        return _object({key: self.row[key] for key in LIGHT if key in self.row})

    def whole(self) -> msgspec.Raw:
        """The row without the conversation and without keys to encrypted parts of it."""
        found = _object(
            {
                key: value
                for key, value in self.row.items()
                if key not in _CONVERSATION and not key.endswith(_ENCRYPTION)
            }
        )
        return found if len(bytes(found)) <= _ARCHIVED_ROW else self.light()

    def children(self) -> list[str]:
        """The conversations that this one started."""
        found = []
        for key in ("subComposerIds", "subagentComposerIds"):
            found += [child for child in items(decoded(self.row.get(key))) if _is_id(child)]
        return found


def conversation_of(conversation: str, value: Any) -> Conversation | None:
    """The conversation of a row's value; None where there is none (deleted, or no object)."""
    row = fields(value) if isinstance(value, (str, bytes)) else None
    if row is None:
        return None
    inline: dict[str, bytes] = {}
    bubbles: list[str] = []
    types: list[Any] = []
    for key in ("conversation", "bubbles"):
        for raw in _raws(row.get(key)):
            found = fields(raw) or {}
            bubble = words(decoded(found.get("bubbleId"))) or words(decoded(found.get("id")))
            bubble = bubble if _is_id(bubble) else f"{conversation}#{len(bubbles)}"
            if bubble not in inline:
                inline[bubble] = raw
                bubbles.append(bubble)
                types.append(decoded(found.get("type")))
    headers = items(decoded(row.get("fullConversationHeadersOnly")))
    if headers:
        mapped = _mapped(row.get("conversationMap"))
        inline = {**mapped, **inline}
        bubbles, types = [], []
        seen = set()
        for header in headers:
            bubble = words(mapping(header).get("bubbleId"))
            if _is_id(bubble) and bubble not in seen:
                seen.add(bubble)
                bubbles.append(bubble)
                types.append(mapping(header).get("type"))
    return Conversation(
        conversation, row, bubbles, types, inline, _tools(row), _diffs(row.get("codeBlockData"))
    )


def conversations_of(value: Any, key: str, id_key: str) -> list[tuple[str, bytes]]:
    """The conversations that one value of `ItemTable` holds, each with its bytes."""
    row = fields(value) if isinstance(value, (str, bytes)) else None
    found = []
    for raw in _raws((row or {}).get(key)):
        inner = fields(raw) or {}
        conversation = words(decoded(inner.get(id_key)))
        if _is_id(conversation):
            found.append((conversation, raw))
    return found


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= ID_CHARACTERS


def _object(value: dict[str, msgspec.Raw]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _raws(value: msgspec.Raw | None) -> list[bytes]:
    if value is None:
        return []
    try:
        return [bytes(raw) for raw in _list.decode(value)]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return [msgspec.json.encode(item) for item in items(decoded(value))]


def _mapped(value: msgspec.Raw | None) -> dict[str, bytes]:
    found = fields(bytes(value)) if value is not None else None
    return {key: bytes(raw) for key, raw in (found or {}).items() if len(bytes(raw)) > 2}


def _tools(row: dict[str, msgspec.Raw]) -> dict[str, Any]:
    """`capabilities[type 15].data.bubbleDataMap`, an object or JSON in a string."""
    for capability in items(decoded(row.get("capabilities"))):
        if mapping(capability).get("type") == _TOOLS:
            data = mapping(mapping(capability).get("data"))
            return mapping(decoded(data.get("bubbleDataMap")))
    return {}


def _diffs(value: msgspec.Raw | None) -> dict[str, list[str]]:
    """The ids of diffs in `codeBlockData`: `{uri: [block, …]}` or `{uri: {block id: block}}`."""
    found: dict[str, list[str]] = {}
    for blocks in mapping(decoded(value)).values():
        named = mapping(blocks) or {str(n): block for n, block in enumerate(items(blocks))}
        for name, block in named.items():
            diff = mapping(block).get("diffId")
            if not _is_id(diff):
                continue
            owners = (name, mapping(block).get("bubbleId"), mapping(block).get("codeblockId"))
            for owner in dict.fromkeys(owners):
                if _is_id(owner):
                    found.setdefault(str(owner), []).append(str(diff))
    return found
