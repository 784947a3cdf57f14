"""Keys of events → hits as clients get them, with their snippets."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from opensession.core.rpc.search import Hit
from opensession.core.timeparse import format_time
from opensession.daemon.store.event_text import TITLE, texts
from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.narrowing import SEQ_BITS, SEQ_MASK, role_of
from opensession.daemon.store.snippet import Finder, snippet
from opensession.daemon.store.source_marks import FILE_MARK

_SESSIONS = f"""
  SELECT s.id, s.native_id AS session_id, s.short, s.agent AS tool, s.title, s.cwd,
    s.git_repo_name AS repo, s.git_branch AS branch, {FILE_MARK} AS source
  FROM session s LEFT JOIN source o ON o.id = s.source WHERE s.id IN {IDS}"""  # noqa: S608


def hits(
    db: apsw.Connection,
    keys: Sequence[tuple[int, float]],
    finder: Finder,
    snippets: Mapping[int, str] | None = None,
) -> list[Hit]:
    """The hits of keys with their scores, in that order; `snippets` are those made already."""
    found = texts(db, [key for key, _ in keys])
    sessions = _sessions(db, {key >> SEQ_BITS for key, _ in keys})
    made = []
    for key, score in keys:
        event = found.get(key)
        session = sessions.get(key >> SEQ_BITS)
        if event is None or session is None:
            continue
        shown = (snippets or {}).get(key)
        made.append(
            Hit(
                session_id=session["session_id"],
                short=session["short"],
                event_id=event.event_id,
                seq=key & SEQ_MASK,
                tool=session["tool"],
                title=session["title"],
                project=project_label(session["repo"], session["branch"], session["cwd"]),
                timestamp=format_time(event.time_us),
                event_type=event.type,
                role="title" if event.type == TITLE else role_of(event.type),
                snippet=snippet(event.text, finder(event.text)) if shown is None else shown,
                score=score,
                source_gone=session["source"] != "",
                source=session["source"],
            )
        )
    return made


def project_label(repository: str, branch: str, folder: str) -> str:
    """What a person calls the place of a session: `repository@branch`, or the folder's name."""
    if repository:
        return f"{repository}@{branch}" if branch else repository
    return posixpath.basename(folder.rstrip("/")) or folder


def _sessions(db: apsw.Connection, ids: set[int]) -> dict[int, dict[str, Any]]:
    cursor = db.execute(_SESSIONS, (id_list(ids),))
    found = {}
    for row in cursor:
        names = [name for name, _ in cursor.get_description()]
        found[row[0]] = dict(zip(names, row, strict=True))
    return found
