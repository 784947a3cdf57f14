"""Sources that were rewritten, cut, replaced or read twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.helpers.jot import Desk, Jot, desk, dump, line


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as found:
        yield found


def test_a_batch_that_does_not_continue_is_dropped(place: Desk) -> None:
    place.write("a.jot", line("one"))
    first = place.prepared("a.jot")
    place.writer.apply(first)
    place.add("a.jot", line("two"))
    before = dump(place.index)

    stale = msgspec.structs.replace(first[0], expected_offset=7)
    assert place.writer.apply([stale]) == []
    assert place.writer.apply([]) == []
    assert dump(place.index) == before


def test_the_same_batch_twice_stores_nothing_twice(place: Desk) -> None:
    place.write("a.jot", line("one", id="x"), line("two", id="y"))
    batches = place.prepared("a.jot")
    place.writer.apply(batches)
    size = sum(p.stat().st_size for p in place.archive_dir.rglob("*.zst"))

    assert place.writer.apply(batches) == []

    assert place.ids() == ["x", "y"]
    assert sum(p.stat().st_size for p in place.archive_dir.rglob("*.zst")) == size


def test_batches_of_one_read_are_stored_together(tmp_path: Path) -> None:
    with desk(tmp_path, Jot(slice_bytes=60)) as place:
        place.write("a.jot", *(line(f"number {n}", at=n) for n in range(9)))
        batches = place.prepared("a.jot")
        assert len(batches) > 4

        changes = place.writer.apply(batches)

        assert [c.last_seq for c in changes] == list(range(1, 10))
        assert dump(place.index)["a"]["session"][8] == 9


def test_an_unchanged_file_with_another_name_on_disk_changes_nothing(place: Desk) -> None:
    """A copy put in the file's place: read again, and nothing is written."""
    place.write("a.jot", line("one", at=1), line("two", at=2), '{"title": "T"}\n')
    place.read("a.jot")
    before = dump(place.index)

    place.replace("a.jot", *(place.jots / "a.jot").read_text().splitlines(keepends=True))

    assert place.prepared("a.jot")[0].restarted
    assert place.read("a.jot") == []
    assert dump(place.index) == before
    assert place.ask("SELECT generation FROM session") == [(1,)]
    assert place.row("a.jot").generation == 1


def test_an_event_changed_in_place_is_a_rewind(place: Desk) -> None:
    """DECISIONS §2: to its seq, within the same generation."""
    place.write(
        "a.jot",
        line("one", at=1),
        line("two", at=2, usage={"message_id": "m", "output": 4}),
        line("three", at=3, usage={"message_id": "n", "output": 1}),
    )
    place.read("a.jot")
    place.replace("a.jot", line("one", at=1), line("zwei", at=2), line("three", at=3))

    (change,) = place.read("a.jot")

    assert (change.first_seq, change.last_seq, change.rewound) == (2, 3, True)
    assert place.found("two") == []
    assert place.found("zwei") == [2]
    assert dump(place.index)["a"]["usage"] == []
    assert place.ask("SELECT generation, event_count FROM session") == [(1, 3)]
    row = place.row("a.jot")
    assert row.generation == 2, "of the bytes: both states can be read from the archive"


def test_a_cut_file_loses_its_last_events(place: Desk) -> None:
    place.write("a.jot", line("one", at=1), line("two", at=2))
    place.read("a.jot")
    place.replace("a.jot", line("one", at=1))

    (change,) = place.read("a.jot")

    assert (change.first_seq, change.last_seq, change.rewound) == (2, 1, True)
    assert place.found("two") == []
    assert dump(place.index)["a"]["session"][8:11] == (1, 1, 1)


def test_a_replaced_source_is_a_new_generation(place: Desk) -> None:
    """DECISIONS §2: only for a source that was replaced, nothing being kept."""
    place.write("a.jot", line("one", at=1))
    place.read("a.jot")
    place.replace("a.jot", line("something else", at=9))

    (change,) = place.read("a.jot")

    assert (change.first_seq, change.last_seq, change.rewound) == (1, 1, True)
    assert place.ask("SELECT generation FROM session") == [(2,)]


def test_a_file_emptied_for_a_moment_loses_nothing(place: Desk) -> None:
    place.write("a.jot", line("one", at=1), line("two", at=2))
    place.read("a.jot")
    place.write("a.jot")
    assert place.read("a.jot") == []
    assert place.ids()

    place.write("a.jot", line("one", at=1), line("two", at=2), line("three", at=3))
    (change,) = place.read("a.jot")

    assert (change.first_seq, change.rewound) == (3, False)
    assert len(place.ids()) == 3


def test_a_session_that_left_its_source_is_taken_away(place: Desk) -> None:
    place.write("a.jot", line("main"), line("child", child="kid"))
    place.read("a.jot")
    place.replace("a.jot", line("main"))

    (change,) = place.read("a.jot")

    assert (change.native_id, change.gone) == ("a-kid", True)
    assert list(dump(place.index)) == ["a"]
    assert place.found("child") == []


def test_a_re_read_brings_tokens_up_to_date_where_events_stayed(place: Desk) -> None:
    def said(name: str) -> str:
        return line("said", "AgentMessage", id="u", usage={"message_id": name, "output": 2})

    place.write("a.jot", said("m"), line("next", id="n"))
    place.read("a.jot")
    place.replace("a.jot", said("other"), line("next", id="n"))

    assert place.read("a.jot") == []
    assert [used[0] for used in dump(place.index)["a"]["usage"]] == ["other"]


def test_an_agent_may_keep_less_than_was_stored(place: Desk) -> None:
    """Agents that rewrite their files whole say themselves how many events stay."""
    place.write(
        "a.jot",
        line(
            "one",
            at=1,
            attributes={"message_id": "m", "model": "q", "output_tokens": 2},
            usage={"message_id": "m", "output": 2},
        ),
        line("two", at=2),
        line("three", at=3, usage={"message_id": "m", "output": 9}),
    )
    (batch,) = place.prepared("a.jot")
    place.writer.apply([batch])
    assert [used[:2] for used in dump(place.index)["a"]["usage"]] == [("m", 3)]
    place.write("a.jot", line("zwei", at=2), append=True)
    (more,) = place.prepared("a.jot")
    kept = msgspec.structs.replace(more.sessions[0], keep=1)

    (change,) = place.writer.apply([msgspec.structs.replace(more, sessions=[kept])])

    assert (change.first_seq, change.last_seq, change.rewound) == (2, 2, True)
    assert dump(place.index)["a"]["session"][8:11] == (2, 2, 2)
    assert place.found("three") == []
    (used,) = dump(place.index)["a"]["usage"]
    assert used[:2] == ("m", 1), "the record of the event that stayed counts again"
    assert (used[4], used[6]) == ("q", 2)
