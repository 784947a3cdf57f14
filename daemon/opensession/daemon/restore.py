"""Taking a backup into a home: into an empty one as it is, or merged into what is there.

All of it is unpacked beside the data and compared with the backup's own list first; until then
nothing of the home is touched. The index is made anew from the archive afterwards.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from opensession.core.errors import Refused, Unreachable
from opensession.core.paths import Paths, find_paths, make_private, write_private
from opensession.daemon import audit, lifecycle, restore_forgotten, restore_merge, set_aside
from opensession.daemon import backup_format as form
from opensession.daemon.archive import DamagedArchive, NewerArchive, file_for, is_full, is_low, scan
from opensession.daemon.archive.checking import look_through
from opensession.daemon.store import connect, forgetting

_STAGING = ".restoring-"

Told = Callable[[int, int], None]
"""How many bytes of the backup's file are read, of how many."""


class Restored(msgspec.Struct, frozen=True):
    """`files` of the archive were put into place (`merged` of them joined with what was there);
    `left_out` are forgotten here. `notes` say what is not as in the backup.
    """

    files: int
    merged: int = 0
    left_out: int = 0
    notes: list[str] = []


def print_run(environ: Mapping[str, str], file: str, *, merge: bool) -> int:
    """Takes a backup in and prints what came of it as JSON. Raises what `run` raises."""
    done = run(environ, Path(file), merge=merge)
    sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
    return 0


def run(
    environ: Mapping[str, str], file: Path, *, merge: bool, told: Told = lambda done, total: None
) -> Restored:
    """Takes a backup in, with no daemon running.

    Raises Unreachable where one runs, Refused with a reason where nothing was changed.
    """
    paths = find_paths(environ)
    lifecycle.check_place(paths)
    for folder in (paths.config_dir, paths.data_dir, paths.state_dir):
        make_private(folder)
    lifecycle.check_host(paths)
    lock = lifecycle.take_lock(paths.lock_file)
    if lock is None:
        raise Unreachable(
            "a daemon works on this home", "opensession daemon stop, then restore again"
        )
    try:
        _left_over(paths)
        if not merge:
            _check_empty(paths)
        staging = paths.data_dir / f"{_STAGING}{secrets.token_hex(4)}"
        staging.mkdir(mode=0o700)
        try:
            members = _unpack(file, staging, told)
            notes = _check(staging, members)
            done = _merge(paths, staging) if merge else _place(paths, staging)
            done = msgspec.structs.replace(done, notes=[*notes, *done.notes])
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        audit.record(paths, "restore", "change", files=done.files, left_out=done.left_out)
        return done
    finally:
        os.close(lock)


def _unpack(file: Path, staging: Path, told: Told) -> list[form.Member]:
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.fdopen(os.open(file, flags), "rb")
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}", "give another file") from error
    with opened, contextlib.ExitStack() as ending:
        if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
            raise Refused(
                f"{file} is no plain file", "give the file that the backup was written to"
            )
        size = os.fstat(opened.fileno()).st_size
        last: list[_Unpacked] = []

        def sink(name: str) -> form.Sink:
            if last:
                last.pop().close()
            one = _Unpacked(staging, name)
            ending.callback(one.close)
            last.append(one)
            return one

        try:
            return form.read(opened, sink, lambda done: told(done, size))
        except OSError as error:
            if is_full(error):
                raise Refused("no room to unpack the backup", f"df -h {staging.parent}") from error
            raise Refused(
                f"the backup cannot be unpacked: {error.strerror}", f"df -h {staging.parent}"
            ) from error


