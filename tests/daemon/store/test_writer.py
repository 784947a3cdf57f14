from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import pytest

from opensession.core.ids import session_key, short
from opensession.daemon import archive
from opensession.daemon.batch import Batch, Failure
from opensession.daemon.store.connect import open_reader
from tests.helpers.jot import Desk, desk, dump, line


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as found:
        yield found


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
    (row,) = place.ask(
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
    assert place.found("three") == [3]


def test_the_order_of_the_source_is_the_order_of_events(place: Desk) -> None:
    """DECISIONS §2: seq is source order, never re-sorted."""
    place.write("a.jot", line("late", at=90, id="x"), line("early", at=5, id="y"))
    place.read("a.jot")

    assert place.ids() == ["x", "y"]


def test_equal_event_ids_are_told_apart_in_source_order(place: Desk) -> None:
    """DECISIONS §2: unique per session; the n-th of equal ones is `<id>.<n>`."""
    place.write("a.jot", line("1", id="same"), line("2", id="same"), line("3", id="same.2"))
    place.read("a.jot")
    place.add("a.jot", line("4", id="same"), line("5", id="other"))

    assert place.ids() == ["same", "same.2", "same.2.2", "same.3", "other"]
    place.replace("a.jot", *(place.jots / "a.jot").read_text().splitlines(keepends=True))
    assert place.read("a.jot") == []


def test_a_title_that_changes_is_found_by_the_new_words_only(place: Desk) -> None:
    place.write("a.jot", line("hello"), '{"title": "Old name"}\n')
    place.read("a.jot")
    assert place.found("old") == [0]

    (change,) = place.add("a.jot", '{"title": "New name"}\n')

    assert (change.title, change.first_seq, change.last_seq) == ("New name", 0, 0)
    assert place.found("old") == []
    assert place.found("new") == [0]


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
    assert place.found("somebody") == []
    assert place.found('"secret plan"') == [1]
    (counted,) = place.ask("SELECT redactions FROM session")
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

    assert place.found("parsejson") == [1]
    assert place.found("parts : json") == [1]
    assert place.found('"日本 本語"') == [1]
    assert place.found('"q r c"') == [2]
    db = apsw.Connection(str(place.index))
    assert db.execute("SELECT count(*) FROM search").get == 2
    db.close()
