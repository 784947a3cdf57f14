"""Full disks, damage and broken-off runs: nothing is lost, and it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opensession.daemon import coordinator, ingest
from opensession.daemon.archive import DiskFull
from opensession.daemon.batch import Batch
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import CorruptDatabase
from opensession.daemon.store.writer import Writer
from tests.daemon.rig import PATIENCE, Rig, append, said
from tests.daemon.same_index import assert_same


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


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

    def take(db: Any, row: Any, batch: Batch, prepared: Any, archive: Any) -> Any:
        if prepared.info.id == "odd":
            raise KeyError("a fault of ours")
        return real(db, row, batch, prepared, archive)

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
