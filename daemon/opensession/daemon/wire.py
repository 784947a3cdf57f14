"""Messages between the daemon and its workers: msgpack, each after its length in 4 bytes."""

from __future__ import annotations

from typing import IO, TypeAlias

import msgspec

from opensession.daemon.reading import Ended, Got, Job, Setup

FRAME_LIMIT = 512 << 20
"""Bytes; a longer message means that the stream is not what it should be."""


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """The first message to a worker. `memory` bounds its data in bytes; `parent` is the pid it
    does not outlive.
    """

    setup: Setup
    scratch: str
    memory: int
    parent: int


class Bye(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """A worker ends by its own choice, after the jobs it answered: it has grown too large."""


Answer: TypeAlias = Got | Ended | Bye

_hello = msgspec.msgpack.Decoder(Hello)
_job = msgspec.msgpack.Decoder(Job)
_answer = msgspec.msgpack.Decoder(Got | Ended | Bye)


def send(stream: IO[bytes], message: Hello | Job | Answer) -> None:
    """Writes one message and flushes it."""
    data = msgspec.msgpack.encode(message)
    stream.write(len(data).to_bytes(4, "big") + data)
    stream.flush()


def receive_hello(stream: IO[bytes]) -> Hello | None:
    """The first message; None if there will be none."""
    data = _frame(stream)
    return None if data is None else _hello.decode(data)


def receive_job(stream: IO[bytes]) -> Job | None:
    """The next job; None at the end."""
    data = _frame(stream)
    return None if data is None else _job.decode(data)


def receive_answer(stream: IO[bytes]) -> Answer | None:
    """The next answer; None at the end, also if the other side died amid a message.

    Raises ValueError or msgspec.DecodeError for what is no answer.
    """
    data = _frame(stream)
    return None if data is None else _answer.decode(data)


def _frame(stream: IO[bytes]) -> bytes | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    length = int.from_bytes(head, "big")
    if length > FRAME_LIMIT:
        raise ValueError(f"a message of {length} bytes")
    data = stream.read(length)
    return data if len(data) == length else None
