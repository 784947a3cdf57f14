"""Pulling what is new out of a chat of the command line.

    ~/.cursor/chats/caa990f2469364441262014be4057c2a/cccccccc-…/store.db

    CREATE TABLE blobs (id TEXT PRIMARY KEY, data BLOB)    id: sha256 in hex; rows are only added
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT)   '0': JSON in hex, with latestRootBlobId

A blob is a message in JSON, or a node in protobuf that links to others by their 32 bytes. Each turn
writes a new root, which links to the messages in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from opensession.parsers.agent import SLICE_BYTES, Source, SourceRefused
from opensession.parsers.cursor.entries import APPEND, NEVER, Entry, line_of
from opensession.parsers.cursor.marks import hash_of
from opensession.parsers.cursor.sources import beside, session_of
from opensession.parsers.cursor.values import decoded, fields, mapping, words
from opensession.parsers.databases import Allowed, Database
from opensession.parsers.rows import Present, Pull, Pulled

ALLOWED: Allowed = {
    "blobs": frozenset(("id", "data")),
    "meta": frozenset(("key", "value")),
}

_MESSAGE_BYTES = 8 << 20
_NODES = 20_000
_DEPTH = 8
_LINK_BYTES = 32
_LINK_FIELDS = frozenset((1, 2))
_BLOB = (
    "SELECT rowid, octet_length(data), CASE WHEN octet_length(data) <= ? THEN data END"
    " FROM blobs WHERE id = ?"
)
_MOST_UNTOLD = 256
_ROWS_UP_TO = "SELECT rowid FROM blobs WHERE rowid > ? AND rowid <= ?"
_ROWS_AFTER = "SELECT rowid, id FROM blobs WHERE rowid > ? ORDER BY rowid"


class _Mark(msgspec.Struct, array_like=True):
    """Between two pulls: of the root's links the first `links`, with hash `prefix`, are told and
    stay; they gave `messages`. `row` is the newest row that was told, `total` how many messages.
    `open` says that the telling goes on where it stopped; `tail` and `head` are hashes of what was
    told after the settled links, and of the head; `anchor` is that of the link they begin with.
    `untold` are rows up to `row` that no root linked to when they were passed: a message of the
    same words as an earlier one is that one's blob.
    """

    links: int = 0
    prefix: int = 0
    messages: int = 0
    row: int = 0
    total: int = 0
    open: bool = False
    tail: int = 0
    head: int = 0
    anchor: int = 0
    untold: list[int] = []


class _Message(msgspec.Struct):
    """A message: its blob's id and row, its bytes or (too large) its size, whether a person's."""

    blob: str
    row: int
    data: bytes | None
    size: int
    prompt: bool
    link: int = 0


def puller(source: Source) -> Pull:
    """The pull of one chat."""

    def pull(database: Database, mark: bytes) -> Pulled:
        known = msgspec.msgpack.decode(mark, type=_Mark) if mark else _Mark()
        return _pull(source, database, known)

    return pull


def present(source: Source) -> Present:
    """The one session of a chat's database, which is there as long as the database is."""
    return lambda database, mark: [session_of(source.path)]


def _pull(source: Source, database: Database, mark: _Mark) -> Pulled:
    for table, wanted in ALLOWED.items():
        if wanted is not None and not wanted <= database.columns(table):
            missing = ", ".join(sorted(wanted - database.columns(table)))
            raise SourceRefused(f"{table} without {missing}")
    meta = _meta(database)
    head = _head(source, meta)
    root = _blob(database, words(meta.get("latestRootBlobId")))
    if root is None or root.data is None:
        return _by_rows(source, database, mark, head)
    links = list(_links(root.data))
    same = _goes_on(mark, links)
    if same:
        first, start = mark.links, APPEND if mark.open else mark.messages
        number = mark.messages
    else:
        first, start, number = 0, APPEND, mark.total
    found: list[_Message] = []
    size, full = 0, False
    for link in range(first, len(links)):
        for message in _messages(database, links[link], frozenset(links)):
            if same or message.row > mark.row or message.row in mark.untold:
                message.link = link
                found.append(message)
                size += message.size
        if size >= SLICE_BYTES and link + 1 < len(links):
            full, links = True, links[: link + 1]
            break
    tail = hash_of(*(message.blob for message in found))
    if same and not mark.open and (tail, hash_of(head)) == (mark.tail, mark.head):
        return Pulled([], msgspec.msgpack.encode(mark), False)
    if not found and not mark.total:
        return Pulled([], msgspec.msgpack.encode(mark), False)
    # Where the next pull begins: at the last prompt; amid the telling, where it stopped.
    prompts = [n for n, message in enumerate(found) if message.prompt]
    settled = number + prompts[-1] if prompts and not full else number + len(found)
    at_link = found[prompts[-1]].link if prompts and not full else len(links)
    if not prompts and not full and same and not mark.open:
        settled, at_link = mark.messages, mark.links
    lines = _lines(source, head, start, NEVER if full else settled, number, found)
    newest = max([mark.row, *(message.row for message in found)])
    now = _Mark(
        links=at_link,
        prefix=hash_of(*links[:at_link]),
        anchor=hash_of(links[at_link]) if at_link < len(links) else 0,
        messages=settled,
        row=newest,
        untold=_untold(database, mark, newest, {root.row, *(message.row for message in found)}),
        total=number + len(found),
        open=full,
        tail=hash_of(*(message.blob for message in found[settled - number :])),
        head=hash_of(head),
    )
    return Pulled(lines, msgspec.msgpack.encode(now), full)


