"""What comes of sources whose archive is damaged: what is left of it, and what the source has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.daemon import archive, dispatch
from opensession.daemon.archive import Appending, Archived, file_for, make_frame
from opensession.daemon.archive.checking import look_through
from opensession.daemon.archive.mending import mend
from opensession.daemon.archive.torn import materialise_torn
from opensession.parsers.agent import Root, Source
from opensession.parsers.databases import close_databases
from tests.daemon.rig import Rig
from tests.daemon.test_row_sources import Notes, Rows

SOURCE = Source("codex", "/root", "/root/a.jsonl")
LINES = [b'{"line": %d}\n' % number * 3 for number in range(30)]
WHOLE = b"".join(LINES)
ONE = "11111111-1111-4111-8111-111111111111"


def _flip(file: Path, frame: int) -> None:
    at = archive.scan(file).entries[frame].position + 9
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def _append(folder: Path, state: Archived, offset: int, data: bytes) -> Archived:
    with Appending(folder) as appending:
        state = appending.append(SOURCE, state, make_frame(offset, data))
        appending.sync()
    return state


def test_lines_that_are_whole_stay_at_their_places(tmp_path: Path) -> None:
    state = Archived()
    for start in (0, 400, 800):
        state = _append(tmp_path, state, start, WHOLE[start : min(start + 400, len(WHOLE))])
    file = file_for(tmp_path, SOURCE.agent, SOURCE.path)
    _flip(file, 1)

    made, lost = materialise_torn(file, 1, tmp_path)

    left = made.read_bytes()
    assert (lost, len(left)) == (400, len(WHOLE))
    at = 0
    for line in left.splitlines(keepends=True):
        assert not line.strip() or WHOLE[at : at + len(line)] == line
        at += len(line)
    assert left[:390] == WHOLE[:390]
    assert left[820:] == WHOLE[820:]


def test_a_damaged_frame_is_written_again_once_another_state_holds_its_bytes(
    tmp_path: Path,
) -> None:
    """A part of it alone does not tell whether it is what was there."""
    state = _append(tmp_path, Archived(), 0, WHOLE)
    file = file_for(tmp_path, SOURCE.agent, SOURCE.path)
    _flip(file, 0)
    for start in (0, 300, 600):
        state = _append(tmp_path, state, start, (WHOLE + b"more\n")[start : start + 300])
    state = _append(tmp_path, state, 900, (WHOLE + b"more\n")[900:])
    assert state.generation == 2
    assert look_through(file).broken

    assert mend(file, SOURCE) == 1

    assert not look_through(file).broken
    assert b"".join(archive.read(file, 1)) == WHOLE
    assert b"".join(archive.read(file, 2)) == WHOLE + b"more\n"
    assert mend(file, SOURCE) == 1  # it is damaged still, and its bytes are there
    assert b"".join(archive.read(file, 1)) == WHOLE


def test_bytes_of_another_state_mend_nothing(tmp_path: Path) -> None:
    state = _append(tmp_path, Archived(), 0, WHOLE)
    file = file_for(tmp_path, SOURCE.agent, SOURCE.path)
    _flip(file, 0)
    _append(tmp_path, state, 0, WHOLE[::-1])
    assert mend(file, SOURCE) == 0
    assert look_through(file).broken


def test_of_a_deleted_file_a_new_index_holds_what_is_left_in_the_archive(tmp_path: Path) -> None:
    """And the archive stays as it is, so that a backup can be joined with it."""
    rig = Rig(tmp_path)
    path = rig.write(ONE, 2)
    with rig.ingest() as ingest:
        rig.run(ingest)
        rig.write(ONE, 4)
        rig.run(ingest)
        rig.write(ONE, 6)
        rig.run(ingest)
    file = file_for(rig.place.archive, "codex", str(path))
    assert len(archive.scan(file).entries) == 3
    _flip(file, 1)
    before = file.read_bytes()
    path.unlink()
    rig.place.index.unlink()

    with rig.ingest() as ingest:
        rig.run(ingest)
        assert rig.events() == {ONE: 4}
        assert rig.query("SELECT state, missing_bytes > 0 FROM source") == [("gone", 1)]
    assert file.read_bytes() == before
    with rig.ingest() as ingest:
        rig.run(ingest)
        assert rig.events() == {ONE: 4}
    assert file.read_bytes() == before


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Rows()
    monkeypatch.setattr("opensession.daemon.reading.registry.agent", lambda name, commands=(): made)
    monkeypatch.setattr(dispatch, "SMALL_BYTES", 1 << 40)
    monkeypatch.setattr(dispatch, "BACKLOG_BYTES", 1 << 40)
    found = Rig(tmp_path)
    found.roots = [Root("codex", str(found.sessions))]
    yield found
    close_databases()


def test_a_damaged_archive_keeps_nobody_from_reading_the_database(rows: Rig) -> None:
    """Neither when the index is made anew nor when it is to be mended."""
    notes = Notes(rows.sessions / "notes.db")
    notes.say("s1", "one", "two")
    with rows.ingest(agents=[Rows()]) as ingest:
        rows.run(ingest)
        notes.say("s2", "three")
        rows.run(ingest)
        file = file_for(rows.place.archive, "codex", str(notes.path))
        _flip(file, 0)
        number = ingest.write(lambda writer: writer.sources()[0].id)
        ingest.read_again([number])
        rows.run(ingest)
        assert rows.events() == {"s1": 2, "s2": 1}
        assert b"one" in b"".join(archive.read(file, archive.scan(file).generation))
    rows.place.index.unlink()
    notes.say("s2", "four")
    with rows.ingest(agents=[Rows()]) as ingest:
        rows.run(ingest)
        assert rows.events() == {"s1": 2, "s2": 2}
    notes.close()
