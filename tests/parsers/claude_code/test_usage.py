"""Tokens: counted once for each response."""

from __future__ import annotations

from typing import Any

import pytest

from opensession.parsers.claude_code.usage import provider_of
from tests.parsers.claude_code.transcripts import Talk, said


def _spent(**tokens: int) -> dict[str, Any]:
    return {"usage": {"input_tokens": 1, "output_tokens": 1, **tokens}}


def test_the_last_record_of_a_message_counts() -> None:
    """DECISIONS §3: the last record of a message id counts, across reads as well."""
    talk = Talk()
    for output in (1, 8, 64):
        talk.assistant(said(f"part {output}"), message={"id": "m", **_spent(output_tokens=output)})
    for cuts in ([], [1], [2]):
        (usage,) = talk.read(cuts=cuts).own.usage.values()
        assert (usage.message_id, usage.output, usage.seq) == ("m", 64, 3)


def test_input_is_uncached_input() -> None:
    """DECISIONS §3: cache reads and writes stand in their own fields."""
    talk = Talk()
    cached = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 30}
    tokens: dict[str, Any] = {
        "input_tokens": 7,
        "output_tokens": 2,
        "cache_read_input_tokens": 500,
        "cache_creation_input_tokens": 40,
        "cache_creation": cached,
    }
    talk.assistant(said("hi"), message={"id": "m", "usage": tokens})
    own = talk.read().own
    (usage,) = own.usage.values()

    assert (usage.input, usage.cache_read, usage.cache_write) == (7, 500, 40)
    assert usage.cache_write_1h == 30
    assert own.events[0].attributes == {
        "source.raw_type": "assistant",
        "message_id": "m",
        "model": "claude-opus-4-6",
        "input_tokens": 7,
        "output_tokens": 2,
        "cache_read_tokens": 500,
        "cache_write_tokens": 40,
    }


@pytest.mark.parametrize("no_id", ["REDACTED", ...])
def test_records_without_an_id_are_one_response_if_they_are_of_one_request(no_id: Any) -> None:
    """DECISIONS §3: `REDACTED` is no id."""
    talk = Talk()
    talk.assistant(said("a"), message={"id": no_id, **_spent()}, requestId="req_1")
    talk.assistant(said("b"), message={"id": no_id, **_spent(output_tokens=9)}, requestId="req_1")
    talk.assistant(said("c"), message={"id": no_id, **_spent()}, requestId="req_2")
    for cuts in ([], [1], [2]):
        own = talk.read(cuts=cuts).own
        first, _, third = own.events
        assert {key: usage.output for key, usage in own.usage.items()} == {
            f"~{first.event_id}": 9,
            f"~{third.event_id}": 1,
        }


def test_records_without_any_id_are_one_response_if_they_follow_each_other() -> None:
    talk = Talk()
    redacted = {"id": "REDACTED", **_spent()}
    talk.assistant(said("a"), message=redacted, requestId="REDACTED")
    talk.assistant(said("b"), message=redacted, requestId="REDACTED")
    talk.user("go on")
    talk.assistant(said("c"), message=redacted, requestId="REDACTED")
    talk.assistant(said("d"), message={"id": "REDACTED", **_spent(output_tokens=2)})

    assert len(talk.read(cuts=[1, 3]).own.usage) == 3


def test_another_response_between_them_keeps_two_apart() -> None:
    talk = Talk()
    redacted = {"id": "REDACTED", **_spent()}
    first = talk.assistant(said("a"), message=redacted)
    talk.assistant(said("b"), message={"id": "known", **_spent()})
    talk.assistant(said("c"), message=redacted, parentUuid=first)

    assert len(talk.read().own.usage) == 3


def test_a_recorded_price_is_kept() -> None:
    talk = Talk()
    talk.assistant(said("a"), costUSD=0.0123456)

    (usage,) = talk.read().own.usage.values()
    assert usage.cost_microdollars == 12346


@pytest.mark.parametrize("odd", [-1, 2**70, True])
def test_counts_that_cannot_be_are_none(odd: int) -> None:
    talk = Talk()
    talk.assistant(said("a"), message=_spent(output_tokens=odd))

    (usage,) = talk.read().own.usage.values()
    assert usage.output == 0


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-opus-4-6", "anthropic"),
        ("us.anthropic.claude-sonnet-4-5-v1:0", "anthropic"),
        ("gpt-5.3-codex", "openai"),
        ("gemini-3-pro", "google"),
        ("glm-4.6", ""),
    ],
)
def test_who_makes_a_model(model: str, provider: str) -> None:
    assert provider_of(model) == provider
