"""Watching real folders: whatever happens below a root comes as a hint or a rescan."""

from __future__ import annotations

import errno
import os
import queue
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from opensession.daemon import watch_inotify
from opensession.daemon.inotify import OVERFLOW, Event, Inotify, parse
from opensession.daemon.watch import RootState, Watcher, make_watcher
from opensession.daemon.watch_inotify import InotifyWatcher
from opensession.daemon.watch_observer import ObserverWatcher
from opensession.parsers.agent import Root

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs inotify")

PATIENCE = 20.0


class Recorder:
    """A sink that keeps what it is told, to be waited for."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[Root | None, str]] = queue.Queue()
        self.on_rescan: Callable[[], None] = lambda: None

    def hint(self, root: Root, paths: Collection[str]) -> None:
        for path in paths:
            self.told.put((root, path))

    def rescan(self, root: Root | None) -> None:
        self.told.put((root, "*"))

    def wait_for(self, path: Path | str) -> None:
        """Waits until `path` is told of ("*": a rescan)."""
        while self.told.get(timeout=PATIENCE)[1] != str(path):
            pass

    def drain(self) -> set[str]:
        seen = set()
        while not self.told.empty():
            seen.add(self.told.get()[1])
        return seen


def root_at(path: Path, depth: int | None = None) -> Root:
    return Root(agent="codex", path=str(path), watch_depth=depth)


@pytest.fixture
def sink() -> Recorder:
    return Recorder()


Make = Callable[[], Watcher]


ALSO_WATCHDOG = [
    "inotify",
    # On Linux, where we do not use it, watchdog warns of a folder that it meets twice.
    pytest.param("watchdog", marks=pytest.mark.filterwarnings("ignore:Callback with id")),
]


@pytest.fixture(params=ALSO_WATCHDOG)
def watcher(request: pytest.FixtureRequest, sink: Recorder) -> Iterator[Watcher]:
    made: Watcher = InotifyWatcher(sink) if request.param == "inotify" else ObserverWatcher(sink)
    yield made
    made.stop()


@pytest.fixture
def inotify(sink: Recorder) -> Iterator[InotifyWatcher]:
    made = InotifyWatcher(sink)
    yield made
    made.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def aimed(watcher: Watcher, sink: Recorder, root: Root) -> None:
    """What the daemon does on a rescan, until the root is there."""
    while not watcher.state(root).exists:
        sink.wait_for("*")
        watcher.check()


def test_this_platform_uses_inotify(sink: Recorder) -> None:
    made = make_watcher(sink)
    made.stop()
    assert isinstance(made, InotifyWatcher)


def test_an_append_is_told(watcher: Watcher, sink: Recorder, home: Path) -> None:
    file = home / "deep" / "er" / "a.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("one\n")
    watcher.watch([root_at(home)])
    assert watcher.state(root_at(home)) == RootState("events")
    with file.open("a") as out:
        out.write("two\n")
    sink.wait_for(file)


def test_truncation_replacement_rename_and_deletion_are_told(
    watcher: Watcher, sink: Recorder, home: Path
) -> None:
    """users.md D9: folders are watched, so a replaced file stays in sight."""
    file, other = home / "a.jsonl", home / "b.jsonl"
    file.write_text("one\n")
    watcher.watch([root_at(home)])
    os.truncate(file, 0)
    sink.wait_for(file)
    (home / "tmp").write_text("new\n")
    (home / "tmp").replace(file)
    sink.wait_for(file)
    sink.drain()
    with file.open("a") as out:
        out.write("after\n")
    sink.wait_for(file)
    file.rename(other)
    sink.wait_for(other)
    other.unlink()
    sink.wait_for(other)


def test_files_in_folders_made_in_one_go_are_told(
    inotify: InotifyWatcher, sink: Recorder, home: Path
) -> None:
    """users.md D8: mkdir -p and a write at once, before any watch can be set."""
    inotify.watch([root_at(home)])
    for number in range(30):
        folder = home / str(number) / "x" / "y"
        folder.mkdir(parents=True)
        (folder / "a.jsonl").write_text("one\n")
    missing = {str(home / str(number) / "x" / "y" / "a.jsonl") for number in range(30)}
    while missing:
        missing.discard(sink.told.get(timeout=PATIENCE)[1])
    with (home / "7" / "x" / "y" / "a.jsonl").open("a") as out:
        sink.drain()
        out.write("two\n")
        out.flush()
        sink.wait_for(home / "7" / "x" / "y" / "a.jsonl")


def test_a_folder_that_appears_brings_a_look_at_the_root(sink: Recorder, home: Path) -> None:
    """What watchdog's own race misses is found by the reconcile."""
    watcher = ObserverWatcher(sink)
    watcher.watch([root_at(home)])
    (home / "new").mkdir()
    sink.wait_for("*")
    watcher.stop()


