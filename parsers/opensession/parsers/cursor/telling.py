"""Taking one conversation of the editor out of its database: its head, and its bubbles in order."""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.parsers.agent import SLICE_BYTES
from opensession.parsers.cursor import marks
from opensession.parsers.cursor.bubbles import is_settled
from opensession.parsers.cursor.composers import Conversation
from opensession.parsers.cursor.entries import NEVER, NOTHING, Entry, line_of
from opensession.parsers.cursor.marks import Mark, Part, Settled, hash_of
from opensession.parsers.cursor.values import decoded, fields, mapping, words
from opensession.parsers.databases import Database

BUBBLE_BYTES = 4 << 20
"""A larger bubble is left out, with its size."""

TOLD_AT_ONCE = 4 * SLICE_BYTES
"""A conversation is told in one piece up to this size: a piece of it looks as if it were cut."""

_UNSETTLED = 6
"""So many bubbles at the end are never settled within a turn: Cursor may still rewrite them."""

_DIFFS_OF_BUBBLE = 8
_CONTENT = "composer.content."
_TEXT_BYTES = 256 << 10

_AT_ONCE = 16
_BUBBLES = (
    "SELECT key, octet_length(value), CASE WHEN octet_length(value) <= ? THEN value END"  # noqa: S608
    f" FROM cursorDiskKV WHERE key IN ({', '.join('?' * _AT_ONCE)})"
)
_SMALL = "SELECT value FROM cursorDiskKV WHERE key = ? AND octet_length(value) <= ?"


class Lines:
    """The lines of a pull."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.size = 0

    def add(self, lines: list[bytes]) -> None:
        """Takes some lines."""
        self.lines += lines
        self.size += sum(map(len, lines)) + len(lines)

    @property
    def full(self) -> bool:
        """Whether this is as much as one pull takes."""
        return self.size >= SLICE_BYTES


def tell(
    database: Database | None,
    mark: Mark,
    out: Lines,
    conversation: Conversation,
    *,
    changed: list[int] | None = None,
    folder: str = "",
    listed: dict[str, Any] | None = None,
    row: int = 0,
    stamp: str = "",
) -> None:
    """Tells a conversation from where it is settled, or goes on with one that was left amid it.

    `changed` are hashes of bubbles that were rewritten: where one of them is settled, all is told.
    """
    known = mark.settled.get(conversation.id)
    part = mark.part if mark.part is not None and mark.part.id == conversation.id else None
    mark.part = None
    begun = part is not None and part.prefix == hash_of(*conversation.bubbles[: part.next])
    start = part.next if part is not None and begun else _start(conversation, known, changed)
    lines, next_bubble, settled = _bubbles(database, conversation, start)
    whole = next_bubble == len(conversation.bubbles)
    tail = hash_of(*lines, bytes(conversation.light()))
    if not begun:
        same = known is not None and whole and (start, tail) == (known.count, known.tail)
        if known is not None and same and changed != [marks.WHOLE]:
            known.row, known.stamp = row, stamp
            return
        if start == 0 and not lines:
            return  # a conversation without anything in it
        mark.settled.pop(conversation.id, None)
        head = Entry(
            "conversation",
            conversation.id,
            start=start,
            settled=settled if database is not None else NEVER,
            folder=folder,
            parent=mark.parents.get(conversation.id, ""),
            row=conversation.light() if start else conversation.whole(),
            listed=msgspec.Raw(msgspec.json.encode(listed)) if listed else NOTHING,
        )
        out.add([line_of(head)])
    elif part is not None:
        settled = part.settled
    out.add(lines)
    prefix = hash_of(*conversation.bubbles[: next_bubble if not whole else settled])
    if not whole:
        mark.part = Part(conversation.id, next_bubble, prefix, settled)
        return
    out.add([line_of(Entry("end", conversation.id, row=_usage(conversation)))])
    if database is not None:
        kept = Settled(settled, prefix, row, stamp, 0 if begun else tail)
        marks.settle(mark, conversation.id, kept)


def _start(conversation: Conversation, known: Settled | None, changed: list[int] | None) -> int:
    """How many bubbles need not be told again."""
    if known is None or known.count > len(conversation.bubbles):
        return 0
    if hash_of(*conversation.bubbles[: known.count]) != known.prefix:
        return 0
    if changed == [marks.WHOLE]:
        return 0
    rewritten = frozenset(changed or ())
    if rewritten and any(
        hash_of(bubble) in rewritten for bubble in conversation.bubbles[: known.count]
    ):
        return 0
    return known.count


def _bubbles(
    database: Database | None, conversation: Conversation, start: int
) -> tuple[list[bytes], int, int]:
    """The lines of the bubbles from `start` on, up to a size.

    With the number of the next bubble, and how many are settled.
    """
    lines: list[bytes] = []
    size = 0
    total = len(conversation.bubbles)
    turn = max((n for n, kind in enumerate(conversation.types) if kind in (1, "user")), default=0)
    waiting = total
    number = start
    values: dict[str, tuple[bytes | None, int]] = {}
    while number < total:
        if (number - start) % _AT_ONCE == 0:
            values = _values(database, conversation, number)
        value, length = values.get(conversation.bubbles[number], (None, 0))
        if value is None and not length:
            waiting = min(waiting, number)
        else:
            line, done = _line(database, conversation, number, value, length)
            if not done:
                waiting = min(waiting, number)
            lines.append(line)
            size += len(line) + 1
        number += 1
        if size >= TOLD_AT_ONCE:
            break
    settled = max(start, turn)
    if number == total:
        settled = max(settled, min(waiting, total - _UNSETTLED))
    return lines, number, settled


def _values(
    database: Database | None, conversation: Conversation, number: int
) -> dict[str, tuple[bytes | None, int]]:
    """Some bubbles from a number on: their bytes, and their sizes where they are too large.

    What is not there is left out.
    """
    names = conversation.bubbles[number : number + _AT_ONCE]
    found: dict[str, tuple[bytes | None, int]] = {}
    for name in names:
        inline = conversation.inline.get(name)
        if inline is not None:
            found[name] = (None if len(inline) > BUBBLE_BYTES else inline, len(inline))
    if database is None:
        return found
    prefix = f"bubbleId:{conversation.id}:"
    keys = [prefix + name for name in names]
    keys += keys[-1:] * (_AT_ONCE - len(keys))  # one statement, whatever their number
    for key, length, value in database.rows(_BUBBLES, (BUBBLE_BYTES, *keys)):
        data = value.encode("utf-8", "replace") if isinstance(value, str) else value
        if data is not None and not isinstance(data, bytes):
            data = b""  # a number, which is no bubble
        if data is not None or length:
            found[key[len(prefix) :]] = (data, length)
    return found


def _line(
    database: Database | None,
    conversation: Conversation,
    number: int,
    value: bytes | None,
    length: int,
) -> tuple[bytes, bool]:
    """The line of a bubble, and whether the bubble waits for nothing."""
    name = conversation.bubbles[number]
    entry = Entry("bubble", conversation.id, n=number, blob=name)
    if value is None:
        entry.bytes = length
        return line_of(entry), True
    found = fields(value)
    if found is None:
        entry.row = msgspec.Raw(b"null")  # counted, not told: half a row is none
        return line_of(entry), True
    entry.row = _raw(value, found)
    tool = conversation.tools.get(name)
    data = decoded(found["toolFormerData"]) if "toolFormerData" in found else None
    if not mapping(data) and tool is not None:
        entry.tool = msgspec.Raw(msgspec.json.encode(tool))
        data = tool
    if database is not None and mapping(data):
        entry.rows = _rows(database, conversation, name, mapping(data)) or None
    return line_of(entry), is_settled({"toolFormerData": data})


def _raw(value: bytes, found: dict[str, msgspec.Raw]) -> msgspec.Raw:
    """The bubble as it is in the row; where that is no UTF-8 in one line, as JSON of the same."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return msgspec.Raw(msgspec.json.encode(decoded(value)))
    return msgspec.Raw(value) if b"\n" not in value else msgspec.Raw(msgspec.json.encode(found))


