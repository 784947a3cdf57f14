"""Folders that were worked in, and where they are today: what a person linked, what git tells.

A link is kept in `user.db` (`setting`), so it outlives a rebuilt index.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import apsw
import msgspec

from opensession.core.rpc.projects import ProjectRow
from opensession.core.timeparse import format_time
from opensession.daemon.gitfacts import git_facts
from opensession.daemon.store.source_marks import folder_today

_KEY = "project.links"
_links = msgspec.json.Decoder(dict[str, list[str]])

_FOLDERS = """
  SELECT coalesce(nullif(git_root, ''), cwd) AS place, max(git_repo_name), max(git_remote),
    count(*), max(updated_us)
  FROM session WHERE role = 'primary' AND cwd <> '' GROUP BY place ORDER BY max(updated_us) DESC"""


def links(db: apsw.Connection) -> dict[str, list[str]]:
    """Folders of today, and those that they were before, from `user.db`."""
    found = db.execute("SELECT value FROM setting WHERE key = ?", (_KEY,)).get
    return _links.decode(found) if isinstance(found, str) else {}


def link(db: apsw.Connection, old: str, new: str) -> dict[str, list[str]]:
    """Remembers that a folder is at another place now (`new` empty: not any more); all links. A
    folder that had been linked to the old place goes along.
    """
    before = links(db)
    along = before.pop(old, []) if new else []
    found = {
        today: [each for each in olds if each not in (old, *along)]
        for today, olds in before.items()
    }
    if new:
        found.pop(old, None)
        found[new] = [*found.get(new, []), old, *(each for each in along if each != new)]
    found = {today: olds for today, olds in found.items() if olds}
    db.execute(
        "INSERT INTO setting (key, value) VALUES (?1, ?2)"
        " ON CONFLICT (key) DO UPDATE SET value = ?2",
        (_KEY, msgspec.json.encode(found).decode()),
    )
    return found


def folders(db: apsw.Connection) -> list[tuple[str, str, str, int, int]]:
    """Every folder of the index, or its repository's: place, name, remote, sessions, last time."""
    return [
        (str(place), str(name or ""), str(remote or ""), int(count), int(last))
        for place, name, remote, count, last in db.execute(_FOLDERS)
    ]


def projects(
    found: list[tuple[str, str, str, int, int]], linked: Mapping[str, list[str]]
) -> list[ProjectRow]:
    """Every project, newest first, with what became of its folder. Looks at the folders.

    A folder that is not there any more was moved where exactly one folder that is there has the
    same remote, which git's own files confirm.
    """
    there = {place: Path(place).is_dir() for place, *_ in found}
    by_remote: dict[str, list[str]] = {}
    for place, _, remote, _, _ in found:
        if remote and there[place]:
            facts = git_facts(place)
            if facts is not None and facts.remote == remote:
                by_remote.setdefault(remote, []).append(place)
    rows = []
    for place, name, remote, count, last in found:
        today = folder_today(place, linked)
        likely = by_remote.get(remote, []) if remote and not there[place] else []
        rows.append(
            ProjectRow(
                folder=place,
                name=name or Path(place).name,
                remote=remote,
                sessions=count,
                updated_at=format_time(last),
                exists=there[place],
                moved_to=today or (likely[0] if len(likely) == 1 else ""),
                linked=bool(today),
            )
        )
    return rows
