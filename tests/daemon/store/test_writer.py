from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from opensession.core.ids import session_key, short
from opensession.daemon import archive
from opensession.daemon.archive import DiskFull
from opensession.daemon.batch import Batch, Failure
from opensession.daemon.store.connect import CorruptDatabase, open_reader
from opensession.daemon.store.writer import Writer
from tests.helpers.jot import Desk, Jot, desk, dump, line


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as found:
        yield found


def _ids(place: Desk, name: str = "a") -> list[str]:
    return [event[1] for event in dump(place.index)[name]["events"]]


def _ask(place: Desk, query: str) -> list[tuple[object, ...]]:
    db = open_reader(place.index)
    found = db.execute(query).fetchall()
    db.close()
    return found


def _found(place: Desk, words: str) -> list[int]:
    """The seqs where words are found."""
    db = open_reader(place.index)
    rows = db.execute("SELECT rowid & 0xffffff FROM search WHERE search MATCH ?", (words,))
    found = sorted(seq for (seq,) in rows)
    db.close()
    return found


def test_a_session_is_stored_with_all_that_is_said_of_it(place: Desk) -> None:
    place.write(
        "a.jot",
        '{"title": "Mend the  userTable\\n view", "cwd": "/home/somebody/work"}\n',
        line("please", at=1),
        line("done", "AgentMessage", at=5, usage={"message_id": "m", "output": 9}),
        line("", "FileEdit", at=3, data={"path": "x.py", "diff": "@@ -1 +1,2 @@\n-a\n+b\n+c"}),
        line("no", "ToolResult", at=4, data={"name": "Bash", "is_error": True}),
        "{}{}\n",
    )

    (change,) = place.read("a.jot")

    assert (change.native_id, change.agent, change.new) == ("a", "jot", True)
    assert (change.first_seq, change.last_seq, change.rewound) == (1, 4, False)
    assert change.short == short(session_key("local", "jot", "a"))
    assert change.title == "Mend the userTable view"
    (row,) = _ask(
        place,
        "SELECT title, cwd, event_count, message_count, user_message_count, tool_call_count,"
        " error_count, lines_added, lines_removed, updated_us - created_us FROM session",
    )
    assert row == (
        *("Mend the userTable view", "/home/somebody/work", 4, 2, 1, 1, 1, 2, 1),
        4_000_000,
    )
    found = dump(place.index)["a"]
    assert [seq for seq, *_ in found["events"]] == [1, 2, 3, 4]
    assert [event[4] for event in found["events"]] == [0, 0, 0, 1]
    assert found["touch"] == [(3, "/home/somebody/work/x.py", 1, found["touch"][0][3])]
    assert place.row("a.jot").skipped == {"malformed": 1}


def test_an_append_adds_and_touches_nothing_before(place: Desk) -> None:
    """DECISIONS §2: an append touches no earlier row and no earlier search entry."""
    place.write("a.jot", line("one", at=1), line("two", at=2))
    place.read("a.jot")
    before = dump(place.index)["a"]

    (change,) = place.add("a.jot", line("three", at=3))

    after = dump(place.index)["a"]
    assert (change.first_seq, change.last_seq, change.new) == (3, 3, False)
    assert after["events"][:2] == before["events"]
    assert after["session"][8] == 3
    assert _found(place, "three") == [3]


def test_the_order_of_the_source_is_the_order_of_events(place: Desk) -> None:
    """DECISIONS §2: seq is source order, never re-sorted."""
    place.write("a.jot", line("late", at=90, id="x"), line("early", at=5, id="y"))
    place.read("a.jot")

    assert _ids(place) == ["x", "y"]


def test_equal_event_ids_are_told_apart_in_source_order(place: Desk) -> None:
    """DECISIONS §2: unique per session; the n-th of equal ones is `<id>.<n>`."""
    place.write("a.jot", line("1", id="same"), line("2", id="same"), line("3", id="same.2"))
    place.read("a.jot")
    place.add("a.jot", line("4", id="same"), line("5", id="other"))

    assert _ids(place) == ["same", "same.2", "same.2.2", "same.3", "other"]
    place.replace("a.jot", *(place.jots / "a.jot").read_text().splitlines(keepends=True))
    assert place.read("a.jot") == []


def test_a_title_that_changes_is_found_by_the_new_words_only(place: Desk) -> None:
    place.write("a.jot", line("hello"), '{"title": "Old name"}\n')
    place.read("a.jot")
    assert _found(place, "old") == [0]

    (change,) = place.add("a.jot", '{"title": "New name"}\n')

    assert (change.title, change.first_seq, change.last_seq) == ("New name", 0, 0)
    assert _found(place, "old") == []
    assert _found(place, "new") == [0]


