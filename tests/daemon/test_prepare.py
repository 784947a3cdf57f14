from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import zstandard

from opensession.core.hail import Event, SessionInfo, text
from opensession.daemon.batch import Batch
from opensession.daemon.prepare import batches
from opensession.daemon.store import body
from opensession.parsers.agent import Cursor, Delta, SessionDelta, Source, SourceGone
from tests.helpers.jot import STRIPPER, Jot, line

SOURCE = Source("jot", "/jots", "/jots/a.jot")


class _Told(Jot):
    """An agent whose reads are told to it."""

    def __init__(self, *events: Event, info: SessionInfo | None = None) -> None:
        super().__init__()
        self._info = info or SessionInfo(id="a", agent="jot", cwd="/work")
        self._events = list(events)

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        session = SessionDelta(info=self._info, keep=4, events=self._events)
        return Delta(cursor=Cursor(offset=3), sessions=[session], raw=b"raw")


def _event(kind: str = "UserMessage", said: str = "", **more: object) -> Event:
    made = {"event_id": "e", "time_us": 7, "type": kind, "blocks": [text(said)] if said else []}
    return Event(**{**made, **more})  # type: ignore[arg-type]


def _prepared(*events: Event, info: SessionInfo | None = None) -> Batch:
    (batch,) = batches(_Told(*events, info=info), 1, SOURCE, None, STRIPPER, archive=True)
    return batch


def _file(tmp_path: Path, *lines: str) -> Source:
    (tmp_path / "a.jot").write_text("".join(lines))
    return Source("jot", str(tmp_path), str(tmp_path / "a.jot"))


def test_batches_follow_one_another_to_the_end(tmp_path: Path) -> None:
    source = _file(tmp_path, *(line(f"number {n}", at=n) for n in range(20)))

    found = list(batches(Jot(slice_bytes=100), 9, source, None, STRIPPER, archive=True))

    offset = 0
    for batch in found:
        assert batch.source_id == 9
        assert batch.expected_offset == offset
        assert batch.frame is not None
        raw = zstandard.ZstdDecompressor().decompress(batch.frame.data)
        assert (batch.frame.offset, len(raw)) == (offset, batch.raw_bytes)
        offset = batch.cursor.offset
    assert [b.more for b in found] == [True] * (len(found) - 1) + [False]
    assert len(found) > 5
    again = list(batches(Jot(), 9, source, found[-1].cursor, STRIPPER, archive=True))
    assert [(b.raw_bytes, b.frame, b.expected_offset) for b in again] == [(0, None, offset)]


def test_however_it_is_cut_the_rows_are_the_same(tmp_path: Path) -> None:
    source = _file(tmp_path, *(line(f"number {n} /home/somebody/x", at=n) for n in range(20)))

    def rows(slice_bytes: int) -> list[object]:
        found = batches(Jot(slice_bytes=slice_bytes), 1, source, None, STRIPPER, archive=False)
        return [row for batch in found for session in batch.sessions for row in session.rows]

    assert rows(50) == rows(1 << 20)


def test_without_archive_there_are_no_frames(tmp_path: Path) -> None:
    (batch,) = batches(Jot(), 1, _file(tmp_path, line("x")), None, STRIPPER, archive=False)

    assert batch.frame is None
    assert batch.raw_bytes > 0


def test_a_missing_file_is_the_parsers_answer(tmp_path: Path) -> None:
    with pytest.raises(SourceGone):
        list(
            batches(Jot(), 1, Source("jot", "", str(tmp_path / "x")), None, STRIPPER, archive=True)
        )


def test_rows_hold_stripped_text_only() -> None:
    """DECISIONS §5: stripped before it is encoded and before search text is made of it."""
    (session,) = _prepared(_event(said="look at /home/somebody/plans.txt")).sessions

    (row,) = session.rows
    assert "somebody" not in row.search
    assert b"somebody" not in body.unpack(row.body)
    assert "plans" in row.search
    assert sum(session.redactions.values()) == 1


def test_structural_fields_stay_as_they_are() -> None:
    """DECISIONS §5: cwd and file paths are stripped only on the way out."""
    read = _event("FileRead", data={"path": "/home/somebody/work/x.py"})
    info = SessionInfo(id="a", agent="jot", cwd="/home/somebody/work")

    (session,) = _prepared(read, info=info).sessions

    assert session.info.cwd == "/home/somebody/work"
    assert session.touches[0].path == "/home/somebody/work/x.py"
    found = body.decode("e", 7, body.type_code("FileRead"), None, session.rows[0].body)
    assert found.data == {"path": "/home/somebody/work/x.py"}


@pytest.mark.parametrize(
    ("path", "cwd", "touched"),
    [
        ("src/x.py", "/work", "/work/src/x.py"),
        ("../x.py", "/work/src", "/work/x.py"),
        ("/abs//x.py", "/work", "/abs/x.py"),
        ("~/x.py", "/work", "~/x.py"),
        ("C:\\x.py", "/work", "C:\\x.py"),
        ("x.py", "", "x.py"),
    ],
)
def test_touched_files_are_absolute(path: str, cwd: str, touched: str) -> None:
    edit = _event("FileEdit", data={"path": path})

    (session,) = _prepared(edit, info=SessionInfo(id="a", agent="jot", cwd=cwd)).sessions

    (touch,) = session.touches
    assert (touch.seq, touch.path, touch.kind) == (5, touched, "edit")


def test_a_folder_of_the_event_itself_counts_more() -> None:
    edit = _event("FileCreate", data={"path": "x.py"}, attributes={"cwd": "/other"})

    (session,) = _prepared(edit).sessions

    assert session.touches[0].path == "/other/x.py"


def test_failed_results_are_marked() -> None:
    good = _event("ToolResult", data={"name": "Bash", "is_error": False})
    bad = _event("ToolResult", data={"name": "Bash", "is_error": True})

    (session,) = _prepared(good, bad).sessions

    assert [row.flags for row in session.rows] == [0, 1]
    assert session.tally.errors == 1


def test_what_cannot_be_stored_as_text_does_not_stop_a_read() -> None:
    strange = _event(said="half \ud800 pair", event_id="id\udfff", task_id="t\ud800")

    batch = _prepared(strange)

    (row,) = batch.sessions[0].rows
    assert (row.event_id, row.task_id, row.search) == ("id?", "t?", "half ? pair")
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(batch), type=Batch) == batch


def test_the_repository_of_the_folder_is_looked_up(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    info = SessionInfo(
        id="a", agent="jot", cwd=str(tmp_path), git_remote="https://me:secret@example.org/a/b"
    )

    (session,) = _prepared(_event(said="x"), info=info).sessions

    assert session.git is not None
    assert session.git.root == str(tmp_path)
    assert session.info.git_remote == "https://example.org/a/b"
