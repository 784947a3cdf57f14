"""How far a file came in a pause that ran out unwatched."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.core.timeparse import parse_time
from opensession.daemon.pause_end import reached

UNTIL = parse_time("2026-01-02T03:00:30.000Z") or 0
WITHIN, AFTER, PLAIN = "10", "50", ""


def _line(second: str, *inner: str) -> str:
    record: dict[str, Any] = {"text": 'a "timestamp": "2020-01-01T00:00:00.000Z" in words'}
    if second:
        record["timestamp"] = f"2026-01-02T03:00:{second}.000Z"
    if inner:
        record["messages"] = [json.loads(each) for each in inner]
    return json.dumps(record) + "\n"


def _written(path: Path, *lines: str) -> tuple[int, list[int]]:
    path.write_text("".join(lines))
    starts = list(itertools.accumulate((len(line) for line in lines), initial=0))
    return path.stat().st_size, starts


@pytest.mark.parametrize(
    ("times", "border"),
    [
        ([WITHIN, WITHIN, AFTER, AFTER], 2),
        ([AFTER, AFTER], 0),
        ([WITHIN, PLAIN, AFTER, PLAIN], 2),
        ([PLAIN, AFTER], 1),
        ([AFTER, WITHIN], 2),
        ([AFTER, WITHIN, AFTER], 2),
        ([PLAIN, PLAIN], 2),
        ([WITHIN], 1),
        ([], 0),
    ],
)
def test_the_first_line_that_is_later_as_are_all_after_it(
    tmp_path: Path, times: list[str], border: int
) -> None:
    size, starts = _written(tmp_path / "a", *map(_line, times))

    assert reached(str(tmp_path / "a"), 0, size, UNTIL) == starts[border]


def test_a_line_that_repeats_earlier_records_is_as_old_as_they(tmp_path: Path) -> None:
    size, _ = _written(tmp_path / "a", _line(AFTER, _line(WITHIN)))

    assert reached(str(tmp_path / "a"), 0, size, UNTIL) == size


def test_only_what_was_added_is_looked_at(tmp_path: Path) -> None:
    size, starts = _written(tmp_path / "a", _line(WITHIN), _line(AFTER))

    assert reached(str(tmp_path / "a"), starts[1], size, UNTIL) == starts[1]


def test_a_file_that_cannot_be_read_is_left_to_the_pause(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a")

    assert reached(str(tmp_path / "link"), 0, 9, UNTIL) == 9
    assert reached(str(tmp_path / "none"), 0, 9, UNTIL) == 9


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_place_within_them(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)

    assert 0 <= reached(str(tmp_path / "a"), 0, len(data), UNTIL) <= len(data)