def test_a_tree_that_is_moved_in_is_told(watcher: Watcher, sink: Recorder, home: Path) -> None:
    inside, outside = home / "in", home / "out"
    (outside / "tree" / "sub").mkdir(parents=True)
    (outside / "tree" / "sub" / "a.jsonl").write_text("one\n")
    inside.mkdir()
    watcher.watch([root_at(inside)])
    (outside / "tree").rename(inside / "tree")
    sink.wait_for(inside / "tree" / "sub" / "a.jsonl")
    (inside / "tree").rename(outside / "back")
    sink.wait_for("*")


def test_a_root_that_does_not_exist_yet_is_waited_for(
    watcher: Watcher, sink: Recorder, home: Path
) -> None:
    """users.md D24: the nearest existing parent is watched; a missing root is a state."""
    root = root_at(home / ".codex" / "sessions")
    watcher.watch([root])
    assert watcher.state(root) == RootState("events", exists=False)
    (home / "unrelated").write_text("x")
    Path(root.path).mkdir(parents=True)
    aimed(watcher, sink, root)
    (Path(root.path) / "a.jsonl").write_text("one\n")
    sink.wait_for(f"{root.path}/a.jsonl")


def test_a_root_that_goes_and_comes_back(watcher: Watcher, sink: Recorder, home: Path) -> None:
    root = root_at(home / "sessions")
    Path(root.path).mkdir()
    watcher.watch([root])
    shutil.rmtree(root.path)
    while watcher.state(root).exists:
        sink.wait_for("*")
        watcher.check()
    Path(root.path).mkdir()
    aimed(watcher, sink, root)
    (Path(root.path) / "a.jsonl").write_text("one\n")
    sink.wait_for(f"{root.path}/a.jsonl")


def test_a_root_that_was_replaced_unseen_is_found_by_the_check(
    watcher: Watcher, sink: Recorder, home: Path
) -> None:
    root = root_at(home / "agent" / "sessions")
    Path(root.path).mkdir(parents=True)
    watcher.watch([root])
    (home / "agent").rename(home / "old")
    Path(root.path).mkdir(parents=True)
    watcher.check()
    (Path(root.path) / "a.jsonl").write_text("one\n")
    sink.wait_for(f"{root.path}/a.jsonl")


def test_roots_can_be_added_and_dropped(watcher: Watcher, sink: Recorder, home: Path) -> None:
    first, second = root_at(home / "one"), root_at(home / "two")
    for root in (first, second):
        Path(root.path).mkdir()
    watcher.watch([first])
    watcher.watch([second])
    assert watcher.state(first) == RootState("off")
    (home / "one" / "a.jsonl").write_text("x")
    (home / "two" / "a.jsonl").write_text("x")
    sink.wait_for(home / "two" / "a.jsonl")
    assert str(home / "one" / "a.jsonl") not in sink.drain()


def test_two_missing_roots_below_one_parent(watcher: Watcher, sink: Recorder, home: Path) -> None:
    first, second = root_at(home / "one"), root_at(home / "two")
    watcher.watch([first, second])
    Path(first.path).mkdir()
    aimed(watcher, sink, first)
    Path(second.path).mkdir()
    aimed(watcher, sink, second)


def test_reading_does_not_wake_us(inotify: InotifyWatcher, sink: Recorder, home: Path) -> None:
    """users.md D12: our own reads of a source give no events."""
    (home / "a.jsonl").write_text("one\n")
    inotify.watch([root_at(home)])
    for _ in range(10):
        (home / "a.jsonl").read_bytes()
        list(home.iterdir())
    (home / "b.jsonl").write_text("x")
    sink.wait_for(home / "b.jsonl")
    assert str(home / "a.jsonl") not in sink.drain()


