"""Which sessions go by age, and which stay with others."""

from __future__ import annotations

import time
from pathlib import Path

from opensession.daemon.archive import file_for
from opensession.daemon.store import pruning
from opensession.daemon.store.connect import open_reader
from opensession.daemon.store.writer import Writer
from opensession.parsers.agent import Agent
from opensession.parsers.registry import agent
from tests.daemon.rig import Rig

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
KEEP = {"codex": 1.0}


def _nobody(agent: str, native_id: str) -> bool:
    return False


def _groups(rig: Rig, keep: dict[str, float] = KEEP) -> dict[str, str | None]:
    db = open_reader(rig.place.index)
    try:
        found = pruning.groups(db, keep, time.time_ns() // 1000, _nobody)
        return {
            str(db.execute("SELECT native_id FROM session WHERE id = ?", (n,)).get): group.reason
            for group in found
            for n in group.sessions
        }
    finally:
        db.close()


def test_only_what_the_agent_has_deleted_may_go_and_zero_keeps_all(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(ONE, 3)
    rig.write(TWO, 3)
    with rig.ingest() as ingest:
        rig.run(ingest)
        rig.file(ONE).unlink()
        rig.run(ingest)

        assert _groups(rig) == {ONE: None, TWO: "living"}
        assert _groups(rig, {"codex": 0.0}) == {}
        assert _groups(rig, {"codex": 36_000.0}) == {}


def test_a_session_without_times_is_as_old_as_its_last_read(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(ONE, 3)
    with rig.ingest() as ingest:
        rig.run(ingest)
        rig.file(ONE).unlink()
        rig.run(ingest)
        ingest.write(lambda writer: writer.db.execute("UPDATE session SET updated_us = 0").get)

        assert _groups(rig) == {}
        ingest.write(lambda writer: writer.db.execute("UPDATE source SET read_us = 1").get)
        assert _groups(rig) == {ONE: None}


def test_what_went_is_in_neither_index_nor_archive_and_comes_back_with_its_file(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path)
    path = rig.write(ONE, 3)
    data = path.read_bytes()
    rig.write(TWO, 3)
    archived = file_for(rig.place.archive, "codex", str(path))
    with rig.ingest() as ingest:
        rig.run(ingest)
        path.unlink()
        rig.run(ingest)
        gone, changes = ingest.write(lambda writer: pruning.prune(writer, KEEP, _nobody))
        ingest.write(Writer.erase)
        assert [(each.old, each.reason) for each in gone] == [(1, None)]
        assert [(each.native_id, each.gone) for each in changes] == [(ONE, True)]
        assert rig.events() == {TWO: 3}
        assert not archived.exists()
    with rig.ingest() as ingest:  # nothing is missed at the next start
        rig.run(ingest)
        assert rig.query("SELECT sum(missing_bytes) FROM source") == [(0,)]
        assert rig.events() == {TWO: 3}
        path.write_bytes(data)
        rig.run(ingest)
        assert rig.events() == {ONE: 3, TWO: 3}
        assert archived.exists()


def test_below_a_folder_that_is_not_there_nothing_counts_as_deleted(tmp_path: Path) -> None:
    """Also not by an index that was made anew meanwhile, from the archive alone."""
    rig = Rig(tmp_path)
    rig.write(ONE, 3)
    with rig.ingest() as ingest:
        rig.run(ingest)
    away = rig.sessions.rename(rig.sessions.with_name("away"))
    rig.place.index.unlink()
    with rig.ingest() as ingest:
        rig.run(ingest)
        assert rig.events() == {ONE: 3}
        assert _groups(rig) == {ONE: "living"}
        away.rename(rig.sessions)
        rig.file(ONE).unlink()
        rig.run(ingest)
        assert _groups(rig) == {ONE: None}


def test_what_went_with_half_of_its_folder_does_not_go_by_age(tmp_path: Path) -> None:
    """It may be on a disk that is not mounted. What is missing when most are back was deleted."""
    rig = Rig(tmp_path)
    names = [f"{number}{ONE[1:]}" for number in range(6)]
    data = {rig.write(name, 3): rig.file(name).read_bytes() for name in names}
    with rig.ingest() as ingest:
        rig.run(ingest)
        for path in data:
            path.unlink()
        rig.run(ingest)
        assert set(rig.states().values()) == {"gone"}
        assert _groups(rig) == dict.fromkeys(names, "living")
        for path in list(data)[1:]:
            path.write_bytes(data[path])
        rig.run(ingest)
        assert _groups(rig) == {names[0]: None, **dict.fromkeys(names[1:], "living")}


def test_a_session_stays_while_one_of_its_subagents_is_younger(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(ONE, 3)
    rig.write(TWO, 3)
    agents: list[Agent] = [agent("codex")]
    with rig.ingest(agents=agents) as ingest:
        rig.run(ingest)
        for each in (ONE, TWO):
            rig.file(each).unlink()
        rig.run(ingest)
        now = time.time_ns() // 1000

        def adopt(writer: Writer) -> None:
            writer.db.execute(
                "UPDATE session SET role = 'auxiliary', parent = ?, updated_us = ?"
                " WHERE native_id = ?",
                (ONE, now, TWO),
            )

        ingest.write(adopt)
        assert _groups(rig) == {}
        ingest.write(
            lambda writer: writer.db.execute("UPDATE session SET updated_us = 5").fetchall()
        )
        assert _groups(rig) == {ONE: None, TWO: None}