def _goes_on(mark: _Mark, links: list[str]) -> bool:
    """Whether a root goes on with the one before: the settled links, and the prompt after them.

    Where the conversation was summarised for the model, or taken back, it does not.
    """
    if mark.links and hash_of(*links[: mark.links]) != mark.prefix:
        return False
    return not mark.anchor or mark.anchor == hash_of(*links[mark.links : mark.links + 1])


def _untold(database: Database, mark: _Mark, newest: int, told: set[int]) -> list[int]:
    """The rows that were passed and not told, but for the oldest of very many."""
    passed = [row for (row,) in database.rows(_ROWS_UP_TO, (mark.row, newest))]
    return [row for row in [*mark.untold, *passed] if row not in told][-_MOST_UNTOLD:]


def _by_rows(source: Source, database: Database, mark: _Mark, head: bytes) -> Pulled:
    """The messages in the order they were written, where no root says another."""
    found: list[_Message] = []
    size, full, last = 0, False, mark.row
    for row, blob in database.rows(_ROWS_AFTER, (mark.row,)):
        last = row
        message = _blob(database, str(blob))
        if message is not None and _is_message(message):
            found.append(message)
            size += message.size
        if size >= SLICE_BYTES:
            full = True
            break
    total = mark.total + len(found)
    now = _Mark(row=last, total=total, head=hash_of(head), untold=mark.untold)
    if not found:
        return Pulled([], msgspec.msgpack.encode(now), False)
    start = APPEND if mark.total else 0
    lines = _lines(source, head, start, NEVER, mark.total, found)
    return Pulled(lines, msgspec.msgpack.encode(now), full)


def _lines(
    source: Source, head: bytes, start: int, settled: int, number: int, found: list[_Message]
) -> list[bytes]:
    name = session_of(source.path)
    row = mapping(decoded(head))
    entry = Entry(
        "conversation",
        name,
        start=start if number else 0,
        settled=settled,
        folder=words(row.get("folder")),
        row=msgspec.Raw(head),
    )
    lines = [line_of(entry)]
    for offset, message in enumerate(found):
        entry = Entry("message", name, n=number + offset, blob=message.blob)
        if message.data is None:
            entry.bytes = message.size
        else:
            entry.row = _one_line(message.data)
        lines.append(line_of(entry))
    lines.append(line_of(Entry("end", name)))
    return lines


def _one_line(data: bytes) -> msgspec.Raw:
    """A message's bytes; what is no UTF-8 in one line as JSON of the same."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return msgspec.Raw(msgspec.json.encode(decoded(data)))
    return msgspec.Raw(data if b"\n" not in data else msgspec.json.encode(decoded(data)))


def _meta(database: Database) -> dict[str, Any]:
    """What the database says of the chat: JSON in hex, or as it is."""
    for (value,) in database.rows("SELECT value FROM meta WHERE key = '0'"):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else words(value)
        try:
            return mapping(decoded(bytes.fromhex(text)))
        except ValueError:
            return mapping(decoded(text))
    return {}


def _head(source: Source, meta: dict[str, Any]) -> bytes:
    """The chat as a whole, under the names that the editor's conversations have."""
    beside_it = beside(source, "meta.json")
    row = {
        "name": words(beside_it.get("title")) or words(meta.get("name")),
        "createdAt": meta.get("createdAt") or beside_it.get("createdAtMs"),
        "unifiedMode": words(meta.get("mode")),
        "modelConfig": {"modelName": words(meta.get("lastUsedModel"))},
        "folder": words(meta.get("workspacePath")) or words(beside_it.get("cwd")),
    }
    return msgspec.json.encode({key: value for key, value in row.items() if value})


def _blob(database: Database, name: str) -> _Message | None:
    """A blob, whatever it is; None if there is no such one."""
    if not name:
        return None
    for row, size, data in database.rows(_BLOB, (_MESSAGE_BYTES, name)):
        data = data.encode("utf-8", "replace") if isinstance(data, str) else data
        if data is None or isinstance(data, bytes):
            return _Message(name, row, data, size or 0, False)
    return None


def _is_message(blob: _Message) -> bool:
    """Whether a blob is a message; notes if a person wrote it."""
    if blob.data is None or blob.data.lstrip()[:1] != b"{":
        return False
    found = fields(blob.data)
    if found is None or "role" not in found:
        return False
    blob.prompt = decoded(found["role"]) == "user"
    return True


def _messages(database: Database, link: str, root: frozenset[str]) -> Iterator[_Message]:
    """The messages that a link of the root leads to, each once."""
    stack, seen = [(link, 0)], 0
    told: set[str] = set()
    while stack and seen < _NODES:
        name, depth = stack.pop()
        seen += 1
        if name in told or (depth and name in root):
            continue
        told.add(name)
        blob = _blob(database, name)
        if blob is None:
            continue
        if _is_message(blob):
            yield blob
        elif blob.data is not None and depth < _DEPTH and blob.data[:1] != b"{":
            stack += [(inner, depth + 1) for inner in reversed(list(_links(blob.data)))]


def _links(data: bytes) -> Iterator[str]:
    """The links of a node: its fields 1 and 2 of 32 bytes. Ends where the data is no protobuf."""
    position, end = 0, len(data)
    while position < end:
        key, position = _varint(data, position)
        wire = key & 7
        if wire == 2:
            length, position = _varint(data, position)
            if key < 0 or length < 0 or position + length > end:
                return
            if length == _LINK_BYTES and key >> 3 in _LINK_FIELDS:
                yield data[position : position + length].hex()
            position += length
        elif wire == 0:
            _, position = _varint(data, position)
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
        else:
            return


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number and the position behind it; (-1, the end) where there is none."""
    value = shift = 0
    while position < len(data) and shift < 64:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    return -1, len(data)
