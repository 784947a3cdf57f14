"""Comparing what two indexes hold, whatever numbers their rows have; and archive with sources."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from opensession.daemon import archive
from opensession.daemon.store import body
from opensession.daemon.store.connect import open_reader
from opensession.parsers.agent import Source

SESSION = (
    "agent, native_id, short, secondary, role, parent, parent_call_id, model, title, cwd, last_cwd,"
    " created_us, updated_us, event_count, message_count, user_message_count, tool_call_count,"
    " error_count, lines_added, lines_removed, ended, redactions"
)


def contents(index: Path) -> dict[str, Any]:
    """Everything an index says of sessions, by native id: row, events, touches, usage."""
    db = open_reader(index)
    try:
        names = dict(db.execute("SELECT id, agent || '/' || native_id FROM session"))
        found: dict[str, Any] = {
            "sessions": sorted(db.execute(f"SELECT {SESSION} FROM session")),
            "events": sorted(
                (names[key >> 24], key & 0xFFFFFF, event_id, time, kind, flags, task, repr(stored))
                for key, event_id, time, kind, flags, task, stored in (
                    (*row[:-1], body.decode(row[1], row[2], row[3], row[5], row[-1]))
                    for row in db.execute(
                        "SELECT id, event_id, time_us, type, flags, task, body FROM event"
                    )
                )
            ),
            "touches": sorted(
                (names[row[0]], *row[1:])
                for row in db.execute("SELECT session, seq, path, kind, time_us FROM file_touch")
            ),
            "usage": sorted(
                (names[row[0]], *row[1:])
                for row in db.execute(
                    "SELECT session, message_id, seq, time_us, model, input, output, cache_read,"
                    " cache_write FROM usage"
                )
            ),
        }
    finally:
        db.close()
    return found


def assert_same(one: Path, other: Path) -> None:
    """Fails with the first part in which two indexes differ."""
    first, second = contents(one), contents(other)
    for part in first:
        assert first[part] == second[part], f"{part} differ"


def hits(index: Path, words: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """Where each word is found: (native id, seq); seq 0 is a title."""
    db = open_reader(index)
    try:
        names = dict(db.execute("SELECT id, agent || '/' || native_id FROM session"))
        return {
            word: sorted(
                (names[key >> 24], key & 0xFFFFFF)
                for (key,) in db.execute("SELECT rowid FROM search WHERE search MATCH ?", (word,))
            )
            for word in words
        }
    finally:
        db.close()


def archived_bytes(archive_dir: Path, source: Source) -> bytes:
    """The archived bytes of a source's latest generation; of an empty source there are none."""
    file = archive.file_for(archive_dir, source.agent, source.path)
    if not file.exists():
        return b""
    return b"".join(archive.read(file, archive.scan(file).generation))
