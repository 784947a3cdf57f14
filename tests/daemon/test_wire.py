from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.config.settings import PrivacySettings
from opensession.daemon import wire
from opensession.daemon.admission import Rules
from opensession.daemon.batch import Batch, Failure, Frame
from opensession.daemon.reading import Ended, Got, Job, Setup
from opensession.parsers.agent import Cursor, Source

SETUP = Setup("/home/me", b"k" * 32, PrivacySettings(), True, Rules(repos=("/r",)))
BATCH = Batch(
    7, 0, False, Frame(0, 3, b"h", b"data"), 3, [], Cursor(3, state=b"\0"), 1, 2, {"bad": 1}, {},
    True,
)  # fmt: skip


def test_every_message_arrives_as_it_was_sent() -> None:
    stream = io.BytesIO()
    answers: list[wire.Answer] = [
        Got(1, BATCH), Ended(1), Ended(2, Failure(7, "error", "why"), True, "x.py:3"), wire.Bye(),
    ]  # fmt: skip
    for answer in answers:
        wire.send(stream, answer)
    stream.seek(0)
    assert [wire.receive_answer(stream) for _ in answers] == answers
    assert wire.receive_answer(stream) is None


def test_hello_and_jobs_arrive_as_they_were_sent() -> None:
    stream = io.BytesIO()
    hello = wire.Hello(SETUP, "/scratch", 1 << 20, 42)
    job = Job(3, 7, Source("codex", "/r", "/r/a"), Cursor(9, 1, 2, 3, 4, b"t", b"s"), 100)
    wire.send(stream, hello)
    wire.send(stream, job)
    stream.seek(0)
    assert wire.receive_hello(stream) == hello
    assert wire.receive_job(stream) == job
    assert wire.receive_job(stream) is None


def test_a_message_that_was_cut_off_is_the_end() -> None:
    whole = io.BytesIO()
    wire.send(whole, Got(1, BATCH))
    for length in range(len(whole.getvalue())):
        assert wire.receive_answer(io.BytesIO(whole.getvalue()[:length])) is None


@given(st.binary(max_size=200))
def test_anything_else_is_refused_or_the_end(data: bytes) -> None:
    stream = io.BytesIO(len(data).to_bytes(4, "big") + data)
    try:
        while wire.receive_answer(stream) is not None:
            pass
    except (ValueError, msgspec.DecodeError):
        return


def test_a_length_beyond_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        wire.receive_answer(io.BytesIO(b"\xff\xff\xff\xff"))
