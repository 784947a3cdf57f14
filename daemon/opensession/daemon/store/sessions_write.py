"""Writing rows of the `session` table, and the search entry of a session's title (seq 0)."""

from __future__ import annotations

import apsw
import msgspec

from opensession.core import ids, search_text
from opensession.core.hail import SessionInfo
from opensession.core.privacy import beginning
from opensession.daemon.batch import Batch, PreparedSession, Tally
from opensession.daemon.gitfacts import repository_name
from opensession.daemon.store import events_write
from opensession.daemon.store.reread import Reread, added, decode, encode

TITLE_CHARS = 80
DESCRIPTION_CHARS = 500

ORIGIN = "local"


class Stored(msgspec.Struct, frozen=True):
    """What the writer needs to know of a stored session."""

    id: int
    agent: str
    native_id: str
    short: str
    source: int
    secondary: int
    generation: int
    event_count: int
    title: str
    parser_version: int
    strip_version: int
    redactions: str
    reread: bytes | None
    info: bytes
    absent: int

    @property
    def rereading(self) -> Reread | None:
        """How far its source was read again, None if it is not."""
        return decode(self.reread)


_SELECT = f"SELECT {', '.join(Stored.__struct_fields__)} FROM session"  # noqa: S608 - our names
_counts = msgspec.json.Decoder(dict[str, int])


def find(db: apsw.Connection, agent: str, native_id: str) -> Stored | None:
    """The session of an agent's id."""
    query = f"{_SELECT} WHERE origin = ? AND agent = ? AND native_id = ?"
    for row in db.execute(query, (ORIGIN, agent, native_id)):
        return Stored(*row)
    return None


def load(db: apsw.Connection, session: int) -> Stored | None:
    """The session of a row."""
    for row in db.execute(f"{_SELECT} WHERE id = ?", (session,)):
        return Stored(*row)
    return None


def of_source(db: apsw.Connection, source: int) -> list[Stored]:
    """The sessions that are made of a source's bytes."""
    return [Stored(*row) for row in db.execute(f"{_SELECT} WHERE source = ?", (source,))]


def awaiting(db: apsw.Connection, source: int) -> list[Stored]:
    """The sessions of a source that is being read from its beginning again."""
    query = f"{_SELECT} WHERE source = ? AND reread IS NOT NULL"
    return [Stored(*row) for row in db.execute(query, (source,))]


def insert(
    db: apsw.Connection, agent: str, native_id: str, source: int, prepared: PreparedSession
) -> Stored:
    """Adds a session without events."""
    short = ids.short(ids.session_key(ORIGIN, agent, native_id))
    db.execute(
        "INSERT INTO session (origin, agent, native_id, short, source, secondary, info)"
        " VALUES (?, ?, ?, ?, ?, ?, x'')",
        (ORIGIN, agent, native_id, short, source, prepared.secondary),
    )
    number = db.last_insert_rowid()
    events_write.unsettle(db, number)
    found = load(db, number)
    assert found is not None  # noqa: S101 - just inserted
    return found


def describe(
    db: apsw.Connection, session: Stored, prepared: PreparedSession, parent: str, batch: Batch
) -> str:
    """Brings everything that is said about a session as a whole up to date; returns its title.

    What is known of the repository stays when its folder is gone.
    """
    info = prepared.info
    git = prepared.git
    title = title_of(info)
    db.execute(
        _DESCRIBE,
        {
            "id": session.id,
            "source": batch.source_id,
            "secondary": prepared.secondary,
            "role": info.role,
            "parent": parent,
            "call": info.parent_call_id,
            "provider": info.provider,
            "model": info.model,
            "tool_version": info.tool_version,
            "title": title,
            "description": beginning(info.first_prompt, DESCRIPTION_CHARS),
            "cwd": info.cwd,
            "last_cwd": info.last_cwd or info.cwd,
            "branch": info.git_branch,
            "commit": info.git_commit,
            "recorded_remote": info.git_remote,
            "root": git.root if git is not None else "",
            "remote": git.remote if git is not None else "",
            "name": repository_name(info.git_remote) or (git.name if git is not None else ""),
            "ended": prepared.ended,
            "info": msgspec.msgpack.encode(info),
        },
    )
    if title != session.title:
        set_title(db, session.id, title)
    return title


def add_counts(
    db: apsw.Connection, session: Stored, event_count: int, sums: Tally, redactions: dict[str, int]
) -> None:
    """Adds what new events count; `event_count` is the number of all events by now."""
    values = _count_values(session, event_count, sums)
    total = added(_counts.decode(session.redactions), redactions)
    values["redactions"] = msgspec.json.encode(total).decode() if redactions else session.redactions
    db.execute(_ADD_COUNTS, values)


def set_counts(
    db: apsw.Connection,
    session: Stored,
    event_count: int,
    sums: Tally,
    redactions: dict[str, int] | None = None,
) -> None:
    """Makes `sums`, taken over all events, the counters; `redactions` None leaves those."""
    values = _count_values(session, event_count, sums)
    values["redactions"] = (
        session.redactions if redactions is None else msgspec.json.encode(redactions).decode()
    )
    db.execute(_SET_COUNTS, values)