def _rows(
    database: Database, conversation: Conversation, name: str, data: dict[str, Any]
) -> dict[str, Any]:
    """The rows that a tool's data refers to: diffs, and a file before and after an edit."""
    out: dict[str, Any] = {}
    block = words(mapping(data.get("additionalData")).get("codeblockId"))
    names = conversation.diffs.get(block) or conversation.diffs.get(name) or []
    diffs = []
    for diff in names[:_DIFFS_OF_BUBBLE]:
        found = _small(database, f"codeBlockDiff:{conversation.id}:{diff}")
        if mapping(decoded(found)):
            diffs.append(decoded(found))
    if diffs:
        out["diffs"] = diffs
    if "afterContentId" not in str(data.get("result")):
        return out
    result = mapping(decoded(data["result"]))
    for key, kept in (("beforeContentId", "before"), ("afterContentId", "after")):
        content = words(result.get(key))
        if content.startswith(_CONTENT):
            found = _small(database, content)
            if isinstance(found, bytes):
                found = found.decode("utf-8", "replace")
            if isinstance(found, str):
                out[kept] = found
        elif key == "beforeContentId" and not content:
            out[kept] = ""  # the file is new
    return out


def _small(database: Database, key: str) -> Any:
    """The value of a key, if it is of a size that a diff is made of."""
    return next((value for (value,) in database.rows(_SMALL, (key, _TEXT_BYTES))), None)


def _usage(conversation: Conversation) -> msgspec.Raw:
    used = conversation.row.get("usageData")
    if used is None or not mapping(decoded(used)):
        return NOTHING
    return msgspec.Raw(msgspec.json.encode({"usageData": used}))
