"""What a repository's own `.opensession/config.toml` asks for: it can only make rules stricter.

    [privacy]
    exclude_patterns = ["*.secret", "fixtures/live/"]   # besides those of the user
    exclude_paths = ["private", "clients/*"]            # below the repository; sessions there
    modes = { mail = "redact", keys = "block" }         # where stricter than the user's

    [publish]
    action = "ask"                                      # or never, where stricter than the user's

    [[publish.rules]]                                   # the same for branches or agents
    action = "never"
    branch = "embargo/*"

The file is as foreign as the repository: a regular file of at most 64 KiB, reached by no link;
other keys are ignored with a note, which names none of what the file holds but its keys. It counts
for sessions whose folder lies in the repository, or below the folder it stands in.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import tomllib
from collections.abc import Callable
from typing import Any

import msgspec

from opensession.core.config.settings import PublishRule
from opensession.core.config.values import publish_rule
from opensession.core.privacy import SETS
from opensession.core.privacy.rules import MODES
from opensession.daemon import file_globs

FOLDER = ".opensession"
NAME = "config.toml"
SIZE_LIMIT = 64 << 10
_MOST_LEVELS = 64
_MOST_NOTES = 8
STRICTNESS = {"off": 0, "warn": 1, "redact": 2, "block": 3}


class RepositoryRules(msgspec.Struct, frozen=True):
    """What applies to one folder. `exclude_paths` are absolute. `notes` are sentences on what was
    ignored; `mark` differs when the files do, and is empty where there are none.
    """

    exclude_patterns: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    modes: dict[str, str] = {}
    publish: tuple[PublishRule, ...] = ()
    notes: tuple[str, ...] = ()
    mark: str = ""


NONE = RepositoryRules()


def rules_for(folder: str) -> RepositoryRules:
    """The rules of the repositories that a session's folder is in, taken together.

    Looks from the folder upwards to the first that holds `.git`; without one, in it alone.
    """
    found = [one for _, one in files_for(folder)]
    if not found:
        return NONE
    modes: dict[str, str] = {}
    for one in found:
        modes = stricter(modes, one.modes)
    return RepositoryRules(
        tuple(dict.fromkeys(each for one in found for each in one.exclude_patterns)),
        tuple(dict.fromkeys(each for one in found for each in one.exclude_paths)),
        modes,
        tuple(rule for one in found for rule in one.publish),
        tuple(note for one in found for note in one.notes)[:_MOST_NOTES],
        hashlib.sha256("".join(one.mark for one in found).encode()).hexdigest()[:16],
    )


def files_for(folder: str) -> list[tuple[str, RepositoryRules]]:
    """The files that count for a folder, and what each says."""
    if not folder.startswith("/") or "\0" in folder:
        return []
    places = _folders(os.path.normpath(folder))
    return [(f"{place}/{FOLDER}/{NAME}", one) for place in places if (one := _in_folder(place))]


def _folders(folder: str) -> list[str]:
    """The folders from this one up to the repository's own; itself alone where there is none."""
    found = [folder]
    while len(found) < _MOST_LEVELS:
        if os.path.lexists(f"{found[-1]}/.git"):
            return found
        parent = found[-1].rpartition("/")[0] or "/"
        if parent == found[-1]:
            break
        found.append(parent)
    return [folder]


def stricter(modes: dict[str, str], others: dict[str, str]) -> dict[str, str]:
    """Modes by set, each the stricter one of two."""
    merged = dict(modes)
    for name, mode in others.items():
        if STRICTNESS[mode] > STRICTNESS.get(merged.get(name, ""), -1):
            merged[name] = mode
    return merged


def _in_folder(folder: str) -> RepositoryRules | None:
    """The rules of the file in one folder; None if there is none."""
    try:
        status = os.lstat(f"{folder}/{FOLDER}/{NAME}")
    except OSError:
        return None
    return _read(folder, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=64)
