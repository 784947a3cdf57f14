"""From files that change to sessions in the index: real folders, threads, processes, database."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from opensession.core.config.settings import PrivacySettings
from opensession.daemon import admission, coordinator, dispatch, ingest, schedule
from opensession.daemon.admission import Rules
from opensession.daemon.archive import DiskFull
from opensession.daemon.batch import Batch
from opensession.daemon.reading import Setup
from opensession.daemon.schedule import Timing
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import CorruptDatabase
from opensession.daemon.store.writer import Writer
from opensession.daemon.watch import RootState, Sink
from opensession.daemon.watch_inotify import InotifyWatcher
from opensession.parsers.agent import Agent, Root, Source
from opensession.parsers.registry import agent
from tests.daemon.rig import KEY, PATIENCE, Rig, header, lines, said, session_bytes
from tests.daemon.same_index import archived_bytes, assert_same


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


def append(path: Path, *records: dict[str, Any]) -> None:
    with path.open("ab") as out:
        out.write(lines(*records))


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
        for path in paths[:6]:
            path.unlink()
        rig.run(made)
        assert set(rig.states().values()) == {"ok"}
        assert "6 files are gone at once" in made.agent_status()["codex"].note
        shutil.rmtree(rig.sessions)
        rig.run(made)
        assert set(rig.states().values()) == {"ok"}
        assert len(rig.events()) == 8


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


@pytest.fixture
def small_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is more than a few kilobytes counts as a backlog."""
    monkeypatch.setattr(dispatch, "BACKLOG_BYTES", 4096)
    monkeypatch.setattr(schedule, "RETRY_SECONDS", (0.0, 0.0, 0.0))


def children() -> set[int]:
    import psutil

    return {child.pid for child in psutil.Process().children()}


@pytest.mark.usefixtures("small_backlog")
def test_a_backlog_is_read_by_workers_that_are_gone_afterwards(rig: Rig, tmp_path: Path) -> None:
    """users.md D25: no children when the backlog is done; the result is that of one process."""
    for number in range(12):
        rig.write(f"s{number:02}", 30, pad="x" * 200)
    other = Rig(tmp_path / "other")
    other.roots = rig.roots
    with rig.ingest() as made:
        seen: set[int] = set()
        before = children()

        def told(_: object) -> None:
            seen.update(made._dispatch.pool.workers)

        made.run_until_idle(told).result(PATIENCE)
        assert seen
        pool = made._dispatch.pool
        assert pool.join(PATIENCE)
        assert children() == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatch, "BACKLOG_BYTES", 1 << 40)
        with other.ingest() as made:
            other.run(made)
    assert_same(rig.place.index, other.place.index)


WORKER = """
import os, sys
from opensession.daemon import worker
from opensession.parsers import registry
codex = registry.agent("codex")
class Odd:
    def __getattr__(self, name):
        return getattr(codex, name)
    def read(self, source, cursor):
        if "odd" in source.path:
            {act}
        return codex.read(source, cursor)
registry.agent = lambda name, commands=(): Odd()
worker.main()
"""


def odd_worker(act: str) -> tuple[str, ...]:
    """A worker in which reading a session called `odd` does something else."""
    import sys

    return (sys.executable, "-c", WORKER.format(act=act))


@pytest.mark.usefixtures("small_backlog")
def test_a_worker_that_dies_costs_that_source_only(rig: Rig) -> None:
    """users.md D21, D25: marked, tried again a few times, then left until it changes."""
    for number in range(8):
        rig.write(f"s{number}", 20, pad="x" * 100)
    odd = rig.write("odd", 20, pad="x" * 100)
    os.utime(odd, (4e9, 4e9))
    with rig.ingest(worker=odd_worker("os.kill(os.getpid(), 9)")) as made:
        rig.until_events(**{f"s{number}": 20 for number in range(8)})
        while made.queue_depth():
            rig.run(made)
        assert rig.states()["odd"] == "error"
        status = made.agent_status()["codex"]
        assert status.failed_sources == 1
        assert "odd" not in rig.events()
    with rig.ingest() as made:
        rig.run(made)
        assert rig.events()["odd"] == 20
        assert rig.states()["odd"] == "ok"


