"""The checks that `doctor` makes beyond those of `health`: what is looked at seldom, or costs more.

They need no running daemon, and change nothing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw

from opensession.core.paths import Paths
from opensession.core.rpc.daemon import State
from opensession.core.rpc.doctor import Finding, Fix
from opensession.core.rpc.storage import VerifyResult
from opensession.daemon.archive.checking import HEADER, UNREADABLE
from opensession.daemon.mounts import mount_of
from opensession.daemon.store.connect import APPLICATION_IDS, CorruptDatabase, open_reader
from opensession.daemon.verifying import sentence

SAFE_SQLITE = (3, 51, 3)
"""Earlier ones can damage a database in WAL mode that several connections use."""

WITHDRAWN_SQLITE = ((3, 52, 0),)

LEAST_WATCHES = 8192
MOST_FOLDERS = 200_000
MOST_NAMED = 5
_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")

_CONFIG = re.compile(r"(daemon|config)\.toml(\.bak)?\Z")
_DATA = re.compile(
    r"(index|user)\.db(-wal|-shm|\.old.*|\.corrupt-.*)?\Z|archive\Z|objects\Z|backups\Z|privacy\.key\Z"
)
_STATE = re.compile(
    r"daemon\.(lock|json|log(\.\d+)?|sock)\Z|(client|audit)\.log(\.\d+)?\Z|start\.err\Z|stopped\Z"
    r"|launchd\.log\Z|hints\Z|work\Z"
)
_TEMPORARY = re.compile(r"\..+\.\d+\.\d+\.tmp\Z")
_ORIGINAL = frozenset(
    ("local.db", "opensession.toml", "daemon.pid", "repo-registry.json", "state.json")
)
"""What the original program leaves in the same folders; never written by us (DECISIONS §1)."""

_ARCHIVE_FOLDER = re.compile(r"[0-9a-f]{2}\Z")
_ARCHIVE_FILE = re.compile(r"[0-9a-f]{38}\.zst\Z")
_MERGING = ".merging"


def check_sqlite(version: str = "") -> list[Finding]:
    """Whether the SQLite that we bring is one that is known not to damage databases."""
    version = version or apsw.sqlite_lib_version()
    numbers = tuple(int(each) for each in re.findall(r"\d+", version)[:3])
    if numbers < SAFE_SQLITE or numbers in WITHDRAWN_SQLITE:
        said = f"SQLite {version} can damage a database that several connections use"
        return [_finding("sqlite", "warn", said, "update opensession, and apsw with it")]
    return [_finding("sqlite", "ok", f"SQLite {version}")]


def check_databases(paths: Paths, *, deep: bool) -> list[Finding]:
    """Whether what cannot be made again can be read and is whole, and (`deep`) the index in all of
    its pages.
    """
    found = []
    for kind, path in (("user", paths.user_db), ("index", paths.index_db)):
        if kind == "index" and not deep:
            continue
        name = f"{path.stem}.integrity"
        if not path.exists():
            found.append(_finding(name, "ok", f"there is no {path.name} yet"))
            continue
        said = _problem_of(path, kind == "user", deep=deep)
        if not said:
            how = "in all of its pages" if deep else ""
            found.append(
                _finding(name, "ok", f"SQLite finds no damage in {path.name} {how}".strip())
            )
        elif kind == "index":
            found.append(_finding(name, "red", said, "opensession index --rebuild", "rebuild"))
        else:
            hint = f"mv {path} {path}.damaged; then, of a backup: opensession restore FILE --merge"
            found.append(_finding(name, "red", said, hint))
    return found


def check_place(paths: Paths) -> list[Finding]:
    """Whether our data lies where a database and its locks work."""
    found = []
    for folder in dict.fromkeys((paths.data_dir, paths.state_dir)):
        mount = mount_of(str(folder))
        move = "export OPENSESSION_HOME=/a/folder/on/a/local/disk"
        if mount.network:
            said = f"{folder} lies on a network file system ({mount.kind}): an index gets damaged"
            found.append(_finding("filesystem", "red", said, move))
        elif mount.polled:
            said = f"{folder} lies on a shared file system ({mount.kind}): locks may not hold"
            found.append(_finding("filesystem", "warn", said, move))
    kind = mount_of(str(paths.data_dir)).kind
    return found or [_finding("filesystem", "ok", f"a local file system ({kind or 'unknown'})")]


def check_home(paths: Paths) -> list[Finding]:
    """A home on a network is read all the same: its folders are polled."""
    mount = mount_of(str(paths.home))
    if not mount.polled:
        return []
    said = f"{paths.home} lies on {mount.kind}, which tells of no changes: it is polled"
    return [_finding("filesystem.home", "warn", said, "opensession config get daemon.poll_secs")]


def check_inotify(
    roots: Sequence[str], *, watches: Path = _WATCHES, instances: Path = _INSTANCES
) -> list[Finding]:
    """Whether the kernel allows as many watches as there are folders below the agents' roots."""
    limit, most = _number(watches), _number(instances)
    if limit is None:
        return []  # not this kernel's way
    folders = count_folders(roots)
    said = f"{folders} folders are to be watched, and the limit is {limit}"
    raised = max(524_288, 2 * folders)
    if limit < max(folders * 5 // 4, 1):
        mend = f"sudo sysctl fs.inotify.max_user_watches={raised}"
        return [_finding("inotify", "warn", f"{said}: the rest is polled", mend)]
    if limit < LEAST_WATCHES:
        mend = f"sudo sysctl fs.inotify.max_user_watches={raised}"
        return [_finding("inotify", "warn", f"{said}, which editors use too", mend)]
    if most is not None and most < 16:
        mend = "sudo sysctl fs.inotify.max_user_instances=128"
        return [_finding("inotify", "warn", f"only {most} programs may watch folders", mend)]
    return [_finding("inotify", "ok", said)]


def count_folders(roots: Sequence[str]) -> int:
    """Folders at and below these, as far as they can be read; links are not followed."""
    total = 0
    waiting = [root for root in roots if Path(root).is_dir()]
    while waiting and total < MOST_FOLDERS:
        total += 1
        try:
            with os.scandir(waiting.pop()) as entries:
                waiting += [each.path for each in entries if each.is_dir(follow_symlinks=False)]
        except OSError:
            continue
    return total


def check_open(paths: Paths) -> list[Finding]:
    """Files and folders of ours, in the archive too, that others could read."""
    found = open_to_others(paths)
    if not found:
        return [_finding("modes.all", "ok", "nothing of ours is open to others")]
    path, mode = found[0]
    said = f"{path} has mode {mode:o}, so that others may read it"
    if len(found) > 1:
        said += f", and {len(found) - 1} more"
    return [_finding("modes.all", "red", said, "opensession doctor --fix", "modes")]


def open_to_others(paths: Paths) -> list[tuple[Path, int]]:
    """Everything of ours that has a bit for others set, with its mode."""
    found = []
    for path in _ours(paths):
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
        except OSError:
            continue
        if mode & 0o077 and not path.is_symlink():
            found.append((path, mode))
    return found


def check_foreign(paths: Paths) -> list[Finding]:
    """What lies in our folders and is not ours; never touched."""
    strange, original, left = sort_out(paths)
    found = []
    if strange:
        named = ", ".join(str(path) for path in strange[:MOST_NAMED])
        more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
        said = f"not ours, left alone: {named}{more}"
        found.append(_finding("foreign", "warn", said, f"mv {strange[0]} somewhere else"))
    if original:
        named = ", ".join(path.name for path in original)
        said = f"of an earlier program of this name, never written: {named} in {original[0].parent}"
        found.append(_finding("foreign.earlier", "ok", said))
    if left:
        size = sum(path.lstat().st_size for path in left if path.exists())
        said = f"left by a crash: {len(left)} files, {size / 1e6:.1f} MB"
        found.append(_finding("left-over", "warn", said, "opensession doctor --fix", "left-over"))
    for path in sorted(paths.data_dir.glob("*.corrupt-*")):
        if not path.name.endswith(("-wal", "-shm")):
            said = f"a damaged index was kept: {path}, {path.stat().st_size / 1e6:.1f} MB"
            found.append(_finding("index.corrupt", "warn", said, f"rm {path}*"))
    return found or [_finding("foreign", "ok", "only our own files in our folders")]


def sort_out(paths: Paths) -> tuple[list[Path], list[Path], list[Path]]:
    """What is nobody's we know, what an earlier program left, what a crash of ours left."""
    strange: list[Path] = []
    original: list[Path] = []
    left: list[Path] = []
    for folder, known in (
        (paths.config_dir, _CONFIG), (paths.data_dir, _DATA), (paths.state_dir, _STATE),
    ):  # fmt: skip
        for path in _listed(folder):
            if known.match(path.name):
                continue
            if path.name in _ORIGINAL:
                original.append(path)
            elif _TEMPORARY.match(path.name):
                left.append(path)
            else:
                strange.append(path)
    for folder in _listed(paths.archive_dir):
        if folder.name.startswith(".forgetting-"):
            continue  # taken away at the next start
        if not _ARCHIVE_FOLDER.match(folder.name) or not folder.is_dir():
            strange.append(folder)
            continue
        for path in _listed(folder):
            if path.name.endswith(_MERGING) and _ARCHIVE_FILE.match(
                path.name.removesuffix(_MERGING)
            ):
                left.append(path)
            elif not _ARCHIVE_FILE.match(path.name):
                strange.append(path)
    return strange, original, left


def check_archive(found: VerifyResult) -> list[Finding]:
    """What came of looking through the archive: one finding a damaged stretch."""
    said = "every frame" if found.files == found.total_files else "a sample"
    what = (
        f"{said} was read: {found.files} of {found.total_files} files, {found.bytes / 1e6:.1f} MB"
    )
    made = []
    for frame in found.damaged:
        if frame.mended:
            made.append(_finding("archive.damage", "ok", f"mended: {sentence(frame)}"))
        elif frame.reason.startswith(UNREADABLE):
            hint = f"ls -ld {frame.file}; when it is out of the way: opensession daemon restart"
            made.append(_finding("archive.damage", "red", sentence(frame), hint))
        elif frame.living:
            hint = "opensession doctor --deep --fix"
            made.append(_finding("archive.damage", "red", sentence(frame), hint, "archive"))
        else:
            text = f"{sentence(frame)}; its agent's file is gone"
            fix: Fix = "archive" if frame.reason == HEADER else ""
            hint = "opensession restore FILE --merge    # of a backup that has it"
            made.append(_finding("archive.damage", "red", text, hint, fix))
    return made or [_finding("archive.integrity", "ok", what)]


def _problem_of(path: Path, is_user: bool, *, deep: bool) -> str:
    """What is wrong with a database, in a sentence; empty if nothing is."""
    try:
        db = open_reader(path)
    except (CorruptDatabase, apsw.Error, OSError) as error:
        reason = str(error) if isinstance(error, CorruptDatabase) else type(error).__name__
        return f"{path} cannot be opened: {reason}"
    try:
        wanted = APPLICATION_IDS["user" if is_user else "index"]
        if db.execute("PRAGMA application_id").get != wanted:
            return f"{path} is the database of another program"
        check = "integrity_check" if deep else "quick_check"
        said = db.execute(f"PRAGMA {check}(1)").get
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return f"{path} is damaged: {type(error).__name__}"
    except apsw.Error as error:
        return f"{path} cannot be read ({type(error).__name__}), so it is damaged"
    finally:
        db.close()
    return "" if said == "ok" else f"{path} is damaged: {str(said).splitlines()[0][:200]}"


def _ours(paths: Paths) -> Iterator[Path]:
    """What is to be 0600 or 0700; `daemon.toml` is a file that its user writes."""
    yield from (paths.config_dir, paths.data_dir, paths.state_dir, paths.login_file)
    for folder, known in ((paths.data_dir, _DATA), (paths.state_dir, _STATE)):
        yield from (path for path in _listed(folder) if known.match(path.name))
    for folder in _listed(paths.archive_dir):
        yield folder
        if folder.is_dir() and not folder.is_symlink():
            yield from _listed(folder)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _finding(name: str, state: State, message: str, hint: str = "", fix: Fix = "") -> Finding:
    return Finding(name=name, state=state, message=message, hint=hint, fix=fix)
