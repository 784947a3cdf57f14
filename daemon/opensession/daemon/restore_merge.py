"""Joining the `user.db` of a backup with that of a home that has sessions."""

from __future__ import annotations

from pathlib import Path

import msgspec

from opensession.core.errors import Refused
from opensession.core.paths import Paths
from opensession.core.privacy import load_key
from opensession.daemon.guards import Guards, Tombstone
from opensession.daemon.projects import links
from opensession.daemon.store.connect import (
    CorruptDatabase,
    all_or_nothing,
    open_reader,
    open_user,
    quick_check,
)
from opensession.daemon.store.private import TELLING
from opensession.daemon.user_data import UserData

_TAKEN = """
SELECT theirs.alias, theirs.agent, theirs.native_id, mine.agent, mine.native_id
FROM other.session_name theirs JOIN main.session_name mine ON mine.alias_key = theirs.alias_key
WHERE (mine.origin, mine.agent, mine.native_id)
  <> (theirs.origin, theirs.agent, theirs.native_id)
ORDER BY theirs.alias_key
"""

_NAMES = """
UPDATE main.session_name AS mine SET
  note = iif(mine.note = '', theirs.note, mine.note),
  starred_us = coalesce(mine.starred_us, theirs.starred_us)
  FROM other.session_name AS theirs
  WHERE (mine.origin, mine.agent, mine.native_id)
    = (theirs.origin, theirs.agent, theirs.native_id);
UPDATE main.session_name AS mine SET alias = theirs.alias, alias_key = theirs.alias_key
  FROM other.session_name AS theirs
  WHERE (mine.origin, mine.agent, mine.native_id)
      = (theirs.origin, theirs.agent, theirs.native_id)
    AND mine.alias_key IS NULL AND theirs.alias_key NOT NULL AND theirs.alias_key NOT IN
      (SELECT alias_key FROM main.session_name WHERE alias_key NOT NULL);
INSERT OR IGNORE INTO main.session_name
  (origin, agent, native_id, alias, alias_key, note, starred_us, changed_us)
  SELECT origin, agent, native_id,
    CASE WHEN alias_key IN (SELECT alias_key FROM main.session_name WHERE alias_key NOT NULL)
      THEN '' ELSE alias END,
    CASE WHEN alias_key IN (SELECT alias_key FROM main.session_name WHERE alias_key NOT NULL)
      THEN NULL ELSE alias_key END,
    note, starred_us, changed_us
  FROM other.session_name;
INSERT OR IGNORE INTO main.session_tag (session, tag, made_us)
  SELECT mine.id, tag.tag, tag.made_us
  FROM other.session_tag tag
  JOIN other.session_name theirs ON theirs.id = tag.session
  JOIN main.session_name mine ON (mine.origin, mine.agent, mine.native_id)
    = (theirs.origin, theirs.agent, theirs.native_id);
"""

_REPOSITORIES = """
INSERT INTO main.repository SELECT folder, root, remote, name, seen_us FROM other.repository
  WHERE true ON CONFLICT (folder) DO UPDATE SET seen_us = max(seen_us, excluded.seen_us)
  WHERE (root, remote, name) = (excluded.root, excluded.remote, excluded.name);
"""

_SAME_KEY = """
INSERT OR IGNORE INTO main.tombstone SELECT * FROM other.tombstone;
INSERT OR IGNORE INTO main.allowed SELECT * FROM other.allowed;
INSERT OR IGNORE INTO main.extra_root SELECT * FROM other.extra_root;
INSERT OR IGNORE INTO main.setting SELECT * FROM other.setting;
INSERT OR IGNORE INTO main.leak
  (fingerprint, kind, kind_set, confidence, first_seen_us, last_seen_us, resolved_us, scrubbed_us,
   form_length, form_signs)
  SELECT fingerprint, kind, kind_set, confidence, first_seen_us, last_seen_us, resolved_us,
    scrubbed_us, form_length, form_signs
  FROM other.leak;
INSERT OR IGNORE INTO main.pause
  SELECT id + 1000000000, begun_us, until_us, coalesce(ended_us, until_us) FROM other.pause;
INSERT OR IGNORE INTO main.pause_span
  SELECT source, pause + 1000000000, ino, first, last FROM other.pause_span;
"""


