"""What repositories' own `.opensession/config.toml` say that does not count, for people to see."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from opensession.core.privacy import Rules
from opensession.core.privacy.rules import mode_of
from opensession.daemon.repository_rules import STRICTNESS, files_for

MOST_FOLDERS = 1000
"""So many folders are looked at, those of the latest sessions."""

MOST_NOTES = 50


def folders(db: apsw.Connection) -> list[str]:
    """The folders of sessions, latest first."""
    found = db.execute(
        "SELECT cwd FROM session WHERE substr(cwd, 1, 1) = '/'"
        " GROUP BY cwd ORDER BY max(updated_us) DESC LIMIT ?",
        (MOST_FOLDERS,),
    )
    return [folder for (folder,) in found]


def notes(places: Iterable[str], rules: Rules) -> list[str]:
    """A sentence for each key that is ignored, with its file. `rules` are the user's, which a
    repository can only make stricter. Looks at the files.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    for place in places:
        for file, said in files_for(place):
            if file in seen:
                continue
            seen.add(file)
            found.update(dict.fromkeys(said.notes))
            for name, mode in said.modes.items():
                own = mode_of(rules, name)
                if STRICTNESS[mode] < STRICTNESS[own]:
                    note = (
                        f"{file}: privacy.modes.{name} = {mode} is looser than your {own}: ignored"
                    )
                    found[note] = None
    return list(found)[:MOST_NOTES]
