"""From files that change to sessions in the index: real folders, threads, processes, database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from opensession.core.config.settings import PrivacySettings
from opensession.daemon.admission import Rules
from opensession.daemon.reading import Setup
from opensession.daemon.schedule import Timing
from opensession.daemon.store.sources import AWAY
from opensession.daemon.watch import RootState, Sink
from opensession.daemon.watch_inotify import InotifyWatcher
from opensession.parsers.agent import Root, Source
from tests.daemon.rig import KEY, Rig, append, header, lines, said, session_bytes
from tests.daemon.same_index import archived_bytes
from tests.helpers.daemon import eventually


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


class Deaf:
    """A watcher that never tells anything."""

    def watch(self, roots: Any) -> None: ...

    def state(self, root: Root) -> RootState:
        return RootState("events")

    def check(self) -> None: ...

    def attend(self, root: Root, path: str) -> None: ...

    def stop(self) -> None: ...


def deaf(sink: Sink) -> Deaf:
    return Deaf()


def test_files_that_were_there_before_the_start(rig: Rig) -> None:
    rig.write("before", 3)
    with rig.ingest():
        rig.until_events(before=3)


def test_files_that_appear_and_grow_after_the_start(rig: Rig) -> None:
    rig.sessions.mkdir(parents=True)
    with rig.ingest() as made:
        rig.run(made)
        path = rig.write("after", 2)
        rig.until_events(after=2)
        append(path, said("more", 5), said("and more", 6))
        rig.until_events(after=4)
    assert [(c.first_seq, c.last_seq, c.new) for c in rig.changes] == [(1, 2, True), (3, 4, False)]


def test_files_that_appear_while_it_starts(rig: Rig) -> None:
    with rig.ingest(start=False) as made:
        rig.write("one", 1)
        made.start()
        rig.write("two", 1)
        rig.until_events(one=1, two=1)


def test_a_root_that_does_not_exist_yet(rig: Rig) -> None:
    """users.md D24, D8: the folders and the file appear in one go."""
    with rig.ingest() as made:
        rig.run(made)
        assert made.agent_status()["codex"].watching == "events"
        path = rig.write("late", 2)
        rig.until_events(late=2)
        append(path, said("more", 9))
        rig.until_events(late=3)


def test_a_torn_last_line_waits_for_its_end(rig: Rig) -> None:
    path = rig.write("torn", 2)
    whole = lines(said("the end", 3))
    with rig.ingest() as made:
        with path.open("ab") as out:
            out.write(whole[:20])
        rig.run(made)
        assert rig.events() == {"torn": 2}
        with path.open("ab") as out:
            out.write(whole[20:])
        rig.until_events(torn=3)


def test_an_atomic_replace_is_read_anew(rig: Rig) -> None:
    path = rig.write("same", 4)
    with rig.ingest() as made:
        rig.run(made)
        fresh = path.with_name("tmp")
        fresh.write_bytes(session_bytes("same", 6, pad="other words"))
        fresh.replace(path)
        rig.until_events(same=6)
        append(path, said("more", 9))
        rig.until_events(same=7)


def test_truncation_takes_away_what_followed(rig: Rig) -> None:
    path = rig.write("cut", 6)
    with rig.ingest() as made:
        rig.run(made)
        shorter = session_bytes("cut", 2)
        os.truncate(path, len(shorter))
        rig.until_events(cut=2)


def test_a_deleted_file_is_a_state_and_its_session_stays(rig: Rig) -> None:
    keep = [rig.write(f"keep{n}", 1) for n in range(4)]
    path = rig.write("dead", 3)
    with rig.ingest() as made:
        rig.run(made)
        path.unlink()
        while rig.states()["dead"] != "gone":
            made.reconcile()
            rig.run(made)
        assert rig.events()["dead"] == 3
        assert made.agent_status()["codex"].sources == len(keep)
        path.write_bytes(session_bytes("dead", 4))
        rig.until_events(dead=4)
        rig.run(made)
        assert rig.states()["dead"] == "ok"


def test_a_renamed_file_is_the_same_session(rig: Rig) -> None:
    path = rig.write("moved", 3)
    with rig.ingest() as made:
        rig.run(made)
        path.rename(path.with_name("rollout-2026-01-02T09-00-00-moved.jsonl"))
        rig.run(made)
        rig.run(made)
    assert rig.events() == {"moved": 3}
    assert len(rig.query("SELECT 1 FROM session")) == 1


def test_half_the_files_gone_at_once_is_no_deletion(rig: Rig) -> None:
    """DECISIONS §8: root gone, or half its files at once: a state, not deletions."""
    paths = [rig.write(f"s{n}", 1) for n in range(8)]
    with rig.ingest() as made:
        rig.run(made)
        contents = {path: path.read_bytes() for path in paths}
        for path in paths[:6]:
            path.unlink()
        rig.run(made)
        assert rig.states() == {f"s{n}": "gone" if n < 6 else "ok" for n in range(8)}
        assert rig.query("SELECT DISTINCT error FROM source WHERE state = 'gone'") == [(AWAY,)]
        assert "6 files are gone at once" in made.agent_status()["codex"].note
        assert made.agent_status()["codex"].sources == 2
        for path in paths[2:6]:
            path.write_bytes(contents[path])
        rig.run(made)
        assert rig.states() == {f"s{n}": "gone" if n < 2 else "ok" for n in range(8)}
        assert rig.query("SELECT DISTINCT error FROM source") == [("",)], "these were deleted"
        assert made.agent_status()["codex"].note == ""
        assert len(rig.events()) == 8


def test_a_folder_that_is_away_is_a_state_of_all_that_was_in_it(rig: Rig) -> None:
    """Renamed, unmounted, uninstalled: without any look asked for, and back without a reread."""
    paths = [rig.write(f"s{n}", 2) for n in range(3)]
    away = rig.sessions.with_name("away")
    with rig.ingest() as made:
        rig.run(made)
        rig.sessions.rename(away)
        eventually(lambda: set(rig.states().values()) == {"gone"})
        assert rig.query("SELECT DISTINCT error FROM source") == [(AWAY,)]
        status = made.agent_status()["codex"]
        assert (status.sources, status.bytes, status.sessions, status.note) == (0, 0, 3, "")
        told = len(rig.changes)
        rig.sessions.mkdir()  # as what a disk is mounted at
        rig.run(made)
        assert rig.query("SELECT DISTINCT state, error FROM source") == [("gone", AWAY)]
        rig.sessions.rmdir()
        away.rename(rig.sessions)
        eventually(lambda: set(rig.states().values()) == {"ok"})
        assert made.agent_status()["codex"].sources == len(paths)
        assert len(rig.changes) == told
        rig.sessions.rename(away)
    with rig.ingest() as made:  # while the daemon was not there
        rig.run(made)
        assert set(rig.states().values()) == {"gone"}
        away.rename(rig.sessions)
        rig.run(made)
        assert set(rig.states().values()) == {"ok"}
        assert rig.events() == dict.fromkeys(("s0", "s1", "s2"), 2)


def test_missed_events_are_found_by_the_reconcile(rig: Rig) -> None:
    """users.md D7: events are hints; the stat-only reconcile is not optional."""
    path = rig.write("missed", 1)
    with rig.ingest(make_watcher=deaf, options=rig.options(reconcile=0.05)):
        rig.until_events(missed=1)
        append(path, said("more", 2))
        rig.until_events(missed=2)


def test_health_sees_a_change_that_nobody_noticed(rig: Rig) -> None:
    """users.md D23: the newest change on disk against the newest indexed, not a heartbeat."""
    path = rig.write("unseen", 1)
    with rig.ingest(make_watcher=deaf) as made:
        rig.run(made)
        status = made.agent_status(look=True)["codex"]
        assert status.newest_change == status.newest_indexed
        append(path, said("more", 2))
        os.utime(path, (2e9, 2e9))
        before = made.agent_status()["codex"]
        assert before.newest_change == before.newest_indexed
        looked = made.agent_status(look=True)["codex"]
        assert looked.newest_change == "2033-05-18T03:33:20.000Z"
        assert looked.newest_indexed == status.newest_indexed


def test_a_polled_root_is_read_and_said_to_be_polled(rig: Rig) -> None:
    path = rig.write("far", 1)
    options = rig.options(poll=0.05, reconcile=1000.0)

    def polled(sink: Sink) -> InotifyWatcher:
        return InotifyWatcher(sink, is_polled=lambda _: "nfs4")

    with rig.ingest(make_watcher=polled, options=options) as made:
        rig.until_events(far=1)
        append(path, said("more", 2))
        rig.until_events(far=2)
        status = made.agent_status()["codex"]
    assert status.watching == "polling"
    assert "nfs4" in status.note


def test_a_step_of_the_clock_makes_everything_be_looked_at(rig: Rig) -> None:
    """DECISIONS §3: a wake from sleep or a clock step over 60 s marks every root dirty."""
    path = rig.write("slept", 1)
    shift = [0.0]

    def wall() -> float:
        import time

        return time.time() + shift[0]

    with rig.ingest(make_watcher=deaf, wall=wall) as made:
        rig.run(made)
        append(path, said("more", 2))
        shift[0] = 61.0
        made.mark_dirty(rig.roots[0], str(rig.sessions / "unrelated"))
        rig.until_events(slept=2)


def test_a_run_does_not_wait_for_the_debounce(rig: Rig) -> None:
    """`index --wait` returns when everything found then is searchable."""
    path = rig.write("busy", 1)
    rig.timing = Timing(1000.0, 1000.0)
    with rig.ingest() as made:
        rig.run(made)
        append(path, said("more", 2))
        summary = rig.run(made)
        assert rig.events() == {"busy": 2}
        assert summary.failed == 0
        assert rig.run(made).sources == 0


def test_without_history_nothing_is_read_until_it_is_asked_for(rig: Rig) -> None:
    rig.write("old", 2)
    with rig.ingest(history=False) as made:
        made.reconcile()
        assert made.queue_depth() == 0
        assert rig.events() == {}
        rig.run(made)
        assert rig.events() == {"old": 2}
        append(rig.file("old"), said("more", 9))
        rig.run(made)
        assert rig.events() == {"old": 3}


def test_an_idle_ingest_sets_no_short_timer(rig: Rig) -> None:
    """users.md D19: idle = blocked; nothing ticks more often than the reconcile."""
    rig.write("quiet", 2)
    with rig.ingest(options=rig.options(reconcile=600.0, idle=300.0)) as made:
        rig.run(made)
        while made.queue_depth():
            rig.run(made)
        due = made._coordinator._next_due()
        assert due is not None
        assert due - made._clock() > 290


def test_a_line_of_twenty_megabytes_costs_itself_only(rig: Rig) -> None:
    """DECISIONS §8: a line over 16 MiB is archived raw and indexed as head and tail."""
    path = rig.file("huge")
    path.parent.mkdir(parents=True)
    data = lines(header("huge"), said("x" * (20 << 20), 1), said("after", 2))
    path.write_bytes(data)
    with rig.ingest() as made:
        rig.run(made)
        append(path, said("live", 3))
        rig.run(made)
        assert rig.events()["huge"] >= 2
        assert made.agent_status()["codex"].skipped_lines >= 1
    source = Source("codex", str(rig.sessions), str(path))
    assert archived_bytes(rig.place.archive, source) == path.read_bytes()


def test_what_is_no_file_of_ours_is_refused_with_a_reason(rig: Rig) -> None:
    """users.md D21: a FIFO or a link that leads away holds nobody up."""
    rig.write("fine", 1)
    os.mkfifo(rig.file("pipe"))
    outside = rig.path / "outside.jsonl"
    outside.write_bytes(session_bytes("outside", 3))
    rig.file("link").symlink_to(outside)
    with rig.ingest() as made:
        rig.run(made)
        assert rig.states() == {"fine": "ok", "pipe": "refused", "link": "refused"}
        assert rig.events() == {"fine": 1}
        assert made.agent_status()["codex"].failed_sources == 0


def test_small_frames_are_merged_once_a_session_is_quiet(rig: Rig) -> None:
    """DECISIONS §4: small frames become large ones when a session goes quiet."""
    path = rig.write("chatty", 1)
    frames = "SELECT archive_frames FROM source"
    with rig.ingest() as made:
        rig.run(made)
        for number in range(20):
            append(path, said(f"line {number}", number))
            rig.run(made)
        assert rig.query(frames)[0][0] > 1
        made.take_up(rig.options(idle=0.01))
        append(path, said("last", 30))
        while rig.query(frames)[0][0] > 1:
            rig.run(made)
    source = Source("codex", str(rig.sessions), str(path))
    assert archived_bytes(rig.place.archive, source) == path.read_bytes()


def test_a_path_that_is_no_text_disturbs_nobody(rig: Rig) -> None:
    rig.write("fine", 1)
    odd = rig.file(os.fsdecode(b"\xff\xfe"))
    odd.write_bytes(session_bytes("odd-name", 2))
    with rig.ingest() as made:
        rig.run(made)
        append(rig.file("fine"), said("more", 2))
        rig.run(made)
        assert rig.events()["fine"] == 2


def test_the_setup_of_reads_can_change(rig: Rig) -> None:
    """Stripping follows the settings from the next read on."""
    path = rig.write("one", 1)
    with rig.ingest() as made:
        rig.run(made)
        setup = Setup(str(rig.path), KEY, PrivacySettings(strip_paths=False), True, Rules())
        made.take_up(rig.options(setup=setup))
        append(path, said(f"in {rig.path}/secret", 2))
        rig.run(made)
        assert rig.events() == {"one": 2}
