"""Which repository a folder belongs to, read from git's own files; the git program is never run.

All worktrees of a repository are that repository: `root` is the folder of the main one. A submodule
is a repository of its own.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import msgspec

_MAX_LEVELS = 64
_MAX_FILE = 1 << 20
_SECTION = re.compile(r'\[\s*remote\s+"((?:[^"\\]|\\.)*)"\s*\]', re.IGNORECASE)
_URL = re.compile(r"\s*url\s*=\s*(.*)", re.IGNORECASE)
_WITH_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/]*@)?(.*)", re.IGNORECASE)


class GitFacts(msgspec.Struct, frozen=True, array_like=True):
    """`root` is the main worktree's folder (a bare repository's own), `remote` the address of
    `origin`, else of the first remote, without user and password, or empty. `name` is the
    remote's last part, else the name of `root`.
    """

    root: str
    remote: str
    name: str


def git_facts(folder: str) -> GitFacts | None:
    """The repository that `folder` is in; None if there is none or the folder cannot be read."""
    if not folder.startswith("/") or "\0" in folder:
        return None
    place = Path(folder)
    for level in [place, *place.parents][:_MAX_LEVELS]:
        dot_git = level / ".git"
        try:
            kind = dot_git.lstat().st_mode
        except OSError:
            continue
        common = dot_git if stat.S_ISDIR(kind) else _linked(dot_git)
        if common is None or not (common / "HEAD").exists():
            continue
        if common.name == ".git":
            root = common.parent
        else:
            root = level if "modules" in common.parts else common
        remote = clean_remote(_remote(_read(common / "config")))
        return GitFacts(str(root), remote, repository_name(remote) or root.name)
    return None


def clean_remote(url: str) -> str:
    """A remote's address without user name and password; `git@host:path` stays as it is."""
    match = _WITH_SCHEME.match(url.strip())
    return f"{match[1]}{match[2]}" if match else url.strip()


def repository_name(remote: str) -> str:
    """The last part of a remote's address, without `.git`; empty if there is none."""
    return re.split(r"[/:\\]", remote.rstrip("/"))[-1].removesuffix(".git")


def _linked(dot_git: Path) -> Path | None:
    """The folder of the repository that a `.git` file (of a worktree, a submodule) leads to."""
    content = _read(dot_git)
    if not content.startswith("gitdir:"):
        return None
    git_dir = Path(os.path.normpath(dot_git.parent / content[7:].strip()))
    common = _read(git_dir / "commondir").strip()
    return Path(os.path.normpath(git_dir / common)) if common else git_dir


def _remote(config: str) -> str:
    """The address of `origin`, else of the remote that is named first."""
    found: dict[str, str] = {}
    name = None
    for line in config.splitlines():
        if line.lstrip().startswith("["):
            section = _SECTION.match(line.strip())
            name = section[1] if section else None
        elif name is not None and (url := _URL.match(line)):
            found.setdefault(name, _value(url[1]))
    return found.get("origin") or next(iter(found.values()), "")


def _value(text: str) -> str:
    text = text.strip()
    if text.startswith('"'):
        return text[1:].partition('"')[0]
    return re.split(r"\s[#;]", text)[0].strip()


def _read(path: Path) -> str:
    """The text of a small regular file, empty for everything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, _MAX_FILE).decode("utf-8", errors="replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
