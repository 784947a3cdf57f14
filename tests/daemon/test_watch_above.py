"""Folders above those that are watched: when one is renamed, what is in it hears nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.daemon.watch import RootState
from opensession.daemon.watch_inotify import InotifyWatcher
from tests.daemon.test_watch import Recorder, aimed, root_at


@pytest.fixture
def sink() -> Recorder:
    return Recorder()


@pytest.fixture
def inotify(sink: Recorder) -> Iterator[InotifyWatcher]:
    made = InotifyWatcher(sink)
    yield made
    made.stop()


@pytest.mark.parametrize("levels", [1, 2])
def test_a_root_goes_with_a_folder_above_it_and_comes_back(
    inotify: InotifyWatcher, sink: Recorder, tmp_path: Path, levels: int
) -> None:
    """`mv ~/.claude ~/.claude-old`: the folders that are watched in it hear nothing of that."""
    home = tmp_path.resolve()
    root = root_at(home / "up" / "above" / "root")
    moved = Path(root.path).parents[levels - 1]
    Path(root.path, "project").mkdir(parents=True)
    inotify.watch([root])
    moved.rename(home / "old")
    sink.wait_for("*")
    assert inotify.state(root) == RootState("events", exists=False)
    Path(root.path).mkdir(parents=True)
    aimed(inotify, sink, root)
    sink.drain()
    Path(root.path, "a.jsonl").write_text("one\n")
    sink.wait_for(Path(root.path, "a.jsonl"))
    assert inotify.watched() == [root.path]
    (home / "old" / "other").write_text("of nobody's any more")
    inotify.watch([])
    assert inotify.watched() == []
    assert inotify._instance is not None
    assert inotify._instance.held() == 0
