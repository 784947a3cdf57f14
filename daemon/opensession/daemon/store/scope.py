"""Which sessions belong to a folder, a repository, a project name: conditions in SQL.

Conditions are over `session s`. A folder stands for itself and what lies below it.
"""

from __future__ import annotations

import posixpath
import re

import msgspec

from opensession.daemon.gitfacts import git_facts
from opensession.daemon.store.source_marks import NO_LINKS, Links


class Condition(msgspec.Struct, frozen=True):
    """A piece of SQL that is true or false, and its values."""

    sql: str
    values: tuple[str | int, ...] = ()

    def negated(self) -> Condition:
        """True where this one is false; an unknown value is not true."""
        return Condition(f"NOT coalesce({self.sql}, 0)", self.values)


class Scope(msgspec.Struct, frozen=True):
    """What a list is narrowed to, and what to call it."""

    label: str
    condition: Condition


EVERYTHING = Condition("1")


def all_of(conditions: list[Condition]) -> Condition:
    """True where all of them are."""
    if not conditions:
        return EVERYTHING
    return Condition(
        " AND ".join(condition.sql for condition in conditions),
        tuple(value for condition in conditions for value in condition.values),
    )


def any_of(conditions: list[Condition]) -> Condition:
    """True where one of them is."""
    if len(conditions) == 1:
        return conditions[0]
    return Condition(
        f"({' OR '.join(condition.sql for condition in conditions)})",
        tuple(value for condition in conditions for value in condition.values),
    )


def scope_of(folder: str, links: Links = NO_LINKS) -> Scope:
    """The repository that a folder is in, else the folder. The label is the repository's name, or
    the folder.

    To a repository belong the sessions that were begun in it: in any of its worktrees, in other
    clones of the same remote, and below its folder although git's files are gone by now; and those
    of the folders that `links` says it was before.
    """
    folder = _clean(folder)
    facts = git_facts(folder)
    if facts is None:
        return Scope(folder, any_of([below("s.cwd", folder), *_before(folder, links)]))
    conditions = [Condition("s.git_root = ?", (facts.root,)), below("s.cwd", facts.root)]
    if facts.remote:
        forms = _forms(facts.remote)
        conditions.append(Condition(f"s.git_remote IN ({_marks(forms)})", forms))
    conditions += _before(facts.root, links)
    return Scope(facts.name, any_of(conditions))


def project(name: str, *, home: str, scope: str, links: Links = NO_LINKS) -> Condition:
    """What `--project` and `project:` name: a folder (a path, `~/…`), `.` for the client's own
    repository, else a repository or the last part of a folder, whatever its case.
    """
    if name in (".", "./") and scope:
        return scope_of(scope, links).condition
    path = posixpath.join(home, name[2:]) if name.startswith("~/") else name
    path = home if name == "~" else path
    if not path.startswith("/") and path.startswith("./") and scope:
        path = posixpath.join(scope, path)
    if path.startswith("/"):
        folder = _clean(path)
        return any_of(
            [below("s.cwd", folder), below("s.git_root", folder), *_before(folder, links)]
        )
    tail = f"%/{like(name.strip('/'))}"
    return any_of(
        [
            Condition("s.git_repo_name = ? COLLATE NOCASE", (name,)),
            Condition("s.cwd LIKE ? ESCAPE '\\'", (tail,)),
            Condition("s.git_root LIKE ? ESCAPE '\\'", (tail,)),
        ]
    )


def below(column: str, folder: str) -> Condition:
    """True where a column holds a folder or something below it."""
    if folder == "/":
        return Condition(f"{column} LIKE '/%'")
    # '0' is the character after '/', so this is a range that an index could serve.
    return Condition(
        f"({column} = ? OR ({column} >= ? AND {column} < ?))",
        (folder, f"{folder}/", f"{folder}0"),
    )


def path_or_tail(column: str, path: str) -> Condition:
    """True where a column holds `path`, or a path that ends in its parts."""
    path = path.removeprefix("./")
    if path.startswith("/"):
        return Condition(f"{column} = ?", (path,))
    tail = f"/{path}"
    return Condition(f"({column} = ? OR substr({column}, ?) = ?)", (path, -len(tail), tail))


def like(text: str) -> str:
    """`text` within a LIKE pattern, with `\\` as ESCAPE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _before(folder: str, links: Links) -> list[Condition]:
    """Sessions of folders that are this one today, or below it."""
    return [
        below("s.cwd", old)
        for new, olds in links.items()
        if new == folder or new.startswith(folder.rstrip("/") + "/")
        for old in olds
    ]


def _clean(folder: str) -> str:
    # Bytes that are no text cannot be stored either: they are question marks on both sides.
    folder = posixpath.normpath(folder.encode(errors="replace").decode() or "/")
    return folder.replace("//", "/")


def _marks(values: tuple[str, ...]) -> str:
    return ", ".join("?" * len(values))


_REMOTE = re.compile(r"(?:[a-z+]+://)?(?:[^@/]+@)?([^/:]+)(?::\d+/|[:/])(.+?)(?:\.git)?/?\Z", re.I)


def _forms(remote: str) -> tuple[str, ...]:
    """The ways in which one remote is written: over https or ssh, with `.git` or without."""
    match = _REMOTE.match(remote)
    if match is None:
        return (remote,)
    host, path = match[1], match[2]
    starts = (
        f"https://{host}/",
        f"http://{host}/",
        f"git://{host}/",
        f"ssh://{host}/",
        f"ssh://git@{host}/",
        f"git@{host}:",
        f"{host}:",
    )
    forms = [start + path + end for start in starts for end in ("", ".git")]
    return tuple(dict.fromkeys([remote, *forms]))
