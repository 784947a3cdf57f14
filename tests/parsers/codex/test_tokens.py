"""Token counts: uncached input, once per response, once over all copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.parsers.codex.making import ID, event, line, message, meta, read

OTHER = "01999999-0000-7000-8000-00000000000a"


def counters(given: int, cached: int, out: int, **more: int) -> dict[str, int]:
    return {
        "input_tokens": given,
        "cached_input_tokens": cached,
        "output_tokens": out,
        "reasoning_output_tokens": 0,
        "total_tokens": given + out,
        **more,
    }


def count(total: dict[str, int], last: dict[str, int] | None, at: int = 0) -> dict[str, Any]:
    info = {"total_token_usage": total, "last_token_usage": last}
    return event("token_count", at, info=info)


def record(response: str, usage: dict[str, int], thread: dict[str, int], at: int = 0) -> Any:
    payload = {"response_id": response, "usage": usage, "thread_token_usage": thread}
    return line("token_usage_record", payload, at)


def test_cached_input_is_not_counted_as_input(tmp_path: Path) -> None:
    """DECISIONS §3: input means uncached input."""
    tokens = counters(100, 60, 7, cache_write_input_tokens=10)
    whole = read(tmp_path, line("turn_context", {"model": "m"}), record("r", tokens, tokens, 5))

    (usage,) = whole.usage[ID]
    (shown,) = whole.events
    assert (usage.input, usage.cache_read, usage.cache_write, usage.output) == (30, 60, 10, 7)
    assert (usage.message_id, usage.model, usage.provider) == ("r", "m", "openai")
    assert (usage.seq, usage.time_us) == (1, shown.time_us)
    assert shown.data == {"kind": "token_count"}
    assert {
        key: shown.attributes[key]
        for key in ("message_id", "model", "input_tokens", "output_tokens", "cache_read_tokens")
    } == {
        "message_id": "r",
        "model": "m",
        "input_tokens": 30,
        "output_tokens": 7,
        "cache_read_tokens": 60,
    }


def test_a_count_beside_a_record_is_the_same_count(tmp_path: Path) -> None:
    one, two = counters(100, 0, 5), counters(220, 0, 11)
    whole = read(
        tmp_path,
        record("r1", one, one),
        count(one, one, 1),
        record("r2", counters(120, 0, 6), two, 2),
        count(two, counters(120, 0, 6), 3),
    )

    assert [(u.message_id, u.input) for u in whole.usage[ID]] == [("r1", 100), ("r2", 120)]
    assert len(whole.events) == 2


def test_a_count_that_is_repeated_counts_once(tmp_path: Path) -> None:
    one = counters(100, 0, 5)
    whole = read(tmp_path, count(one, one), count(one, one, 1), event("token_count", 2, info=None))

    assert len(whole.usage[ID]) == 1
    assert len(whole.events) == 1


def test_a_sum_alone_counts_by_its_growth(tmp_path: Path) -> None:
    whole = read(tmp_path, count(counters(100, 50, 5), None), count(counters(180, 90, 9), None, 1))

    assert [(u.input, u.cache_read, u.output) for u in whole.usage[ID]] == [
        (50, 50, 5),
        (40, 40, 4),
    ]


def test_history_that_was_copied_into_a_fork_has_the_same_ids(tmp_path: Path) -> None:
    """DECISIONS §3: an id that another session already holds counts once in `stats`.

    A fork's copy is written with new times; only the header before it tells.
    """
    first, second = counters(100, 0, 5), counters(250, 0, 9)
    origin = [meta(id=OTHER), message("user", "Hello"), count(first, first, 1)]
    copied = [dict(each, timestamp="2026-02-04T00:00:00.000Z") for each in origin]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    one = read(tmp_path / "a", *origin)
    fork = read(
        tmp_path / "b",
        meta(forked_from_id=OTHER),
        *copied,
        count(second, counters(150, 0, 4), 9),
    )

    assert fork.info.id == ID
    ids = [usage.message_id for usage in fork.usage[ID]]
    assert ids[0] == one.usage[OTHER][0].message_id
    assert len(set(ids)) == 2


def test_a_fork_of_a_fork_has_the_same_ids(tmp_path: Path) -> None:
    first, second = counters(100, 0, 5), counters(250, 0, 9)
    oldest = [meta(id="g"), count(first, first, 1)]
    middle = [meta(id="p", forked_from_id="g"), *oldest, count(second, second, 2)]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    parent = read(tmp_path / "a", *middle)
    child = read(tmp_path / "b", meta(forked_from_id="p"), *middle)

    assert [u.message_id for u in child.usage[ID]] == [u.message_id for u in parent.usage["p"]]


def test_sessions_that_happen_to_count_alike_are_told_apart(tmp_path: Path) -> None:
    tokens = counters(100, 0, 5)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()

    one = read(tmp_path / "a", meta(), count(tokens, tokens))
    two = read(tmp_path / "b", meta(id=OTHER), count(tokens, tokens))

    assert one.usage[ID][0].message_id != two.usage[OTHER][0].message_id


def test_records_copied_into_a_subagent_keep_their_response_ids(tmp_path: Path) -> None:
    tokens = counters(100, 0, 5)
    child = meta(source={"subagent": {"thread_spawn": {"parent_thread_id": OTHER}}})

    whole = read(tmp_path, child, record("resp_1", tokens, tokens))

    assert whole.usage[ID][0].message_id == "resp_1"


def test_negative_and_absurd_counters_do_no_harm(tmp_path: Path) -> None:
    odd = counters(-5, 90, -1)
    whole = read(tmp_path, record("r", odd, odd), record("s", counters(1 << 61, 0, 1), odd, 1))

    assert [(u.input, u.output) for u in whole.usage[ID]] == [(0, 0), (1 << 61, 1)]
