"""names.*: what people call their sessions."""

from __future__ import annotations

import asyncio
import functools
import time
from collections import Counter
from collections.abc import Sequence

import apsw
import msgspec

from opensession.core import ids
from opensession.core.errors import Unreachable, UsageError
from opensession.core.rpc import names as rpc
from opensession.core.rpc.envelope import Nothing
from opensession.core.rpc.sessions import ResolveParams
from opensession.core.timeparse import format_time
from opensession.daemon.client import Client
from opensession.daemon.name_forms import good_alias, good_note, good_tag
from opensession.daemon.naming import AliasTaken, NameBook
from opensession.daemon.state import App, Handler
from opensession.daemon.store.context import QueryContext
from opensession.daemon.store.names import Key, SessionNames, one_of
from opensession.daemon.store.resolve import resolve
from opensession.daemon.store.sessions_write import ORIGIN

MOST_TAGS = 64
"""Of one session."""


async def set_(app: App, params: rpc.NamesSetParams, client: Client) -> rpc.NamesSetResult:
    """Change what sessions are called. Raises NotFound, and UsageError for what is no name."""
    book = _book(app)
    keys = await _keys(app, params)
    edit = functools.partial(_edited, wanted=await _cleaned(app, params, keys))
    try:
        changed = await asyncio.to_thread(book.edit, keys, edit)
    except AliasTaken as taken:
        other = _short(taken.owner)
        raise UsageError(
            f"another session has this alias: {other} of {taken.owner[0]}",
            f"opensession alias {other} --remove",
        ) from None
    return rpc.NamesSetResult(sessions=await _named(app, book, keys), changed=changed)


async def list_(app: App, params: Nothing, client: Client) -> rpc.NamesListResult:
    """All sessions that are called something, and all tags."""
    book = _book(app)
    names = book.names
    keys = sorted(names.sessions, key=lambda key: (-names.sessions[key].changed_us, key))
    counts = Counter(tag for one in names.sessions.values() for tag in one.tags)
    return rpc.NamesListResult(
        sessions=await _named(app, book, keys),
        tags=[rpc.TagCount(tag=tag, sessions=count) for tag, count in sorted(counts.items())],
    )


async def _keys(app: App, params: rpc.NamesSetParams) -> list[Key]:
    asked = ResolveParams(ref=params.ref, scope=params.scope, all=params.all)
    found = await app.library.read(resolve, asked)
    if found.seq is not None:
        raise UsageError(
            "a session is called something, not one event of it", "opensession alias HEAD NAME"
        )
    if params.alias and len(found.ids) > 1:
        raise UsageError(
            f"{params.ref} names {len(found.ids)} sessions, and an alias names one",
            "opensession tag HEAD~3 TAG",
        )
    return list(zip(found.tools, found.ids, strict=True))


async def _cleaned(app: App, params: rpc.NamesSetParams, keys: Sequence[Key]) -> rpc.NamesSetParams:
    """The same, with every name in its form; raises UsageError for what has none."""
    stripper = app.library.context().stripper

    def strip(text: str) -> str:
        return text if stripper is None else stripper.strip_text(text)[0]

    alias, note = params.alias, params.note
    if alias:
        alias = good_alias(alias, strip)
        owner = await app.library.query(_owner, alias)
        if owner is not None and owner != keys[0]:
            raise UsageError("that is the id of another session", "opensession alias HEAD NAME")
    return msgspec.structs.replace(
        params,
        alias=alias,
        note=good_note(note, strip) if note else note,
        add_tags=[good_tag(tag, strip) for tag in params.add_tags],
        remove_tags=[good_tag(tag, strip) for tag in params.remove_tags],
    )


def _edited(before: SessionNames, wanted: rpc.NamesSetParams) -> SessionNames:
    tags = set() if wanted.remove_all_tags else set(before.tags)
    tags = (tags | set(wanted.add_tags)) - set(wanted.remove_tags)
    if len(tags) > MOST_TAGS:
        raise UsageError(f"a session has at most {MOST_TAGS} tags", "opensession tag HEAD --remove")
    starred_us = before.starred_us
    if wanted.starred is not None and wanted.starred != (starred_us is not None):
        starred_us = time.time_ns() // 1000 if wanted.starred else None
    return msgspec.structs.replace(
        before,
        alias=before.alias if wanted.alias is None else wanted.alias,
        note=before.note if wanted.note is None else wanted.note,
        starred_us=starred_us,
        tags=tuple(sorted(tags)),
    )


async def _named(app: App, book: NameBook, keys: Sequence[Key]) -> list[rpc.NamedSession]:
    titles = await app.library.query(_titles, keys, app.library.context())
    return [_row(key, book.names.of(*key), titles.get(key)) for key in keys]


def _row(key: Key, names: SessionNames, title: str | None) -> rpc.NamedSession:
    return rpc.NamedSession(
        id=key[1],
        tool=key[0],
        short=_short(key),
        title=names.alias or title or "",
        native_title=title or "",
        alias=names.alias,
        note=names.note,
        starred=names.starred_us is not None,
        tags=list(names.tags),
        changed_at=format_time(names.changed_us) if names.changed_us else "",
        indexed=title is not None,
    )


def _titles(db: apsw.Connection, keys: Sequence[Key], ctx: QueryContext) -> dict[Key, str]:
    """What agents call these sessions; those that are not in the index are left out."""
    native_names = functools.cache(ctx.native_names)
    where = one_of(keys)
    found: dict[Key, str] = {}
    for agent, native_id, title, root in db.execute(
        "SELECT s.agent, s.native_id, s.title, coalesce(o.root, '')"  # noqa: S608
        f" FROM session s LEFT JOIN source o ON o.id = s.source WHERE {where.sql}",
        where.values,
    ):
        renamed = native_names(agent, root).get(native_id)
        found[agent, native_id] = renamed or title
    return found


def _owner(db: apsw.Connection, name: str) -> Key | None:
    """The session whose id or short this is."""
    for agent, native_id in db.execute(
        "SELECT agent, native_id FROM session WHERE native_id = ? OR short = ?",
        (name, name.lower()),
    ):
        return str(agent), str(native_id)
    return None


def _short(key: Key) -> str:
    return ids.short(ids.session_key(ORIGIN, *key))


def _book(app: App) -> NameBook:
    if app.library.guards is None:
        raise Unreachable("no daemon watches", "opensession daemon start")
    return app.library.guards.names


HANDLERS: dict[str, Handler] = {"names.set": set_, "names.list": list_}
