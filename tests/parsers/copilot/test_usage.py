"""Tokens in files made by hand: of each version's kind of record, none twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opensession.core.hail import Usage
from tests.parsers.copilot.making import ID, SUB, answer, read, record, spent, start, user


def shutdown(at: int, model: str = "gpt-5", **usage: int) -> dict[str, Any]:
    return record("session.shutdown", at, modelMetrics={model: {"usage": usage}})


def sums(usage: list[Usage]) -> tuple[int, int, int, int]:
    return (
        sum(one.input for one in usage),
        sum(one.output for one in usage),
        sum(one.cache_read for one in usage),
        sum(one.cache_write for one in usage),
    )


def test_input_is_what_was_not_cached(tmp_path: Path) -> None:
    counted = spent("a", 1, cacheReadTokens=60, cacheWriteTokens=30, cost=3, totalNanoAiu=9)

    whole = read(tmp_path, start(), user("go"), counted)

    (usage,) = whole.usage[ID]
    assert (usage.input, usage.output) == (10, 10)
    assert (usage.cache_read, usage.cache_write) == (60, 30)
    assert usage.cost_microdollars is None
    assert usage.message_id == "a"


def test_recorded_calls_make_other_counts_repetitions(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        start(),
        user("go"),
        spent("a", 1),
        answer("hi", 2, apiCallId="a", outputTokens=10),
        shutdown(3, inputTokens=100, outputTokens=10),
    )

    assert sums(whole.usage[ID]) == (100, 10, 0, 0)
    assert len(whole.usage[ID]) == 1


def test_without_recorded_calls_a_shutdown_tells_the_rest(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        start(),
        user("go"),
        answer("hi", 1, outputTokens=10),
        answer("deeper", 2, SUB, outputTokens=5),
        shutdown(3, inputTokens=300, outputTokens=20, cacheReadTokens=200),
    )

    assert sums(whole.usage[ID]) == (100, 15, 200, 0)
    assert sums(whole.usage[SUB]) == (0, 5, 0, 0)


def test_sums_that_go_on_after_a_resume_are_counted_once(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        start(),
        user("go"),
        shutdown(3, inputTokens=300, outputTokens=20),
        user("more", 4),
        shutdown(5, inputTokens=500, outputTokens=30),
    )

    assert sums(whole.usage[ID]) == (500, 30, 0, 0)


def test_sums_that_begin_anew_are_added(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        start(),
        user("go"),
        shutdown(3, inputTokens=300, outputTokens=20),
        user("more", 4),
        shutdown(5, inputTokens=50, outputTokens=3),
    )

    assert sums(whole.usage[ID]) == (350, 23, 0, 0)


def test_the_summary_of_a_compaction_cost_tokens(tmp_path: Path) -> None:
    used = {"inputTokens": 90, "outputTokens": 9, "cacheReadTokens": 50, "model": "gpt-5"}
    compacted = record("session.compaction_complete", 1, success=True, compactionTokensUsed=used)

    ended = shutdown(2, inputTokens=90, outputTokens=9, cacheReadTokens=50)

    whole = read(tmp_path, start(), user("go"), compacted, ended)

    assert sums(whole.usage[ID]) == (40, 9, 50, 0)


def test_counts_that_are_none_are_not_counted(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        start(),
        user("go"),
        spent("a", 1, inputTokens="many", outputTokens=-4),
        spent("b", 2, inputTokens=1 << 50, outputTokens=True),
        record("session.usage_record", 3, usage=None),
        shutdown(4),
        record("session.shutdown", 5, modelMetrics={"gpt-5": 7}),
    )

    assert whole.usage[ID] == []
