"""Sessions and their subagents: who belongs to whom, and when a family was last active.

A root is a session with role `primary`. Its family are the sessions that name it, or another
member, as their parent. Parents may be missing, and files may claim circles; both end the search.
"""

from __future__ import annotations

from collections.abc import Iterable

import apsw
import msgspec

from opensession.daemon.store.scope import Condition

IDS = "(SELECT value FROM json_each(?))"
"""SQL: a list of integers given as one value, made by `id_list`."""


def id_list(ids: Iterable[int]) -> str:
    """Integers as one value for `IDS`."""
    return msgspec.json.encode(list(ids)).decode()


def members(db: apsw.Connection, roots: Iterable[int]) -> dict[int, list[int]]:
    """The families of sessions, each beginning with the session itself."""
    found: dict[int, list[int]] = {}
    for root, member in db.execute(
        f"""
        WITH RECURSIVE family (root, id, origin, agent, native_id) AS (
          SELECT id, id, origin, agent, native_id FROM session WHERE id IN {IDS}
          UNION
          SELECT f.root, c.id, c.origin, c.agent, c.native_id
          FROM family f JOIN session c ON c.agent = f.agent AND c.parent = f.native_id
          WHERE c.parent <> '' AND c.origin = f.origin AND c.role = 'auxiliary')
        SELECT root, id FROM family""",  # noqa: S608
        (id_list(roots),),
    ):
        found.setdefault(root, []).append(member)
    return found


def roots_of(db: apsw.Connection, seeds: Condition) -> dict[int, int]:
    """The roots of the sessions `s` that fit a condition, with the latest time of these sessions.

    A root that fits it is among them.
    """
    return dict(
        db.execute(
            f"""
            WITH RECURSIVE climb (id, origin, agent, parent, role, at) AS (
              SELECT s.id, s.origin, s.agent, s.parent, s.role, s.updated_us
              FROM session s WHERE {seeds.sql}
              UNION
              SELECT p.id, p.origin, p.agent, p.parent, p.role, c.at
              FROM climb c JOIN session p
                ON p.origin = c.origin AND p.agent = c.agent AND p.native_id = c.parent
              WHERE c.role = 'auxiliary' AND c.parent <> '')
            SELECT id, max(at) FROM climb WHERE role = 'primary' GROUP BY id""",  # noqa: S608
            seeds.values,
        )
    )
