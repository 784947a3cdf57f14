"""Which sessions of an old index nothing else can give again: two indexes made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.daemon.carrying import Asked, Survey, survey
from opensession.daemon.dispatch import DAMAGED
from opensession.daemon.store.connect import open_index

GONE, THERE = "/gone.jsonl", "/there.jsonl"
LOG = "/there.db"
ASKED = Asked(lambda source: source.path != GONE, lambda source: source.path == LOG)


def index(
    path: Path,
    sources: dict[str, dict[str, object]],
    sessions: dict[str, tuple[str, int]],
) -> Path:
    """An index of these sources, by path, and sessions, by id: path and events."""
    db = open_index(path)
    numbers = {}
    for number, (name, columns) in enumerate(sources.items(), start=1):
        values = {"id": number, "agent": "codex", "root": "/", "path": name, "first_seen_us": 0}
        values |= columns
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        db.execute(f"INSERT INTO source ({names}) VALUES ({marks})", tuple(values.values()))
        numbers[name] = number
    for name, (place, count) in sessions.items():
        db.execute(
            "INSERT INTO session (agent, native_id, short, info, source, event_count)"
            " VALUES ('codex', ?, '', x'', ?, ?)",
            (name, numbers.get(place), count),
        )
    db.close()
    return path


def found(
    tmp_path: Path,
    old: dict[str, tuple[str, int]],
    new: dict[str, tuple[str, int]],
    **known: object,
) -> tuple[set[tuple[str, bool]], int]:
    """What is taken over, and how many are left; `known` is what the new index has of sources."""
    places = {place for place, _ in old.values() if place}
    before = index(tmp_path / "old.db", {place: {} for place in places}, old)
    now = index(tmp_path / "new.db", dict.fromkeys(places, known) if known else {}, new)
    done: Survey = survey(before, now, ASKED)
    return {(each.session.native_id, each.whole) for each in done.lost}, done.left


ARCHIVED = {"state": "gone", "archived_len": 9}
TORN = {**ARCHIVED, "missing_bytes": 3}


@pytest.mark.parametrize(
    ("known", "lost", "left"),
    [
        ({}, {("a", True)}, 0),
        ({"state": "gone"}, {("a", True)}, 0),
        (TORN, {("a", True)}, 0),
        ({"state": "error", "error": DAMAGED}, {("a", True)}, 0),
        ({"state": "error", "error": "ValueError"}, {("a", False)}, 0),
        ({"state": "refused", "error": "in an excluded folder"}, set(), 1),
        (ARCHIVED, set(), 1),
    ],
    ids=["unknown", "unarchived", "torn", "damaged", "not read", "refused", "archived"],
)
def test_a_session_whose_file_is_gone(
    tmp_path: Path, known: dict[str, object], lost: set[tuple[str, bool]], left: int
) -> None:
    """It is taken over where neither bytes nor a better parser may give it."""
    assert found(tmp_path, {"a": (GONE, 5)}, {}, **known) == (lost, left)


def test_a_session_whose_source_is_there(tmp_path: Path) -> None:
    """A file has it or not; what a database lost is nowhere else, if it is not archived."""
    cases: list[tuple[str, dict[str, object], set[tuple[str, bool]]]] = [
        (THERE, {"state": "ok"}, set()),
        (LOG, {"state": "ok"}, {("a", False)}),
        (LOG, {"state": "ok", "archived_len": 9}, set()),
    ]
    for number, (place, known, lost) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert found(folder, {"a": (place, 5)}, {}, **known) == (lost, 1 - len(lost))


def test_less_of_a_session_is_less_only_of_damaged_bytes(tmp_path: Path) -> None:
    """A newer parser may make fewer events of the same bytes."""
    for number, (known, lost) in enumerate(((ARCHIVED, set()), (TORN, {("a", True)}))):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert found(folder, {"a": (GONE, 5)}, {"a": (GONE, 4)}, **known) == (lost, 0)


def test_a_source_is_taken_over_only_whole(tmp_path: Path) -> None:
    """Where the new index has more of it, too, neither row of the source fits all events."""
    old = {"a": (GONE, 5), "b": (GONE, 5), "c": (GONE, 5)}
    more = {"b": (GONE, 5), "c": (GONE, 6)}
    assert found(tmp_path, old, more, **TORN) == (set(), 1)
    (tmp_path / "2").mkdir()
    less = {"b": (GONE, 5), "c": (GONE, 2)}
    assert found(tmp_path / "2", old, less, **TORN) == ({("a", True), ("c", True)}, 0)


def test_nothing_is_lost_where_all_is_there(tmp_path: Path) -> None:
    """Also under another source, and one of no source is left to be told."""
    assert found(tmp_path, {"a": (GONE, 5)}, {"a": (GONE, 5)}, **ARCHIVED) == (set(), 0)
    (tmp_path / "2").mkdir()
    assert found(tmp_path / "2", {"a": ("", 5)}, {}) == (set(), 1)
