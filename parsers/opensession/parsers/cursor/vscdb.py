"""Pulling what changed out of an editor's database, which can be many gigabytes large.

    CREATE TABLE ItemTable    (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)
    CREATE TABLE cursorDiskKV (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)
    CREATE TABLE composerHeaders (composerId, workspaceId, createdAt, lastUpdatedAt, …, value)

First every conversation once, in the order of its key; then what changed (see `changes`). The keys
asked for are named or begin with a prefix; credentials lie in the same tables (`cursorAuth/…`).
"""

from __future__ import annotations

from typing import Any

from opensession.parsers.agent import Source, SourceRefused
from opensession.parsers.cursor import changes, marks
from opensession.parsers.cursor.changes import STAMP
from opensession.parsers.cursor.composers import (
    Conversation,
    conversation_of,
    conversations_of,
)
from opensession.parsers.cursor.heads import LIGHT
from opensession.parsers.cursor.marks import Mark, hash_of
from opensession.parsers.cursor.sources import beside
from opensession.parsers.cursor.telling import Lines, tell
from opensession.parsers.cursor.values import decoded, items, mapping, time_us, words
from opensession.parsers.cursor.workspaces import folder_of_workspace, folders_of_conversations
from opensession.parsers.databases import Allowed, Database
from opensession.parsers.rows import Pull, Pulled, texts

ALLOWED: Allowed = {
    "ItemTable": frozenset(("key", "value")),
    "cursorDiskKV": frozenset(("key", "value")),
    "composerHeaders": frozenset(("composerId", "lastUpdatedAt", "value")),
}

_CHATS = "workbench.panel.aichat.view.aichat.chatdata"
_COMPOSERS = "composer.composerData"
_HEADS = "composer.composerHeaders"
_LISTS = ((_CHATS, "tabs", "tabId"), (_COMPOSERS, "allComposers", "composerId"))

_ROWS = (
    f"SELECT key, rowid, {STAMP}, value FROM cursorDiskKV"  # noqa: S608
    " WHERE key > ? AND key < 'composerData;' ORDER BY key"
)
_ROW = f"SELECT rowid, {STAMP}, value FROM cursorDiskKV WHERE key = ?"  # noqa: S608
_ITEM = (
    "SELECT rowid, octet_length(value), CASE WHEN octet_length(value) <= ? THEN value END"
    " FROM ItemTable WHERE key = ?"
)
_SMALL_VALUE = 256 << 10

_PREFIX = "composerData:"
_PRESENT = (
    f"SELECT count(key), group_concat(substr(key, {len(_PREFIX) + 1}), char(10)) FROM cursorDiskKV"  # noqa: S608
    f" WHERE key > '{_PREFIX}' AND key < 'composerData;'"
)

_SCANNED_AT_ONCE = 500
"""Conversations; many hold nothing, and a pull is to be short."""


def puller(source: Source) -> Pull:
    """The pull of one database."""

    def pull(database: Database, mark: bytes) -> Pulled:
        return _Pull(source, database, marks.load(mark)).run()

    return pull


def present(database: Database, mark: bytes) -> list[str] | None:
    """The conversations that are there: rows by the index of their keys, without those that were
    seen to be empty, and those in lists.
    """
    found: list[str] = []
    if database.columns("cursorDiskKV"):
        rows = texts(database, _PRESENT)
        if rows is None:
            return None
        empty = frozenset(marks.load(mark).empty)
        found = [name for name in rows if name not in empty] if empty else rows
    if not database.columns("ItemTable"):
        return found
    for key, items_key, id_key in _LISTS:
        state = _state_of(database, key)
        if state is None:
            continue
        known = database.listed.get(key)
        if known is None or known[0] != state:
            inside = conversations_of(_item(database, key), items_key, id_key)
            known = database.listed[key] = state, [name for name, _ in inside]
        found += known[1]
    return found