def set_event_count(db: apsw.Connection, session: int, count: int) -> None:
    """Sets the largest seq, while the other counters wait for the end of a re-read."""
    db.execute("UPDATE session SET event_count = ? WHERE id = ?", (count, session))


def set_reread(db: apsw.Connection, session: int, state: Reread | None) -> None:
    """Records how far the session's source was read again."""
    stored = None if state is None else encode(state)
    db.execute("UPDATE session SET reread = ? WHERE id = ?", (stored, session))


def set_versions(db: apsw.Connection, session: int, batch: Batch) -> None:
    """Records by which versions all events of a session were made."""
    db.execute(
        "UPDATE session SET parser_version = ?, strip_version = ? WHERE id = ?",
        (batch.parser_version, batch.strip_version, session),
    )


def raise_generation(db: apsw.Connection, session: int) -> None:
    """Begins a new generation: nothing of the events stayed."""
    db.execute("UPDATE session SET generation = generation + 1 WHERE id = ?", (session,))


def delete(db: apsw.Connection, session: Stored) -> None:
    """Takes a session away with everything that hangs on it."""
    events_write.rewind(db, session.id, 0)
    set_title(db, session.id, "")
    for table in ("usage", "copy"):
        db.execute(f"DELETE FROM {table} WHERE session = ?", (session.id,))  # noqa: S608
    db.execute("DELETE FROM session WHERE id = ?", (session.id,))


def info_of(session: Stored) -> SessionInfo:
    """What the parser said of a session, as it is stored."""
    return msgspec.msgpack.decode(session.info, type=SessionInfo)


def restate(db: apsw.Connection, session: Stored, prepared: PreparedSession) -> str:
    """Makes title, description and redactions those of a session that was stripped anew; the title.

    What is found in addition counts beside what was replaced before.
    """
    info = prepared.info
    title = title_of(info)
    total = {**prepared.redactions}
    for kind, count in _counts.decode(session.redactions).items():
        total[kind] = max(count, total.get(kind, 0)) if ":" in kind else count + total.get(kind, 0)
    db.execute(
        "UPDATE session SET title = ?, description = ?, redactions = ?, info = ? WHERE id = ?",
        (
            title,
            beginning(info.first_prompt, DESCRIPTION_CHARS),
            msgspec.json.encode(total).decode(),
            msgspec.msgpack.encode(info),
            session.id,
        ),
    )
    if title != session.title:
        set_title(db, session.id, title)
    return title


def title_of(info: SessionInfo) -> str:
    """The agent's own title, else the first prompt a person typed: one line, cut."""
    line = " ".join((info.title or info.first_prompt)[: 16 * TITLE_CHARS].split())
    return beginning(line, TITLE_CHARS)


def set_title(db: apsw.Connection, session: int, title: str) -> None:
    """The search entry of the title stands at seq 0."""
    rowid = events_write.key(session, 0)
    db.execute("DELETE FROM search WHERE rowid = ?", (rowid,))
    if title:
        searched = search_text.fts_text(title)
        db.execute(
            "INSERT INTO search (rowid, text, parts) VALUES (?, ?, ?)",
            (rowid, searched, search_text.identifier_parts(searched)),
        )


def _count_values(session: Stored, event_count: int, sums: Tally) -> dict[str, int | str]:
    return {
        "id": session.id,
        "events": event_count,
        "messages": sums.messages,
        "users": sums.user_messages,
        "calls": sums.tool_calls,
        "errors": sums.errors,
        "added": sums.lines_added,
        "removed": sums.lines_removed,
        "first": sums.first_us,
        "last": sums.last_us,
    }


_DESCRIBE = """
UPDATE session SET absent = iif(source = :source, absent, 0), source = :source,
  secondary = :secondary, role = :role, parent = :parent, parent_call_id = :call,
  provider = :provider, model = :model, tool_version = :tool_version,
  title = :title, description = :description, cwd = :cwd, last_cwd = :last_cwd,
  git_branch = :branch, git_commit = :commit, ended = :ended, info = :info,
  git_root = coalesce(nullif(:root, ''), git_root),
  git_remote = coalesce(nullif(:recorded_remote, ''), nullif(:remote, ''), git_remote),
  git_repo_name = coalesce(nullif(:name, ''), git_repo_name)
WHERE id = :id
"""

_ADD_COUNTS = """
UPDATE session SET event_count = :events, message_count = message_count + :messages,
  user_message_count = user_message_count + :users, tool_call_count = tool_call_count + :calls,
  error_count = error_count + :errors, lines_added = lines_added + :added,
  lines_removed = lines_removed + :removed, redactions = :redactions,
  created_us = iif(:first = 0 OR created_us BETWEEN 1 AND :first, created_us, :first),
  updated_us = max(updated_us, :last)
WHERE id = :id
"""

_SET_COUNTS = """
UPDATE session SET event_count = :events, message_count = :messages,
  user_message_count = :users, tool_call_count = :calls, error_count = :errors,
  lines_added = :added, lines_removed = :removed, redactions = :redactions,
  created_us = :first, updated_us = :last
WHERE id = :id
"""
