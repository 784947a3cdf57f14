"""What is remembered between reads of one source: a little of the sessions that changed last.

A database holds all sessions there are. Of those beyond `SESSIONS` the memory is given up, and when
such a session goes on, `pull` begins it anew; so both sides count what changed last in one way, see
`touch`.
"""

from __future__ import annotations

import zlib
from typing import TypeGuard, TypeVar

import msgspec

from opensession.parsers.timeline import ID_CHARACTERS, State

SESSIONS = 64
MESSAGES = 24
"""The latest messages of a session that can still be told more of."""

PARTS = 512
"""Parts of one message that are remembered as told."""

WAITING_CHARACTERS = 64 << 10
"""Unfinished text of one session that is kept, to be told if it is never finished."""

CALLS = 128
"""Calls that started sessions which were not seen yet."""

_KEPT_IDS = 16
_Value = TypeVar("_Value")


class Message(msgspec.Struct, array_like=True):
    """One message: what its parts need to know of it, and which of them were told.

    `usage` holds the tokens and the price as the message itself has them, until it is known that
    none of its steps did (`steps`). `waiting` are texts that have no end yet.
    """

    user: bool = False
    created: int = 0
    model: str = ""
    provider: str = ""
    agent: str = ""
    summary: bool = False
    steps: int = 0
    counted: bool = False
    failed: bool = False
    done: bool = False
    told: list[int] = []
    waiting: dict[str, str] = {}


class Memory(msgspec.Struct, array_like=True):
    """One session. `forgotten` is the time (ms) of the latest message that is no longer known."""

    state: State
    messages: dict[str, Message] = {}
    forgotten: int = -1
    reverted: str = ""


class Memories(msgspec.Struct, array_like=True):
    """All sessions, the one that changed last at the end, and the calls that started some."""

    sessions: dict[str, msgspec.Raw] = {}
    calls: dict[str, str] = {}


_encoder = msgspec.msgpack.Encoder()
_memories = msgspec.msgpack.Decoder(Memories)
_memory = msgspec.msgpack.Decoder(Memory)


def load(data: bytes) -> Memories:
    """What was remembered; nothing at the beginning."""
    return _memories.decode(data) if data else Memories()


def dump(memories: Memories) -> bytes:
    """The memories as bytes, for a cursor."""
    return _encoder.encode(memories)


def unpack(packed: msgspec.Raw) -> Memory:
    """One session of `Memories.sessions`."""
    return _memory.decode(packed)


def pack(memory: Memory) -> msgspec.Raw:
    """The same as bytes. Of the ids of events only the last are kept: an agent's own are unique."""
    recent = memory.state.ids
    for key in list(recent)[: max(0, len(recent) - _KEPT_IDS)]:
        del recent[key]
    return msgspec.Raw(_encoder.encode(memory))


def is_id(value: object) -> TypeGuard[str]:
    """Whether a value is an id of a session that can be remembered."""
    return isinstance(value, str) and 0 < len(value) <= ID_CHARACTERS


def touch(sessions: dict[str, _Value], session: str, value: _Value) -> str:
    """Makes a session the one that changed last; the one that is given up for it, if any."""
    sessions.pop(session, None)
    sessions[session] = value
    if len(sessions) <= SESSIONS:
        return ""
    oldest = next(iter(sessions))
    del sessions[oldest]
    return oldest


def note_call(memories: Memories, child: str, call_id: str) -> None:
    """Remembers which call started a session."""
    if len(child) > ID_CHARACTERS or len(call_id) > ID_CHARACTERS:
        return
    memories.calls.pop(child, None)
    memories.calls[child] = call_id
    if len(memories.calls) > CALLS:
        del memories.calls[next(iter(memories.calls))]


def once(message: Message, what: str) -> bool:
    """Whether this was not told of a message before; it counts as told then."""
    key = zlib.crc32(what.encode("utf-8", "replace"))
    if key in message.told:
        return False
    message.told.append(key)
    del message.told[:-PARTS]
    return True


def wait(memory: Memory, message: Message, part_id: str, words: str) -> None:
    """Keeps a text that has no end yet, while there is room."""
    message.waiting.pop(part_id, None)
    kept = sum(len(text) for each in memory.messages.values() for text in each.waiting.values())
    if kept + len(words) <= WAITING_CHARACTERS and len(part_id) <= ID_CHARACTERS:
        message.waiting[part_id] = words


def know(memory: Memory, message_id: str, message: Message) -> None:
    """Begins to know a message; the oldest of too many is given up."""
    memory.messages[message_id] = message
    if len(memory.messages) > MESSAGES:
        oldest = memory.messages.pop(next(iter(memory.messages)))
        memory.forgotten = max(memory.forgotten, oldest.created)
