"""The first and the last line of an exported session."""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec

from opensession.core import hail_lines
from opensession.core.hail import SessionInfo
from opensession.core.privacy import Stripper, beginning
from opensession.core.stats import Stats
from opensession.daemon.store.families import IDS, id_list
from opensession.daemon.store.prices import PriceBook
from opensession.daemon.store.spending import spent_by_family
from opensession.daemon.store.timeline import Member, length

DESCRIPTION_CHARS = 500


def header_line(
    db: apsw.Connection, session: int, shown: Sequence[Member], stripper: Stripper
) -> bytes:
    """The header of a session, stripped of what must not leave."""
    native_id, blob, title, repository = db.execute(
        "SELECT native_id, info, title, git_repo_name FROM session WHERE id = ?", (session,)
    ).get
    info = msgspec.msgpack.decode(blob, type=SessionInfo)
    info = msgspec.structs.replace(info, id=native_id, title=title)
    info = stripper.strip_outgoing_info(info)
    created_us, updated_us = _span(db, shown)
    return hail_lines.header_line(
        hail_lines.header_of(
            info,
            created_us=created_us,
            updated_us=updated_us,
            description=beginning(info.first_prompt, DESCRIPTION_CHARS),
            more={"git_repo_name": repository} if repository else {},
        )
    )


def stats_line(db: apsw.Connection, shown: Sequence[Member], book: PriceBook) -> bytes:
    """The stats of a session with its subagents; the cost is what `stats` computes."""
    keys = [member.id for member in shown]
    messages, users, calls, added, removed = db.execute(
        "SELECT sum(message_count), sum(user_message_count), sum(tool_call_count),"  # noqa: S608
        f" sum(lines_added), sum(lines_removed) FROM session WHERE id IN {IDS}",
        (id_list(keys),),
    ).get
    files = db.execute(
        f"SELECT count(DISTINCT path) FROM file_touch WHERE kind > 0 AND session IN {IDS}",  # noqa: S608
        (id_list(keys),),
    ).get
    created_us, updated_us = _span(db, shown)
    spent = spent_by_family(db, book, {keys[0]: keys})[keys[0]]
    return hail_lines.stats_line(
        Stats(
            event_count=length(shown),
            message_count=messages,
            tool_call_count=calls,
            task_count=_tasks(db, shown),
            duration_seconds=max(0, updated_us - created_us) // 1_000_000,
            total_input_tokens=spent.input,
            total_output_tokens=spent.output,
            user_message_count=users,
            files_changed=files,
            lines_added=added,
            lines_removed=removed,
            total_cache_read_tokens=spent.cache_read,
            total_cache_write_tokens=spent.cache_write,
            cost_microdollars=spent.microdollars,
        )
    )


def _span(db: apsw.Connection, shown: Sequence[Member]) -> tuple[int, int]:
    """The times of the first and of the last event."""
    first, last = db.execute(
        f"SELECT min(nullif(created_us, 0)), max(updated_us) FROM session WHERE id IN {IDS}",  # noqa: S608
        (id_list(member.id for member in shown),),
    ).get
    return first or last, last


def _tasks(db: apsw.Connection, shown: Sequence[Member]) -> int:
    """How many tasks there are: the subagents, and those that events name themselves."""
    tasks = {member.native_id for member in shown if member.child}
    for member in shown:
        tasks |= {
            row[0]
            for row in db.execute(
                "SELECT DISTINCT task FROM event WHERE id BETWEEN ? AND ? AND task IS NOT NULL",
                (member.id << 24, member.id << 24 | 0xFFFFFF),
            )
        }
    return len(tasks)