class _Pull:
    """One pull: its database, its mark, the lines so far."""

    def __init__(self, source: Source, database: Database, mark: Mark) -> None:
        self._source = source
        self._database = database
        self._mark = mark
        self._out = Lines()
        self._tables = {
            name: database.columns(name)
            for name in ("ItemTable", "cursorDiskKV", "composerHeaders")
        }
        self._has_heads = self._has("composerHeaders", "composerId", "lastUpdatedAt", "value")
        self._listed: dict[str, Any] | None = None

    def run(self) -> Pulled:
        there = [name for name in ("ItemTable", "cursorDiskKV") if self._tables[name]]
        if not there:
            raise SourceRefused("not the expected database: no table ItemTable or cursorDiskKV")
        for table in there:
            for column in ("key", "value"):
                if column not in self._tables[table]:
                    raise SourceRefused(f"not the expected database: no column {table}.{column}")
        more = "ItemTable" in there and self._lists()
        if "cursorDiskKV" in there:
            more = self._rows() or more
        return Pulled(self._out.lines, marks.dump(self._mark), more)

    def _has(self, table: str, *columns: str) -> bool:
        return self._tables[table] >= frozenset(columns)

    # ItemTable: all conversations of a kind are one value

    def _lists(self) -> bool:
        """Tells the conversations of the lists that changed; reports whether some were left."""
        for key, items_key, id_key in _LISTS:
            whole = _state_of(self._database, key)
            if whole is None or self._mark.lists.get(key) == whole:
                continue
            value = _item(self._database, key)
            if self._mark.lists.get(f"{key}…") != whole:
                self._mark.lists[f"{key}…"] = whole
                self._mark.chat = 0
            if not self._list(conversations_of(value, items_key, id_key)):
                return True
            self._mark.lists = {**self._mark.lists, key: whole}
            self._mark.chat = 0
        return False

    def _list(self, found: list[tuple[str, bytes]]) -> bool:
        """Tells the conversations of one list that changed; False if it stopped amid it."""
        mark = self._mark
        folder = folder_of_workspace(beside(self._source, "workspace.json"))
        for number, (name, value) in enumerate(found):
            if number < mark.chat:
                continue
            if self._out.full:
                return False
            mark.chat = number + 1
            place, now = hash_of(name), hash_of(value)
            conversation = conversation_of(name, value)
            if mark.chats.get(place) == now or conversation is None or not conversation.inline:
                continue
            mark.chats[place] = now
            tell(None, mark, self._out, conversation, folder=folder)
            while mark.part is not None:
                tell(None, mark, self._out, conversation, folder=folder)
        return True

    # cursorDiskKV: a row for each conversation and each bubble

    def _rows(self) -> bool:
        """Tells the conversations whose rows changed; reports whether some were left."""
        mark = self._mark
        if not mark.scan and not mark.checkpoints:
            changes.begin(self._database, mark, heads=self._has_heads)
            mark.folders = folders_of_conversations(self._source)
        if mark.part is not None and not self._one(mark.part.id, []):
            mark.part = None  # deleted amid its telling
        if not mark.scanned:
            if not self._scan():
                return True
            mark.scanned, mark.folders = True, None
        left = changes.look(self._database, mark, heads=self._has_heads)
        for name in list(mark.pending):
            if self._out.full or mark.part is not None:
                return True
            self._one(name, mark.pending.pop(name))
        return left or mark.part is not None

    def _scan(self) -> bool:
        """Goes on with a pass over all conversations; False if it stopped amid it."""
        mark = self._mark
        after = (mark.scan or "composerData:",)
        for number, (key, row, stamp, value) in enumerate(self._database.rows(_ROWS, after)):
            if self._out.full or mark.part is not None or number == _SCANNED_AT_ONCE:
                return False
            mark.scan = key
            name = key.removeprefix("composerData:")
            conversation = conversation_of(name, value)
            marks.seen(mark, name, empty=conversation is None)
            if conversation is not None and self._is_newer(conversation):
                self._tell(conversation, None, row, stamp)
        return mark.part is None

    def _is_newer(self, conversation: Conversation) -> bool:
        if not self._mark.since:
            return True
        updated = time_us(decoded(conversation.row.get("lastUpdatedAt")))
        return updated is None or updated // 1000 > self._mark.since

    def _one(self, name: str, changed: list[int]) -> bool:
        """Tells one conversation; False if it is not there (any more)."""
        for row, stamp, value in self._database.rows(_ROW, (f"composerData:{name}",)):
            conversation = conversation_of(name, value)
            marks.seen(self._mark, name, empty=conversation is None)
            if conversation is None:
                return False
            if changed == [marks.ADOPTED]:
                if mapping(decoded(conversation.row.get("subagentInfo"))).get("parentComposerId"):
                    return True  # its own row says so
                changed = [marks.WHOLE]
            self._tell(conversation, changed, row, stamp)
            return True
        return False

    def _tell(
        self, conversation: Conversation, changed: list[int] | None, row: int, stamp: str | None
    ) -> None:
        mark, name = self._mark, conversation.id
        updated = time_us(decoded(conversation.row.get("lastUpdatedAt"))) or 0
        mark.updated = max(mark.updated, updated // 1000)
        for child in conversation.children():
            if child != name and marks.adopt(mark, child, name):
                passed = mark.scanned or f"composerData:{child}" <= mark.scan
                if passed and len(mark.pending) < marks.PENDING:
                    mark.pending[child] = [marks.ADOPTED]
        tell(
            self._database,
            mark,
            self._out,
            conversation,
            changed=changed,
            folder=(mark.folders or {}).get(name, ""),
            listed=self._listed_head(conversation),
            row=row,
            stamp=stamp or "",
        )

    # the list of heads

    def _listed_head(self, conversation: Conversation) -> dict[str, Any]:
        """The conversation's head in the list of heads, where its own row does not say enough."""
        if {"name", "workspaceIdentifier"} <= conversation.row.keys():
            return {}
        found: Any = None
        if self._has_heads:
            for (value,) in self._database.rows(
                "SELECT value FROM composerHeaders WHERE composerId = ?", (conversation.id,)
            ):
                found = decoded(value)
        if found is None:
            if self._listed is None:
                self._listed = self._list_of_heads()
            found = self._listed.get(conversation.id)
        return {key: value for key, value in mapping(found).items() if key in LIGHT}

    def _list_of_heads(self) -> dict[str, Any]:
        if not self._has("ItemTable", "key", "value"):
            return {}
        listed = decoded(_item(self._database, _HEADS))
        heads = listed if isinstance(listed, list) else items(mapping(listed).get("allComposers"))
        return {words(mapping(head).get("composerId")): head for head in heads}


def _state_of(database: Database, key: str) -> int | None:
    """What differs when a value is another; of a large one it is not read."""
    for row, size, value in database.rows(_ITEM, (_SMALL_VALUE, key)):
        known = value if isinstance(value, (str, bytes)) else f"{row}:{size}"
        return None if size is None else hash_of(known)
    return None


def _item(database: Database, key: str) -> Any:
    for (value,) in database.rows("SELECT value FROM ItemTable WHERE key = ?", (key,)):
        return value
    return None
