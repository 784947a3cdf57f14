"""How the file of a session stands, in one word that lists, search and sums share. What its agent
deleted from a database that is still there is gone as well.

""          it is where it was
archived    it is gone, and the archive has all of it: `opensession revive`
gone        it is gone, and what the index has is all there is
moved       it is there, and the folder that was worked in is at another place now
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FILE_MARK = """CASE WHEN coalesce(o.state, '') <> 'gone' AND s.absent = 0 THEN ''
    WHEN o.archived_len > 0 AND o.archived_len >= o.offset AND o.missing_bytes = 0
    THEN 'archived' ELSE 'gone' END"""
"""SQL over `session s` and `source o`."""

Links = Mapping[str, Sequence[str]]
"""Folders of today, and those that they were before."""

NO_LINKS: Links = {}


def mark(file_mark: str, folder: str, links: Links) -> str:
    """The word for a session whose file is marked so and whose working folder is this one."""
    return file_mark or ("moved" if folder_today(folder, links) else "")


def folder_today(folder: str, links: Links) -> str:
    """Where a folder is now, by what a person linked; empty if it was not moved."""
    for new, olds in links.items():
        for old in olds:
            if folder == old:
                return new
            if folder.startswith(old.rstrip("/") + "/"):
                return new.rstrip("/") + folder[len(old.rstrip("/")) :]
    return ""