@pytest.mark.usefixtures("small_backlog")
def test_a_source_that_needs_too_much_memory_costs_that_source_only(rig: Rig) -> None:
    for number in range(4):
        rig.write(f"s{number}", 20, pad="x" * 100)
    rig.write("odd", 20)
    worker = odd_worker("held = [bytearray(1 << 20) for _ in range(2000)]")
    with rig.ingest(worker=worker, worker_memory=300 << 20) as made:
        rig.run(made)
        assert rig.states() == {**{f"s{n}": "ok" for n in range(4)}, "odd": "error"}
        (reason,) = rig.query("SELECT error FROM source WHERE state = 'error'")[0]
        assert "memory" in reason


@pytest.mark.usefixtures("small_backlog")
def test_a_parser_that_fails_is_tried_again_on_a_change_only(rig: Rig) -> None:
    odd = rig.write("odd", 2)
    rig.write("fine", 30, pad="x" * 200)
    worker = odd_worker("raise ValueError('secret words')")
    with rig.ingest(worker=worker) as made:
        rig.run(made)
        assert rig.query("SELECT error, retries FROM source WHERE state = 'error'") == [
            ("ValueError", 1)
        ]
        rig.run(made)
        assert rig.query("SELECT retries FROM source WHERE state = 'error'") == [(1,)]
        append(odd, said("more", 3))
        rig.run(made)
        assert rig.query("SELECT retries FROM source WHERE state = 'error'") == [(2,)]


@pytest.mark.usefixtures("small_backlog")
def test_a_killed_worker_loses_and_doubles_nothing(rig: Rig, tmp_path: Path) -> None:
    for number in range(6):
        rig.write(f"s{number}", 400, pad="x" * 300)
    killed: set[int] = set()
    with rig.ingest() as made:

        def told(_: object) -> None:
            for pid in made._dispatch.pool.workers:
                if len(killed) < 4 and pid not in killed:
                    killed.add(pid)
                    os.kill(pid, 9)

        made.run_until_idle(told).result(PATIENCE)
        while made.queue_depth():
            rig.run(made)
    assert killed
    clean = Rig(tmp_path / "clean")
    clean.roots = rig.roots
    with clean.ingest() as made:
        clean.run(made)
    assert_same(rig.place.index, clean.place.index)
    for number in range(6):
        path = rig.file(f"s{number}")
        source = Source("codex", str(rig.sessions), str(path))
        assert archived_bytes(rig.place.archive, source) == path.read_bytes()


@pytest.mark.usefixtures("small_backlog")
def test_a_live_append_does_not_wait_for_the_backlog(rig: Rig) -> None:
    """A held backlog stays; the append is searchable."""
    live = rig.write("live", 1)
    with rig.ingest() as made:
        rig.run(made)
        made.set_pace(0)
        for number in range(6):
            rig.write(f"s{number}", 40, pad="x" * 300)
        seen: list[int] = []
        future = made.run_until_idle(lambda _: seen.append(made.queue_depth()))
        while 6 not in seen:
            count = len(rig.changes)
            append(live, said("more", count))
            rig.until_more_changes(count)
        assert set(rig.events()) == {"live"}
        assert not future.done()
        made.set_pace(2)
        future.result(PATIENCE)
        assert len(rig.events()) == 7


@pytest.mark.usefixtures("small_backlog")
def test_progress_goes_up_to_the_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensession.daemon.backlog.SHOWN_BYTES", 0)
    for number in range(6):
        rig.write(f"s{number}", 200, pad="x" * 300)
    told: list[Any] = []
    with rig.ingest() as made:
        summary = made.run_until_idle(told.append).result(PATIENCE)
        assert made.progress().active is False
    active = [step for step in told if step.active]
    assert active
    assert all(0 <= step.fraction <= 1 and step.agent == "codex" for step in active)
    assert [s.bytes_left for s in active] == sorted((s.bytes_left for s in active), reverse=True)
    assert summary.bytes == sum(path.stat().st_size for path in rig.sessions.rglob("*.jsonl"))


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


