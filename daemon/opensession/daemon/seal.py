"""What a parser remembers between two reads, as the index may hold it: sealed with the local key.

A parser's state holds words of the session as the agent wrote them (a first prompt, the texts of
an edit that waits for its result), and the archive alone may hold those. Stripping them would make
the events depend on how a source was cut into reads; so they are encrypted, the same state always
to the same bytes.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from opensession.parsers.agent import Cursor

_TAG_BYTES = 16


def sealed(cursor: Cursor, key: bytes) -> Cursor:
    """The cursor with its state encrypted."""
    if not cursor.state:
        return cursor
    tag = _tag(cursor.state, key)
    return msgspec.structs.replace(cursor, state=tag + _mixed(cursor.state, tag, key))


def unsealed(cursor: Cursor, key: bytes) -> Cursor:
    """The cursor as the parser made it.

    A state that was not sealed with this key gives a cursor that fits no file, so that the source
    is read from its beginning.
    """
    if not cursor.state:
        return cursor
    tag = cursor.state[:_TAG_BYTES]
    state = _mixed(cursor.state[_TAG_BYTES:], tag, key)
    if not hmac.compare_digest(_tag(state, key), tag):
        return msgspec.structs.replace(cursor, tail=b"", state=b"")
    return msgspec.structs.replace(cursor, state=state)


def _tag(state: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(state, digest_size=_TAG_BYTES, key=key, person=b"cursor tag").digest()


def _mixed(data: bytes, tag: bytes, key: bytes) -> bytes:
    """`data` combined with a stream that only the key and the tag give; twice is not at all."""
    own = hashlib.blake2b(key=key, person=b"cursor stream").digest()
    stream = hashlib.shake_256(own + tag).digest(len(data))
    mixed = int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")
    return mixed.to_bytes(len(data), "little")
