"""What a pull from an editor's database remembers: where it stopped, and what it settled."""

from __future__ import annotations

import zlib

import msgspec

from opensession.parsers.cursor.entries import PULLED_CONVERSATIONS

CHECKPOINTS = 24
PENDING = 256
PARENTS = 256
EMPTY = 1024
FOLDERS = 4096
CHANGED_BUBBLES = 128
WHOLE = -1
"""Among the changed bubbles of a conversation: all of them."""

ADOPTED = -2
"""As the changed bubbles: none, but it became known whose subagent the conversation is."""


class Settled(msgspec.Struct, array_like=True):
    """A conversation that was pulled: how many of its bubbles are settled, a hash of their ids.

    `row` and `stamp` are of its row as it was; `tail` is a hash of what was told after the settled
    ones, so that the same is not told twice.
    """

    count: int
    prefix: int
    row: int = 0
    stamp: str = ""
    tail: int = 0


class Part(msgspec.Struct, array_like=True):
    """A conversation that was left amid its telling: the next bubble, a hash of the ids before."""

    id: str
    next: int
    prefix: int
    settled: int


class Mark(msgspec.Struct, array_like=True):
    """Between two pulls.

    `scan` is the last key of the first pass over all conversations, until it is `scanned`; `since`
    restricts a later pass to those that were updated after that time (ms). `latest` is the newest
    time in the table of heads that was seen, `updated` that of what was told. `checkpoints` are
    rows (number, hash of the key) up to which changes were seen, newest last. `pending` are
    conversations that changed, with hashes of their changed bubbles. `lists` are the hashes of
    the values that hold conversations in `ItemTable`, `chats` those of the conversations in them,
    `chat` how far the telling of one value has come. `empty` are conversations of whose rows only
    the keys are left.
    """

    scan: str = ""
    scanned: bool = False
    since: int = 0
    latest: int = 0
    updated: int = 0
    part: Part | None = None
    checkpoints: list[tuple[int, int]] = []
    pending: dict[str, list[int]] = {}
    settled: dict[str, Settled] = {}
    parents: dict[str, str] = {}
    folders: dict[str, str] | None = None
    lists: dict[str, int] = {}
    chats: dict[int, int] = {}
    chat: int = 0
    empty: list[str] = []


_decoder = msgspec.msgpack.Decoder(Mark)


def load(data: bytes) -> Mark:
    """The mark of the last pull; a new one at the beginning."""
    return _decoder.decode(data) if data else Mark()


def dump(mark: Mark) -> bytes:
    """The mark as bytes, for a cursor."""
    return msgspec.msgpack.encode(mark)


def hash_of(*parts: str | bytes) -> int:
    """A hash of some parts, to tell a change."""
    value = 0
    for part in parts:
        data = part.encode("utf-8", "replace") if isinstance(part, str) else part
        value = zlib.crc32(data, zlib.crc32(b"%d;" % len(data), value))
    return value


def settle(mark: Mark, conversation: str, settled: Settled) -> None:
    """Remembers a pulled conversation; the one that was pulled longest ago is forgotten."""
    mark.settled.pop(conversation, None)
    mark.settled[conversation] = settled
    if len(mark.settled) > PULLED_CONVERSATIONS:
        del mark.settled[next(iter(mark.settled))]


def seen(mark: Mark, conversation: str, *, empty: bool) -> None:
    """Remembers whether there is anything in the row of a conversation."""
    if conversation in mark.empty:
        mark.empty.remove(conversation)
    if empty:
        mark.empty.append(conversation)
        del mark.empty[:-EMPTY]


def changed(mark: Mark, conversation: str, bubble: str = "") -> None:
    """Notes that a conversation is to be pulled, and which of its bubbles changed."""
    bubbles = mark.pending.setdefault(conversation, [])
    if bubble and bubbles not in ([WHOLE], [ADOPTED]):
        bubbles.append(hash_of(bubble))
        if len(bubbles) > CHANGED_BUBBLES:
            mark.pending[conversation] = [WHOLE]


def adopt(mark: Mark, child: str, parent: str) -> bool:
    """Remembers whose subagent a conversation is; reports whether that is new."""
    known = mark.parents.pop(child, None)
    mark.parents[child] = parent
    if len(mark.parents) > PARENTS:
        del mark.parents[next(iter(mark.parents))]
    return known != parent


def check(mark: Mark, row: int, key: str) -> None:
    """Adds a row up to which all changes were seen. Older checkpoints become sparse."""
    point = (row, hash_of(key))
    if mark.checkpoints and mark.checkpoints[-1] == point:
        return
    mark.checkpoints.append(point)
    if len(mark.checkpoints) > CHECKPOINTS:
        del mark.checkpoints[1 : CHECKPOINTS // 2 : 2]