class Newer:
    """The agent, one version further."""

    def __init__(self, inner: Agent) -> None:
        self._inner = inner
        self.parser_version = inner.parser_version + 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_newer_parser_reads_everything_again_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """users.md D18: read again in the background, old rows stay; not again at the next start."""
    rig.write("one", 3)
    rig.write("two", 2)
    with rig.ingest() as made:
        rig.run(made)
    newer: Any = Newer(agent("codex"))
    monkeypatch.setattr(
        "opensession.daemon.reading.registry.agent", lambda name, commands=(): newer
    )
    with rig.ingest(agents=[newer], history=False):
        assert rig.events() == {"one": 3, "two": 2}
    with rig.ingest(agents=[newer]) as made:
        assert rig.run(made).bytes > 0
    versions = rig.query("SELECT DISTINCT parser_version FROM source")
    assert versions == [(newer.parser_version,)]
    assert rig.events() == {"one": 3, "two": 2}
    with rig.ingest(agents=[newer]) as made:
        assert rig.run(made).bytes == 0


def test_a_new_index_never_loses_a_session_that_only_the_archive_has(rig: Rig) -> None:
    """users.md #1: a rebuild reads what is gone from the archive."""
    rig.write("alive", 2)
    dead = rig.write("dead", 5)
    with rig.ingest() as made:
        rig.run(made)
    dead.unlink()
    for name in ("index.db", "index.db-wal", "index.db-shm"):
        (rig.path / name).unlink(missing_ok=True)
    with rig.ingest(history=False):
        pass  # stopped before anything was read
    with rig.ingest() as made:
        rig.run(made)
        while made.queue_depth():
            rig.run(made)
        assert rig.events() == {"alive": 2, "dead": 5}
        assert rig.states() == {"alive": "ok", "dead": "gone"}
    assert list(rig.place.scratch.iterdir()) == []
    with rig.ingest() as made:
        assert rig.run(made).bytes == 0


