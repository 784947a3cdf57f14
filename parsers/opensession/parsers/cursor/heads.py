"""What a conversation is as a whole: its row `composerData:<id>`, and its head in a list of heads.

{"composerId": "…", "name": "Add greeting function", "createdAt": 1784278800000,
 "unifiedMode": "agent", "modelConfig": {"modelName": "claude-4.5-sonnet-thinking"},
 "workspaceIdentifier": {"id": "…", "uri": {"fsPath": "/home/dev/demo"}}, …}
"""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.parsers.cursor.bubbles import NO_MODEL
from opensession.parsers.cursor.values import decoded, folder_of, items, mapping, number, time_us
from opensession.parsers.cursor.values import words as words_of
from opensession.parsers.timeline import ID_CHARACTERS, PATH_CHARACTERS, State, Timeline

_TODOS = 50
_MICRODOLLARS_PER_CENT = 10_000

LIGHT = (
    "_v",
    "composerId",
    "tabId",
    "name",
    "chatTitle",
    "subtitle",
    "createdAt",
    "lastUpdatedAt",
    "lastSendTime",
    "status",
    "unifiedMode",
    "forceMode",
    "isAgentic",
    "isArchived",
    "isBestOfNSubcomposer",
    "agentBackend",
    "modelConfig",
    "contextTokensUsed",
    "contextTokenLimit",
    "usageData",
    "totalLinesAdded",
    "totalLinesRemoved",
    "filesChangedCount",
    "createdOnBranch",
    "activeBranch",
    "todos",
    "subComposerIds",
    "subagentComposerIds",
    "subagentInfo",
    "workspaceIdentifier",
)
"""The fields of a conversation's row that are read; the first time the whole row is archived."""

_COUNTS = {
    "contextTokensUsed": "context_tokens",
    "contextTokenLimit": "context_token_limit",
    "totalLinesAdded": "lines_added",
    "totalLinesRemoved": "lines_removed",
    "filesChangedCount": "files_changed",
}


def describe(state: State, row: dict[str, Any], folder: str, listed: dict[str, Any]) -> None:
    """Takes over what the row says, then what the list of heads does, then the folder."""
    for source in (row, listed):
        if source is row or not state.title:
            state.title = _title(source) or state.title
        if not state.count and not state.time_us:
            created = time_us(source.get("createdAt"))
            state.time_us = created or time_us(source.get("lastSendTime")) or 0
        model = words_of(mapping(source.get("modelConfig")).get("modelName"))
        if not state.model and model not in NO_MODEL:
            state.model = model[:ID_CHARACTERS]
        branch = words_of(source.get("createdOnBranch")) or words_of(
            mapping(source.get("activeBranch")).get("branchName")
        )
        state.branch = state.branch or branch[:ID_CHARACTERS]
        _parent(state, source)
        _place(state, mapping(source.get("workspaceIdentifier")).get("uri"))
        _counts(state, source)
    _place(state, folder)


def tell_cost(line: Timeline, row: dict[str, Any]) -> None:
    """What the conversation cost by model, where Cursor kept it (`usageData`, until 2025)."""
    for model, used in mapping(row.get("usageData")).items():
        cents = mapping(used).get("costInCents")
        if isinstance(cents, (int, float)) and not isinstance(cents, bool) and 0 < cents < 1e9:
            line.usage(
                f"{line.state.id}:{model}"[:ID_CHARACTERS],
                model=model if model not in NO_MODEL else "",
                cost_microdollars=round(cents * _MICRODOLLARS_PER_CENT),
            )


def row_of(raw: bytes | msgspec.Raw) -> dict[str, Any]:
    """A row out of a line; an empty one where it is none."""
    return mapping(decoded(raw)) if bytes(raw) else {}


def _title(source: dict[str, Any]) -> str:
    found = words_of(source.get("name")) or words_of(source.get("chatTitle"))
    return "" if found.strip().lower() in ("new chat", "new agent", "untitled") else found


def _parent(state: State, source: dict[str, Any]) -> None:
    info = mapping(source.get("subagentInfo"))
    parent = words_of(info.get("parentComposerId"))
    if parent and parent != state.id and len(parent) <= ID_CHARACTERS:
        state.auxiliary, state.parent = True, parent
        call = words_of(info.get("toolCallId")) or state.id.removeprefix("task-")
        state.parent_call_id = "" if call == state.id else call[:ID_CHARACTERS]
    kind = words_of(info.get("subagentTypeName"))
    if kind:
        state.attributes["subagent_type"] = kind[:ID_CHARACTERS]


def _place(state: State, uri: Any) -> None:
    folder, machine = folder_of(uri)
    if not folder or len(folder) > PATH_CHARACTERS or folder.endswith(".code-workspace"):
        return
    state.cwd = state.cwd or folder
    if machine:
        state.attributes.setdefault("remote_authority", machine[:ID_CHARACTERS])


def _counts(state: State, source: dict[str, Any]) -> None:
    attributes = state.attributes
    for name, kept in _COUNTS.items():
        if number(source.get(name)):
            attributes[kept] = number(source[name])
    mode = words_of(source.get("unifiedMode")) or words_of(source.get("forceMode"))
    if mode:
        attributes["mode"] = mode[:ID_CHARACTERS]
    for name, kept in (("isArchived", "archived"), ("isAgentic", "is_agentic")):
        if source.get(name) is True:
            attributes[kept] = True
    todos = [mapping(decoded(todo)) for todo in items(source.get("todos"))[:_TODOS]]
    told = [
        {
            "content": words_of(todo.get("content"))[:PATH_CHARACTERS],
            "status": words_of(todo.get("status"))[:ID_CHARACTERS],
        }
        for todo in todos
        if words_of(todo.get("content"))
    ]
    if told:
        attributes["todos"] = told
