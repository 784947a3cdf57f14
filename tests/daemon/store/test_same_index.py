"""However a source came to be what it is, the index is the one that a single read of it gives."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opensession.daemon import archive
from tests.helpers.jot import Desk, Jot, desk, dump, line

NAMES = ("one.jot", "two.jot")

_LINES = st.sampled_from(
    [
        line("first userName", at=1, id="a"),
        line("again", at=2, id="a"),
        line("an answer", "AgentMessage", at=3, usage={"message_id": "m", "output": 1}),
        line("grown", "AgentMessage", at=4, usage={"message_id": "m", "output": 7}),
        line("said", "AgentMessage", at=3, id="u", usage={"message_id": "q", "output": 2}),
        line("said", "AgentMessage", at=3, id="u", usage={"message_id": "r", "output": 2}),
        line("said", "AgentMessage", at=3, id="u"),
        line("other", "AgentMessage", at=5, id="b", usage={"message_id": "n", "input": 3}),
        line("", "FileEdit", at=6, data={"path": "/p/x.py", "diff": "@@ -1 +1,2 @@\n-a\n+b\n+c"}),
        line("oops", "ToolResult", at=7, data={"name": "Bash", "is_error": True}),
        line("from /home/somebody/x", at=0, id="a.2"),
        line("日本語 text", at=9, child="kid", id="k"),
        line("carried", at=9, child="carried", secondary=True),
        '{"title": "A title"}\n',
        '{"ended": true}\n',
        "not json\n",
    ]
)

_KINDS = (
    "append",
    "append",
    "tear",
    "replace",
    "cut",
    "change",
    "read",
    "half",
    "merge",
    "restart",
)
_STEPS = st.tuples(
    st.sampled_from(_KINDS),
    st.sampled_from(NAMES),
    st.integers(0, 5),
    st.lists(_LINES, min_size=1, max_size=5),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(_STEPS, max_size=14), slice_bytes=st.sampled_from([64, 300, 1 << 20]))
def test_any_history_gives_the_index_of_a_clean_read(
    steps: list[tuple[str, str, int, list[str]]], slice_bytes: int
) -> None:
    """Appends, torn lines, rewrites, cuts, half reads and restarts leave no trace (DESIGN §2)."""
    with tempfile.TemporaryDirectory() as folder, patch("os.fsync"):
        home = Path(folder)
        (home / "lived").mkdir()
        (home / "clean").mkdir()
        with desk(home / "lived", Jot(slice_bytes=slice_bytes)) as lived:
            for name in NAMES:
                lived.write(name, line("start", at=1))
            for step in steps:
                _do(lived, step)
            for name in NAMES:
                lived.read(name)
            with desk(home / "clean") as clean:
                clean.jots.rmdir()
                clean.jots = lived.jots
                for name in NAMES:
                    clean.read(name)
                assert dump(lived.index) == dump(clean.index)
            for name in NAMES:
                _check_archive(lived, name)


def _do(place: Desk, step: tuple[str, str, int, list[str]]) -> None:
    kind, name, number, added = step
    path = place.jots / name
    lines = path.read_text().splitlines(keepends=True)
    if kind == "append":
        place.write(name, *added, append=True)
    elif kind == "tear":
        place.write(name, added[0][:-9], append=True)
    elif kind == "replace":
        place.replace(name, line("start", at=1), *added)
    elif kind == "cut":
        os.truncate(path, len("".join(lines[: number + 1]).encode()))
    elif kind == "change":
        lines[min(number, len(lines) - 1)] = added[0]
        place.replace(name, line("start", at=1), *lines)
    elif kind == "read":
        place.read(name)
    elif kind == "half":
        place.writer.apply(place.prepared(name)[:1])
    elif kind == "restart":
        place.restart()
    elif kind == "merge":
        place.writer.merge(place.row(name).id)


def _check_archive(place: Desk, name: str) -> None:
    row = place.row(name)
    file = archive.file_for(place.archive_dir, "jot", row.path)
    assert archive.verify(file) == []
    kept = b"".join(archive.read(file, row.generation))
    assert kept == Path(row.path).read_bytes()[: row.offset]
    assert len(kept) == row.offset == row.archived_len
    assert file.stat().st_size == row.archive_size
