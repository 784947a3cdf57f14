"""After any stop: index, archive and sources agree again, and nothing is lost or doubled."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opensession.daemon import archive
from opensession.daemon.store import connect
from opensession.daemon.store.connect import open_reader
from opensession.parsers.agent import Source
from tests.helpers.jot import STRIPPER, Desk, Jot, desk, dump, line

LINES = [line(f"number {n}", at=n, id=f"e{n}") for n in range(12)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as found:
        found.write("a.jot", *LINES[:4])
        found.read("a.jot")
        yield found


def _file(place: Desk, name: str = "a.jot") -> Path:
    return archive.file_for(place.archive_dir, "jot", str(place.jots / name))


def _raw(place: Desk, name: str = "a.jot") -> bytes:
    return b"".join(archive.read(_file(place, name), place.row(name).generation))


def _expect(place: Desk, count: int) -> None:
    """The index holds the first `count` lines, the archive is the source, byte by byte."""
    assert [e[1] for e in dump(place.index)["a"]["events"]] == [f"e{n}" for n in range(count)]
    assert dump(place.index)["a"]["session"][8:11] == (count, count, count)
    assert _raw(place) == "".join(LINES[:count]).encode()
    row = place.row("a.jot")
    assert row.offset == row.archived_len == len(_raw(place))
    assert archive.verify(_file(place)) == []


class _Killed(BaseException):
    """As if the process had been killed: nothing after it runs."""


def _killed(*args: object, **more: object) -> None:
    raise _Killed


@pytest.mark.parametrize(
    "point",
    [
        "opensession.daemon.archive.append.Appending.sync",
        "opensession.daemon.store.writer.Writer._store",
        "opensession.daemon.store.intake._append",
        "opensession.daemon.store.usage_write.record",
        "opensession.daemon.store.sources.record_read",
    ],
)
@pytest.mark.parametrize("goes_on", ["", "longer", "rewritten"])
def test_a_kill_between_archive_and_commit_loses_and_doubles_nothing(
    place: Desk, monkeypatch: pytest.MonkeyPatch, point: str, goes_on: str
) -> None:
    """DECISIONS §4: archive longer than recorded; the read goes on and writes nothing twice."""
    place.write("a.jot", *LINES[4:8], append=True)
    monkeypatch.setattr(point, _killed)
    with pytest.raises(_Killed):
        place.read("a.jot")
    monkeypatch.undo()
    if goes_on == "longer":
        place.write("a.jot", *LINES[8:], append=True)
    elif goes_on == "rewritten":
        place.replace("a.jot", *LINES[:6])

    place.restart()
    place.read("a.jot")

    _expect(place, {"": 8, "longer": 12, "rewritten": 6}[goes_on])


def test_a_kill_without_a_restart_of_the_source_state(place: Desk) -> None:
    """The files as they are at the moment of the kill, taken to another place."""
    snapshot = place.folder / "snapshot"
    for number in range(4, 12):
        place.write("a.jot", LINES[number], append=True)
        shutil.rmtree(snapshot, ignore_errors=True)
        snapshot.mkdir()
        for path in place.folder.glob("index.db*"):
            shutil.copy(path, snapshot / path.name)
        place.read("a.jot")
        shutil.copytree(place.archive_dir, snapshot / "archive")
        with desk(snapshot) as other:
            other.jots.rmdir()
            other.jots = place.jots
            assert other.row("a.jot").archived_len < place.row("a.jot").archived_len
            other.restart()
            other.read("a.jot")
            assert dump(other.index) == dump(place.index)
            assert _raw(other) == (place.jots / "a.jot").read_bytes()
            assert len(archive.scan(_file(other)).entries) == number - 2


@pytest.mark.parametrize("left", [0, 1, 100, 150, -10])
def test_a_torn_archive_is_made_whole_from_the_source(place: Desk, left: int) -> None:
    """DECISIONS §4: shorter than recorded, so it is read from the source again."""
    place.add("a.jot", *LINES[4:8])
    before = dump(place.index)
    size = _file(place).stat().st_size
    with _file(place).open("r+b") as out:
        out.truncate(left if left >= 0 else size + left)

    place.restart()
    assert dump(place.index)["a"]["events"] == before["a"]["events"], "searchable all the time"
    assert place.writer.unread()
    assert place.read("a.jot") == []

    assert dump(place.index) == before
    _expect(place, 8)


def test_a_lost_archive_file_is_written_again(place: Desk) -> None:
    _file(place).unlink()

    place.restart()
    place.read("a.jot")

    _expect(place, 4)


def test_bytes_that_are_nowhere_any_more_are_counted(place: Desk) -> None:
    """DECISIONS §4: if the source is gone, the session says how many bytes are missing."""
    place.add("a.jot", *LINES[4:8])
    entry = archive.scan(_file(place)).entries[1]
    with _file(place).open("r+b") as out:
        out.truncate(entry.position + 3)
    (place.jots / "a.jot").unlink()
    place.writer.mark_gone([place.row("a.jot").id])

    place.restart()

    row = place.row("a.jot")
    assert row.missing_bytes == entry.length
    assert row.archived_len == entry.offset
    assert len(dump(place.index)["a"]["events"]) == 8
    place.restart()
    assert place.row("a.jot").missing_bytes == entry.length


def test_a_clean_stop_reads_no_archive_file(place: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opensession.daemon.store.recovery.scan", _killed)

    place.restart()

    assert place.writer.unread() == []


def test_a_kill_between_merging_and_its_record_does_no_harm(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4, 8):
        place.add("a.jot", LINES[number])
    monkeypatch.setattr("opensession.daemon.archive.merging.LEAST_WASTE", 0.0)
    monkeypatch.setattr("opensession.daemon.store.sources.record_archived", _killed)
    with pytest.raises(_Killed):
        place.writer.merge(place.row("a.jot").id)
    monkeypatch.undo()
    assert _file(place).stat().st_size != place.row("a.jot").archive_size

    place.restart()
    assert _file(place).stat().st_size == place.row("a.jot").archive_size
    place.add("a.jot", *LINES[8:])

    _expect(place, 12)


def test_a_merge_that_was_not_recorded_is_noticed_by_the_next_append(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4, 8):
        place.add("a.jot", LINES[number])
    monkeypatch.setattr("opensession.daemon.archive.merging.LEAST_WASTE", 0.0)
    assert archive.merge(_file(place), place.source("a.jot")) is not None

    place.add("a.jot", *LINES[8:])

    _expect(place, 12)


def test_a_new_parser_reads_again_and_keeps_what_is_stored_meanwhile(place: Desk) -> None:
    """D18: re-parse lazily, newest first; old rows stay searchable until then."""
    place.write("b.jot", line("other"))
    place.read("b.jot")
    place.write("c.jot", line("not read yet"))
    place.row("c.jot")
    before = dump(place.index)
    place.agent = Jot(parser_version=2)

    place.restart()

    assert dump(place.index) == before
    rows = {row.id: row for row in place.writer.sources()}
    names = [Path(rows[i].path).name for i in place.writer.unread()]
    assert names == ["b.jot", "a.jot"]
    place.read("a.jot")
    found = dump(place.index)
    assert {name: entry["session"][17] for name, entry in found.items()} == {"a": 2, "b": 2}
    assert [e[1] for e in found["a"]["events"]] == [e[1] for e in before["a"]["events"]]
    assert found["a"]["events"] != before["a"]["events"]
    place.restart()
    assert place.writer.unread() == []


def test_a_new_parser_gives_failed_sources_another_chance(place: Desk) -> None:
    """D21: retry on a new version."""
    db = connect.open_index(place.index)
    db.execute("UPDATE source SET state = 'error', error = 'x', retries = 3")
    db.close()
    place.agent = Jot(parser_version=2)

    place.restart()

    row = place.row("a.jot")
    assert (row.state, row.retries) == ("ok", 0)
    assert place.writer.unread() == [row.id]


def _from_archive(place: Desk, found: archive.ArchivedSource) -> None:
    """Reads a source whose file is gone from its archive, as `ingest` does."""
    copy = archive.materialise(found.file, found.generation, place.folder)
    name = str(Path(found.path).relative_to(place.jots))
    place.writer.apply(place.prepared(name, read_from=str(copy)))
    copy.unlink()


def test_a_rebuilt_index_takes_deleted_sessions_from_the_archive(place: Desk) -> None:
    """DESIGN §7: no session is lost, also when the agent deletes it and the index is lost."""
    place.add("a.jot", *LINES[4:8])
    place.write("b.jot", line("still there"))
    place.read("b.jot")
    before = dump(place.index)
    sizes = {p: p.stat().st_size for p in place.archive_dir.rglob("*.zst")}
    (place.jots / "a.jot").unlink()
    place.writer.close()
    for path in place.folder.glob("index.db*"):
        path.unlink()

    place.writer = place.open()
    for found in archive.archived_sources(place.archive_dir):
        place.writer.register([Source(found.agent, found.root, found.path)])
        if Path(found.path).exists():
            place.read("b.jot")
        else:
            _from_archive(place, found)

    assert dump(place.index) == before
    assert {p: p.stat().st_size for p in place.archive_dir.rglob("*.zst")} == sizes
    assert place.row("a.jot").archived_len == len("".join(LINES[:8]).encode())


def test_what_the_archive_knows_more_than_the_index_is_read_from_it(
    place: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between archive and commit, and then the agent deleted the file."""
    place.write("a.jot", *LINES[4:8], append=True)
    monkeypatch.setattr("opensession.daemon.store.writer.Writer._store", _killed)
    with pytest.raises(_Killed):
        place.read("a.jot")
    monkeypatch.undo()
    (place.jots / "a.jot").unlink()
    place.writer.close()
    place.writer = place.open()

    recovered = place.writer.recover({"jot": 1}, 1)

    (source_id,) = recovered.from_archive
    assert source_id == place.row("a.jot").id
    (found,) = archive.archived_sources(place.archive_dir)
    _from_archive(place, found)
    assert len(dump(place.index)["a"]["events"]) == 8