def test_the_first_prompt_is_the_title_where_the_agent_has_none(place: Desk) -> None:
    """DECISIONS §2: the agent's own title, else the first prompt, cut at 80 characters."""
    place.write("a.jot", line("x"))
    (batch,) = place.prepared("a.jot")
    prompted = msgspec.structs.replace(
        batch.sessions[0],
        info=msgspec.structs.replace(batch.sessions[0].info, first_prompt="why " * 50),
    )

    (change,) = place.writer.apply([msgspec.structs.replace(batch, sessions=[prompted])])

    assert change.title == ("why " * 20)[:80]


def test_what_is_private_is_stripped_before_it_is_stored(place: Desk) -> None:
    """DECISIONS §5; the archive alone holds originals."""
    place.write("a.jot", line("see /home/somebody/secret-plan.txt"))
    place.read("a.jot")

    assert b"/home/somebody/secret" not in place.index.read_bytes()
    assert _found(place, "somebody") == []
    assert _found(place, '"secret plan"') == [1]
    (counted,) = _ask(place, "SELECT redactions FROM session")
    assert counted != ("{}",)
    row = place.row("a.jot")
    raw = b"".join(archive.read(archive.file_for(place.archive_dir, "jot", row.path), 1))
    assert raw == (place.jots / "a.jot").read_bytes()


def test_a_session_without_events_is_not_stored(place: Desk) -> None:
    place.write("a.jot", '{"title": "Nothing yet"}\n')

    assert place.read("a.jot") == []
    assert dump(place.index) == {}

    (change,) = place.add("a.jot", line("now"))
    assert (change.new, change.title) == (True, "Nothing yet")


def test_the_last_record_of_a_message_counts(place: Desk) -> None:
    """DECISIONS §3: records of one message id repeat it while it grows."""
    place.write(
        "a.jot",
        line("a", usage={"message_id": "m", "output": 1}),
        line("b", usage={"message_id": "m", "output": 5}),
    )
    place.read("a.jot")
    place.add("a.jot", line("c", usage={"message_id": "m", "output": 12}))

    (used,) = dump(place.index)["a"]["usage"]
    assert used[:2] == ("m", 3)
    assert 12 in used


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

    assert _ids(place) == ["x", "y"]
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
    assert _ask(place, "SELECT generation FROM session") == [(1,)]
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
    assert _found(place, "two") == []
    assert _found(place, "zwei") == [2]
    assert dump(place.index)["a"]["usage"] == []
    assert _ask(place, "SELECT generation, event_count FROM session") == [(1, 3)]
    row = place.row("a.jot")
    assert row.generation == 2, "of the bytes: both states can be read from the archive"


def test_a_cut_file_loses_its_last_events(place: Desk) -> None:
    place.write("a.jot", line("one", at=1), line("two", at=2))
    place.read("a.jot")
    place.replace("a.jot", line("one", at=1))

    (change,) = place.read("a.jot")

    assert (change.first_seq, change.last_seq, change.rewound) == (2, 1, True)
    assert _found(place, "two") == []
    assert dump(place.index)["a"]["session"][8:11] == (1, 1, 1)


def test_a_replaced_source_is_a_new_generation(place: Desk) -> None:
    """DECISIONS §2: only for a source that was replaced, nothing being kept."""
    place.write("a.jot", line("one", at=1))
    place.read("a.jot")
    place.replace("a.jot", line("something else", at=9))

    (change,) = place.read("a.jot")

    assert (change.first_seq, change.last_seq, change.rewound) == (1, 1, True)
    assert _ask(place, "SELECT generation FROM session") == [(2,)]


def test_a_file_emptied_for_a_moment_loses_nothing(place: Desk) -> None:
    place.write("a.jot", line("one", at=1), line("two", at=2))
    place.read("a.jot")
    place.write("a.jot")
    assert place.read("a.jot") == []
    assert _ids(place)

    place.write("a.jot", line("one", at=1), line("two", at=2), line("three", at=3))
    (change,) = place.read("a.jot")

    assert (change.first_seq, change.rewound) == (3, False)
    assert len(_ids(place)) == 3


def test_a_session_that_left_its_source_is_taken_away(place: Desk) -> None:
    place.write("a.jot", line("main"), line("child", child="kid"))
    place.read("a.jot")
    place.replace("a.jot", line("main"))

    (change,) = place.read("a.jot")

    assert (change.native_id, change.gone) == ("a-kid", True)
    assert list(dump(place.index)) == ["a"]
    assert _found(place, "child") == []


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
    assert _found(place, "three") == []
    (used,) = dump(place.index)["a"]["usage"]
    assert used[:2] == ("m", 1), "the record of the event that stayed counts again"
    assert (used[4], used[6]) == ("q", 2)


