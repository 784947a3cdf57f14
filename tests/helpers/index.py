"""An index made of events that a test writes down, stored as the writer stores them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from opensession.core.hail import Event, SessionInfo, Usage, json_block, text
from opensession.core.ids import session_key, short
from opensession.core.search_text import fts_text, identifier_parts, search_text
from opensession.daemon.store import body
from opensession.daemon.store.connect import open_index
from opensession.daemon.tally import is_error, tally

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_767_268_800 * SECOND
"""2026-01-01T12:00:00Z"""

_KINDS = {"FileRead": 0, "FileEdit": 1, "FileCreate": 2, "FileDelete": 3}


def event(kind: str, said: str = "", at: int = NOON, **more: Any) -> Event:
    """An event of a type, with a text; its id is made of type and time."""
    more.setdefault("event_id", f"{kind}-{at}")
    more.setdefault("blocks", [text(said)] if said else [])
    return Event(time_us=at, type=kind, **more)


def user(said: str, at: int = NOON) -> Event:
    """What a person typed."""
    return event("UserMessage", said, at)


def agent(said: str, at: int = NOON, **more: Any) -> Event:
    """What the agent answered."""
    return event("AgentMessage", said, at, **more)


def shell(command: str, at: int = NOON, call_id: str = "") -> Event:
    """A shell command."""
    attributes = {"semantic.call_id": call_id} if call_id else {}
    return event("ShellCommand", at=at, data={"command": command}, attributes=attributes)


def edit(path: str, at: int = NOON, kind: str = "FileEdit") -> Event:
    """A file that was edited, read, created or deleted."""
    return event(kind, at=at, data={"path": path})


def result(
    said: str, at: int = NOON, *, failed: bool = False, call_id: str = "", **attributes: Any
) -> Event:
    """A result of a call; names of attributes have `_` for `.`."""
    data: dict[str, Any] = {"name": "Bash", "is_error": failed}
    given = {name.replace("result_", "result."): value for name, value in attributes.items()}
    if call_id:
        data["call_id"] = call_id
        given["semantic.call_id"] = call_id
    return event("ToolResult", said, at, data=data, attributes=given)


def structured(data: Any, at: int = NOON) -> Event:
    """A call of some tool, with JSON."""
    return event("ToolCall", at=at, data={"name": "Tool"}, blocks=[json_block(data)])


def usage(message_id: str, at: int = NOON, **more: Any) -> Usage:
    """Tokens of a response of Claude Opus 4.5, unless told otherwise."""
    more.setdefault("model", "claude-opus-4-5")
    more.setdefault("provider", "anthropic")
    more.setdefault("seq", 1)
    return Usage(message_id=message_id, time_us=at, **more)


class Index:
    """An index in a file, open for writing; `db` may as well be read from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db: apsw.Connection = open_index(path)
        self._sources = 0

    def session(
        self,
        native_id: str,
        events: Sequence[Event] = (),
        *,
        agent: str = "claude-code",
        title: str = "",
        used: Sequence[Usage] = (),
        state: str = "ok",
        path: str = "",
        git_root: str = "",
        repo: str = "",
        ended: bool = False,
        source_columns: dict[str, Any] | None = None,
        **info: Any,
    ) -> int:
        """Stores a session; returns its key. `info` are fields of `SessionInfo`."""
        self._sources += 1
        facts = SessionInfo(id=native_id, agent=agent, **info)
        sums = tally(events)
        with self.db:
            source = self._insert(
                "source",
                agent=agent,
                root="/root",
                path=path or f"/root/{agent}/{native_id}.jsonl",
                state=state,
                first_seen_us=NOON,
                **(source_columns or {}),
            )
            key = self._insert(
                "session",
                agent=agent,
                native_id=native_id,
                short=short(session_key("local", agent, native_id)),
                source=source,
                role=facts.role,
                parent=facts.parent,
                parent_call_id=facts.parent_call_id,
                provider=facts.provider,
                model=facts.model,
                tool_version=facts.tool_version,
                title=title or facts.title or facts.first_prompt[:80],
                description=facts.first_prompt[:500],
                cwd=facts.cwd,
                last_cwd=facts.last_cwd,
                git_root=git_root,
                git_repo_name=repo,
                git_remote=facts.git_remote,
                git_branch=facts.git_branch,
                git_commit=facts.git_commit,
                created_us=sums.first_us,
                updated_us=sums.last_us,
                event_count=len(events),
                message_count=sums.messages,
                user_message_count=sums.user_messages,
                tool_call_count=sums.tool_calls,
                error_count=sums.errors,
                lines_added=sums.lines_added,
                lines_removed=sums.lines_removed,
                ended=int(ended),
                info=msgspec.msgpack.encode(facts),
            )
            named = title or facts.title or facts.first_prompt[:80]
            if named:
                self._search(key << 24, named)
            for seq, each in enumerate(events, start=1):
                self._event(key, seq, each)
            for record in used:
                self._usage(key, record)
        return key

    def _event(self, session: int, seq: int, event: Event) -> None:
        key = session << 24 | seq
        self._insert(
            "event",
            id=key,
            event_id=event.event_id,
            time_us=event.time_us,
            type=body.type_code(event.type),
            flags=int(is_error(event)),
            task=event.task_id,
            body=body.encode(event),
        )
        searched = search_text(event)
        if searched:
            self._search(key, searched)
        if event.type in _KINDS and event.data is not None:
            self._insert(
                "file_touch",
                session=session,
                seq=seq,
                path=event.data["path"],
                kind=_KINDS[event.type],
                time_us=event.time_us,
            )

    def _usage(self, session: int, usage: Usage) -> None:
        self._insert(
            "usage",
            session=session,
            message_id=usage.message_id,
            seq=usage.seq,
            time_us=usage.time_us,
            provider=usage.provider,
            model=usage.model,
            input=usage.input,
            output=usage.output,
            cache_read=usage.cache_read,
            cache_write=usage.cache_write,
            cache_write_1h=usage.cache_write_1h,
            cost_recorded=usage.cost_microdollars,
        )

    def _search(self, key: int, searched: str) -> None:
        stored = fts_text(searched)
        self._insert("search", rowid=key, text=stored, parts=identifier_parts(stored))

    def _insert(self, table: str, **values: Any) -> int:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
        return self.db.last_insert_rowid()