def test_a_gone_source_of_an_old_parser_is_read_from_the_archive(place: Desk) -> None:
    (place.jots / "a.jot").unlink()
    place.writer.mark_gone([place.row("a.jot").id])
    place.writer.close()
    place.writer = place.open()

    assert place.writer.recover({"jot": 2}, 1).from_archive == [place.row("a.jot").id]


def test_damage_in_the_archive_does_not_stop_a_start(place: Desk) -> None:
    _file(place).write_bytes(b"garbage")

    place.restart()
    place.read("a.jot")

    assert len(dump(place.index)["a"]["events"]) == 4
    assert _raw(place) == (place.jots / "a.jot").read_bytes()


def _halves(place: Desk) -> Iterator[Callable[[], None]]:
    for count in range(1, len(place.prepared("a.jot")) + 1):

        def half(count: int = count) -> None:
            place.writer.apply(place.prepared("a.jot")[:count])

        yield half


def test_a_read_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    with desk(tmp_path, Jot(slice_bytes=130)) as place:
        place.write("a.jot", *LINES[:8])
        place.read("a.jot")
        place.replace("a.jot", *LINES[:5], line("other", at=50, id="x"), *LINES[6:12])
        for half in list(_halves(place))[:3]:
            half()
            place.restart()
        place.read("a.jot")

        ids = [e[1] for e in dump(place.index)["a"]["events"]]
        assert ids == [f"e{n}" if n != 5 else "x" for n in range(12)]
        assert dump(place.index)["a"]["session"][8:11] == (12, 12, 12)
        assert _raw(place) == (place.jots / "a.jot").read_bytes()
        db = open_reader(place.index)
        assert db.execute("SELECT count(*) FROM session WHERE reread IS NOT NULL").get == 0
        db.close()


def test_the_stripper_of_the_tests_strips() -> None:
    """The rules above hold for stripped text only if something is stripped at all."""
    assert STRIPPER.strip_text("/home/somebody/x")[0] != "/home/somebody/x"


def test_a_folder_in_place_of_an_archive_file_is_a_fault_of_that_source_alone(place: Desk) -> None:
    """The daemon starts, and what other sources have is stored."""
    place.write("b.jot", line("beside", id="b1"))
    place.read("b.jot")
    _file(place).unlink()
    _file(place).mkdir()

    place.restart()

    assert place.writer.recover({"jot": 1}, 1).missing == 0
    place.write("b.jot", line("more", id="b2"), append=True)
    place.write("a.jot", LINES[4], append=True)
    place.writer.apply([*place.prepared("a.jot"), *place.prepared("b.jot")])
    assert place.row("a.jot").state == "error"
    assert place.row("b.jot").offset == place.row("b.jot").archived_len
    assert len(dump(place.index)["b"]["events"]) == 2
