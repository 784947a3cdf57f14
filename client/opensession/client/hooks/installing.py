"""Putting hooks into an agent's settings file and taking them out: recorded, backed up, atomic."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from opensession.client import outside
from opensession.client.hooks.agents import HOOKED, Hooked, find
from opensession.client.hooks.problems import Clash, NotReadable
from opensession.core.errors import OpenSessionError, Refused, UsageError
from opensession.core.paths import Paths, make_private, write_private
from opensession.core.rpc.changes import Change

KIND = "hook-"
"""What the kind of our changes begins with; the agent's name follows."""

_LIMIT = 16 << 20


def hooked(agent: str) -> Hooked:
    """The agent of a name. Raises UsageError for one without hooks."""
    found = find(agent)
    if found is None:
        names = ", ".join(each.name for each in HOOKED)
        raise UsageError(
            f"{agent} has no hooks that we know; these have: {names}", "opensession stream enable"
        )
    return found


def install(agent: Hooked, paths: Paths, environ: Mapping[str, str]) -> Path | None:
    """Put our hooks into the agent's settings and give the file; None if they are there already.

    Raises Refused, the file being untouched, where the agent was never used, where its settings
    cannot be read, or hold something that ours cannot stand beside.
    """
    folder = agent.home(environ, paths.home)
    if not folder.is_dir():
        raise Refused(f"{agent.label} was never used here: there is no {folder}", "")
    path = _real(agent.path(environ, paths.home))
    make_private(paths.hints_dir)
    before = _read(path)
    after = _edited(agent, path, before, str(paths.hints_dir))
    if after == before:
        return None
    backup = _back_up(paths, path, before)
    outside.record(f"{KIND}{agent.name}", str(path), before, after, backup=backup)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if _read(path) != before:
        raise Refused(f"{path} was changed by another program just now", "try again")
    _write(path, after)
    return path


def remove(agent: Hooked, paths: Paths) -> list[Path]:
    """Take our hooks out of every file that they were put into, and give the files. What others
    changed since stays; a file that nobody touched is as it was, byte by byte.
    """
    made = outside.changes(f"{KIND}{agent.name}")
    changed = [Path(path) for path in {change.path: None for change in reversed(made)}]
    done = [path for path in changed if _restore(agent, path, made, str(paths.hints_dir))]
    outside.forget(made)
    return done


def remove_all(paths: Paths) -> tuple[list[Path], list[str]]:
    """As `remove`, for all agents; what could not be done is told in sentences."""
    done: list[Path] = []
    problems: list[str] = []
    names = {change.kind.removeprefix(KIND) for change in outside.changes() if _is_hook(change)}
    for agent in (each for each in HOOKED if each.name in names):
        try:
            done += remove(agent, paths)
        except (OpenSessionError, OSError) as error:
            problems.append(str(error))
    return done, problems


def is_installed(agent: Hooked, paths: Paths, environ: Mapping[str, str]) -> bool:
    """Reports whether all of our hooks are in the agent's settings."""
    try:
        path = _real(agent.path(environ, paths.home))
        before = _read(path)
        return before is not None and _edited(agent, path, before, str(paths.hints_dir)) == before
    except (OSError, Refused):
        return False


def _is_hook(change: Change) -> bool:
    return change.kind.startswith(KIND)


def _restore(agent: Hooked, path: Path, made: list[Change], hints_dir: str) -> bool:
    now = _read(path)
    if now is None:
        return False
    last = next(change for change in reversed(made) if change.path == str(path))
    first = next(change for change in made if change.path == str(path))
    before = _read(Path(last.backup)) if last.backup else None
    if outside.digest(before) != last.sha256_before:
        before = None  # the copy is gone or was changed: it is no witness
    text = _text(path, now)
    was = None if before is None else before.decode("utf-8", errors="replace")
    try:
        clean = agent.edit.remove(text, hints_dir, was)
        untouched = outside.digest(now) == last.sha256_after
        if untouched and was is not None and agent.edit.remove(was, hints_dir, None) == was:
            clean = was
    except (NotReadable, Clash) as error:
        raise Refused(f"{path} is left as it is: {error}", f"$EDITOR {path}") from None
    if not first.sha256_before and (untouched or clean.strip() in ("", "{}")):
        path.unlink()
        if path.parent.name == "hooks":
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # only if it is empty: the folder was made for our file
        return True
    if clean == text:
        return False
    _write(path, clean.encode())
    return True


def _edited(agent: Hooked, path: Path, before: bytes | None, hints_dir: str) -> bytes:
    text = "" if before is None else _text(path, before)
    try:
        return agent.edit.add(text, hints_dir).encode()
    except NotReadable as error:
        raise Refused(
            f"{path} cannot be read, so it is not touched: {error}", f"$EDITOR {path}"
        ) from None
    except Clash as error:
        raise Refused(f"{path} is not touched: {error}", f"$EDITOR {path}") from None


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(f"{path} is not UTF-8, so it is not touched", f"$EDITOR {path}") from None


def _real(path: Path) -> Path:
    """The file behind links. Raises Refused for what is no regular file of this user."""
    real = path.resolve()
    try:
        found = real.stat()
    except FileNotFoundError:
        return real
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_nlink > 1:
        raise Refused(f"{real} is not a plain file of yours alone, so it is not touched", "")
    if found.st_size > _LIMIT:
        raise Refused(f"{real} is too large for settings, so it is not touched", "")
    return real


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _back_up(paths: Paths, path: Path, data: bytes | None) -> str:
    if data is None:
        return ""
    name = f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}-{outside.digest(data)[:16]}"
    folder = paths.data_dir / "backups"
    make_private(folder)
    write_private(folder / name, data)
    return str(folder / name)


def _write(path: Path, data: bytes) -> None:
    """Replace the file at once, with the mode that it has."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