class _Unpacked:
    """A member in the staging folder, of a name that was checked."""

    def __init__(self, staging: Path, name: str) -> None:
        path = staging / name
        for folder in reversed(path.relative_to(staging).parents):
            (staging / folder).mkdir(mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._folder = staging
        self._unsynced = 0

    def write(self, data: bytes, /) -> None:
        self._file.write(data)
        self._unsynced += len(data)
        if self._unsynced > 64 << 20:
            self._unsynced = 0
            if is_low(self._folder):
                raise OSError(28, "no room")

    def close(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()


def _check(staging: Path, members: list[form.Member]) -> list[str]:
    """Raises Refused unless each part is what its name says; reads every frame of the archive, and
    names the files in which some are damaged, as they were when the backup was made.
    """
    notes: list[str] = []
    names = {member.name for member in members}
    if not {form.USER, form.KEY} <= names:
        raise Refused("the backup lacks its key or user.db", "take another file")
    restore_merge.check_user(staging / form.USER)
    for member in members:
        if form.ARCHIVE.fullmatch(member.name):
            path = staging / member.name
            try:
                found = scan(path)
            except NewerArchive as error:
                raise Refused("its archive was made by a newer version", error.hint) from error
            identity = found.identity
            if (
                identity is None
                or file_for(staging / "archive", identity.agent, identity.path) != path
            ):
                raise Refused("the backup holds a file that is of no session", "take another file")
            broken = look_through(path).broken
            if broken:
                notes.append(
                    f"damaged in the backup: {member.name}: {broken[0].reason};"
                    " what is intact of it is taken"
                )
    return notes


def _check_empty(paths: Paths) -> None:
    there = [paths.user_db, paths.key_file]
    if any(path.exists() for path in there) or any(_files(paths.archive_dir)):
        raise Refused(
            "sessions are kept in this home already", "add --merge, to have both afterwards"
        )


def _place(paths: Paths, staging: Path) -> Restored:
    """Everything into an empty home. What is there last is `user.db`, so a home that was restored
    in part is told from one that is whole.
    """
    archive = staging / "archive"
    count = sum(1 for _ in _files(archive))
    if archive.is_dir():
        if paths.archive_dir.is_dir():
            shutil.rmtree(paths.archive_dir)
        archive.rename(paths.archive_dir)
    notes = _settings(paths, staging)
    for path in (paths.index_db, paths.user_db):
        _remove(path)
    (staging / form.KEY).rename(paths.key_file)
    (staging / form.USER).rename(paths.user_db)
    _sync(paths.data_dir)
    return Restored(files=count, notes=notes)


def _merge(paths: Paths, staging: Path) -> Restored:
    """Both together: what is here stands where the two differ, and what is forgotten here or there
    stays so.
    """
    _check_here(paths)
    notes = _settings(paths, staging)
    same_key = True
    if not paths.key_file.exists() and not paths.user_db.exists():
        write_private(paths.key_file, (staging / form.KEY).read_bytes())
    else:
        key = paths.key_file.read_bytes() if paths.key_file.exists() else b""
        same_key = key == (staging / form.KEY).read_bytes()
    if not paths.user_db.exists():
        _remove(paths.user_db)
        if same_key:
            shutil.copyfile(staging / form.USER, paths.user_db)
            paths.user_db.chmod(0o600)
        connect.open_user(paths.user_db).close()
    joined = restore_merge.merge_user(
        paths, staging / form.USER, staging / form.KEY, same_key=same_key
    )
    guards = joined.guards
    notes += joined.notes
    files = merged = left_out = 0
    for path in _files(staging / "archive"):
        identity = scan(path).identity
        assert identity is not None  # noqa: S101 - as checked
        if restore_forgotten.is_left_out(guards, identity):
            left_out += 1
            continue
        target = file_for(paths.archive_dir, identity.agent, identity.path)
        try:
            merged += restore_forgotten.merge_file(paths.archive_dir, path, identity, guards)
        except DamagedArchive as error:
            notes.append(f"left as it is: {target}: {error}")
        else:
            files += 1
    restore_forgotten.blank_here(paths.archive_dir, guards)
    if paths.index_db.exists():
        set_aside.put_aside(paths.index_db)
        for agent, name in joined.forgotten:
            forgetting.forget_aside(paths.index_db, agent, {name})
    _sync(paths.data_dir)
    if not same_key:
        notes.append(
            "the backup has another key: of its user.db names, links of projects and what was"
            " forgotten of the sessions here are taken"
        )
    return Restored(files=files, merged=merged, left_out=left_out, notes=notes)


def _check_here(paths: Paths) -> None:
    """Raises Refused where `user.db` is damaged: what a person said is not thrown away unasked."""
    if not paths.user_db.exists():
        return
    try:
        db = connect.open_user(paths.user_db, check=True)
        try:
            connect.quick_check(db, paths.user_db)
        finally:
            db.close()
    except connect.CorruptDatabase as error:
        raise Refused(
            f"{paths.user_db} is damaged, and would be joined with that of the backup",
            f"mv {paths.user_db} {paths.user_db}.damaged, then the same again",
        ) from error


def _remove(database: Path) -> None:
    """Removes a database with its log, which would be played into the next of this name."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _settings(paths: Paths, staging: Path) -> list[str]:
    """The settings, where there are none; what was not taken."""
    notes: list[str] = []
    for name, path in zip(form.CONFIGS, (paths.config_file, paths.login_file), strict=True):
        found = staging / name
        if not found.exists():
            continue
        if path.exists():
            if path.read_bytes() != found.read_bytes():
                notes.append(f"{path} is left as it is")
        else:
            write_private(path, found.read_bytes())
            if programs := _programs(found):
                notes.append(
                    f"{path} has the daemon run {', '.join(programs)}: look before it starts"
                )
    return notes


def _programs(config: Path) -> list[str]:
    """The names of the agents that settings have a command run for."""
    try:
        watchers = tomllib.loads(config.read_text(encoding="utf-8")).get("watchers")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return []
    commands = watchers.get("commands") if isinstance(watchers, dict) else None
    tables = commands if isinstance(commands, list) else []
    return [str(each.get("name", "?")) for each in tables if isinstance(each, dict)]


def _files(archive: Path) -> Iterator[Path]:
    return archive.glob("[0-9a-f][0-9a-f]/*.zst")


def _left_over(paths: Paths) -> None:
    """Removes what a restore or a backup that was killed left."""
    for pattern in (f"{_STAGING}*", ".backup-*"):
        for folder in paths.data_dir.glob(pattern):
            shutil.rmtree(folder, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