def test_a_batch_at_fault_is_left_out_and_the_others_are_stored(place: Desk) -> None:
    """D21: one bad source never stops the rest."""
    place.write("a.jot", line("one"))
    place.write("b.jot", line("two"))
    (good,), (bad,) = place.prepared("a.jot"), place.prepared("b.jot")
    row = msgspec.structs.replace(bad.sessions[0].rows[0], time_us=2**70)
    session = msgspec.structs.replace(bad.sessions[0], rows=[row])

    place.writer.apply([msgspec.structs.replace(bad, sessions=[session]), good])

    assert list(dump(place.index)) == ["a"]
    row_b = place.row("b.jot")
    assert (row_b.state, row_b.error) == ("error", "not stored: OverflowError")
    place.read("b.jot")
    assert set(dump(place.index)) == {"a", "b"}
    assert place.row("b.jot").state == "ok"


def test_failures_are_recorded_and_counted(place: Desk) -> None:
    row = place.row("a.jot")
    for _ in range(2):
        place.writer.fail(Failure(row.id, "error", "permission denied"))

    row = place.row("a.jot")
    assert (row.state, row.error, row.retries) == ("error", "permission denied", 2)
    place.write("a.jot", line("one"))
    place.read("a.jot")
    assert (place.row("a.jot").state, place.row("a.jot").retries) == ("ok", 0)
    place.writer.fail(Failure(row.id, "gone", ""))
    assert place.row("a.jot").state == "gone"
    assert list(dump(place.index)) == ["a"], "what the agent deleted stays"


def test_sources_are_registered_once(place: Desk) -> None:
    first, second = place.source("a.jot"), place.source("b.jot")
    moved = msgspec.structs.replace(first, root="/elsewhere")

    ids = place.writer.register([first, second, first])

    assert ids[0] == ids[2] != ids[1]
    assert place.writer.register([moved]) == [ids[0]]
    assert {row.root for row in place.writer.sources()} == {str(place.jots), "/elsewhere"}
    assert place.writer.register([msgspec.structs.replace(first, path="/x/\udcff")]) == [0]


def test_without_an_archive_no_raw_bytes_are_kept(tmp_path: Path) -> None:
    with desk(tmp_path, archive=False) as place:
        place.write("a.jot", line("one"))
        place.read("a.jot")
        place.restart()

        assert not place.archive_dir.exists() or list(place.archive_dir.iterdir()) == []
        assert place.row("a.jot").archived_len == 0
        assert place.writer.unread() == []


def test_an_archive_that_is_turned_on_later_gets_everything(tmp_path: Path) -> None:
    with desk(tmp_path, archive=False) as place:
        place.write("a.jot", line("one"))
        place.read("a.jot")
        before = dump(place.index)
        place.archiving = True
        place.restart()

        place.add("a.jot", line("two"))

        row = place.row("a.jot")
        assert row.archived_len == row.offset == (place.jots / "a.jot").stat().st_size
        assert dump(place.index)["a"]["events"][:1] == before["a"]["events"]


def test_archiving_pauses_while_room_is_low_and_catches_up(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §4: below the limit archiving pauses, events go on, and all resumes by itself."""
    place.write("a.jot", line("one"))
    place.read("a.jot")
    archived = place.row("a.jot").archived_len
    low = [True]
    monkeypatch.setattr("opensession.daemon.store.writer.is_low", lambda folder: low[0])
    place.add("a.jot", line("two"))

    assert place.writer.archive_paused
    assert len(_ids(place)) == 2
    assert place.row("a.jot").archived_len == archived
    assert place.row("a.jot").archive_gap

    low[0] = False
    place.write("b.jot", line("other"))
    place.read("b.jot")

    row = place.row("a.jot")
    assert not place.writer.archive_paused
    assert row.archived_len == row.offset > archived
    assert not row.archive_gap
    assert len(_ids(place)) == 2


def _full(*args: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_stores_nothing_and_resumes(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §4: cursors stay, and all resumes by itself."""
    place.write("a.jot", line("one"))
    place.read("a.jot")
    before, offset = dump(place.index), place.row("a.jot").offset
    place.write("a.jot", line("two"), append=True)
    monkeypatch.setattr(os, "pwrite", _full)

    with pytest.raises(DiskFull):
        place.read("a.jot")

    assert dump(place.index) == before
    assert place.row("a.jot").offset == offset
    monkeypatch.undo()
    assert len(place.read("a.jot")) == 1


def test_a_full_disk_under_the_index_stores_nothing(place: Desk) -> None:
    place.write("a.jot", line("one"))
    place.read("a.jot")
    db = place.writer._db
    limit = db.execute("PRAGMA max_page_count").get
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').get}")
    place.write("a.jot", *(line(os.urandom(3000).hex()) for _ in range(50)), append=True)

    with pytest.raises(DiskFull):
        place.read("a.jot")

    assert len(_ids(place)) == 1
    db.execute(f"PRAGMA max_page_count = {limit}")
    place.read("a.jot")
    assert len(_ids(place)) == 51
    row = place.row("a.jot")
    assert row.archived_len == row.offset, "what was archived before the failure is not doubled"
    raw = b"".join(archive.read(archive.file_for(place.archive_dir, "jot", row.path), 1))
    assert raw == (place.jots / "a.jot").read_bytes()


def test_a_damaged_index_is_reported_as_such(place: Desk) -> None:
    place.write("a.jot", *(line(f"word{n} " * 50, at=n) for n in range(400)))
    place.read("a.jot")
    place.writer.close()
    size = place.index.stat().st_size
    with place.index.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(size - 12288))

    with pytest.raises(CorruptDatabase):
        place.writer = Writer(place.index, place.archive_dir, check=True)
    place.index.unlink()
    place.writer = place.open()