def test_a_source_that_went_before_newer_rules_is_read_again_from_the_archive(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        rig.write(f"s{number}", number + 1)
    with rig.ingest() as made:
        rig.run(made)
    rig.file("s5").unlink()
    newer: Any = Newer(agent("codex"))
    monkeypatch.setattr(
        "opensession.daemon.reading.registry.agent", lambda name, commands=(): newer
    )
    with rig.ingest(agents=[newer]) as made:
        rig.run(made)
        while made.queue_depth():
            rig.run(made)
    versions = rig.query("SELECT DISTINCT parser_version FROM session")
    assert versions == [(newer.parser_version,)]
    assert rig.states()["s5"] == "gone"
    assert rig.events()["s5"] == 6


def test_a_session_outside_of_the_selection_is_not_read_as_it_grows(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rig.write("outside", 2, cwd="/elsewhere")
    rig.rules = Rules(repos=("/work",))
    reads: list[str] = []
    real = agent("codex").read

    class Counting(Newer):
        def read(self, source: Source, cursor: Any) -> Any:
            reads.append(source.path)
            return real(source, cursor)

    counting: Any = Counting(agent("codex"))
    monkeypatch.setattr(
        "opensession.daemon.reading.registry.agent", lambda name, commands=(): counting
    )
    with rig.ingest(agents=[counting]) as made:
        rig.run(made)
        for number in range(5):
            append(path, said("more", number))
            rig.run(made)
    with rig.ingest(agents=[counting]) as made:
        rig.run(made)
    assert reads == [str(path)]


def test_only_sessions_of_the_selected_repositories_are_taken_in(rig: Rig) -> None:
    """DECISIONS §11: `daemon select --repo`; what is left out is not archived either (§4)."""
    repo = rig.path / "repo"
    (repo / "sub").mkdir(parents=True)
    rig.write("inside", 2, cwd=str(repo / "sub"))
    out = rig.write("outside", 2, cwd=str(rig.path / "repository"))
    rig.rules = Rules(repos=(str(repo),))
    with rig.ingest() as made:
        rig.run(made)
        assert rig.events() == {"inside": 2}
        assert rig.states() == {"inside": "ok", "outside": "refused"}
        archived = [p for p in rig.place.archive.rglob("*.zst") if p.stat().st_size]
        assert len(archived) == 1
        append(out, said("more", 3))
        rig.run(made)
        assert rig.events() == {"inside": 2}
        rig.rules = Rules()
        made.take_up(rig.options())
        rig.run(made)
        assert rig.events() == {"inside": 2, "outside": 3}


def test_excluded_folders_are_neither_indexed_nor_archived(rig: Rig) -> None:
    rig.write("private", 2, cwd="/work/private/deep")
    rig.write("public", 2, cwd="/work/privateer")
    rig.rules = Rules(excluded=("/work/private",))
    with rig.ingest() as made:
        rig.run(made)
    assert rig.events() == {"public": 2}
    (reason,) = rig.query("SELECT error FROM source WHERE state = 'refused'")[0]
    assert reason.startswith(admission.EXCLUDED)
    assert len(list(rig.place.archive.rglob("*.zst"))) == 1


def test_an_agent_that_is_turned_off_is_not_read_any_more(rig: Rig) -> None:
    path = rig.write("one", 1)
    with rig.ingest() as made:
        rig.run(made)
        roots, rig.roots = rig.roots, []
        rig.run(made)
        append(path, said("more", 2))
        rig.run(made)
        assert made.agent_status()["codex"].watching == "off"
        assert rig.events() == {"one": 1}
        rig.roots = roots
        rig.run(made)
        assert rig.events() == {"one": 2}


def test_a_full_disk_stops_reading_and_it_resumes_by_itself(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §4: with a full disk reads stop, cursors stay, and all resumes by itself."""
    room = [False]

    class Full(Writer):
        def apply(self, batches: Any) -> list[Change]:
            if not room[0]:
                raise DiskFull("no room")
            return super().apply(batches)

    monkeypatch.setattr(ingest, "Writer", Full)
    monkeypatch.setattr(coordinator, "FULL_SECONDS", 0.01)
    path = rig.write("one", 3)
    with rig.ingest() as made:
        future = made.run_until_idle()
        with pytest.raises(Exception, match="disk is full"):
            future.result(PATIENCE)
        assert made.notices()
        assert rig.events() == {}
        append(path, said("more", 4))
        room[0] = True
        rig.until_events(one=4)
        rig.run(made)
        assert made.notices() == []


def test_who_made_room_waits_for_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """DECISIONS §4: all resumes by itself, and at once where somebody asks for it."""
    room = [False]

    class Full(Writer):
        def apply(self, batches: Any) -> list[Change]:
            if not room[0]:
                raise DiskFull("no room")
            return super().apply(batches)

    monkeypatch.setattr(ingest, "Writer", Full)
    rig.write("one", 3)
    with rig.ingest() as made:
        for _ in range(2):
            with pytest.raises(Exception, match="disk is full"):
                rig.run(made)
            assert made.notices()
        room[0] = True
        rig.run(made)
        assert rig.events() == {"one": 3}
        assert made.notices() == []


def test_a_damaged_index_is_told_and_ends_reading(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Damaged(Writer):
        def apply(self, batches: Any) -> list[Change]:
            raise CorruptDatabase(rig.place.index, "for a test")

    monkeypatch.setattr(ingest, "Writer", Damaged)
    rig.write("one", 3)
    with rig.ingest():
        with pytest.raises(AssertionError):
            rig.until(lambda: False)
        assert isinstance(rig.fatal[0], CorruptDatabase)


def test_a_batch_that_cannot_be_stored_costs_its_source_only(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opensession.daemon.store import intake

    real = intake.take

    def take(db: Any, row: Any, batch: Batch, prepared: Any) -> Any:
        if prepared.info.id == "odd":
            raise KeyError("a fault of ours")
        return real(db, row, batch, prepared)

    monkeypatch.setattr(intake, "take", take)
    rig.write("odd", 2)
    rig.write("fine", 2)
    with rig.ingest() as made:
        rig.run(made)
        assert rig.states() == {"odd": "error", "fine": "ok"}
        assert made.agent_status()["codex"].failed_sources == 1


def test_it_stops_amid_a_backlog_and_goes_on_at_the_next_start(rig: Rig, tmp_path: Path) -> None:
    """users.md D29; what is not stored is read again, what is stored is not doubled."""
    for number in range(6):
        rig.write(f"s{number}", 1000, pad="x" * 1500)
    clean = Rig(tmp_path / "clean")
    clean.roots = rig.roots
    with rig.ingest():
        rig.until(lambda: bool(rig.changes))
    assert sum(rig.events().values()) < 6_000
    with rig.ingest() as made:
        rig.run(made)
    with clean.ingest() as made:
        clean.run(made)
    assert_same(rig.place.index, clean.place.index)


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