def test_folders_below_the_depth_are_not_watched_until_something_changes_there(
    inotify: InotifyWatcher, sink: Recorder, home: Path
) -> None:
    """DECISIONS §8: the agent's row says to which depth watches go."""
    deep = home / "project" / "session" / "parts"
    deep.mkdir(parents=True)
    root = root_at(home, depth=1)
    inotify.watch([root])
    assert inotify.watched() == [str(home), str(home / "project")]
    inotify.attend(root, str(deep))
    (deep / "a.jsonl").write_text("x")
    sink.wait_for(deep / "a.jsonl")


def test_attended_folders_are_bounded(
    sink: Recorder, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_inotify, "ATTENDED", 3)
    watcher = InotifyWatcher(sink)
    root = root_at(home, depth=0)
    watcher.watch([root])
    for number in range(6):
        (home / str(number)).mkdir()
        watcher.attend(root, str(home / str(number)))
    assert watcher.watched() == [str(home), *(str(home / name) for name in "345")]
    watcher.stop()


def test_too_many_folders_leave_the_oldest_to_the_reconcile(sink: Recorder, home: Path) -> None:
    for number in range(10):
        (home / f"day{number}").mkdir()
        os.utime(home / f"day{number}", (number, number))
    watcher = InotifyWatcher(sink, max_folders=4)
    watcher.watch([root_at(home)])
    assert watcher.watched() == [str(home), *(str(home / f"day{n}") for n in (7, 8, 9))]
    assert watcher.state(root_at(home)).note.startswith("7 older folders")
    watcher.stop()


class Limited(Inotify):
    """An instance in a system that allows only so many watches."""

    allowed = 5

    def add(self, path: str, mask: int) -> int:
        if (self.held() or 0) >= self.allowed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().add(path, mask)


def test_too_few_watches_make_a_root_polled_and_are_given_back(sink: Recorder, home: Path) -> None:
    """users.md D10: the limit is named, that root is polled, others go on; retried with backoff."""
    large, small = root_at(home / "large"), root_at(home / "small")
    for number in range(20):
        (home / "large" / str(number)).mkdir(parents=True)
    Path(small.path).mkdir()
    now = [0.0]
    made: list[Limited] = []

    def make() -> Inotify:
        made.append(Limited())
        return made[-1]

    watcher = InotifyWatcher(sink, make=make, clock=lambda: now[0])
    watcher.watch([large, small])
    state = watcher.state(large)
    assert state.mode == "polling"
    assert "fs.inotify.max_user_watches" in state.note
    assert watcher.state(small) == RootState("events")
    assert watcher.watched() == [small.path]
    assert made[0].held() == 1 + watch_inotify.GUARDED
    made[0].allowed = 100
    watcher.check()
    assert watcher.state(large).mode == "polling"
    now[0] += watch_inotify.RETRY_LIMIT_SECONDS[0]
    watcher.check()
    assert watcher.state(large) == RootState("events")
    watcher.stop()


def test_a_limit_met_later_is_noticed(sink: Recorder, home: Path) -> None:
    watcher = InotifyWatcher(sink, make=Limited)
    watcher.watch([root_at(home)])
    assert watcher.state(root_at(home)).mode == "events"
    for number in range(10):
        (home / str(number)).mkdir()
    sink.wait_for("*")
    assert watcher.state(root_at(home)).mode == "polling"
    watcher.stop()


def test_no_instance_left_means_polling_until_one_is_free(sink: Recorder, home: Path) -> None:
    now = [0.0]
    full = [True]

    def make() -> Inotify:
        if full[0]:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return Inotify()

    watcher = InotifyWatcher(sink, make=make, clock=lambda: now[0])
    watcher.watch([root_at(home)])
    state = watcher.state(root_at(home))
    assert state.mode == "polling"
    assert "max_user_instances" in state.note
    full[0] = False
    watcher.check()
    assert watcher.state(root_at(home)).mode == "polling"
    now[0] += watch_inotify.RETRY_LIMIT_SECONDS[0]
    watcher.check()
    assert watcher.state(root_at(home)) == RootState("events")
    (home / "a.jsonl").write_text("x")
    sink.wait_for(home / "a.jsonl")
    watcher.stop()