class Joined(msgspec.Struct, frozen=True):
    """What came of joining two `user.db`. `guards` say what is forgotten from now on, only to be
    asked; `forgotten` are the sessions (agent, id) of the index here that are. `notes` tell what
    was not taken.
    """

    guards: Guards
    forgotten: list[tuple[str, str]]
    notes: list[str]


def check_user(path: Path) -> None:
    """Raises Refused unless a file is a `user.db` of ours, whole, and nothing but tables."""
    try:
        db = open_user(path, check=True)
    except CorruptDatabase as error:
        raise Refused("the user.db of the backup is damaged", "take another file") from error
    try:
        quick_check(db, path)
        odd = db.execute(
            "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')"
            " OR sql LIKE 'CREATE VIRTUAL%'"
        ).get
        if odd:
            raise Refused("the user.db of the backup is not ours alone", "take another file")
        db.execute("PRAGMA journal_mode = DELETE")
    finally:
        db.close()


def merge_user(paths: Paths, other: Path, other_key: Path, *, same_key: bool) -> Joined:
    """Takes in what another `user.db` knows and this one does not; what both say stands as it is
    here.

    Under another key what names sessions by hashes cannot be taken as it is: of the sessions that
    are indexed here those are forgotten that are forgotten there.
    """
    db = open_user(paths.user_db)
    try:
        db.execute("ATTACH ? AS other", (str(other),))
        with all_or_nothing(db):
            taken = db.execute(_TAKEN).fetchall()
            db.execute(_NAMES)
            db.execute(_REPOSITORIES)
            if same_key:
                db.execute(_SAME_KEY)
            elif not links(db):
                db.execute(
                    "INSERT OR IGNORE INTO main.setting SELECT * FROM other.setting"
                    " WHERE key LIKE 'project%'"
                )
        db.execute("DETACH other")
    finally:
        db.close()
    user = UserData(paths.user_db)
    try:
        guards = Guards(user, load_key(paths.key_file))
        here = _sessions(paths.index_db)
        if not same_key:
            theirs = UserData(other)
            try:
                _forget_too(here, guards, Guards(theirs, load_key(other_key)))
            finally:
                theirs.close()
        for agent, name in list(guards.names.names.sessions):
            if guards.is_private(agent, name):
                guards.names.forget(agent, {name})
    finally:
        user.close()
    gone = [(agent, name) for agent, name, _ in here if guards.is_private(agent, name)]
    notes = [
        f"alias left out: {alias} of {agent} {name}, since {other_agent} {owner} has it here"
        for alias, agent, name, other_agent, owner in taken
        if not guards.is_private(str(agent), str(name))
    ]
    return Joined(guards, gone, notes)


def _sessions(index: Path) -> list[tuple[str, str, str]]:
    """Agent, id and path of all sessions of an index."""
    if not index.exists():
        return []
    db = open_reader(index)
    try:
        return [
            (str(agent), str(name), str(path))
            for agent, name, path in db.execute(
                "SELECT session.agent, native_id, path FROM session"
                " JOIN source ON source.id = session.source"
            )
        ]
    finally:
        db.close()


def _forget_too(here: list[tuple[str, str, str]], guards: Guards, theirs: Guards) -> None:
    found = [
        Tombstone(
            mine, guards.source_hash(agent, path), mine, len(name) >= TELLING and name in path
        )
        for agent, name, path in here
        if theirs.is_private(agent, name)
        for mine in (guards.session_hash(agent, name),)
    ]
    if found:
        guards.forget(found)