def _read(folder: str, stamp: tuple[int, ...]) -> RepositoryRules:
    """What a file says that is as `stamp` tells: read once for as long as it stays so.

    One that cannot be read asks for nothing but to be asked before anything leaves; it is noted.
    """
    place = f"{folder}/{FOLDER}/{NAME}"
    data, problem = _content(folder)
    mark = hashlib.sha256(folder.encode("utf-8", "replace") + b"\0" + data).hexdigest()[:16]
    value: dict[str, Any] = {}
    if not problem:
        try:
            value = tomllib.loads(data.decode())
        except (ValueError, RecursionError):
            problem = "is no TOML"
    if problem:
        asks = (PublishRule("ask"),)  # it may have been meant to keep something here
        return RepositoryRules(publish=asks, notes=(f"{place} {problem}: ignored",), mark=mark)
    return _understood(folder, place, value, mark)


def _content(folder: str) -> tuple[bytes, str]:
    """The bytes of a folder's file, and why there are none."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        outer = os.open(f"{folder}/{FOLDER}", flags | os.O_DIRECTORY)
        try:
            descriptor = os.open(NAME, flags, dir_fd=outer)
        finally:
            os.close(outer)
    except OSError:
        return b"", "cannot be read, or is a link"
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return b"", "is no regular file of yours"
        if status.st_size > SIZE_LIMIT:
            return b"", "is larger than 64 KiB"
        data = os.pread(descriptor, SIZE_LIMIT + 1, 0)
    except OSError:
        return b"", "cannot be read"
    finally:
        os.close(descriptor)
    return (data, "") if len(data) <= SIZE_LIMIT else (b"", "is larger than 64 KiB")


def _understood(folder: str, place: str, value: dict[str, Any], mark: str) -> RepositoryRules:
    notes: list[str] = []

    def note(said: str) -> None:
        if len(notes) < _MOST_NOTES:
            notes.append(f"{place}: {said}")

    others = [name for name in value if name not in ("privacy", "publish")]
    privacy = value.get("privacy", {})
    if not isinstance(privacy, dict):
        note("[privacy] is no table: ignored")
        privacy = {}
    known = ("exclude_patterns", "exclude_paths", "modes")
    others += [f"privacy.{name}" for name in privacy if name not in known]
    for name in others:
        note(f"{_shown(name)} is not for a repository to say: ignored")
    lists: list[tuple[str, ...]] = []
    for name in known[:2]:
        given = privacy.get(name, [])
        if not isinstance(given, list):
            note(f"privacy.{name} is no list: ignored")
            given = []
        found, problem = file_globs.clean(given)
        if problem:
            note(f"privacy.{name}: {problem}; left out")
        lists.append(found)
    modes: dict[str, str] = {}
    given_modes = privacy.get("modes", {})
    for name, mode in given_modes.items() if isinstance(given_modes, dict) else ():
        if name in SETS and isinstance(mode, str) and mode in MODES:
            modes[name] = mode
        else:
            note("privacy.modes has a set or a mode that is not known: ignored")
    folders = tuple(_below(folder, entry) for entry in lists[1])
    folders = tuple(each for each in folders if each)
    publish = _publish(value.get("publish", {}), note)
    return RepositoryRules(lists[0], folders, modes, publish, tuple(notes), mark)


def _publish(value: Any, note: Callable[[str], None]) -> tuple[PublishRule, ...]:
    """What a repository says of publishing. What cannot be understood is taken for `never`: it was
    meant to keep something here.
    """
    tables = value.get("rules", []) if isinstance(value, dict) else None
    if not isinstance(tables, list):
        note("[publish] is not understood: taken for never")
        return (PublishRule("never"),)
    wanted = [{"action": value["action"]}] if "action" in value else []
    found = []
    for table in [*wanted, *tables]:
        try:
            found.append(publish_rule(table, ""))
        except (ValueError, AttributeError):
            note("a rule of [publish] is not understood: taken for never")
            found.append(PublishRule("never"))
    for name in value.keys() - {"action", "rules"}:
        note(f"{_shown(f'publish.{name}')} is not for a repository to say: ignored")
    return tuple(found)


def _shown(name: str) -> str:
    return name if len(name) <= 60 and name.isprintable() else "a key"


def _below(folder: str, entry: str) -> str:
    """A folder that the repository names, made absolute; empty where it lies outside."""
    path = os.path.normpath(f"{folder}/{entry}")
    return path if path == folder or path.startswith(folder.rstrip("/") + "/") else ""