def test_watches_that_were_lost_are_counted_and_set_again(
    inotify: InotifyWatcher, sink: Recorder, home: Path
) -> None:
    """DECISIONS §8: the watches held are counted."""
    (home / "sub").mkdir()
    inotify.watch([root_at(home)])
    instance = inotify._instance
    assert instance is not None
    assert instance.held() == 2 + watch_inotify.GUARDED
    with inotify._lock:
        lost = next(n for n, path in inotify._paths.items() if path.endswith("/sub"))
        instance._libc.inotify_rm_watch(instance._descriptor, lost)
        inotify.check()
    assert instance.held() == 2 + watch_inotify.GUARDED
    (home / "sub" / "a.jsonl").write_text("x")
    sink.wait_for(home / "sub" / "a.jsonl")


def test_an_overflow_of_the_kernels_queue_looks_at_everything(sink: Recorder, home: Path) -> None:
    """users.md D7: the overflow event marks every root dirty."""

    class Overflowing(Inotify):
        def read(self) -> list[Event]:
            events = super().read()
            return [Event(-1, OVERFLOW, "")] if events else []

    watcher = InotifyWatcher(sink, make=Overflowing)
    watcher.watch([root_at(home)])
    (home / "a.jsonl").write_text("x")
    root, path = sink.told.get(timeout=PATIENCE)
    assert (root, path) == (None, "*")
    watcher.stop()


def test_a_dead_watch_thread_is_replaced(sink: Recorder, home: Path) -> None:
    broken = [True]

    class Breaking(Inotify):
        def read(self) -> list[Event]:
            events = super().read()
            if broken[0]:
                raise RuntimeError("broken")
            return events

    watcher = InotifyWatcher(sink, make=Breaking)
    watcher.watch([root_at(home)])
    (home / "a.jsonl").write_text("x")
    sink.wait_for("*")
    broken[0] = False
    thread = watcher._thread
    assert thread is not None
    thread.join(PATIENCE)
    watcher.check()
    (home / "b.jsonl").write_text("x")
    sink.wait_for(home / "b.jsonl")
    watcher.stop()


def test_a_dead_observer_is_replaced(sink: Recorder, home: Path) -> None:
    made: list[BaseObserver] = []

    def make() -> BaseObserver:
        made.append(Observer())
        return made[-1]

    watcher = ObserverWatcher(sink, make=make)
    watcher.watch([root_at(home)])
    made[0].stop()
    made[0].join()
    watcher.check()
    (home / "b.jsonl").write_text("x")
    sink.wait_for(home / "b.jsonl")
    watcher.stop()


def test_a_polled_file_system_gets_no_watches(sink: Recorder, home: Path) -> None:
    """DECISIONS §8: the file system kind of a root decides events or polling."""
    watcher = InotifyWatcher(sink, is_polled=lambda path: "nfs4")
    watcher.watch([root_at(home)])
    assert watcher.state(root_at(home)).mode == "polling"
    assert "nfs4" in watcher.state(root_at(home)).note
    assert watcher.watched() == []
    watcher.stop()


def test_a_real_limit_is_met_without_an_exception(home: Path, sink: Recorder) -> None:
    """The same against the kernel's own limit, in a user namespace of its own."""
    for number in range(40):
        (home / str(number)).mkdir()
    program = f"""
import sys
from pathlib import Path
Path("/proc/sys/user/max_inotify_watches").write_text("20")
from opensession.daemon.watch_inotify import InotifyWatcher
from opensession.parsers.agent import Root
class Sink:
    def hint(self, root, paths): pass
    def rescan(self, root): pass
root = Root(agent="codex", path={str(home)!r})
watcher = InotifyWatcher(Sink())
watcher.watch([root])
print(watcher.state(root).mode, len(watcher.watched()), watcher.state(root).note)
watcher.stop()
"""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("unshare is not installed")
    import subprocess

    done = subprocess.run(
        [unshare, "--user", "--map-root-user", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Operation not permitted" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("user namespaces are not allowed here")
    assert done.stdout.startswith("polling 0 too few inotify watches"), done.stderr


def test_torn_and_foreign_events_do_not_disturb() -> None:
    assert parse(b"") == []
    assert parse(b"\1\0\0\0") == []
    whole = (7).to_bytes(4, "little") + (2).to_bytes(4, "little") + bytes(4)
    name = (16).to_bytes(4, "little") + b"a.jsonl".ljust(16, b"\0")
    assert parse(whole + name) == [Event(7, 2, "a.jsonl")]
    assert parse((whole + name)[:-3]) == []
