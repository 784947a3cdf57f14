"""What a parser remembers between two reads, as the index may hold it: sealed with the local key.

A parser's state holds words of the session as the agent wrote them (a first prompt, the texts of
an edit that waits for its result), and the archive alone may hold those. Stripping them would make
the events depend on how a source was cut into reads; so they are encrypted, the same state always
to the same bytes. The hash of the last block goes with it: by itself it would confirm a guess of
what stands there.

    tag     keyed BLAKE2b over what the seal is for, tail and state: a synthetic IV (RFC 5297)
    stream  SHAKE-256 over a second key and the tag

What this needs is a deterministic cipher that stands repeated input, which AES-SIV is; none of our
dependencies has one. `cryptography` does: 18 MB on disk, 67 ms and 9 MiB for its import (measured,
version 50, Python 3.11), in the daemon and in each worker, against 0.1 ms for 8 KiB here. An idle
daemon may have 60 MB, and whoever reads the index of this user mostly reads the key beside it, so
that is not taken; the construction is the same, of primitives of the standard library. What the
seal does not hide: how long a state is, and whether two are equal.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from opensession.parsers.agent import Cursor

_TAG_BYTES = 24
_VERSION = b"\x02"


class _Inside(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed."""

    tail: bytes
    state: bytes


def sealed(cursor: Cursor, key: bytes, about: str = "") -> Cursor:
    """The cursor with its state and tail encrypted; `about` is the source that it is of."""
    if not cursor.state:
        return cursor
    inside = msgspec.msgpack.encode(_Inside(cursor.tail, cursor.state))
    tag = _tag(inside, key, about)
    return msgspec.structs.replace(
        cursor, tail=b"", state=_VERSION + tag + _mixed(inside, tag, key)
    )


def unsealed(cursor: Cursor, key: bytes, about: str = "") -> Cursor:
    """The cursor as the parser made it.

    A state that was not sealed with this key, for this source and by this version, gives a cursor
    that fits no file, so that the source is read from its beginning.
    """
    if not cursor.state:
        return cursor
    tag = cursor.state[1 : 1 + _TAG_BYTES]
    inside = _mixed(cursor.state[1 + _TAG_BYTES :], tag, key)
    known = hmac.compare_digest(_tag(inside, key, about), tag)
    if not known or cursor.state[:1] != _VERSION:
        return msgspec.structs.replace(cursor, tail=b"", state=b"")
    found = msgspec.msgpack.decode(inside, type=_Inside)
    return msgspec.structs.replace(cursor, tail=found.tail, state=found.state)


def _tag(inside: bytes, key: bytes, about: str) -> bytes:
    name = about.encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(digest_size=_TAG_BYTES, key=key, person=b"cursor tag")
    digest.update(len(name).to_bytes(8, "little") + name)
    digest.update(inside)
    return digest.digest()


def _mixed(data: bytes, tag: bytes, key: bytes) -> bytes:
    """`data` combined with a stream that only the key and the tag give; twice is not at all."""
    own = hashlib.blake2b(key=key, person=b"cursor stream").digest()
    stream = hashlib.shake_256(own + tag).digest(len(data))
    mixed = int.from_bytes(data, "little") ^ int.from_bytes(stream, "little")
    return mixed.to_bytes(len(data), "little")
