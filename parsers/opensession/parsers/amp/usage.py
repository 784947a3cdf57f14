"""The tokens of a response of Amp.

    {"model": "claude-…", "inputTokens": 12, "outputTokens": 80, "cacheReadInputTokens": 3400,
     "cacheCreationInputTokens": 900, "totalInputTokens": 4312, "credits": 1.2}

`totalInputTokens` is the sum of the three inputs. For models of OpenAI, which bill no writing of
their cache, `inputTokens` is 0 and what was not read from the cache counts as cache creation.
"""

from __future__ import annotations

from typing import Any

import msgspec

from opensession.core.hail import Attributes
from opensession.parsers.actions import Given, string

_LARGEST = 1 << 53
_WITHOUT_WRITES = ("gpt-", "openai/", "o1", "o3", "o4")


class Response(msgspec.Struct, frozen=True):
    """What one response took; `input` is uncached. `attributes` say the same on its events."""

    model: str = ""
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    counted: bool = False
    attributes: Attributes = {}


def response(usage: Given) -> Response:
    """The tokens of a response by its record of usage, which may be empty."""
    model = string(usage, "model")[:256]
    fresh, output = count(usage.get("inputTokens")), count(usage.get("outputTokens"))
    read = count(usage.get("cacheReadInputTokens"))
    written = count(usage.get("cacheCreationInputTokens"))
    total = count(usage.get("totalInputTokens"))
    if fresh == total and read + written <= fresh and read + written:
        fresh -= read + written  # it was the sum
    if model.startswith(_WITHOUT_WRITES) and not fresh:
        fresh, written = written, 0
    own: Attributes = {"model": model} if model else {}
    counted = bool(fresh or output or read or written)
    if counted:
        own["input_tokens"], own["output_tokens"] = fresh, output
        own["cache_read_tokens"], own["cache_write_tokens"] = read, written
    credits = usage.get("credits")
    if isinstance(credits, int | float) and not isinstance(credits, bool):
        own["amp.credits"] = credits
    return Response(model, fresh, output, read, written, counted, own)


def count(value: Any) -> int:
    """A number of tokens; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value < _LARGEST else 0