def test_merging_keeps_what_is_stored_and_recorded(place: Desk) -> None:
    place.write("a.jot", line("start"))
    place.read("a.jot")
    for number in range(30):
        place.add("a.jot", line(f"line {number}", at=number))
    row = place.row("a.jot")
    assert place.writer.quiet_sources(row.read_us + 1) == [row.id]
    assert place.writer.quiet_sources(row.read_us) == []

    freed = place.writer.merge(row.id)

    after = place.row("a.jot")
    file = archive.file_for(place.archive_dir, "jot", row.path)
    assert freed == row.archive_size - file.stat().st_size > 0
    assert after.archive_size == file.stat().st_size
    assert place.writer.quiet_sources(row.read_us + 1) == []
    place.add("a.jot", line("goes on"))
    raw = b"".join(archive.read(file, 1))
    assert raw == (place.jots / "a.jot").read_bytes()


def test_a_large_session_costs_an_append_no_more_statements(place: Desk) -> None:
    """DESIGN: the cost of an append does not grow with the session."""

    def steps() -> int:
        count = 0

        def step() -> bool:
            nonlocal count
            count += 1
            return False

        place.writer._db.set_progress_handler(step, 10)
        place.add("a.jot", line("appended", id=f"x{os.urandom(4).hex()}"))
        place.writer._db.set_progress_handler(None)
        return count

    place.write("a.jot", *(line("one of many", at=n, id=f"id{n}") for n in range(20)))
    place.read("a.jot")
    few = steps()
    place.write(
        "a.jot", *(line("one of many", at=n, id=f"jd{n}") for n in range(5000)), append=True
    )
    place.read("a.jot")
    many = steps()

    assert many <= few * 1.2 + 5


def test_closing_leaves_one_file(place: Desk) -> None:
    place.write("a.jot", line("one"))
    place.read("a.jot")
    place.writer.optimize()
    place.writer.checkpoint()
    place.writer.close()

    assert [p.name for p in place.folder.glob("index.db*")] == ["index.db"]
    place.writer = place.open()


def test_readers_see_whole_commits_only(place: Desk) -> None:
    place.write("a.jot", line("one"))
    place.read("a.jot")
    reader = open_reader(place.index)
    reader.execute("BEGIN")
    counted = reader.execute("SELECT count(*) FROM event").get
    place.add("a.jot", line("two"))

    assert reader.execute("SELECT count(*) FROM event").get == counted == 1
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM event").get == 2
    reader.close()


def test_batches_survive_the_pipe_of_a_worker(place: Desk) -> None:
    place.write("a.jot", line("one", at=1, usage={"message_id": "m", "output": 1}))
    batches = place.prepared("a.jot")

    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(batches), type=list[Batch])

    assert sent == batches
    shutil.rmtree(place.archive_dir, ignore_errors=True)
    assert len(place.writer.apply(sent)) == 1


def test_search_entries_are_those_of_the_events(place: Desk) -> None:
    place.write(
        "a.jot", line("parseJSON 日本語", at=1), line("", "FileRead", data={"path": "/q/r.c"})
    )
    place.read("a.jot")

    assert _found(place, "parsejson") == [1]
    assert _found(place, "parts : json") == [1]
    assert _found(place, '"日本 本語"') == [1]
    assert _found(place, '"q r c"') == [2]
    db = apsw.Connection(str(place.index))
    assert db.execute("SELECT count(*) FROM search").get == 2
    db.close()
